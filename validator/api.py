"""API: the functions for single checks."""

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
    """The arguments of both `Validator` and `Validator.check`."""


def check(payload: Any, **arguments: Unpack[Arguments]) -> Report:
    """Check a payload; takes the arguments of both `Validator` and `Validator.check`."""
    validator, call = _split(arguments)
    return validator.check(payload, **call)


def is_valid(payload: Any, **arguments: Unpack[Arguments]) -> bool:
    """Return True if a payload has no error; takes the arguments of `check`."""
    validator, call = _split(arguments)
    return validator.is_valid(payload, **call)


def validate(payload: Any, *, fail_on: str = "error", **arguments: Unpack[Arguments]) -> None:
    """Raise `InvalidPayload` if a payload has errors; takes the arguments of `check`.

    With `fail_on` ``"warning"``, it is also raised for warnings.
    """
    check(payload, **arguments).raise_for_errors(fail_on=fail_on)


def codes() -> tuple[Code, ...]:
    """Return all codes with their descriptions, in the order of the documentation.

    A code has the data that ``talonschema rules --format json`` lists, the templates of its message
    and hint, and examples: enough for labels of metrics, translations and your own documentation.
    """
    return tuple(CODES.values())


def explain(code: str) -> Code:
    """Return the description of a code, such as ``"cart/quantity-sum"``.

    Raises `ValueError` for an unknown name, with the closest known one.
    """
    one_of("code", code, CODES)
    return CODES[code]


_KEPT = 32
"""The number of validators that are cached for calls with equal options."""
cached_validator = lru_cache(_KEPT, typed=True)(Validator)


def _split(arguments: Arguments) -> tuple[Validator, CheckArguments]:
    known = (*Options.__annotations__, *CheckArguments.__annotations__)
    for name in arguments:
        if name not in known:
            message = f"unexpected keyword argument {name!r}{suggestion(name, known)}"
            raise TypeError(message)
    # Type checkers can't follow how the keys are divided.
    options: Options = {k: v for k, v in arguments.items() if k in Options.__annotations__}  # type: ignore[assignment]
    call: CheckArguments = {k: v for k, v in arguments.items() if k not in options}  # type: ignore[assignment]
    try:
        return cached_validator(**options), call  # type: ignore[arg-type]
    except TypeError:
        # An option is a list or table, or has a wrong type, which is reported here.
        return Validator(**options), call
