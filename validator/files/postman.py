"""Postman: the calls on sessions in a collection, which has no answers and no times.

Source: Postman Collection Format 2.1.0 (and 2.0.0, whose URLs may be strings). Variables are
written as ``{{name}}``, and in paths as ``:name``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from ..findings.pointer import Path
from ..model.routes import match
from .exchange import Body, Exchange

_VARIABLE = re.compile(r"\{\{[^{}]*\}\}")
_BARE = re.compile(r'"(?:[^"\\]|\\.)*"|\{\{([^{}"\n]*)\}\}', re.DOTALL)
_MARK = "\ue000"
"""A private-use character that replaces the braces of variables that are whole values."""
_MOST_FOLDERS = 50
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?P<host>\{\{[^{}]*\}\}|[^/?#]*)")


def is_collection(value: Any) -> bool:
    """Return True for a collection of format 2."""
    about = value.get("info") if isinstance(value, dict) else None
    schema = about.get("schema") if isinstance(about, dict) else None
    return isinstance(schema, str) and "/json/collection/v2." in schema


def exchanges(value: Any, prefix: str) -> Iterator[Exchange]:
    """Yield the calls on sessions in a collection, in order."""
    return _items(value, (), prefix, 0)


def with_values(text: str) -> str:
    """Return JSON text with variables that are values replaced by strings of the same length."""
    return _BARE.sub(
        lambda found: found[0] if found[1] is None else f'"{_MARK}{found[1]}{_MARK}"', text
    )


def is_variable(value: Any) -> bool:
    """Return True if a value of such a text contains a variable."""
    return isinstance(value, str) and (_MARK in value or _VARIABLE.search(value) is not None)


def _items(value: Any, path: Path, prefix: str, depth: int) -> Iterator[Exchange]:
    held = value.get("item") if isinstance(value, dict) and depth < _MOST_FOLDERS else None
    for index, item in enumerate(held if isinstance(held, list) else ()):
        below = (*path, "item", index)
        request = item.get("request") if isinstance(item, dict) else None
        if isinstance(request, dict):
            method = request.get("method")
            route = None
            if isinstance(method, str):
                target, own = _target(request.get("url"))
                route = match(method, target, (), prefix)
                if route is None and own and prefix:
                    # The variable of the host may include the prefix.
                    route = match(method, target)
            if route is not None:
                yield Exchange(below, route, _body(request, (*below, "request", "body", "raw")))
        yield from _items(item, below, prefix, depth + 1)


def _body(request: dict[str, Any], path: Path) -> Body:
    body = request.get("body")
    if not isinstance(body, dict) or body.get("disabled") is True:
        return Body(b"")
    if body.get("mode", "raw") != "raw":
        return Body(b"", fault="mode")
    text = body.get("raw")
    if not isinstance(text, str) or not text:
        return Body(b"")
    return Body(text.encode(errors="surrogatepass"), path)


def _target(url: Any) -> tuple[str, bool]:
    """Return the path and query of a URL, and whether its host is a variable."""
    if isinstance(url, str):
        host = _URL.match(url)
        rest = url[host.end() :].partition("#")[0] if host else url
        path, _, query = rest.partition("?")
        names = path.split("/")[1:]
        pairs = [part.partition("=")[::2] for part in query.split("&") if part]
        variable = host is not None and host["host"].startswith("{{")
    elif isinstance(url, dict):
        held = url.get("path")
        parts = held.split("/") if isinstance(held, str) else held
        names = [str(part) for part in parts] if isinstance(parts, list) else []
        if names[:1] == [""]:
            del names[0]
        listed = url.get("query")
        pairs = [
            (str(each.get("key") or ""), str(each.get("value") or ""))
            for each in (listed if isinstance(listed, list) else ())
            if isinstance(each, dict) and each.get("disabled") is not True
        ]
        variable = "{{" in str(url.get("host"))
    else:
        return "", False
    path = "".join(f"/{_segment(name)}" for name in names)
    query = "&".join(
        f"{quote(key, safe='%')}={quote(value, safe='%')}"
        for key, value in pairs
        if not _VARIABLE.search(value)
    )
    return (f"{path}?{query}" if query else path), variable


def _segment(name: str) -> str:
    if name.startswith(":") and name[1:]:
        return "variable"
    return quote(_VARIABLE.sub("variable", name), safe="%!$&'()*+,;=:@~")
