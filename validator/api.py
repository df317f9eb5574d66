"""The functions for one check at a time."""

from __future__ import annotations

from functools import cache
from typing import Any, Unpack

from .checking.call import CheckArguments
from .checking.report import Report
from .validator import Options, Validator


class _Both(CheckArguments, Options, total=False):
    """The arguments of `Validator` and of `Validator.check` together."""


def check(payload: Any, **arguments: Unpack[_Both]) -> Report:
    """Check a payload: `Validator` and `Validator.check` in one, with the arguments of both."""
    validator, call = _split(arguments)
    return validator.check(payload, **call)


def is_valid(payload: Any, **arguments: Unpack[_Both]) -> bool:
    """Return True if a payload has no error; takes what `check` takes."""
    validator, call = _split(arguments)
    return validator.is_valid(payload, **call)


def validate(payload: Any, **arguments: Unpack[_Both]) -> None:
    """Raise `InvalidPayload` if a payload has errors; takes what `check` takes."""
    check(payload, **arguments).raise_for_errors()


_default = cache(Validator)


def _split(arguments: _Both) -> tuple[Validator, CheckArguments]:
    # No checker can follow which keys go where.
    options: Options = {k: v for k, v in arguments.items() if k in Options.__annotations__}  # type: ignore[assignment]
    call: CheckArguments = {k: v for k, v in arguments.items() if k not in options}  # type: ignore[assignment]
    return Validator(**options) if options else _default(), call
