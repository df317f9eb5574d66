"""Client: reads sessions of the API over connections that are kept.

Nothing but the session's id comes from a request: the address is that of the settings, redirects
and cookies are ignored, and so are proxies and passwords that the environment has.
"""

from __future__ import annotations

import ssl
from typing import Final
from urllib.parse import quote

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from yarl import URL

from ...model.endpoints import SESSIONS
from ..messages import Response
from ..outcome import MOST_LEARNED

_HEADERS: Final = {
    "accept": "application/json",
    "accept-encoding": "gzip",
    "user-agent": "talonschema",
}


class SessionReader:
    """A client of one API, for one event loop at a time."""

    def __init__(self, url: str, connections: int) -> None:
        """Read from the API at a base URL, over a limited number of connections."""
        self._base = url.rstrip("/") + SESSIONS
        self._connections = connections
        # Certificates are verified against those that the system trusts. It takes some 20 ms to
        # read them, which no request should wait for.
        self._tls = ssl.create_default_context()
        self._client: ClientSession | None = None

    async def read(self, session: str, authorization: str) -> Response:
        """Return the answer about a session; raises what the client library does."""
        if self._client is None:
            self._client = self._open_session()
        url = URL(self._base + quote(session, safe=""), encoded=True)
        headers = {**_HEADERS, "authorization": authorization}
        async with self._client.get(url, headers=headers, allow_redirects=False) as answer:
            body = b""
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > MOST_LEARNED:
                    # The connection is closed with the rest.
                    body = b""
                    break
            encodings = answer.headers.getall("content-encoding", [])
            return Response(answer.status, tuple(("content-encoding", e) for e in encodings), body)

    async def close(self) -> None:
        """Close the connections, of an event loop that has ended, too; later calls open others."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _open_session(self) -> ClientSession:
        return ClientSession(
            connector=TCPConnector(limit=self._connections, ssl=self._tls),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            # Whoever asks has a deadline.
            timeout=ClientTimeout(total=None),
        )
