"""Tokens: unique, also in processes that were forked."""

from __future__ import annotations

import subprocess
import sys

from talonschema.gateway.store.token import new_token

# A process of its own, since a process with threads, as the tests may be, should not be forked.
_FORKING = """
import os
from talonschema.gateway.store.token import new_token

new_token(1)
child = os.fork()
os.write(1, "".join(f"{new_token(1)} " for _ in range(20)).encode())
if child:
    os.waitpid(child, 0)
"""


def test_no_token_comes_twice() -> None:
    assert len({new_token(1) for _ in range(1000)}) == 1000


def test_a_forked_process_gives_other_tokens() -> None:
    done = subprocess.run([sys.executable, "-c", _FORKING], capture_output=True, check=True)
    tokens = done.stdout.split()
    assert (len(tokens), len(set(tokens))) == (40, 40)
