"""Preload: loads all that is otherwise loaded when a request first needs it.

Later there may be no descriptor left to open a file with, or the files may be those of another
release.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Final

from ..reading.document import PARSER

_PACKAGE: Final = __package__.rpartition(".")[0]
_LATE: Final = (
    *(f"{_PACKAGE}.reading.{name}" for name in ("json_scanner", "first_fault", "infinities")),
    *(f"{_PACKAGE}.reading.{name}" for name in ("lines", "parsers", "positions", "toml_reader")),
    f"{_PACKAGE}.structure.reference",
    *("brotli", "concurrent.futures.thread", "difflib", "encodings.idna", "html", "tomllib"),
    # UTF-16 and UTF-32 are recognised, to be refused by their names.
    *(f"encodings.utf_{bits}{order}" for bits in (16, 32) for order in ("", "_be", "_le")),
)


def preload() -> None:
    """Import the modules, and go over to the fastest parser. What is not installed is left out."""
    for name in _LATE:
        with suppress(ImportError):
            import_module(name)
    PARSER.use_fastest()
