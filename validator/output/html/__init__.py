"""HTML: one page about all files that needs no other file and no network."""

from .page import report

__all__ = ["report"]
