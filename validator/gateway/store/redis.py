"""The store in Redis or Valkey: for fleets of gateways.

Each call runs one script on one key, so it is atomic without a transaction, and works in a cluster.
redis.lua documents the script. Leases use the server's clock.

The client library raises exceptions outside its own hierarchy (its cluster errors have another
base, and a broken connection can raise anything), and may block for its clean-up after an error.
Therefore each call is a task that is abandoned at the deadline, and every exception becomes a
`StoreError`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha1
from time import monotonic, time
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    ClusterError,
    MasterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import TimeoutError as ClientTimeoutError

from . import (
    EXPIRY,
    LEASE,
    TIMEOUT,
    Admission,
    Ending,
    Intent,
    Key,
    Learned,
    Report,
    RequestOutcome,
    StoreError,
    Uncertain,
    ignore_failure,
)
from .record import BITS, OTHER, microseconds, names, to_bits
from .token import missing, new_token

PREFIX: Final = "talonschema:1"
"""The prefix of the keys in the database, with the version of their content."""
MOST_CONNECTIONS: Final = 32
"""The most connections of a process; calls wait for a free one."""

RENEWAL: Final = 1.0
"""The least seconds between new clients, however many calls fail."""

Client: TypeAlias = Redis | RedisCluster

_KINDS: Final = (
    ("denied", (AuthenticationError, AuthenticationWrongNumberOfArgsError, AuthorizationError)),
    ("denied", (NoPermissionError,)),
    ("read_only", (ReadOnlyError, MasterDownError)),
    ("full", (OutOfMemoryError,)),
    ("cluster", (ClusterError, RedisClusterException, AskError, TryAgainError)),
    ("timeout", (ClientTimeoutError,)),
)
_TAKES_NO_WRITES: Final = ("MISCONF", "NOREPLICAS")
"""Prefixes of the errors of a server that temporarily accepts no writes."""
_ADMITTED, _REPEATED, _SHARES, _DOUBTFUL = 1, 2, 3, 4
"""The replies of the script to a `begin` that it does not refuse."""
_ENDINGS: Final = (Ending.UNKNOWN, Ending.TAKEN, Ending.CROWDED)
"""The replies of the script to `finish`, by number."""


class RedisStore:
    """A store in a server or a cluster."""

    def __init__(
        self,
        url: str,
        *,
        lease: float = LEASE,
        expiry: float = EXPIRY,
        timeout: float = TIMEOUT,
        now: Callable[[], float] | None = None,
        report: Report = ignore_failure,
    ) -> None:
        """Prepare to use the server at `url`; the first call connects.

        `report` is called for each damaged record. `now` replaces the server's clock.

        Raises `ValueError` for an invalid address.
        """
        self._url = url
        self._client = _client(url, timeout)
        self._renewed = monotonic()
        self._closing: set[asyncio.Task[None]] = set()
        """Tasks that close earlier clients."""
        # The cluster client fails if no connection is free, rather than wait for one.
        self._connections = asyncio.Semaphore(MOST_CONNECTIONS)
        self._address = _address_of(url)
        self._lease = round(lease * 1000)
        self._expiry = round(expiry * 1000)
        self._timeout = timeout
        self._now = now
        self._report = report

    async def begin(self, key: Key, intent: Intent) -> Admission:
        """Admit a request unless none of the session's possible states permits it."""
        token = new_token(self._time(), intent.digest)
        permitted, certain = to_bits(intent.permitted), to_bits(intent.certain)
        wanted, keeps = (BITS[intent.wanted], 0) if intent.wanted else (0, 1)
        strict = int(intent.strict_new)
        what = (self._lease, self._expiry, token, permitted, wanted, keeps, strict, certain)
        admitted, known, *first = await self._run(key.name, "begin", *what)
        if admitted in (_REPEATED, _SHARES):
            return Admission(first[0].decode() if first else None, names(known), repeated=True)
        doubtful = admitted == _DOUBTFUL
        return Admission(token if admitted == _ADMITTED else None, names(known), doubtful=doubtful)

    async def finish(self, key: Key, token: str, outcome: RequestOutcome) -> Ending:
        """Learn the outcome of an admitted request; unknown tokens are ignored."""
        if isinstance(outcome, Uncertain):
            return Ending.TAKEN
        learned = state = updated = 0
        if isinstance(outcome, Learned):
            learned = 1
            state = BITS.get(outcome.state, OTHER) if outcome.state else 0
            updated = microseconds(outcome.updated) if outcome.updated else 0
        what = (self._expiry, token, learned, state, updated)
        (number,) = await self._run(key.name, "finish", *what)
        ending = _ENDINGS[number]
        if ending is Ending.UNKNOWN:
            return missing(token, self._time(), self._lease)
        return ending

    async def ready(self) -> None:
        """Return if the server accepts writes."""
        await self._run("ready", "ready")

    async def close(self) -> None:
        """Close the connections; may be called twice."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._client.aclose()

    def _time(self) -> int:
        """Return the time for tokens, which need not be the server's."""
        return int((self._now or time)() * 1000)

    async def _run(self, name: str, operation: str, *more: int | str) -> list[Any]:
        """Run the script on the key `name` within the deadline."""
        now = "" if self._now is None else int(self._now() * 1000)
        key = f"{PREFIX}:{name}"
        call = asyncio.create_task(self._evaluate(self._client, key, operation, now, *more))
        call.add_done_callback(_forget)
        try:
            done, _ = await asyncio.wait((call,), timeout=self._timeout)
        except asyncio.CancelledError:
            call.cancel()
            raise
        if not done:
            call.cancel()
            raise StoreError(
                f"no answer from {self._address} within {self._timeout:g} s", "timeout"
            )
        *answer, damaged = call.result()
        if damaged:
            text = f"a record in {self._address} is damaged: its session counts as unknown"
            self._report("record", StoreError(text, "damaged"))
        return answer

    async def _evaluate(self, client: Client, key: str, *arguments: int | str) -> list[Any]:
        text, digest = _script()
        try:
            async with self._connections:
                try:
                    found: list[Any] = await client.evalsha(digest, 1, key, *arguments)
                except NoScriptError:
                    # The server has restarted; this loads the script again.
                    found = await client.eval(text, 1, key, *arguments)
        except Exception as error:
            raise self._store_error(client, error) from error
        return found

    def _store_error(self, client: Client, error: Exception) -> StoreError:
        """Return the error for an exception; have the next call reconnect if that may help."""
        kind = next((kind for kind, classes in _KINDS if isinstance(error, classes)), "")
        if not kind and isinstance(error, ResponseError):
            kind = "read_only" if str(error).startswith(_TAKES_NO_WRITES) else "other"
            return StoreError(f"{self._address} refused the call: {error}", kind)
        if kind == "timeout":
            return StoreError(f"no answer from {self._address}: {error}", kind)
        if kind == "denied":
            return StoreError(f"{self._address} denied the call: {error}", kind)
        if kind == "full":
            return StoreError(f"{self._address} has no memory left: {error}", kind)
        if not kind and isinstance(error, RedisError | OSError):
            return StoreError(f"can't reach {self._address}: {error}", "unreachable")
        # The server has become a replica, or the client is in an inconsistent state.
        self._renew(client)
        if kind == "read_only":
            return StoreError(f"{self._address} takes no writes: {error}", kind)
        if kind == "cluster":
            return StoreError(f"the cluster of {self._address} has no node for it: {error}", kind)
        return StoreError(f"can't use {self._address}: {type(error).__name__}", "other")

    def _renew(self, client: Client) -> None:
        """Have later calls use a new client, which resolves the server again."""
        now = monotonic()
        if client is not self._client or now - self._renewed < RENEWAL:
            return
        self._renewed = now
        self._client = _client(self._url, self._timeout)

        async def close() -> None:
            # Other calls still wait for replies to the old client.
            try:
                await asyncio.sleep(2 * self._timeout)
            finally:
                with suppress(Exception):
                    await client.aclose()

        task = asyncio.create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _forget(call: asyncio.Task[list[Any]]) -> None:
    """Retrieve the exception of an abandoned call, so that asyncio does not log it."""
    if not call.cancelled():
        call.exception()


def open_store(
    url: str, *, lease: float, expiry: float, timeout: float, report: Report
) -> RedisStore:
    """Return a store in the server at `url`.

    Raises `ValueError` for an invalid address.
    """
    return RedisStore(url, lease=lease, expiry=expiry, timeout=timeout, report=report)


def _client(url: str, timeout: float) -> Client:
    # A failed call is retried once, on a new connection, because servers close idle connections.
    # A retry is harmless: its token shows whether the call was already made.
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 1),
        "socket_connect_timeout": timeout,
        "socket_timeout": timeout,
        # RESP 2 needs no handshake, and the replies of the script are the same.
        "protocol": 2,
    }
    try:
        scheme, plus, rest = url.partition("+cluster:")
        if plus:
            return RedisCluster.from_url(
                f"{scheme}:{rest}", max_connections=MOST_CONNECTIONS, **options
            )
        pool = BlockingConnectionPool.from_url(
            url, max_connections=MOST_CONNECTIONS, timeout=timeout, **options
        )
        # Unknown options in the address are reported only when a connection is made.
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, RedisError) as error:
        raise ValueError(f"store is {_address_of(url)}, which is invalid: {error}") from error
    return Redis.from_pool(pool)


def _address_of(url: str) -> str:
    """Return the address without secret parts: user, password and options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@cache
def _script() -> tuple[str, str]:
    """Return the script and its digest."""
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "redis.lua"), encoding="utf-8") as file:
        text = file.read()
    return text, sha1(text.encode(), usedforsecurity=False).hexdigest()
