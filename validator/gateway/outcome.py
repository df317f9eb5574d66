"""Outcome: what an answer of the API shows about its request.

An answer that no real run of the request can give shows nothing: it is about another session, from
a dry run, or has a state that the call does not lead to. The result of the request then stays
possible.

Sources: the descriptions of ``integrationId`` (the id in the URL), of ``responseContent``
(``campaignEligibility`` comes with ``dry=true`` only) and of the states in the Integration API's
OpenAPI file of 2026; `talonschema.model.states`.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from ..model.endpoints import ENDPOINTS
from ..model.routes import Route
from ..model.states import STATES, resulting_state
from .body import inflate
from .messages import Response, header
from .store import Learned, Refused, RequestOutcome, Uncertain

MOST_LEARNED: Final = 2**20
"""Bytes of a body, also decompressed, beyond which only the status of an answer is learned."""
_DONE: Final = 2
_FAULTY: Final = 4
_UNDECIDED: Final = frozenset({408, 499})
"""Client errors of requests that took too long, which leave open whether they were done."""


def outcome(response: Response | None, route: Route, query: str) -> RequestOutcome:
    """Return the outcome of a call with this query by its answer, which is None if it was lost."""
    if response is None:
        return Uncertain()
    kind = response.status // 100
    if kind == _FAULTY and response.status not in _UNDECIDED:
        return Refused()
    if kind != _DONE:
        return Uncertain()
    body = json_object(response)
    session = body.get("customerSession")
    if not isinstance(session, dict):
        session = {}
    if _impossible(body, session, route, query):
        return Uncertain()
    state, updated = session.get("state"), session.get("updated")
    return Learned(state if isinstance(state, str) else None, moment(updated))


def json_object(response: Response) -> dict[str, Any]:
    """Return the JSON object in the body of an answer; an empty one if there is none."""
    body: bytes | None = response.body
    encoding = header(response.headers, "content-encoding")
    if body and encoding is not None:
        body = inflate(body, encoding, MOST_LEARNED)
    try:
        value = json.loads(body or b"null")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _impossible(body: dict[str, Any], session: dict[str, Any], route: Route, query: str) -> bool:
    """Return True if no real run of a call can give this answer."""
    if body.get("campaignEligibility") is not None:
        return True
    if "dry" in query and "dry" not in ENDPOINTS[route.operation].parameters:
        # The call has no dry run; whether the API did one nevertheless is unknown.
        return True
    name, state = session.get("integrationId"), session.get("state")
    if isinstance(name, str) and name != route.session:
        return True
    if route.operation == "update" or state not in STATES:
        return False
    return bool(state != resulting_state(route.operation, None, None))


def moment(value: Any) -> datetime | None:
    """Return the datetime of a date and time with an offset; None for anything else."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
