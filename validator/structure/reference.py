"""The reference engine: the package jsonschema, applied to the schema files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .. import schemas
from ..findings.message import MANY_BITS
from ..findings.pointer import order
from ..findings.problem import Problem
from ..model.formats import FORMATS
from .engine import Engine, SuspectIndexes, is_integer, is_number, problem


class Reference(Engine):
    """The portable engine, which defines the meaning of a schema."""

    name = "jsonschema"

    def problems(
        self,
        model: str,
        instance: Any,
        suspects: SuspectIndexes | None = None,  # noqa: ARG002 - the reference examines everything
        *,
        only_suspects: bool = False,  # noqa: ARG002 - the same
    ) -> Iterator[Problem]:
        """Yield the problems of `instance`, in the order of `pointer.order`."""
        try:
            errors = list(_validator(self.edition, model).iter_errors(instance))
        except ValueError:
            errors = list(_validator(self.edition, model).iter_errors(_tame(instance)))
        found = {(each.code, each.path): each for error in errors for each in _problems(error)}
        yield from sorted(found.values(), key=lambda each: (order(each.path), each.code))


class _Huge(int):
    """An integer with too many digits for the messages of jsonschema."""

    def __repr__(self) -> str:
        return "..."


def _tame(instance: Any) -> Any:
    if isinstance(instance, dict):
        return {name: _tame(below) for name, below in instance.items()}
    if isinstance(instance, list):
        return [_tame(below) for below in instance]
    huge = type(instance) is int and instance.bit_length() > MANY_BITS
    return _Huge(instance) if huge else instance


def _problems(error: ValidationError) -> Iterator[Problem]:
    keyword, path = str(error.validator), tuple(error.absolute_path)
    value: Any = error.validator_value
    instance: Any = error.instance
    if keyword == "required":
        yield from (problem(keyword, path, key, instance) for key in value if key not in instance)
    else:
        yield problem(keyword, path, value, instance)


@cache
def _validator(edition: str, model: str) -> Validator:
    schema = {"$ref": schemas.uri(edition, model)}
    return _class()(schema, registry=_registry(), format_checker=_format_checker())


@cache
def _class() -> type[Validator]:
    checker = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "number": lambda _, instance: is_number(instance),
            "integer": lambda _, instance: is_integer(instance),
        }
    )
    extended: type[Validator] = extend(Draft202012Validator, type_checker=checker)
    return extended


@cache
def _registry() -> Registry[Any]:
    """Return all schemas without ``$schema``, for which jsonschema would ignore our types."""
    registry: Registry[Any] = schemas.registry()
    return Registry().with_resources(
        (
            uri,
            DRAFT202012.create_resource(
                {k: v for k, v in dict(registry.contents(uri)).items() if k != "$schema"}
            ),
        )
        for uri in registry
    )


@cache
def _format_checker() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, accepts in FORMATS.items():
        checker.checks(name)(lambda value, f=accepts: not isinstance(value, str) or f(value))
    return checker
