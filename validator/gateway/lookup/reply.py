"""Reply: the interpretation of the API's answer to a look-up.

Sources: the operation "Get customer session" of the Integration API's OpenAPI file of 2026, which
lists 200 and 401, and its ErrorResponse, which requires ``message``.
"""

from __future__ import annotations

from typing import Final

from ..messages import Response
from ..outcome import json_object, moment
from ..store import Learned

_OUTCOMES: Final = {401: "denied", 403: "denied", 429: "limited"}
_OK: Final = 200
_NOT_FOUND: Final = 404


def interpret(response: Response, session: str) -> tuple[str, Learned | None]:
    """Return the outcome of a look-up, and what the answer shows about the session, if anything."""
    status = response.status
    if status not in (_OK, _NOT_FOUND):
        return _OUTCOMES.get(status, "failed"), None
    body = json_object(response)
    if status == _NOT_FOUND:
        # Other servers also answer 404, but not with the API's `message`.
        return "missing" if isinstance(body.get("message"), str) else "malformed", None
    found = body.get("customerSession")
    if not isinstance(found, dict) or found.get("integrationId") != session:
        return "malformed", None
    state = found.get("state")
    if not isinstance(state, str):
        return "malformed", None
    return "learned", Learned(state, moment(found.get("updated")))
