"""Requests by which a client may try to get an illegal move past a gateway, byte for byte.

Each wants to open a session that is closed, so none may reach the API, however it is read.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from typing import Final, NamedTuple

import talonschema
from support.gateway.promises import CLOSED, OPEN, Front, new_id, path

_CHUNKED: Final = b"%x\r\n%s\r\n0\r\n\r\n" % (len(OPEN), OPEN)
_LENGTH: Final = f"Content-Length: {len(OPEN)}"
_HEAD: Final = re.compile(rb"HTTP/1\.[01] (\d{3}) .*?\r\n\r\n", re.DOTALL)


class Trick(NamedTuple):
    """A request, of which ``{}`` in the target stands for the id."""

    name: str
    target: str = "/v2/customer_sessions/{}"
    method: str = "PUT"
    headers: tuple[str, ...] = ()
    version: str = "HTTP/1.1"
    length: str = _LENGTH
    body: bytes = OPEN

    def request(self, session: str, body: bytes = OPEN) -> bytes:
        """Return the bytes of the request, whose body is another one of the same size."""
        line = f"{self.method} {self.target.format(session)} {self.version}"
        kept = [] if any(each.lower().startswith("host:") for each in self.headers) else ["Host: x"]
        framing = [self.length] if self.length else []
        kind = "Content-Type: application/json"
        head = [line, *kept, kind, *self.headers, *framing, "Connection: close"]
        return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + self.body.replace(OPEN, body)


def _tricks(kind: str, *targets: str, method: str = "PUT") -> tuple[Trick, ...]:
    return tuple(Trick(f"{kind}-{at}", each, method) for at, each in enumerate(targets))


_SESSION: Final = "/v2/customer_sessions/{}"

TRICKS: Final = (
    *_tricks(
        "fragment",
        _SESSION + "?dry=true#",
        _SESSION + "?dry=true#&dry=false",
        _SESSION + "#",
        _SESSION + "#?dry=true",
        _SESSION + "?x#&dry=false",
    ),
    *_tricks(
        "dry",
        _SESSION + "?dry=yes",
        _SESSION + "?dry=2",
        _SESSION + "?dry=true&dry=false",
        _SESSION + "?DRY=true",
        _SESSION + "?dry=true;x=1",
        _SESSION + "?dry",
        _SESSION + "?dry=false",
        _SESSION + "?dry=0",
        _SESSION + "?dry=",
    ),
    *_tricks(
        "path",
        "/v2//customer_sessions/{}",
        "/v2/./customer_sessions/{}",
        "/x/../v2/customer_sessions/{}",
        "/v2/x/%2e%2e/customer_sessions/{}",
        "/v2/%63ustomer_sessions/{}",
        "/v2/%2563ustomer_sessions/{}",
        "/V2/Customer_Sessions/{}",
        "/v2;a=b/customer_sessions/{}",
        "/v2/customer_sessions;a=b/{}",
        "/v2\\customer_sessions\\{}",
        "/v2%2Fcustomer_sessions%2F{}",
        _SESSION + "/",
        _SESSION + "%2F",
        _SESSION + "%00",
        "/v2/customer_sessions/b%2F..%2F{}",
        "//v2/customer_sessions/{}",
    ),
    *_tricks(
        "absolute",
        "http://x" + _SESSION,
        "HTTP://other:80" + _SESSION,
        "https://x" + _SESSION,
        "http://x//v2/customer_sessions/{}",
    ),
    *_tricks(
        "letters",
        "/v2/customer_se\xc5\xbfsions/{}",
        "/v2/customer_sessions/{}\xe9",
        "/v2/\xef\xbd\x83ustomer_sessions/{}",
        "/v2/customer_sessions/{}\xff",
    ),
    *(
        Trick(f"override-{at}", method="POST", headers=headers)
        for at, headers in enumerate(
            (
                ("X-HTTP-Method-Override: PUT",),
                ("X-HTTP-Method-Override: GET, PUT",),
                ("X-HTTP-Method-Override: PUT,GET",),
                ("X-HTTP-Method-Override: GET", "X-HTTP-Method-Override: PUT"),
                ("X-HTTP-Method: put",),
                ("X-Method-Override: PUT",),
            )
        )
    ),
    Trick("override-query", _SESSION + "?_method=PUT", "POST"),
    Trick("override-query-encoded", _SESSION + "?%5Fmethod=put", "POST"),
    Trick("version-1.0", version="HTTP/1.0"),
    Trick("version-none", version=""),
    Trick("version-2", version="HTTP/2.0"),
    Trick("method-lower", method="put"),
    Trick("method-odd", method="PU T"),
    Trick("length-twice", length=f"{_LENGTH}\r\nContent-Length: 0"),
    Trick("length-list", length=f"{_LENGTH}, 0"),
    Trick("length-sign", length=f"Content-Length: +{len(OPEN)}"),
    Trick("length-and-chunks", length=f"{_LENGTH}\r\nTransfer-Encoding: chunked", body=_CHUNKED),
    Trick("chunks-twice", length="Transfer-Encoding: chunked, chunked", body=_CHUNKED),
    Trick("chunks-odd", length="Transfer-Encoding: xchunked", body=_CHUNKED),
    Trick("chunks-broken", length="Transfer-Encoding: chunked", body=b"zz\r\n" + OPEN),
    Trick("chunks", length="Transfer-Encoding: chunked", body=_CHUNKED),
    Trick("header-space", headers=("X-Other : 1",)),
    Trick("header-fold", headers=("X-Other: 1\r\n  more",)),
    Trick("host-twice", headers=("Host: x", "Host: y")),
    Trick("upgrade", headers=("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")),
    Trick("encoding", headers=("Content-Encoding: zstd",)),
    Trick("charset", headers=("Content-Type: application/json; charset=utf-16",)),
)


WRONG: Final = OPEN.replace(b"open", b"opne")
"""A payload that is refused in whatever state the session is; for gateways that learn none."""


def exchange(port: int, request: bytes) -> bytes:
    """Send a request and return all that comes back."""
    pieces = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                pieces.append(piece)
    return b"".join(pieces)


def nothing_slips(front: Front, trick: Trick, *, answered: bool = True, body: bytes = OPEN) -> None:
    """Hold a gateway to its promise: what is not judged has an answer in the form of the API.

    `answered` False: the gateway may hang up without an answer, or answer in another form.
    """
    session = new_id()
    assert front.ask("PUT", path(session), CLOSED).status_code == 200
    answer = exchange(front.port, trick.request(session, body))
    assert front.api.state(session) == "closed"
    assert len(front.requests_about(session)) == 1, f"reached the API; answered {answer!r}"
    if not answered:
        return
    head = _HEAD.match(answer)
    if head is None and not trick.version:
        # HTTP/0.9, which has no head.
        assert talonschema.is_valid(answer, model="ErrorResponse"), answer
        return
    assert head is not None, answer
    assert 400 <= int(head[1]) < 600, answer
    text = answer[head.end() :]
    if b"transfer-encoding: chunked" in head[0].lower():
        text = text.partition(b"\r\n")[2].rpartition(b"\r\n0")[0]
    assert b"content-type: application/json" in head[0].lower(), answer
    assert talonschema.is_valid(text, model="ErrorResponse"), answer
