"""Body: the decompressed body of a request, or the reason why it can't be judged.

A body is judged as the API will read it, so an ambiguous one is refused: one with a type other than
JSON, a charset other than UTF-8, or an unsupported compression.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ..reading.content_encoding import decompress
from .messages import Request

MAX_BODY: Final = 2 * 2**20
"""The default limit of a body in bytes, both as received and decompressed."""
MAX_RATIO: Final = 200
"""The highest ratio of decompressed to compressed size. Repetitive carts reach 40 to 80; gzip can
reach 1032."""
_SPARE: Final = 64 * 1024
"""Bytes that any body may expand to, regardless of the ratio."""
_GZIP_MAGIC = b"\x1f\x8b"


class UnreadableBody(NamedTuple):
    """The reason why a body is not judged."""

    status: int
    """413 or 415; 400 if the body itself is corrupt."""
    code: str
    details: str


TOO_LARGE = "body/too-large"
TRUNCATED = "body/truncated"
BROKEN = "body/broken"
ENCODING = "body/content-encoding"
TYPE = "body/content-type"


def read(request: Request, max_body: int = MAX_BODY) -> bytes | UnreadableBody:
    """Return the decompressed body, or why it can't be judged."""
    if len(request.body) > max_body:
        return _too_large(max_body)
    if request.truncated:
        return UnreadableBody(413, TRUNCATED, "the gateway passed on only the start of the body")
    kind = encoding = None
    for name, value in request.headers:
        if name == "content-type":
            if kind is not None and kind != value:
                return UnreadableBody(415, TYPE, "there are several Content-Type headers")
            kind = value
        elif name == "content-encoding":
            encoding = value if encoding is None else f"{encoding},{value}"
    if kind is not None and kind != "application/json":
        fault = _fault(kind)
        if fault:
            return UnreadableBody(415, TYPE, fault)
    if encoding is None or not request.body:
        if request.body.startswith(_GZIP_MAGIC):
            details = "the body is compressed with gzip, but there is no Content-Encoding header"
            return UnreadableBody(415, ENCODING, details)
        return request.body
    return _inflate(request.body, encoding, max_body)


def inflate(body: bytes, encoding: str, limit: int) -> bytes | None:
    """Return a body without its Content-Encoding; None if undecodable or larger than `limit`."""
    found = _inflate(body, encoding, limit)
    return None if isinstance(found, UnreadableBody) else found


def _too_large(limit: int) -> UnreadableBody:
    return UnreadableBody(413, TOO_LARGE, f"the body has more than {limit} bytes")


def _fault(kind: str) -> str | None:
    """Return the fault of a Content-Type."""
    essence, *parameters = [part.strip().lower() for part in kind.split(";")]
    top, _, sub = essence.partition("/")
    if top != "application" or not (sub == "json" or sub.endswith("+json")):
        return "the Content-Type is not application/json"
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            return "the charset is not UTF-8"
    return None


def _inflate(body: bytes, encoding: str, max_body: int) -> bytes | UnreadableBody:
    names = [name.strip().lower() for name in encoding.split(",")]
    names = [name for name in names if name not in ("identity", "")]
    if len(names) > 1:
        return UnreadableBody(415, ENCODING, "the body is compressed more than once")
    if not names:
        return body
    limit = min(max_body, max(_SPARE, MAX_RATIO * len(body)))
    try:
        found = decompress(body, names[0], limit)
    except LookupError:
        return UnreadableBody(415, ENCODING, "the Content-Encoding is not gzip, deflate or br")
    except ImportError:
        return UnreadableBody(415, ENCODING, "Content-Encoding br needs the package brotli")
    except ValueError:
        return UnreadableBody(400, BROKEN, "the body can't be decompressed")
    if found is None and limit < max_body:
        details = f"the body decompresses to more than {MAX_RATIO} times its size"
        return UnreadableBody(413, TOO_LARGE, details)
    return _too_large(max_body) if found is None else found
