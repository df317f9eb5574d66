"""Text: escaped text in HTML."""

from __future__ import annotations

from html import escape

from ...display.terminal import escape_controls


def text(content: str) -> str:
    """Return `content` for an element or a quoted attribute, in ASCII.

    Control characters, including those for the direction of text, become escapes.
    """
    return escape(escape_controls(content)).encode("ascii", "xmlcharrefreplace").decode()
