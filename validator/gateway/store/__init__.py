"""Store: what remembers the state of each session between its requests.

The store hears of a request twice. `Store.begin` admits it and notes what it may lead to;
`Store.finish` reports its outcome. In between, and wherever the answer is lost, a session may
be in one of several states; the store refuses only what none of them permits.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from hashlib import sha256
from importlib import import_module
from typing import Final, NamedTuple, Protocol, TypeAlias, cast
from urllib.parse import quote

LEASE: Final = 30.0
"""Seconds in which a request without an answer may still take effect."""
EXPIRY: Final = 30 * 24 * 3600.0
"""Seconds a session is remembered after its last request."""
TIMEOUT: Final = 0.25
"""Seconds a call on a store may take."""


KINDS: Final = (
    *("timeout", "unreachable", "denied", "read_only", "full", "cluster", "locked"),
    *("damaged", "foreign", "removed", "other"),
)
"""The kinds of failures of a store; docs/gateway/stores.md describes them."""


class StoreError(Exception):
    """A store did not do what it was asked; the text has the reason and the remedy."""

    def __init__(self, text: str, kind: str) -> None:
        """Take the text, and one of `KINDS`."""
        super().__init__(text)
        self.kind = kind


Report: TypeAlias = Callable[[str, StoreError], None]
"""Takes note of a failure that no caller sees: ``upkeep`` or ``record``, and the error."""


def ignore_failure(_: str, __: StoreError) -> None:
    """Ignore a failure."""


class Key(NamedTuple):
    """The name of a session."""

    application: str
    """The label of the Application; session ids are unique within one only."""
    session: str
    """The session's id, percent-decoded."""

    @property
    def name(self) -> str:
        """The key as printable ASCII of bounded length, different for each key."""
        application = quote(self.application, safe="", errors="surrogatepass")
        session = quote(self.session, safe="", errors="surrogatepass")
        if len(session) > _LONGEST:
            return f"{application}#{sha256(session.encode()).hexdigest()}"
        return f"{application}:{session}"


_LONGEST: Final = 400
"""The characters of a name that stand for the id itself; a longer one is replaced by its digest."""


class Intent(NamedTuple):
    """The intended effect of a request on a session."""

    permitted: frozenset[str]
    """The states it passes from; ``new`` stands for a session that does not exist yet."""
    wanted: str | None
    """The state it leads to; None leaves the state as it is, and makes a new session `open`."""
    strict_new: bool = False
    """A session the store doesn't know is new; else it may be in any state."""
    digest: str = ""
    """What a request has in common with its repetitions, in the alphabet of URL-safe base64; empty
    if it is never repeated."""
    certain: frozenset[str] = frozenset()
    """If only some of the possible states are among these, the request is in doubt, and is not
    admitted yet; empty if doubt does not matter."""


class Admission(NamedTuple):
    """Whether a request may pass."""

    token: str | None
    """The handle to finish the request with; None if it may not pass, or there is nothing to learn
    from its answer."""
    states: frozenset[str]
    """The states the session may be in; empty if that is not known."""
    repeated: bool = False
    """It repeats another request, so it passes from any state; its answer teaches something only
    if there is a token."""
    doubtful: bool = False
    """Only some of the possible states are among the `certain` ones of the intent; nothing was
    noted. The next call without those states decides."""

    @property
    def may_pass(self) -> bool:
        """The request may pass."""
        return self.repeated or self.token is not None


class Learned(NamedTuple):
    """The request was done."""

    state: str | None = None
    """The session's state as answered; None if the answer doesn't have it."""
    updated: datetime | None = None
    """The session's ``updated`` as answered, with an offset: it orders answers that overlap."""


class Refused(NamedTuple):
    """The request was refused, and changed nothing."""


class Uncertain(NamedTuple):
    """Nobody knows whether the request was done, or will be until its lease ends."""


RequestOutcome: TypeAlias = Learned | Refused | Uncertain


class Ending(Enum):
    """The effect of an outcome on the record of the session."""

    TAKEN = "taken"
    """The record reflects it."""
    LATE = "late"
    """The lease of the request had ended."""
    UNKNOWN = "unknown"
    """No request of the session has the token."""
    CROWDED = "crowded"
    """The session had more requests in flight than are tracked one by one."""


class Store(Protocol):
    """A memory of the states of sessions, for one event loop.

    All methods may raise `StoreError`; none takes much longer than the timeout it was opened with.
    """

    async def begin(self, key: Key, intent: Intent) -> Admission:
        """Admit a request if it repeats another, or one of the possible states permits it.

        Of a session that is not known, any state is possible.
        """

    async def finish(self, key: Key, token: str, outcome: RequestOutcome) -> Ending:
        """Learn the outcome of an admitted request; a token that isn't known changes nothing."""

    async def ready(self) -> None:
        """Return if the store takes writes."""

    async def close(self) -> None:
        """Let go of files and connections; closing twice does no harm."""


class Opener(Protocol):
    """A factory of stores of one kind; raises `ValueError` for a wrong address."""

    def __call__(
        self, url: str, *, lease: float, expiry: float, timeout: float, report: Report
    ) -> Store:
        """Make a store; it may wait for a file, but not for a network."""


_KINDS: Final = {
    "memory": "memory",
    "sqlite": "sqlite",
    "redis": "redis",
    "rediss": "redis",
    "redis+cluster": "redis",
    "rediss+cluster": "redis",
    "unix": "redis",
}
"""The module behind each scheme. They import this one, so they are imported when needed."""


def open_store(
    url: str,
    *,
    lease: float = LEASE,
    expiry: float = EXPIRY,
    timeout: float = TIMEOUT,
    report: Report = ignore_failure,
) -> Store:
    """Return the store at `url`: ``memory:``, ``sqlite:PATH`` or ``redis://HOST:PORT/0``.

    `lease`, `expiry` and `timeout` are seconds: see `LEASE`, `EXPIRY` and `TIMEOUT`.
    `report` is called with the failures that no caller sees.

    Raises `ValueError` for an address or a number that isn't right, and `StoreError` for a file
    that can't be used, or where something has to be installed.
    """
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in _KINDS:
        raise ValueError(
            f"store is {scheme + colon!r}..., which is no kind of store; it takes one of "
            "memory:, sqlite:PATH, redis://HOST:PORT/DB, rediss://HOST:PORT/DB (TLS), "
            "redis+cluster://HOST:PORT, rediss+cluster://HOST:PORT, unix:///PATH"
        )
    for name, value in (("lease", lease), ("expiry", expiry), ("timeout", timeout)):
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} is {value!r}; it takes a number of seconds above 0")
    if expiry < lease:
        raise ValueError(f"expiry is {expiry:g} s; it can't be shorter than the lease, {lease:g} s")
    try:
        kind = import_module(f".{_KINDS[scheme]}", __package__)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"the store {scheme}: needs the package {error.name}; install it with "
            "pip install 'talonschema[gateway]'",
            "other",
        ) from error
    opener = cast("Opener", kind.open_store)
    return opener(url, lease=lease, expiry=expiry, timeout=timeout, report=report)
