"""Client: an HTTP client that reads sessions from the API over persistent connections.

Only the id of the session is taken from a request: the address is that of the settings. Redirects,
cookies, and proxies and passwords of the environment are ignored.
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
        """Read from the API at the base URL `url` over at most `connections` connections."""
        self._base = url.rstrip("/") + SESSIONS
        self._connections = connections
        # Certificates are verified against the trust store of the system. It takes some 20 ms to
        # load, which no request should wait for.
        self._tls = ssl.create_default_context()
        self._client: ClientSession | None = None

    async def read(self, session: str, authorization: str) -> Response:
        """Return the answer about a session; raises the exceptions of the client library."""
        if self._client is None:
            self._client = self._open_session()
        url = URL(self._base + quote(session, safe=""), encoded=True)
        headers = {**_HEADERS, "authorization": authorization}
        async with self._client.get(url, headers=headers, allow_redirects=False) as answer:
            body = b""
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > MOST_LEARNED:
                    # The rest is discarded with the connection.
                    body = b""
                    break
            encodings = answer.headers.getall("content-encoding", [])
            return Response(answer.status, tuple(("content-encoding", e) for e in encodings), body)

    async def close(self) -> None:
        """Close the connections, also those of an ended event loop; later calls open new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _open_session(self) -> ClientSession:
        return ClientSession(
            connector=TCPConnector(limit=self._connections, ssl=self._tls),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            # Callers have a deadline.
            timeout=ClientTimeout(total=None),
        )
