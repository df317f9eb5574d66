"""The process of the command, as ``talonschema`` and ``python -m talonschema`` start it."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

_MANY = 100_000
"""Starting makes fewer objects than this, and none of them is garbage to be looked for."""
_LASTING = frozenset({"asyncio", "multiprocessing"})
"""Modules that leave other things to be taken down than memory."""


def run() -> NoReturn:
    """Run the command, and end the process with its status."""
    gc.set_threshold(_MANY, 50, 100)
    from .cli import main

    status = main()
    if _LASTING.isdisjoint(sys.modules):
        # All is written. To take each module down, one by one, takes longer than many a check.
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    run()
