"""Routes: the plain form is a call, what can be taken for one is suspicious, the rest is none."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from talonschema.model.routes import Route, Suspicious, match

SESSIONS = "/v2/customer_sessions"


@pytest.mark.parametrize(
    ("method", "target", "route"),
    [
        ("PUT", f"{SESSIONS}/cart-1", Route("update", "cart-1")),
        ("PUT", f"{SESSIONS}/cart-1?dry=true", Route("update", "cart-1", dry=True)),
        ("PUT", f"{SESSIONS}/cart-1?dry=false&x=1", Route("update", "cart-1")),
        ("PUT", f"{SESSIONS}/cart-1?%64ry=tru%65", Route("update", "cart-1", dry=True)),
        ("PUT", f"{SESSIONS}/cart-1?", Route("update", "cart-1")),
        (
            "PUT",
            f"{SESSIONS}/cart-1?dry=true&now=2031-01-01T00%3A00%3A00%2B01%3A00",
            Route("update", "cart-1", dry=True, now="2031-01-01T00:00:00+01:00"),
        ),
        ("POST", f"{SESSIONS}/cart-1/returns", Route("return", "cart-1")),
        ("POST", f"{SESSIONS}/cart-1/returns?dry=true", Route("return", "cart-1", dry=True)),
        # Only updates have `now`.
        ("POST", f"{SESSIONS}/cart-1/returns?now=x&NOW=y", Route("return", "cart-1")),
        ("PUT", f"{SESSIONS}/cart-1/reopen", Route("reopen", "cart-1")),
        # Reopening has no parameters.
        ("PUT", f"{SESSIONS}/cart-1/reopen?dry=maybe", Route("reopen", "cart-1")),
        ("PUT", f"{SESSIONS}/2024%2F0012", Route("update", "2024/0012")),
        ("PUT", f"{SESSIONS}/a%5Cb", Route("update", "a\\b")),
        ("PUT", f"{SESSIONS}/a%20b%3B%23%3F", Route("update", "a b;#?")),
        ("PUT", f"{SESSIONS}/a%252520b", Route("update", "a%2520b")),
        ("PUT", f"{SESSIONS}/a+b", Route("update", "a+b")),
        ("PUT", f"{SESSIONS}/Caf%C3%A9", Route("update", "Café")),
        ("PUT", f"{SESSIONS}/returns", Route("update", "returns")),
        ("PUT", f"{SESSIONS}/a.b..c", Route("update", "a.b..c")),
        ("PUT", f"{SESSIONS}/a?x=%41&method=GET&dry=false", Route("update", "a")),
    ],
)
def test_calls_in_plain_form(method: str, target: str, route: Route) -> None:
    assert match(method, target) == route
    assert match(method, f"/talon{target}", prefix="/talon") == route
    assert match(method, target, prefix="/talon") is None


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", f"{SESSIONS}/cart-1"),
        ("HEAD", f"{SESSIONS}/cart-1"),
        ("OPTIONS", f"{SESSIONS}/cart-1"),
        ("DELETE", f"{SESSIONS}/cart-1"),
        ("POST", f"{SESSIONS}/cart-1"),
        ("GET", f"{SESSIONS}/cart-1/returns"),
        ("PUT", f"{SESSIONS}/cart-1/returns"),
        ("POST", f"{SESSIONS}/cart-1/reopen"),
        ("PUT", f"{SESSIONS}/cart-1/other"),
        ("PUT", f"{SESSIONS}/cart-1/reopen/x"),
        ("PUT", SESSIONS),
        ("PUT", "/v1/customer_sessions/cart-1"),
        ("PUT", "/v2/customer_profiles/100%25"),
        ("PUT", "/v2/customer_sessionsx/cart-1"),
        ("POST", "/v2/events?path=/v2/customer_sessions/x"),
        ("OPTIONS", "*"),
        ("CONNECT", "api.example:443"),
        ("PUT", ""),
    ],
)
def test_other_requests_are_no_calls(method: str, target: str) -> None:
    assert match(method, target) is None


@pytest.mark.parametrize(
    "path",
    [
        f"/{SESSIONS}/a",
        "/v2//customer_sessions/a",
        f"{SESSIONS}//a",
        f"{SESSIONS}/a/",
        f"{SESSIONS}/a//",
        f"/.{SESSIONS}/a",
        f"/x/..{SESSIONS}/a",
        f"{SESSIONS}/b/../a",
        f"{SESSIONS}/b/%2e%2e/a",
        f"{SESSIONS}/b/%252e%252e/a",
        f"{SESSIONS}/./a",
        "/v2/Customer_Sessions/a",
        "/V2/customer_sessions/a",
        "/v2/customer%5Fsessions/a",
        "/v2/customer%255Fsessions/a",
        "/v2%2Fcustomer_sessions%2Fa",
        "%2Fv2/customer_sessions/a",
        "/v2\\customer_sessions\\a",
        "/v2/customer_sessions%5Ca",
        "/v2;x=1/customer_sessions/a",
        "/v2/customer_sessions;x=1/a",
        f"{SESSIONS}/a#b",
        f"{SESSIONS}/a/reopen;x",
        f"{SESSIONS}/a/%72eopen",
        f"{SESSIONS}/a/REOPEN",
        f"{SESSIONS}/a/reopen/",
        f"{SESSIONS}/a//reopen",
        f"{SESSIONS}/a%2Freopen",
        f"{SESSIONS}/a%252Freopen",
        f"{SESSIONS}/b%2F..%2Fa",
        f"{SESSIONS}/b%5C..%5Ca",
        f"{SESSIONS}/a%2F",
        f"{SESSIONS}/%2Fa",
        f"http://api.example{SESSIONS}/a",
        f"HTTPS://api.example:443{SESSIONS}/a",
        "/v2/\uff43ustomer_sessions/a",
        "/v2/customer_se\u017f\u017fions/a",
        "/v2/customer_se\xc5\xbf\xc5\xbfions/a",
        "/v2/customer_%C5%BFessions/a",
        f"{SESSIONS}/a;b",
        f"{SESSIONS}/a b",
        f"{SESSIONS}/caf\u00e9",
        f"{SESSIONS}/100%",
        f"{SESSIONS}/a%zz",
        f"{SESSIONS}/%FF",
        f"{SESSIONS}/a%00",
        f"{SESSIONS}/a%0Ab",
        f"{SESSIONS}/a%7F",
        f"{SESSIONS}/..",
        f"{SESSIONS}/.",
        f"{SESSIONS}/%2e%2E",
        f"{SESSIONS}/%252e",
        f"{SESSIONS}//reopen",
        f"{SESSIONS}/",
    ],
)
def test_paths_that_can_be_taken_for_a_call(path: str) -> None:
    found = match("PUT", path)
    assert isinstance(found, Suspicious)
    assert found.parameter == "customerSessionId"
    assert match("GET", path) is None
    assert match("PUT", path, (("x-http-method-override", "PUT"),)) == found
    assert match("GET", path, (("x-http-method-override", "PUT"),)) is not None


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("put", f"{SESSIONS}/a", ()),
        ("Put", f"{SESSIONS}/a/reopen", ()),
        ("post", f"{SESSIONS}/a/returns", ()),
        ("POST", f"{SESSIONS}/a", (("x-http-method-override", "PUT"),)),
        ("POST", f"{SESSIONS}/a", (("x-http-method", "put"),)),
        ("GET", f"{SESSIONS}/a", (("x-method-override", " PUT "),)),
        ("GET", f"{SESSIONS}/a", (("x-http-method-override", "GET, PUT"),)),
        ("GET", f"{SESSIONS}/a", (("x-http-method-override", "PUT,GET"),)),
        ("PUT", f"{SESSIONS}/a", (("x-http-method-override", "PUT, GET"),)),
        ("GET", f"{SESSIONS}/a", (("x_http_method_override", "PUT"),)),
        ("GET", f"{SESSIONS}/a", (("x-http_method-override", "PUT"),)),
        ("GET", f"{SESSIONS}/a?_method=PUT", ()),
        ("GET", f"{SESSIONS}/a?%5Fmethod=PUT", ()),
        ("POST", f"{SESSIONS}/a?x=1;_METHOD=pu%54", ()),
        ("GET", f"{SESSIONS}/a/returns?x=1&%5Fmethod=GET&_method=post", ()),
        ("PUT", f"{SESSIONS}/a", (("x-http-method-override", "GET"),)),
        (
            "PUT",
            f"{SESSIONS}/a",
            (("x-http-method-override", "PUT"), ("x-http-method-override", "GET")),
        ),
    ],
)
def test_methods_that_can_be_taken_for_others(
    method: str, target: str, headers: tuple[tuple[str, str], ...]
) -> None:
    found = match(method, target, headers)
    assert isinstance(found, Suspicious)
    assert found.parameter == "method"


def test_a_method_that_is_overridden_by_itself_is_plain() -> None:
    headers = (("x-http-method-override", "PUT"), ("x-other", "GET"))
    assert match("PUT", f"{SESSIONS}/a", headers) == Route("update", "a")


def test_an_override_that_makes_no_call_is_let_be() -> None:
    assert match("POST", f"{SESSIONS}/a", (("x-http-method-override", "GET"),)) is None


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("dry=TRUE", "dry"),
        ("dry=2", "dry"),
        ("dry=yes", "dry"),
        ("dry=true%00", "dry"),
        ("dry", "dry"),
        ("now", "now"),
        ("dry=true#", "customerSessionId"),
        ("x#&dry=true", "customerSessionId"),
        ("dry=true&dry=true", "dry"),
        ("dry=true&x=1&dry=false", "dry"),
        ("Dry=true", "dry"),
        ("%44RY=true", "dry"),
        ("x=1;dry=true", "dry"),
        ("dry=true;x=1", "dry"),
        ("now=2031-01-01T00:00:00Z&now=2032-01-01T00:00:00Z", "now"),
        ("NOW=2031-01-01T00:00:00Z", "now"),
    ],
)
def test_queries_that_can_be_read_in_two_ways(query: str, parameter: str) -> None:
    found = match("PUT", f"{SESSIONS}/a?{query}")
    assert isinstance(found, Suspicious)
    assert found.parameter == parameter


@pytest.mark.parametrize("query", ["dry=yes", "dry=1&dry=0", "DRY=true", "dry", "dry=true#"])
def test_queries_of_returns_are_read_alike(query: str) -> None:
    assert isinstance(match("POST", f"{SESSIONS}/a/returns?{query}"), Suspicious)


@pytest.mark.parametrize(
    ("value", "dry"),
    [
        ("true", True),
        ("True", True),
        ("1", True),
        ("false", False),
        ("False", False),
        ("0", False),
        ("", False),
    ],
)
def test_spellings_of_official_sdks_count_for_what_they_mean(value: str, *, dry: bool) -> None:
    assert match("PUT", f"{SESSIONS}/a?dry={value}") == Route("update", "a", dry=dry)
    assert match("POST", f"{SESSIONS}/a/returns?dry={value}") == Route("return", "a", dry=dry)


@given(st.text(min_size=1, max_size=20))
def test_each_id_that_is_encoded_as_it_should_be_is_itself(session: str) -> None:
    assume(session not in (".", "..") and not {"/", "\\"} & set(unquote(unquote(session))))
    assume(all(ord(each) >= 32 and each != "\x7f" for each in unquote(unquote(session))))
    assume(not any(0xD800 <= ord(each) < 0xE000 for each in session))
    assume(unquote(unquote(session)) not in (".", ".."))
    path = f"{SESSIONS}/{quote(session, safe='')}"
    assert match("PUT", path) == Route("update", session)
    assert match("POST", f"{path}/returns") == Route("return", session)


def normalise_once(path: str) -> str:
    """Normalise as a proxy might: decode, then resolve dots and join slashes."""
    found: list[str] = []
    for part in unquote(path).replace("\\", "/").split("/"):
        if part == "..":
            del found[-1:]
        elif part not in ("", "."):
            found.append(part)
    return "/" + "/".join(found)


PARTS = st.sampled_from(
    [
        *("/", "//", "\\", "%2F", "%5c", "..", ".", "%2e", "%252e", "%252F", ";x", "a", "b", "v2"),
        *("customer_sessions", "CUSTOMER_SESSIONS", "returns", "reopen", "%72eturns", "%20"),
    ]
)


@example("/returns")
@given(st.lists(PARTS, max_size=12).map("".join))
def test_what_one_normalisation_makes_a_call_of_never_slips_by(rest: str) -> None:
    """Whatever a proxy makes of a path, it is the call that was judged.

    An id that is encoded twice is another one for a proxy that decodes it: only whoever configures
    the proxy can help that.
    """
    path = f"/v2/customer_sessions/{rest}"
    found = match("PUT", path)
    after = match("PUT", quote(normalise_once(path), safe="/;%"))
    if isinstance(after, Route):
        assert isinstance(found, Suspicious) or (
            isinstance(found, Route)
            and found.operation == after.operation
            and unquote(found.session) == unquote(after.session)
        )
