"""HTML: a self-contained page for all files."""

from .page import report

__all__ = ["report"]
