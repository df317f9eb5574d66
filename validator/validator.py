"""Validator: the configuration of checks, and the checks themselves."""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Self, TypedDict, Unpack, get_args

from . import schemas
from .checking.call import (
    Call,
    CheckArguments,
    Previous,
    _ArgumentsButPrevious,
    before,
    call,
    no_text,
    one_of,
)
from .checking.checker import Checker
from .checking.registry import effective_severities
from .checking.report import Report, with_source
from .findings.code import Severity
from .model.naming import Naming
from .model.policy import Policy
from .structure import EngineName
from .structure import engine as make_engine

MAX_FINDINGS = 100


class Options(TypedDict, total=False):
    """The keyword arguments of `Validator`; see there."""

    edition: str
    policy: Policy | None
    naming: Naming
    engine: EngineName | None
    select: Iterable[str] | None
    ignore: Iterable[str]
    severity: Mapping[str, Severity | str] | None
    max_findings: int
    redact: bool


class Validator:
    """A checker of payloads with one configuration; safe to share between threads.

    `edition` is the edition of the API, ``"2022-06"`` (default) or ``"2026-06"``. `policy` has the
    knowledge about the Application. `naming` is ``"wire"`` (camelCase) or ``"snake"``, the names in
    the SDKs. `engine` is ``"jsonschema"`` or ``"jsonschema-rs"``, by default the faster one that is
    installed. `select` and `ignore` list codes or groups of codes; `severity` maps them to other
    severities. At most `max_findings` findings are reported. `redact` keeps payload values out of
    messages and params, but not keys out of pointers.

    Raises `ValueError` or `TypeError` for an invalid option, and `ImportError` for an engine that
    is not installed.
    """

    def __init__(
        self,
        *,
        edition: str = schemas.DEFAULT_EDITION,
        policy: Policy | None = None,
        naming: Naming = "wire",
        engine: EngineName | None = None,
        select: Iterable[str] | None = None,
        ignore: Iterable[str] = (),
        severity: Mapping[str, Severity | str] | None = None,
        max_findings: int = MAX_FINDINGS,
        redact: bool = False,
    ) -> None:
        """Configure the validator; schemas are compiled on first use."""
        self._options: Options = {
            "edition": edition,
            "policy": policy,
            "naming": naming,
            "engine": engine,
            "select": select if select is None or isinstance(select, str) else tuple(select),
            "ignore": ignore if isinstance(ignore, str) else tuple(ignore),
            "severity": None if severity is None else dict(severity),
            "max_findings": max_findings,
            "redact": redact,
        }
        one_of("edition", edition, schemas.EDITIONS)
        one_of("naming", naming, get_args(Naming))
        if engine is not None:
            one_of("engine", engine, get_args(EngineName))
        if policy is not None and not isinstance(policy, Policy):
            message = f"policy takes a Policy, not {type(policy).__name__}"
            raise TypeError(message)
        no_text("redact", redact)
        if isinstance(max_findings, bool) or not isinstance(max_findings, int) or max_findings < 1:
            message = f"max_findings is {max_findings!r}; expected an integer of at least 1"
            raise ValueError(message)
        self.engine = make_engine(edition, engine)
        self.checker = Checker(
            engine=self.engine,
            policy=policy or Policy(),
            naming=naming,
            severities=effective_severities(
                self._options["select"], self._options["ignore"], severity or {}
            ),
            max_findings=max_findings,
            redact=redact,
        )
        """The checker of `check`."""
        self._error_checker = self.checker.for_errors()

    @classmethod
    def from_config(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """Return a validator with the settings of a project, as in ``talonschema check``.

        `path` is a settings file, or a folder from which the nearest ``talonschema.toml``, or
        ``pyproject.toml`` with ``[tool.talonschema]``, is searched upwards; None is the working
        directory. If there is none, the defaults apply. The tables ``[[files]]`` and the settings
        of calls (``model``, ``operation``, ``previous``, ``dry``), of documents (``at``,
        ``skip_unrecognised``, ``exclude``, ``baseline``) and of the exit status (``fail_on``) do
        not apply to a validator.

        Raises `ValueError`, with the path and the line, for a file that is unreadable or has an
        invalid value.
        """
        from .config import discovery
        from .config.settings import SettingsResolver

        place = "" if path is None else os.fspath(path)
        if not isinstance(place, str):
            message = f"path must be a string or a path, not {type(place).__name__}"
            raise TypeError(message)
        found = path is not None and not os.path.isdir(place)
        config = discovery.at(place) if found else discovery.find(place)
        return cls(**SettingsResolver(config, {}).settings().options())

    @property
    def edition(self) -> str:
        """The edition of the API."""
        return self._options["edition"]

    @property
    def naming(self) -> Naming:
        """The naming of payloads."""
        return self._options["naming"]

    def __reduce__(self) -> tuple[Any, ...]:
        """Reduce the validator to its options; copies compile schemas again."""
        return partial(Validator, **self._options), ()

    def __repr__(self) -> str:
        """Return the options that differ from the defaults."""
        defaults = Validator.__init__.__kwdefaults__ or {}
        given = (
            f"{name}={value!r}" for name, value in self._options.items() if value != defaults[name]
        )
        return f"Validator({', '.join(given)})"

    @cached_property
    def history_checker(self) -> Checker:
        """The checker of `replay`, which detects refused calls regardless of reported codes."""
        return self.checker.for_history()

    def check(
        self,
        payload: Any,
        *,
        model: str | None = None,
        previous: Previous = None,
        operation: str | None = None,
        dry: bool = False,
        now: str | datetime | None = None,
    ) -> Report:
        """Check a payload and return a report; no payload raises an exception.

        `payload` is JSON text (bytes or str) or a parsed value. `model` is the name of the model,
        by default detected from the shape. `previous` is the session before the call: a state, the
        session as a mapping or JSON text, `NEW`, or None if it is unknown. `operation` is
        ``"update"``, ``"return"`` or ``"reopen"`` (which has no body: pass None), of which the
        payload is the request, by default derived from the model. `dry` and `now` are the query
        parameters; `now` is RFC 3339 text or a datetime with an offset.

        Raises `ValueError` or `TypeError` for invalid arguments.
        """
        known = before(self.engine, self.naming, previous)
        about = call(self.edition, known, model=model, operation=operation, dry=dry, now=now)
        report = self.checker(payload, about).report
        if report.findings and isinstance(payload, (bytes, str)) and not self.checker.redact:
            return with_source(report, payload)
        return report

    def is_valid(self, payload: Any, **arguments: Unpack[CheckArguments]) -> bool:
        """Return True if `check` would find no error; faster, with the same arguments."""
        return self._error_checker(payload, self.call(**arguments)).report.ok

    def call(
        self, *, previous: Previous = None, **arguments: Unpack[_ArgumentsButPrevious]
    ) -> Call:
        """Validate the arguments of `check`; raises as it does."""
        known = before(self.engine, self.naming, previous)
        return call(self.edition, known, **arguments)

    def validate(
        self, payload: Any, *, fail_on: str = "error", **arguments: Unpack[CheckArguments]
    ) -> None:
        """Check a payload and raise `InvalidPayload` if there are errors.

        With `fail_on` ``"warning"``, it is also raised for warnings.
        """
        self.check(payload, **arguments).raise_for_errors(fail_on=fail_on)
