"""Store: the memory of the state of each session between its requests.

The store is called twice for each request: `Store.begin` admits it and records its possible result,
`Store.finish` reports its outcome. In between, and if the answer is lost, a session may be in one
of several states; the store refuses only requests that none of them permits.
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
"""Seconds within which a request without an answer may still take effect."""
EXPIRY: Final = 30 * 24 * 3600.0
"""Seconds for which a session is remembered after its last request."""
TIMEOUT: Final = 0.25
"""Seconds that a call on a store may take."""


KINDS: Final = (
    *("timeout", "unreachable", "denied", "read_only", "full", "cluster", "locked"),
    *("damaged", "foreign", "removed", "other"),
)
"""The kinds of failures of a store; docs/gateway/stores.md describes them."""


class StoreError(Exception):
    """Raised if a call on a store failed; the text has the reason and the remedy."""

    def __init__(self, text: str, kind: str) -> None:
        """Initialise with a text and one of `KINDS`."""
        super().__init__(text)
        self.kind = kind


Report: TypeAlias = Callable[[str, StoreError], None]
"""A callback for failures that no caller sees: ``upkeep`` or ``record``, and the error."""


def ignore_failure(_: str, __: StoreError) -> None:
    """Ignore a failure."""


class Key(NamedTuple):
    """The key of a session."""

    application: str
    """The label of the Application; session ids are unique only within one."""
    session: str
    """The session's id, percent-decoded."""

    @property
    def name(self) -> str:
        """The key as printable ASCII of limited length, unique for each key."""
        application = quote(self.application, safe="", errors="surrogatepass")
        session = quote(self.session, safe="", errors="surrogatepass")
        if len(session) > _LONGEST:
            return f"{application}#{sha256(session.encode()).hexdigest()}"
        return f"{application}:{session}"


_LONGEST: Final = 400
"""The most characters of the encoded id in a name; a longer id is replaced by its digest."""


class Intent(NamedTuple):
    """The intended effect of a request on a session."""

    permitted: frozenset[str]
    """The states that permit it; ``new`` stands for a session that does not exist yet."""
    wanted: str | None
    """The state it leads to; None if it keeps the state, and makes a new session `open`."""
    strict_new: bool = False
    """Whether a session that the store does not know is new; otherwise it may be in any state."""
    digest: str = ""
    """The digest that a request shares with its repetitions, in URL-safe base64; empty if it has
    none."""
    certain: frozenset[str] = frozenset()
    """States to resolve doubt by: if only some of the possible states are among them, the request
    is in doubt and not admitted yet. Empty if doubt does not matter."""


class Admission(NamedTuple):
    """The answer of a store to a request for admission."""

    token: str | None
    """The handle for `Store.finish`; None if the request may not pass, or there is nothing to learn
    from its answer."""
    states: frozenset[str]
    """The possible states of the session; empty if they are not known."""
    repeated: bool = False
    """Whether it repeats another request and thus passes from any state; its answer is learned from
    only if there is a token."""
    doubtful: bool = False
    """Whether only some of the possible states are among the `certain` ones of the intent. Nothing
    was recorded; the next call, with an empty `certain`, decides."""

    @property
    def may_pass(self) -> bool:
        """Whether the request may pass."""
        return self.repeated or self.token is not None


class Learned(NamedTuple):
    """The request was done."""

    state: str | None = None
    """The state of the session in the answer; None if the answer has none."""
    updated: datetime | None = None
    """The session's ``updated`` in the answer, with an offset: it orders overlapping requests."""


class Refused(NamedTuple):
    """The request was refused and changed nothing."""


class Uncertain(NamedTuple):
    """The request may have been done, or may still be done until its lease ends."""


RequestOutcome: TypeAlias = Learned | Refused | Uncertain


class Ending(Enum):
    """The effect of an outcome on the record of its session."""

    TAKEN = "taken"
    """The record reflects it."""
    LATE = "late"
    """The lease of the request had ended."""
    UNKNOWN = "unknown"
    """No request of the session has the token."""
    CROWDED = "crowded"
    """The session has more requests in flight than are tracked individually."""


class Store(Protocol):
    """A memory of the states of sessions, for one event loop.

    All methods may raise `StoreError`; none takes much longer than the timeout of the store.
    """

    async def begin(self, key: Key, intent: Intent) -> Admission:
        """Admit a request if it repeats another or if one of the possible states permits it.

        An unknown session may be in any state.
        """

    async def finish(self, key: Key, token: str, outcome: RequestOutcome) -> Ending:
        """Learn the outcome of an admitted request; unknown tokens are ignored."""

    async def ready(self) -> None:
        """Return if the store accepts writes."""

    async def close(self) -> None:
        """Close files and connections; may be called twice."""


class Opener(Protocol):
    """A factory of stores of one kind; raises `ValueError` for an invalid address."""

    def __call__(
        self, url: str, *, lease: float, expiry: float, timeout: float, report: Report
    ) -> Store:
        """Return a store; may block on a file, but not on the network."""


_KINDS: Final = {
    "memory": "memory",
    "sqlite": "sqlite",
    "redis": "redis",
    "rediss": "redis",
    "redis+cluster": "redis",
    "rediss+cluster": "redis",
    "unix": "redis",
}
"""The module of each scheme; they import this one, and so are imported when needed."""


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

    Raises `ValueError` for an invalid address or number, and `StoreError` for a file that can't be
    used or a missing package.
    """
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in _KINDS:
        raise ValueError(
            f"store is {scheme + colon!r}..., which is not a kind of store; expected one of "
            "memory:, sqlite:PATH, redis://HOST:PORT/DB, rediss://HOST:PORT/DB (TLS), "
            "redis+cluster://HOST:PORT, rediss+cluster://HOST:PORT, unix:///PATH"
        )
    for name, value in (("lease", lease), ("expiry", expiry), ("timeout", timeout)):
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} is {value!r}; expected a number of seconds above 0")
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
