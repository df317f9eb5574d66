"""Engine: the interface of the two, and the form of what they find.

Both hand each failed assertion to `problem` as data: keyword, place, the keyword's value and the
instance. So code, pointer and parameters are the same whichever engine ran, and no message of a
library is ever read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from ..formats import is_date_time, is_uuid
from ..outline import Outline
from ..pointer import Path
from ..problem import Problem

if TYPE_CHECKING:
    from .sieve import Sieve

Fragments: TypeAlias = Mapping[Path, Mapping[str, Any]]
"""Keywords by place, ``*`` for any step."""

Doubts: TypeAlias = Mapping[Path, Sequence[int]]
"""Indexes by the place of an array."""

FORMATS: dict[str, Callable[[str], bool]] = {"date-time": is_date_time, "uuid": is_uuid}
"""The formats that are asserted, as each engine is taught them."""


class Engine(ABC):
    """Checks plain JSON values (see `instance.plain`) against the models of an edition."""

    name: ClassVar[str]
    sieve: ClassVar[type[Sieve] | None] = None
    """What quickly tells the parts of a payload that are in order, if the engine has such."""

    def __init__(self, edition: str) -> None:
        """Make an engine for `edition`; schemas are compiled when they are first needed."""
        self.edition = edition

    @abstractmethod
    def problems(
        self,
        model: str,
        instance: Any,
        doubts: Doubts | None = None,
        *,
        elsewhere: bool = True,
    ) -> Iterator[Problem]:
        """Yield what is wrong with `instance`, in the order of `pointer.order`.

        `doubts` are the elements that can be wrong in some of its arrays. What is `elsewhere` can
        be wrong, too, unless that is said to be known.
        """

    def accepts(self, model: str, instance: Any) -> bool:
        """Tell whether nothing is wrong with `instance`; False if that is not clear at once."""
        return next(self.problems(model, instance), None) is None


def problem(keyword: str, path: Path, value: Any, instance: Any) -> Problem:
    """Return the problem that `instance` at `path` has with ``{keyword: value}``.

    For ``required``, `value` is the name of the missing key and becomes part of the path.
    """
    code = f"schema/{keyword}"
    match keyword:
        case "required":
            return Problem(code, (*path, value), {"property": value})
        case "type":
            expected = [value] if isinstance(value, str) else sorted(value)
            return Problem(code, path, {"expected": expected, "actual": type_of(instance)})
        case "enum":
            return Problem(code, path, {"allowed": list(value)}, {"actual": brief(instance)})
        case "format":
            return Problem(code, path, {"format": value}, {"actual": brief(instance)})
        case "minItems" | "maxItems" | "minLength" | "maxLength":
            return Problem(code, path, {"limit": value}, {"actual": len(instance)})
        case _:
            return Problem(code, path, {"limit": value}, {"actual": brief(instance)})


def type_of(instance: Any) -> str:
    """Return the JSON type of a plain value; a number without a fraction is an integer."""
    name = _TYPES.get(type(instance))
    if name is not None:
        return name
    if isinstance(instance, str):
        return "string"
    if isinstance(instance, dict):
        return "object"
    if isinstance(instance, (list, tuple)):
        return "array"
    return "integer" if is_integer(instance) else "number"


_TYPES = {
    type(None): "null",
    bool: "boolean",
    str: "string",
    dict: "object",
    list: "array",
    tuple: "array",
    int: "integer",
}


def is_number(instance: Any) -> bool:
    """Tell whether a plain value is a JSON number."""
    return isinstance(instance, (int, float, Decimal)) and not isinstance(instance, bool)


def is_integer(instance: Any) -> bool:
    """Tell whether a plain value is a JSON number without a fraction, such as 1, 1.0 or 1e2."""
    if not is_number(instance):
        return False
    if isinstance(instance, Decimal):
        return instance == instance.to_integral_value()
    return isinstance(instance, int) or instance.is_integer()


def brief(instance: Any) -> Any:
    """Return a scalar as it is, and the type of anything larger."""
    return type_of(instance) if isinstance(instance, (dict, list, tuple)) else instance


def omission(outline: Outline, problem: Problem) -> Problem | None:
    """Return what is wrong with a request's `problem`: null under an optional key is less bad.

    None if that has been told already.
    """
    is_type = problem.code == "schema/type"
    null = (
        problem.params["actual"] == "null" if is_type else problem.values.get("actual", 0) is None
    )
    if not null or not problem.path:
        return problem
    parent, name = outline.at(problem.path[:-1]), problem.path[-1]
    if parent is None or name not in parent.properties or name in parent.required:
        return problem
    if not is_type or parent.properties[str(name)].read_only:
        # Reported by another keyword, or as a key that only the API sets.
        return None
    params = {"property": name, "expected": problem.params["expected"]}
    return Problem("payload/null-property", problem.path, params)
