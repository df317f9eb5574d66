"""Engine: the interface of both engines, and the form of their problems.

Both pass each failed assertion to `problem` as data: keyword, place, the keyword's value and the
instance. So code, pointer and parameters do not depend on the engine, and no message of a library
is ever parsed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

from ..findings.pointer import Path
from ..findings.problem import Problem
from ..model.schema_tree import SchemaNode

Fragments: TypeAlias = Mapping[Path, Mapping[str, Any]]
"""Keywords by place, with ``*`` for any step."""

SuspectIndexes: TypeAlias = Mapping[Path, Sequence[int]]
"""Indexes by the path of an array."""


class Suspects(NamedTuple):
    """The suspect parts of a payload."""

    shell: bool
    """Whether anything outside the items of the cart is suspect."""
    items: Sequence[int] | None
    """The indexes of suspect cart items; None if all may be."""
    structure: bool
    """Whether the schema, and not only rules, may find problems."""
    shell_structure: bool
    """Whether the schema may find problems outside the items of the cart."""


EVERYTHING = Suspects(*(True, None, True, True))

OTHERS = ""
"""The name in suspect places for keys that a schema does not have."""


class Prefilter(Protocol):
    """A stricter schema of a model, which accepts only parts that have no problems."""

    def scan(self, value: dict[str, Any]) -> Suspects | None:
        """Return the suspect parts of a payload; None if it could not be examined."""

    def normalise(
        self, value: dict[str, Any], suspects: Suspects, *, read: bool
    ) -> tuple[dict[str, Any], list[Problem]]:
        """Return a payload whose suspect parts are plain JSON, and the problems of these."""

    def suspect_places(self, value: dict[str, Any], suspects: Suspects) -> frozenset[str] | None:
        """Return all places at which a payload may fail the schema; None if they are unknown.

        They are keys of the session, and ``cartItems/*/`` with keys of items. `OTHERS` stands for
        keys that the schema does not have.
        """


class Engine(ABC):
    """A validator of plain JSON (see `python_values.plain`) against the models of an edition."""

    name: ClassVar[str]

    def __init__(self, edition: str) -> None:
        """Initialise the engine for `edition`; schemas are compiled on first use."""
        self.edition = edition

    @abstractmethod
    def problems(
        self,
        model: str,
        instance: Any,
        suspects: SuspectIndexes | None = None,
        *,
        only_suspects: bool = False,
    ) -> Iterator[Problem]:
        """Yield the problems of `instance`, in the order of `pointer.order`.

        `suspects` limits the search in some arrays to these indexes. With `only_suspects`,
        everything else is known to be valid.
        """

    def prefilter(
        self,
        shape: SchemaNode,  # noqa: ARG002 - of no use to an engine without a prefilter
        cart: Path,  # noqa: ARG002
        fragments: Fragments,  # noqa: ARG002
        *,
        request: bool,  # noqa: ARG002
        closed: bool,  # noqa: ARG002
    ) -> Prefilter | None:
        """Return the prefilter of a model whose cart is at `cart`, None if the engine has none.

        `fragments` are keywords to be added at places. In a `request`, keys that only the API sets
        are suspect; so are unknown keys if objects are `closed`.
        """
        return None

    def accepts(self, model: str, instance: Any) -> bool:
        """Return True if `instance` is known to be valid; False may mean unknown."""
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
    """Return True if a plain value is a JSON number."""
    return isinstance(instance, (int, float, Decimal)) and not isinstance(instance, bool)


def is_integer(instance: Any) -> bool:
    """Return True if a plain value is a JSON number without a fraction, such as 1, 1.0 or 1e2."""
    if not is_number(instance):
        return False
    if isinstance(instance, Decimal):
        return instance == instance.to_integral_value()
    return isinstance(instance, int) or instance.is_integer()


def brief(instance: Any) -> Any:
    """Return a scalar, or the type of anything larger."""
    return type_of(instance) if isinstance(instance, (dict, list, tuple)) else instance


def omission(schema_tree: SchemaNode, problem: Problem) -> Problem | None:
    """Convert the problem of a null at an optional key of a request to ``payload/null-property``.

    Return other problems unchanged, and None for a null that is already reported.
    """
    is_type = problem.code == "schema/type"
    null = (
        problem.params["actual"] == "null" if is_type else problem.values.get("actual", 0) is None
    )
    if not null or not problem.path:
        return problem
    parent, name = schema_tree.at(problem.path[:-1]), problem.path[-1]
    if parent is None or name not in parent.properties or name in parent.required:
        return problem
    if not is_type or parent.properties[str(name)].read_only:
        # It is reported by another keyword, or as a key that only the API sets.
        return None
    params = {"property": name, "expected": problem.params["expected"]}
    return Problem("payload/null-property", problem.path, params)
