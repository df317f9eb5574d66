"""Preload: loading of everything that is otherwise loaded on first use.

By then, the process may have run out of file descriptors, or the files may be those of another
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
    # UTF-16 and UTF-32 are detected, so that a refusal can name them.
    *(f"encodings.utf_{bits}{order}" for bits in (16, 32) for order in ("", "_be", "_le")),
)


def preload() -> None:
    """Import the modules, and select the fastest parser; skip what is not installed."""
    for name in _LATE:
        with suppress(ImportError):
            import_module(name)
    PARSER.use_fastest()
