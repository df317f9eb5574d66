"""The functions for one check at a time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Unpack

from .checking.call import CheckArguments, one_of
from .checking.registry import CODES
from .checking.report import Report
from .findings.code import Code
from .findings.message import suggestion
from .validator import Options, Validator


class Arguments(CheckArguments, Options, total=False):
    """The arguments of `Validator` and of `Validator.check` together."""


def check(payload: Any, **arguments: Unpack[Arguments]) -> Report:
    """Check a payload: `Validator` and `Validator.check` in one, with the arguments of both."""
    validator, call = _split(arguments)
    return validator.check(payload, **call)


def is_valid(payload: Any, **arguments: Unpack[Arguments]) -> bool:
    """Return True if a payload has no error; takes what `check` takes."""
    validator, call = _split(arguments)
    return validator.is_valid(payload, **call)


def validate(payload: Any, *, fail_on: str = "error", **arguments: Unpack[Arguments]) -> None:
    """Raise `InvalidPayload` if a payload has errors; takes what `check` takes.

    With `fail_on` ``"warning"``, warnings count as well.
    """
    check(payload, **arguments).raise_for_errors(fail_on=fail_on)


def codes() -> tuple[Code, ...]:
    """Return every code there is, in the order of the documentation, with its description.

    A code has what ``talonschema rules --format json`` lists, the templates of its message and
    hint, and examples: enough for labels of metrics, translations and documentation of one's own.
    """
    return tuple(CODES.values())


def explain(code: str) -> Code:
    """Return the description of a code, such as ``"cart/quantity-sum"``.

    Raises `ValueError` for a name that is none, with the closest one.
    """
    one_of("code", code, CODES)
    return CODES[code]


_KEPT = 32
"""How many validators are kept for the next call with equal options."""
cached_validator = lru_cache(_KEPT, typed=True)(Validator)


def _split(arguments: Arguments) -> tuple[Validator, CheckArguments]:
    known = (*Options.__annotations__, *CheckArguments.__annotations__)
    for name in arguments:
        if name not in known:
            message = f"unexpected keyword argument {name!r}{suggestion(name, known)}"
            raise TypeError(message)
    # No checker can follow which keys go where.
    options: Options = {k: v for k, v in arguments.items() if k in Options.__annotations__}  # type: ignore[assignment]
    call: CheckArguments = {k: v for k, v in arguments.items() if k not in options}  # type: ignore[assignment]
    try:
        return cached_validator(**options), call  # type: ignore[arg-type]
    except TypeError:
        # A list or a table among the options, or one of a wrong type, which is reported now.
        return Validator(**options), call
