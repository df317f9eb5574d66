"""Exchange: a call on a session that a capture holds, whatever the format of the capture."""

from __future__ import annotations

from typing import Final, NamedTuple

from ..findings.pointer import Path
from ..model.routes import Route, Suspicious

MAX_CAPTURE: Final = 256 * 2**20
"""The most bytes of a HAR file: pages and pictures make it larger than any document."""


class Body(NamedTuple):
    """A body, and the string of the capture that holds it."""

    content: bytes
    path: Path | None = None
    """None: there is no body."""
    encoded: bool = False
    """The string is not the content itself, but base64 or compressed."""
    fault: str = ""
    """The kind of ``capture/unreadable-body``, if the content is not known."""


class Exchange(NamedTuple):
    """A captured call and its answer."""

    path: Path
    """The part of the capture that is about it."""
    route: Route | Suspicious
    request: Body
    read: bool = False
    """The call reads the session, and has no body."""
    host: str = ""
    start: float = 0.0
    """In seconds, as `end` is."""
    end: float = 0.0
    status: int | None = None
    """Of the answer; 0: there was none; None: captures of this format have no answers."""
    response: Body | None = None
    """None: it is not held, or no JSON."""
