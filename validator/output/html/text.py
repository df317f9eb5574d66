"""Text in HTML: whatever it holds, it is shown as text."""

from __future__ import annotations

from html import escape

from ...display.terminal import escape_controls


def text(content: str) -> str:
    """Return `content` for an element or a quoted attribute, in ASCII.

    Control characters, those that turn the direction of text included, become escapes.
    """
    return escape(escape_controls(content)).encode("ascii", "xmlcharrefreplace").decode()
