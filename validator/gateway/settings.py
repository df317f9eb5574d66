"""Settings: the settings of the gateway.

They are the table ``[gateway]`` of ``talonschema.toml``, which also has the keys of the checker.
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
    format_value,
    number,
    read,
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
    """The settings of the gateway. The first five are those of `Validator`.

    Raises `ValueError` for an invalid value.
    """

    edition: str = schemas.DEFAULT_EDITION
    policy: Policy | None = None
    select: Iterable[str] | None = None
    ignore: Iterable[str] = ()
    severity: Mapping[str, Severity | str] | None = None
    mode: Mode = "enforce"
    """``enforce`` refuses bad requests; ``report`` only logs and counts them."""
    application: str = "default"
    """A label of the Application, since session ids are unique only within one."""
    prefix: str = ""
    """The prefix before ``/v2`` in the paths of the API."""
    max_body: int = MAX_BODY
    """The limit of a body in bytes, both as received and decompressed."""
    errors: Form = "api"
    """The form of refusals: the API's own, or ``problem`` details (RFC 9457)."""
    warnings_header: bool = False
    """Whether answers have the codes of warnings in the header ``x-talonschema-warnings``."""
    strict_new: bool = False
    """Whether a session that is not in the store is new: the store is known to be complete."""
    test_key: bool = False
    """Whether all requests have an API key of type Test, which makes each a dry run."""
    lookup: LookupSettings | None = None
    """The look-ups of sessions that are unknown or in doubt; None to make none."""
    store: str = "sqlite:talonschema-sessions.db"
    """The store of the sessions: ``memory:``, ``sqlite:PATH`` or ``redis://HOST:PORT/DB``."""
    store_timeout: float = TIMEOUT
    """Seconds to wait for the store, after which a request is judged by its payload alone."""
    lease: float = LEASE
    """Seconds within which a request without an answer may still take effect."""
    expiry: float = EXPIRY
    """Seconds for which a session is remembered after its last request."""
    http: str = "127.0.0.1:8787"
    """The address of the HTTP face: ``HOST:PORT`` or ``unix:PATH``."""
    grpc: str = OFF
    """The address of the gRPC face, or ``off``."""
    admin: str = OFF
    """The address of the probes and metrics of all workers, or ``off``."""
    workers: int = 1
    """The number of processes, each on the next port or on a Unix socket of its own."""
    drain: float = 10.0
    """Seconds within which requests in flight have to end when the gateway stops."""
    log_level: Level = "info"
    """The lowest level of log lines."""
    tracing: bool = False
    """Whether spans are exported by OpenTelemetry, as its environment variables configure it."""

    def __post_init__(self) -> None:
        """Validate the settings that are not those of `Validator`."""
        for name, kind in _KINDS.items():
            kind(getattr(self, name), name)
        if self.grpc != OFF and overlap(parse(self.http), parse(self.grpc), self.workers):
            free = parse(self.http).of_worker(self.workers, self.workers)
            each = "each worker uses the next port" if self.workers > 1 else "http uses it"
            raise InvalidValue(f"grpc is {self.grpc!r}, which is in use: {each}; use {str(free)!r}")
        self._require_admin_alone()
        if self.expiry < self.lease:
            raise InvalidValue(f"expiry is {self.expiry:g}, shorter than the lease, {self.lease:g}")
        if self.lookup is not None and self.lookup.timeout >= self.lease:
            message = f"lookup.timeout is {self.lookup.timeout:g}, not shorter than the lease"
            raise InvalidValue(message, "lookup", "timeout")
        if self.workers > 1 and self.store.startswith("memory:"):
            raise InvalidValue(
                "store is 'memory:', which workers can't share; use sqlite:PATH or"
                " redis://HOST:PORT/DB"
            )

    def _require_admin_alone(self) -> None:
        """Raise `InvalidValue` if a worker has the same address as `admin`."""
        if self.admin == OFF:
            return
        faces = {"http": self.http, "grpc": self.grpc}
        for name, face in faces.items():
            if face == OFF:
                continue
            each = (parse(face).of_worker(index, self.workers) for index in range(self.workers))
            if parse(self.admin) in each:
                raise InvalidValue(f"admin is {self.admin!r}, which is in use: {name} uses it")


def load_settings(path: str, **changes: Any) -> Settings:
    """Return the settings of a ``talonschema.toml``, overridden by `changes`.

    Paths are relative to its folder. Settings of the checker about calls and files are ignored.
    Raises `TomlError`, whose text is ``path:line: message``.
    """
    if os.path.basename(path) == "pyproject.toml":
        raise TomlError(path, None, "the settings of the gateway belong in a talonschema.toml")
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
        return Settings(**{**_checker_settings(path), **given, **changes})
    except PolicyError as error:
        raise TomlError(path, toml.line("policy"), str(error)) from None
    except InvalidValue as error:
        raise _toml_error(toml, error) from None


def _toml_error(toml: Toml, error: InvalidValue) -> TomlError:
    """Return an error at a setting, named by the keys of `error` or the first word of its text."""
    return toml.error(str(error), TABLE, *(error.keys or (str(error).partition(" ")[0],)))


def _checker_settings(path: str) -> dict[str, Any]:
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
            f"{where} is {format_value(value)};"
            " expected a path such as /talon, without a trailing slash"
        )
    return value


def _address(value: Any, where: str) -> Any:
    try:
        parse(text(value, where))
    except InvalidValue:
        raise
    except ValueError as error:
        raise InvalidValue(f"{where} is {format_value(value)}; {error}") from None
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
