"""Exchange: a captured call on a session, independent of the format of the capture."""

from __future__ import annotations

from typing import Final, NamedTuple

from ..findings.pointer import Path
from ..model.routes import Route, Suspicious

MAX_CAPTURE: Final = 256 * 2**20
"""The limit of a HAR file in bytes: pages and images make it larger than any document."""


class Body(NamedTuple):
    """A body, and the string of the capture that contains it."""

    content: bytes
    path: Path | None = None
    """The path of the string; None if there is no body."""
    encoded: bool = False
    """Whether the string is encoded as base64 or compressed."""
    fault: str = ""
    """The kind of ``capture/unreadable-body`` if the content is unknown."""


class Exchange(NamedTuple):
    """A captured call and its answer."""

    path: Path
    """The path of the entry in the capture."""
    route: Route | Suspicious
    request: Body
    read: bool = False
    """Whether the call reads the session, and so has no body."""
    host: str = ""
    start: float = 0.0
    """The start in seconds, as is `end`."""
    end: float = 0.0
    status: int | None = None
    """The status of the answer; 0 if there was none, None if the format has no answers."""
    response: Body | None = None
    """The body of the answer; None if it is missing or not JSON."""
