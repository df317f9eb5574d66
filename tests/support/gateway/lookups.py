"""What each gateway has to keep where the plugin looks sessions up with the key of the request."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

import httpx
import pytest

from support.gateway.processes import Upstream, eventually
from support.gateway.promises import CLOSED, OPEN, Front, new_id, path

KEY: Final = "ApiKey-v1 s3cret"
LookupPromise: TypeAlias = Callable[[Front], None]


def lookup_settings(api: Upstream) -> str:
    """Return settings by which the plugin looks up at the stand-in API, on a busy machine."""
    return f'[gateway.lookup]\nurl = "{api.url}"\ntimeout = 10\n'


def calls(front: Front, session: str) -> list[tuple[str, str]]:
    """Return methods and keys of what reached the API about a session."""
    return [
        (each["method"], each["headers"].get("authorization", ""))
        for each in front.requests_about(session)
    ]


def is_closed(front: Front, session: str) -> bool:
    return front.api.state(session) == "closed"


def an_unknown_closed_session_is_not_reopened(front: Front) -> None:
    name = new_id()
    front.api.put(name, "closed")
    front.api.forget()
    assert front.ask("PUT", path(name), OPEN, authorization=KEY).status_code == 400
    assert calls(front, name) == [("GET", KEY)]


def an_unknown_open_session_passes(front: Front) -> None:
    name = new_id()
    front.api.put(name, "open")
    front.api.forget()
    assert front.ask("PUT", path(name), CLOSED, authorization=KEY).status_code == 200
    # It is known by now.
    assert front.ask("PUT", path(name), OPEN, authorization=KEY).status_code == 400
    assert calls(front, name) == [("GET", KEY), ("PUT", KEY)]


def a_client_that_hangs_up_leaves_no_doubt(front: Front) -> None:
    for name in (new_id(), new_id(), new_id()):
        assert front.ask("PUT", path(name), OPEN, authorization=KEY).status_code == 200
        front.api.fault(delay="0.4")
        with front.client() as client:
            client.headers["authorization"] = KEY
            with pytest.raises(httpx.ReadTimeout):
                client.put(path(name), content=CLOSED, timeout=0.15)
        eventually(partial(is_closed, front, name), "the API has not carried it out")
        assert front.ask("PUT", path(name), OPEN, authorization=KEY).status_code == 400
        assert calls(front, name).count(("PUT", KEY)) == 2


OF_LOOKUPS: tuple[LookupPromise, ...] = (
    an_unknown_closed_session_is_not_reopened,
    an_unknown_open_session_passes,
    a_client_that_hangs_up_leaves_no_doubt,
)
