"""The store in Redis or Valkey: for the gateways of a fleet.

Each call is one script on one key, so it is atomic without a transaction, and a cluster can hold
the sessions. redis.lua documents the script. Leases run by the server's clock.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import cache
from hashlib import sha1
from secrets import token_urlsafe
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError

from . import (
    EXPIRY,
    LEASE,
    TIMEOUT,
    Admission,
    Intent,
    Key,
    Learned,
    RequestOutcome,
    StoreError,
    Uncertain,
)
from .record import BITS, OTHER, microseconds, names, to_bits

PREFIX: Final = "talonschema:1"
"""The prefix of the keys in the database; the number is the version of their content."""
MOST_CONNECTIONS: Final = 32
"""Connections of one process; calls wait for a free one."""

Client: TypeAlias = Redis | RedisCluster


class RedisStore:
    """Remembers sessions in a server, or a cluster of them."""

    def __init__(
        self,
        url: str,
        *,
        lease: float = LEASE,
        expiry: float = EXPIRY,
        timeout: float = TIMEOUT,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Take the address; the first call connects. `now` None is the server's clock.

        Raises `ValueError` for an address that isn't right.
        """
        self._client = _client(url, timeout)
        self._where = _where(url)
        self._lease = round(lease * 1000)
        self._expiry = round(expiry * 1000)
        self._timeout = timeout
        self._now = now

    async def begin(self, key: Key, intent: Intent) -> Admission:
        """Admit a request unless none of the session's possible states permits it."""
        token = token_urlsafe(16)
        permitted, strict = to_bits(intent.permitted), int(intent.strict_new)
        wanted, keeps = (BITS[intent.wanted], 0) if intent.wanted else (0, 1)
        what = (self._lease, self._expiry, token, permitted, wanted, keeps, strict)
        admitted, known = await self._run(key.name, "begin", *what)
        return Admission(token if admitted else None, names(known))

    async def finish(self, key: Key, token: str, outcome: RequestOutcome) -> None:
        """Learn what became of an admitted request; a token that isn't known is ignored."""
        if isinstance(outcome, Uncertain):
            return
        learned = state = updated = 0
        if isinstance(outcome, Learned):
            learned = 1
            state = BITS.get(outcome.state, OTHER) if outcome.state else 0
            updated = microseconds(outcome.updated) if outcome.updated else 0
        await self._run(key.name, "finish", self._expiry, token, learned, state, updated)

    async def look(self, key: Key) -> frozenset[str]:
        """Return the states the session may be in; empty if that is not known."""
        return names(await self._run(key.name, "look"))

    async def ready(self) -> None:
        """Return if the server takes writes."""
        await self._run("ready", "ready")

    async def close(self) -> None:
        """Close the connections; closing twice does no harm."""
        await self._client.aclose()

    async def _run(self, name: str, operation: str, *more: int | str) -> Any:
        """Run the script on the key of that name."""
        now = "" if self._now is None else int(self._now() * 1000)
        text, digest = _script()
        key = f"{PREFIX}:{name}"
        try:
            async with asyncio.timeout(self._timeout):
                try:
                    return await self._client.evalsha(digest, 1, key, operation, now, *more)
                except NoScriptError:
                    # A server that was started anew; this makes it know the script again.
                    return await self._client.eval(text, 1, key, operation, now, *more)
        except TimeoutError as error:
            raise StoreError(f"no answer from {self._where} within {self._timeout:g} s") from error
        except ReadOnlyError as error:
            # The server has become a replica; connecting anew may find the new primary.
            await self._client.aclose()
            raise StoreError(f"{self._where} takes no writes: {error}") from error
        except ResponseError as error:
            raise StoreError(f"{self._where} refused the call: {error}") from error
        except (RedisError, OSError) as error:
            raise StoreError(f"can't reach {self._where}: {error}") from error


def open_store(url: str, *, lease: float, expiry: float, timeout: float) -> RedisStore:
    """Return a store in the server at `url`.

    Raises `ValueError` if it is no address.
    """
    return RedisStore(url, lease=lease, expiry=expiry, timeout=timeout)


def _client(url: str, timeout: float) -> Client:
    # A call that failed is repeated once, on a new connection, because a server closes connections
    # that were idle. To repeat a call does no harm: tokens show that it was made already.
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 1),
        "socket_connect_timeout": timeout,
        "socket_timeout": timeout,
        # RESP 2 needs no handshake, and the script's answers are the same.
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
        # Options in the address that don't exist are reported only when a connection is made.
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, RedisError) as error:
        raise ValueError(f"store is {_where(url)}, which is no address: {error}") from error
    return Redis.from_pool(pool)


def _where(url: str) -> str:
    """Return the address without what is secret: the user, the password and the options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@cache
def _script() -> tuple[str, str]:
    """Return the script and its digest."""
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "redis.lua"), encoding="utf-8") as file:
        text = file.read()
    return text, sha1(text.encode(), usedforsecurity=False).hexdigest()
