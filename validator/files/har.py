"""HAR: the calls on sessions in an HTTP Archive.

Source: HTTP Archive (HAR) 1.2. Some tools also write ``encoding`` into requests. The start of a
call is a time in ISO 8601; its duration is in milliseconds.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ..findings.pointer import Path
from ..model.routes import Route, match
from ..reading.content_encoding import decompress
from ..reading.document import MAX_BYTES
from .exchange import Body, Exchange


def entries(value: Any) -> list[Any] | None:
    """Return the entries of an archive; None for any other value."""
    log = value.get("log") if isinstance(value, dict) else None
    found = log.get("entries") if isinstance(log, dict) else None
    return found if isinstance(found, list) else None


def exchanges(value: Any, prefix: str) -> Iterator[Exchange]:
    """Yield the calls on sessions in an archive, in order."""
    last = 0.0
    for index, entry in enumerate(entries(value) or ()):
        if not isinstance(entry, dict):
            continue
        last = _time(entry.get("startedDateTime"), last)
        found = _exchange(entry, ("log", "entries", index), prefix, last)
        if found is not None:
            yield found


def _exchange(entry: dict[str, Any], path: Path, prefix: str, start: float) -> Exchange | None:
    request, response = _object(entry, "request"), _object(entry, "response")
    method, headers = request.get("method"), _headers(request)
    try:
        url = urlsplit(request.get("url") or "")
    except (ValueError, AttributeError):
        return None
    if not isinstance(method, str) or not isinstance(url.path, str):
        return None
    target = f"{url.path}?{url.query}" if url.query else url.path
    route = match(method, target, headers, prefix)
    read = False
    if route is None and method == "GET":
        # Reads of a session have the same path as its updates.
        route = match("PUT", url.path, (), prefix)
        read = isinstance(route, Route) and route.operation == "update"
        if not read:
            return None
    if route is None:
        return None
    status = response.get("status")
    length = entry.get("time")
    return Exchange(
        path,
        route,
        _request_body(request, headers, (*path, "request", "postData", "text")),
        read,
        f"{url.scheme}://{url.netloc}",
        start,
        start + (max(0, length) / 1000 if isinstance(length, (int, float)) else 0),
        status if isinstance(status, int) else 0,
        _response_body(response, (*path, "response", "content", "text")),
    )


def _request_body(
    request: dict[str, Any], headers: tuple[tuple[str, str], ...], path: Path
) -> Body:
    data = _object(request, "postData")
    text = data.get("text")
    if not isinstance(text, str) or not text:
        size = request.get("bodySize")
        sent = isinstance(size, int) and size > 0
        return Body(b"", None, fault="missing" if sent else "")
    encoding = next((value for name, value in headers if name == "content-encoding"), "")
    return _body(text, data.get("encoding"), encoding.strip().lower(), path)


def _response_body(response: dict[str, Any], path: Path) -> Body | None:
    content = _object(response, "content")
    text, kind = content.get("text"), content.get("mimeType")
    if not isinstance(text, str) or not text or not isinstance(kind, str) or "json" not in kind:
        return None
    return _body(text, content.get("encoding"), "", path)


def _body(text: str, held: Any, encoding: str, path: Path) -> Body:
    """Return a decoded body; most tools have already decompressed it."""
    if held != "base64" and (encoding in ("", "identity") or text.lstrip()[:1] in ("{", "[")):
        return Body(text.encode(errors="surrogatepass"), path)
    try:
        content = b64decode(text) if held == "base64" else text.encode("latin-1")
        if encoding not in ("", "identity") and content.lstrip()[:1] not in (b"{", b"["):
            found = decompress(content, encoding, MAX_BYTES)
            if found is None:
                return Body(b"", path, fault="encoding")
            content = found
    except (ValueError, LookupError, ImportError):
        return Body(b"", path, fault="encoding")
    return Body(content, path, encoded=True)


def _headers(request: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    held = request.get("headers")
    return tuple(
        (each["name"].lower(), each["value"])
        for each in (held if isinstance(held, list) else ())
        if isinstance(each, dict)
        and isinstance(each.get("name"), str)
        and isinstance(each.get("value"), str)
    )


def _time(text: Any, last: float) -> float:
    """Return a time in seconds; for an invalid one `last`, the time of the previous entry."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return last
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _object(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}
