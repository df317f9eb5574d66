"""The accelerator: jsonschema-rs, applied first to the whole and then only to parts that fail.

`iter_errors` of jsonschema-rs builds all errors at once, which a hostile payload can make
expensive. So each model is divided at its arrays and maps: a *shell* checks a place and its parts
whose number is fixed, and elements are examined only if a quick check shows that they are invalid.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain, islice
from operator import getitem
from typing import Any, NamedTuple, TypeAlias

from ..findings.pointer import Path, order
from ..findings.problem import Problem
from ..model.schema_tree import SchemaNode, schema_tree
from ..reading.python_values import plain
from .compiler import validator
from .engine import Engine, Fragments, Prefilter, SuspectIndexes, problem
from .prefilter import SchemaPrefilter


class _Node:
    """A place of a schema and its parts, down to the next arrays and maps."""

    __slots__ = ("branches", "place", "shell", "whole")

    def __init__(self, place: SchemaNode, branches: dict[Path, "_Branch"]) -> None:
        """Compile the schema of `place`; `branches` are the arrays and maps below it, by path."""
        formats = any("format" in below.assertions for below in place.walk())
        self.whole = validator(schema_of(place, shell=False, root=True), formats=formats)
        """The validator of the place with everything below it."""
        shell = schema_of(place, shell=True, root=True)  # noqa: S604 - no program is started
        self.shell = validator(shell, formats=formats)
        """The validator of the place without the elements and members of `branches`."""
        self.branches = branches
        self.place = place


class _Branch(NamedTuple):
    kinds: tuple[type, ...]
    """The Python types that represent the array or map."""
    part: _Node
    """The node of its elements or members."""


_Below: TypeAlias = tuple[_Node, Iterator[tuple[str | int, Any]]]
"""A node, and the elements or members that it does not accept."""


class Accelerated(Engine):
    """The fast engine: hundreds of times faster than the reference, with the same findings."""

    name = "jsonschema-rs"

    def __init__(self, edition: str) -> None:
        """Initialise the engine for `edition`."""
        super().__init__(edition)
        self._nodes: dict[SchemaNode, _Node] = {}

    def prefilter(
        self, shape: SchemaNode, cart: Path, fragments: Fragments, *, request: bool, closed: bool
    ) -> Prefilter:
        """Return a stricter schema of one model."""
        return SchemaPrefilter(shape, cart, fragments, request=request, closed=closed)

    def problems(
        self,
        model: str,
        instance: Any,
        suspects: SuspectIndexes | None = None,
        *,
        only_suspects: bool = False,
    ) -> Iterator[Problem]:
        """Yield the problems of `instance`, in the order of `pointer.order`.

        Values that jsonschema-rs can't read, such as lone surrogates, are left to the reference.
        """
        count = 0
        try:
            node = self._node(schema_tree(self.edition, model))
            for each in _descend(node, instance, (), suspects or {}, only_suspects=only_suspects):
                yield each
                count += 1
        except ValueError:
            from .reference import Reference

            reference = Reference(self.edition)
            yield from islice(reference.problems(model, plain(instance)[0]), count, None)

    def accepts(self, model: str, instance: Any) -> bool:
        """Return True if `instance` is known to be valid; False may mean unknown."""
        try:
            return self._node(schema_tree(self.edition, model)).whole.is_valid(instance)
        except ValueError:
            return False

    def _node(self, place: SchemaNode) -> _Node:
        if place not in self._nodes:
            branches = {
                path: _Branch(kinds, self._node(part)) for path, kinds, part in _branches(place, ())
            }
            self._nodes[place] = _Node(place, branches)
        return self._nodes[place]


def schema_of(place: SchemaNode, *, shell: bool, root: bool = False) -> dict[str, Any]:
    """Return the self-contained schema of a place; a `shell` ends at arrays and maps."""
    schema = dict(place.assertions)
    if place.properties:
        schema["properties"] = {
            name: schema_of(below, shell=shell) for name, below in place.properties.items()
        }
    if place.required:
        schema["required"] = list(place.required)
    if not shell and place.items is not None:
        schema["items"] = schema_of(place.items, shell=False)
    if not shell and place.values is not None:
        schema["additionalProperties"] = schema_of(place.values, shell=False)
    if root:
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema


def _branches(place: SchemaNode, path: Path) -> Iterator[tuple[Path, tuple[type, ...], SchemaNode]]:
    if place.items is not None:
        yield path, (list, tuple), place.items
    if place.values is not None:
        yield path, (dict,), place.values
    for name, below in place.properties.items():
        yield from _branches(below, (*path, name))


def _descend(
    node: _Node, instance: Any, base: Path, suspects: SuspectIndexes, *, only_suspects: bool = False
) -> Iterator[Problem]:
    found: list[tuple[Path, str, Problem | _Below]] = []
    errors: Iterable[Any] = ()
    if not only_suspects:
        errors = node.shell.iter_errors(_trim(node.place, instance))
    for error in errors:
        kind, path = error.kind, tuple(error.instance_path)
        keyword, value, part = kind.name, kind.value, reduce(getitem, path, instance)
        if type(part) is not int or not _is_false_error(keyword, value, part):
            each = problem(keyword, (*base, *path), value, part)
            found.append((each.path, each.code, each))
    branches: Iterable[Path] = node.branches
    if only_suspects:
        branches = suspects.keys() & node.branches.keys()
    for branch in branches:
        value = _member(instance, branch)
        kinds, below = node.branches[branch]
        if value and isinstance(value, kinds):
            place = (*base, *branch)
            faulty = _faulty(below, value, suspects.get(place))
            first = next(faulty, None)
            if first is not None:
                found.append((place, _AFTER, (below, chain((first,), faulty))))
    if len(found) > 1:
        found.sort(key=lambda entry: (order(entry[0]), entry[1]))
    for place, _, thing in found:
        if isinstance(thing, Problem):
            yield thing
        else:
            below, faulty = thing
            for step, part in faulty:
                yield from _descend(below, part, (*place, step), suspects)


def _trim(place: SchemaNode, value: Any) -> Any:
    """Return a value without the parts that the shell of `place` ignores.

    Each error of jsonschema-rs has a copy of the whole value at its place.
    """
    if isinstance(value, dict):
        known = place.properties
        if not known:
            return {}
        return {
            name: part if type(part) in _SCALARS else _trim(known[name], part)
            for name, part in value.items()
            if name in known
        }
    if isinstance(value, (list, tuple)):
        return [None] * min(len(value), place.assertions.get("maxItems", 0) + 1)
    return value


_SCALARS = frozenset({str, int, float, bool, type(None)})


def _is_false_error(keyword: str, value: Any, number: int) -> bool:
    """Return True for a false error: jsonschema-rs has no integers with hundreds of digits."""
    if keyword == "type":
        return "number" in value or "integer" in value
    return keyword == "minimum" and number >= value


_AFTER = "~"
"""A string that sorts after all codes: problems of a place come before those below it."""


def _member(instance: Any, keys: Path) -> Any:
    """Return the value at a path of keys, None if there is none."""
    for key in keys:
        if not isinstance(instance, dict):
            return None
        instance = instance.get(key)
    return instance


def _faulty(
    node: _Node, value: Any, doubtful: Sequence[int] | None
) -> Iterator[tuple[str | int, Any]]:
    """Yield the parts that `node` does not accept; lazily, since there may be very many."""
    accepts = node.whole.is_valid
    if isinstance(value, dict):
        for name in sorted(value):
            if not accepts(value[name]):
                yield name, value[name]
    else:
        for index in range(len(value)) if doubtful is None else doubtful:
            if not accepts(value[index]):
                yield index, value[index]
