"""Routes: the recognition of calls on sessions, and of requests that disguise such a call.

The calls are those of `talonschema.model.endpoints`. A request is a call on a session if its method
and path are in plain form. A request is `Suspicious` if it becomes a call only after normalisation
(percent-decoding, resolving dot segments, merging slashes, case folding, dropping matrix
parameters, a header that overrides the method): a server behind the gateway may serve it as a call,
which would not have been judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final, Literal, NamedTuple, TypeAlias
from unicodedata import normalize
from urllib.parse import unquote, unquote_plus, unquote_to_bytes

from .endpoints import BOOLEANS, ENDPOINTS, SESSIONS, Endpoint, QueryParameter, endpoint
from .states import Operation

Headers: TypeAlias = Sequence[tuple[str, str]]
"""Pairs of a name in lower case and a value."""
Parameter: TypeAlias = Literal["customerSessionId", "method"] | QueryParameter


class Route(NamedTuple):
    """A call on a session."""

    operation: Operation
    session: str
    """The session's id, percent-decoded."""
    dry: bool = False
    """The query parameter ``dry``, if the call has it: nothing is stored."""
    now: str | None = None
    """The query parameter ``now``, if the call has it."""


class Suspicious(NamedTuple):
    """A request that servers may take for a call on a session, or for another call than it is."""

    parameter: Parameter
    """The part of the request at fault."""
    reason: str


_SUFFIXES: Final = frozenset(each.suffix for each in ENDPOINTS.values())

OVERRIDES: Final = frozenset({"x-http-method-override", "x-http-method", "x-method-override"})
"""Headers with which frameworks override the method of a request."""

_ID = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,=:@-]++|%[0-9A-Fa-f]{2})+")
"""The characters of a path segment (RFC 3986, section 3.3), without matrix parameters."""

_LONGEST = 8192
"""The most characters of a path that is normalised; longer ones may be any call."""
_LAYERS = 6
"""The most layers of percent-encoding that are decoded."""


def match(
    method: str, target: str, headers: Headers = (), prefix: str = ""
) -> Route | Suspicious | None:
    """Return the route of a request that is a call on a session, None for any other request.

    `target` is the path and query as received; `prefix` comes before ``/v2`` in every path.
    """
    path, _, query = target.partition("?")
    start = prefix + SESSIONS
    if path.startswith(start):
        session, slash, after = path[len(start) :].partition("/")
        methods = _methods(method, query, headers)
        known = any(endpoint(name, after) for name in methods)
        # If slashes are merged, a path with an empty id is that of another call.
        if (known or session) and (not slash or (after and after in _SUFFIXES)):
            if not known:
                return None
            called = endpoint(method, after)
            if called is None or methods != {method}:
                return Suspicious("method", "the method is overridden, or not in upper case")
            fault = _fault(session) or _crossing(path, prefix, session, after)
            if "#" in query:
                # Some servers discard a fragment, others treat it as part of the query.
                fault = "the target has a fragment"
            if fault:
                return Suspicious("customerSessionId", fault)
            route = Route(called.operation, unquote(session))
            return _with_parameters(route, called, query) if query and called.parameters else route
    elif "customer_sessions" not in path.casefold() and "%" not in path and path.isascii():
        return None
    methods = _methods(method, query, headers)
    forms = {path, _characters(path)}
    found = {after for form in forms for _, after in _loosely(form, prefix)}
    if any(endpoint(name, after) for after in found for name in methods):
        return Suspicious("customerSessionId", "the path is not in its canonical form")
    return None


def _methods(method: str, query: str, headers: Headers) -> set[str]:
    """Return all methods that servers may find in a request, in capitals."""
    methods = {method.upper()}
    for name, value in headers:
        # CGI and WSGI do not distinguish - from _, and join repeated headers to a list.
        if name.replace("_", "-") in OVERRIDES:
            methods.update(each.strip().upper() for each in value.split(","))
    if "%" in query or "_method" in query.casefold():
        methods |= {
            value.upper()
            for name, value in _parameters(query)
            if value is not None and name.casefold() == "_method"
        }
    return methods


def _fault(session: str) -> str | None:
    """Return the fault of an id in its encoded form."""
    if not session:
        return "the id is empty"
    if not _ID.fullmatch(session):
        return "the id is not percent-encoded"
    if "%" not in session and session not in (".", ".."):
        return None
    try:
        decoded = unquote_to_bytes(session).decode()
    except UnicodeDecodeError:
        return "the id is not UTF-8"
    if any(ord(each) < ord(" ") or each == "\x7f" for each in decoded):
        return "the id contains control characters"
    if _decode(session) in (".", ".."):
        return "the id is a dot segment"
    return None


def _crossing(path: str, prefix: str, session: str, after: str) -> str | None:
    """Return the fault of an id whose encoded slashes lead to another session."""
    if "%" not in session or {"/", "\\"}.isdisjoint(_decode(session)):
        return None
    forms = (form for each in _layers(session) for form in _case_folds(each))
    itself = {("/".join(_resolve_dots([form])), after) for form in forms}
    if itself.issuperset(_loosely(path, prefix)):
        return None
    return "the decoded id contains slashes that change the path"


def _characters(path: str) -> str:
    """Return a path, whose characters represent bytes as in headers, decoded as UTF-8."""
    try:
        return path.encode("latin-1").decode()
    except UnicodeError:
        return path


def _loosely(path: str, prefix: str) -> set[tuple[str, str]]:
    """Return the pairs of session and suffix that a path may lead to.

    The path is normalised in all possible ways, after percent-decoding any number of times.
    """
    base = [*prefix.casefold().split("/")[1:], "v2", "customer_sessions"]
    if len(path) > _LONGEST:
        return {("", after) for after in _SUFFIXES}
    found = set()
    for layer in _layers(path):
        for segments in _normal_forms(layer):
            after = "/".join(segments[len(base) + 1 :])
            if segments[: len(base)] == base and len(segments) > len(base) and after in _SUFFIXES:
                found.add((segments[len(base)], after))
    return found


def _layers(text: str) -> Iterator[str]:
    """Yield a text, and the result of each further percent-decoding."""
    for _ in range(_LAYERS):
        yield text
        before, text = text, unquote(text)
        if text == before:
            break


def _decode(text: str) -> str:
    """Return a text without any percent-encoding."""
    return [*_layers(text)][-1]


def _case_folds(text: str) -> set[str]:
    """Return a text case-folded and in NFKC, with and without blanks and control characters."""
    folded = normalize("NFKC", text).casefold()
    return {folded, re.sub(r"[\x00-\x20\x7f]", "", folded)}


def _normal_forms(path: str) -> Iterator[list[str]]:
    """Yield the segments of a path for each combination of normalisations that apply to it."""
    for folded in _case_folds(path):
        text = re.sub(r"^[a-z][a-z0-9+.-]*://[^/]*", "", folded)
        text = re.split("[?#]", text, maxsplit=1)[0]
        choices = [(False, True) if mark in text else (False,) for mark in ("\\", ";", "//")]
        for backslashes, matrices, joined in product(*choices):
            names = (text.replace("\\", "/") if backslashes else text).split("/")
            if matrices:
                names = [name.partition(";")[0] for name in names]
            if joined:
                names = [name for name in names if name]
            yield [name for name in _resolve_dots(names) if name]


def _resolve_dots(names: list[str]) -> list[str]:
    """Return names without dot segments and trailing dots, which some systems drop."""
    found: list[str] = []
    for name in names:
        if name == "..":
            del found[-1:]
        elif name != ".":
            found.append(name.rstrip(".") or name)
    return found


def _parameters(query: str) -> list[tuple[str, str | None]]:
    """Return the decoded names and values of a query; None for a name without ``=``."""
    pairs = [part.partition("=") for part in re.split("[&;]", query)]
    return [
        (unquote_plus(name), unquote_plus(value) if sign else None) for name, sign, value in pairs
    ]


def _with_parameters(route: Route, called: Endpoint, query: str) -> Route | Suspicious:
    """Add the parameters of a call to its route, unless they are ambiguous."""
    given: dict[QueryParameter, str] = {}
    for name, value in _parameters(query):
        parameter = next((each for each in called.parameters if each == name.casefold()), None)
        if parameter is None:
            continue
        if name != parameter or ";" in query:
            return Suspicious(parameter, "the parameter is not in its canonical form")
        if parameter in given:
            return Suspicious(parameter, "the parameter is given more than once")
        if value is None or (parameter == "dry" and value not in BOOLEANS):
            return Suspicious(parameter, _VALUES[parameter])
        given[parameter] = value
    return route._replace(dry=BOOLEANS[given.get("dry", "")], now=given.get("now"))


_VALUES: Final[dict[QueryParameter, str]] = {
    "dry": "the value is not true or false",
    "now": "the parameter has no value",
}
