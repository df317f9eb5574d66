"""Settings: how the gateway judges, remembers and listens.

They are in the table ``[gateway]`` of ``talonschema.toml``, beside the keys of the checker.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypedDict, get_args

from .. import schemas
from ..config.discovery import at
from ..config.fields import (
    FieldReader,
    InvalidValue,
    boolean,
    choice,
    number,
    read,
    show,
    text,
)
from ..config.settings import SettingsResolver
from ..findings.code import Severity
from ..model.policy import Policy
from ..model.policy_data import PolicyError
from ..reading.document import MAX_BYTES
from ..reading.toml_reader import Toml, TomlError, load
from .address import overlap, parse
from .answer import Form
from .body import MAX_BODY
from .lookup.settings import LookupSettings, lookup_table
from .store import EXPIRY, LEASE, TIMEOUT
from .telemetry.log import Level

TABLE = "gateway"
OFF = "off"

Mode: TypeAlias = Literal["enforce", "report"]


class Options(TypedDict, total=False):
    """The fields of `Settings` that decide how requests are judged, as keyword arguments."""

    edition: str
    policy: Policy | None
    select: Iterable[str] | None
    ignore: Iterable[str]
    severity: Mapping[str, Severity | str] | None
    mode: Mode
    application: str
    prefix: str
    max_body: int
    errors: Form
    warnings_header: bool
    strict_new: bool
    test_key: bool
    lookup: LookupSettings | None
    store: str
    store_timeout: float
    lease: float
    expiry: float


@dataclass(frozen=True)
class Settings:
    """The settings of the gateway. The first five are as in `Validator`.

    Raises `ValueError` for a value that makes no sense.
    """

    edition: str = schemas.DEFAULT_EDITION
    policy: Policy | None = None
    select: Iterable[str] | None = None
    ignore: Iterable[str] = ()
    severity: Mapping[str, Severity | str] | None = None
    mode: Mode = "enforce"
    """``report`` logs and counts what would be refused, and lets it pass."""
    application: str = "default"
    """A label of the Application: session ids are unique within one only."""
    prefix: str = ""
    """The prefix before ``/v2`` in the paths of the API."""
    max_body: int = MAX_BODY
    """The most bytes of a body, as received and decompressed."""
    errors: Form = "api"
    """The form of refusals: the API's own, or ``problem`` details (RFC 9457)."""
    warnings_header: bool = False
    """Add the codes of warnings in the header ``x-talonschema-warnings``."""
    strict_new: bool = False
    """A session that is not remembered is new: the memory is known to be complete."""
    test_key: bool = False
    """All requests have an API key of type Test, which makes each a dry run."""
    lookup: LookupSettings | None = None
    """How the API is asked for sessions that are not remembered, or in doubt; None: it is not."""
    store: str = "sqlite:talonschema-sessions.db"
    """The store of the sessions: ``memory:``, ``sqlite:PATH`` or ``redis://HOST:PORT/DB``."""
    store_timeout: float = TIMEOUT
    """Seconds until the store is given up on, and a request let pass by its payload alone."""
    lease: float = LEASE
    """Seconds in which a request without an answer may still take effect."""
    expiry: float = EXPIRY
    """Seconds a session is remembered after its last request."""
    http: str = "127.0.0.1:8787"
    """The address of the HTTP face: ``HOST:PORT`` or ``unix:PATH``."""
    grpc: str = OFF
    """The address of the gRPC face, or ``off``."""
    admin: str = OFF
    """The address with health and metrics of all workers, or ``off``."""
    workers: int = 1
    """Number of processes, each on the next port or on a Unix socket of its own."""
    drain: float = 10.0
    """Seconds that requests in flight have to end in when the gateway stops."""
    log_level: Level = "info"
    """The lowest level of lines in the log."""
    tracing: bool = False
    """Export spans by OpenTelemetry, as its environment variables say."""

    def __post_init__(self) -> None:
        """Look the values through that are not the validator's."""
        for name, kind in _KINDS.items():
            kind(getattr(self, name), name)
        if self.grpc != OFF and overlap(parse(self.http), parse(self.grpc), self.workers):
            free = parse(self.http).of_worker(self.workers, self.workers)
            each = "each worker takes the next port" if self.workers > 1 else "http has it"
            raise InvalidValue(f"grpc is {self.grpc!r}, which is taken: {each}; take {str(free)!r}")
        self._need_admin_alone()
        if self.expiry < self.lease:
            raise InvalidValue(f"expiry is {self.expiry:g}, shorter than the lease, {self.lease:g}")
        if self.lookup is not None and self.lookup.timeout >= self.lease:
            message = f"lookup.timeout is {self.lookup.timeout:g}, not shorter than the lease"
            raise InvalidValue(message, "lookup", "timeout")
        if self.workers > 1 and self.store.startswith("memory:"):
            raise InvalidValue(
                "store is 'memory:', which workers can't share; take sqlite:PATH or"
                " redis://HOST:PORT/DB"
            )

    def _need_admin_alone(self) -> None:
        """Raise `InvalidValue` if a worker listens where `admin` is."""
        if self.admin == OFF:
            return
        faces = {"http": self.http, "grpc": self.grpc}
        for name, face in faces.items():
            if face == OFF:
                continue
            each = (parse(face).of_worker(index, self.workers) for index in range(self.workers))
            if parse(self.admin) in each:
                raise InvalidValue(f"admin is {self.admin!r}, which is taken: {name} has it")


def load_settings(path: str, **changes: Any) -> Settings:
    """Read the settings of a ``talonschema.toml``; `changes` win over it.

    Paths in it count from its folder. The checker's settings about a call or about files
    are not for a gateway, and passed over. Raises `TomlError`, whose text is ``path:line:
    message``.
    """
    if os.path.basename(path) == "pyproject.toml":
        raise TomlError(path, None, "the gateway's settings belong in a file talonschema.toml")
    toml = load(path)
    place = (TABLE,)
    kinds = {**_KINDS, "lookup": lookup_table}
    given = read(toml, place, toml.data.get(TABLE, {}), kinds)
    folder = os.path.dirname(path)
    if given.get("store", "").startswith("sqlite:"):
        own = given["store"].removeprefix("sqlite:")
        given["store"] = "sqlite:" + os.path.join(folder, own)
    lookup: LookupSettings | None = given.get("lookup")
    if lookup is not None and lookup.key_file is not None:
        key_file = os.path.join(folder, lookup.key_file)
        given["lookup"] = replace(lookup, key_file=key_file)
    try:
        return Settings(**{**_of_checker(path), **given, **changes})
    except PolicyError as error:
        raise TomlError(path, toml.line("policy"), str(error)) from None
    except InvalidValue as error:
        raise _toml_error(toml, error) from None


def _toml_error(toml: Toml, error: InvalidValue) -> TomlError:
    """Return an error about a setting, which has its keys, or a text that starts with its name."""
    return toml.error(str(error), TABLE, *(error.keys or (str(error).partition(" ")[0],)))


def _of_checker(path: str) -> dict[str, Any]:
    config = at(path)
    chosen = SettingsResolver(config, {}).settings()
    return {
        "edition": chosen.value("edition"),
        "policy": chosen.policy(),
        "select": chosen.value("select"),
        "ignore": tuple(each.name for each in chosen.ignored),
        "severity": {name: each.value for name, each in chosen.severity.items()},
    }


def _prefix(value: Any, where: str) -> Any:
    if value == "":
        return value
    if not isinstance(value, str) or not re.fullmatch(r"(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-])+", value):
        raise InvalidValue(
            f"{where} is {show(value)}; it takes a path as in /talon, with no slash at its end"
        )
    return value


def _address(value: Any, where: str) -> Any:
    try:
        parse(text(value, where))
    except InvalidValue:
        raise
    except ValueError as error:
        raise InvalidValue(f"{where} is {show(value)}; {error}") from None
    return value


def _address_or_off(value: Any, where: str) -> Any:
    return value if value == OFF else _address(value, where)


_DAY = 24 * 3600

_KINDS: dict[str, FieldReader] = {
    "mode": choice(get_args(Mode)),
    "application": text,
    "prefix": _prefix,
    "max_body": number(1024, MAX_BYTES, whole=True),
    "errors": choice(get_args(Form)),
    "warnings_header": boolean,
    "strict_new": boolean,
    "test_key": boolean,
    "store": text,
    "store_timeout": number(0.001, 60, whole=False),
    "lease": number(0.1, _DAY, whole=False),
    "expiry": number(1, 3650 * _DAY, whole=False),
    "http": _address,
    "grpc": _address_or_off,
    "admin": _address_or_off,
    "workers": number(1, 256, whole=True),
    "drain": number(0, 3600, whole=False),
    "log_level": choice(get_args(Level)),
    "tracing": boolean,
}
"""The reader of each key of the table."""
