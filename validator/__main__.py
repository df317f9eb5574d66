"""Main: the entry point of ``talonschema`` and ``python -m talonschema``."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

_MANY = 100_000
"""The garbage collector's threshold: startup creates fewer objects, none of which is garbage."""
_LASTING = frozenset({"asyncio", "multiprocessing"})
"""Modules that need more clean-up at exit than freeing memory."""


def run() -> NoReturn:
    """Run the command, and exit with its status."""
    gc.set_threshold(_MANY, 50, 100)
    from .cli import main

    status = main()
    if _LASTING.isdisjoint(sys.modules):
        # All output is written, and finalising all modules takes longer than many checks.
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    run()
