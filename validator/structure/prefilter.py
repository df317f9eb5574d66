"""Prefilter: a stricter schema that proves parts of a payload valid, and leaves the suspects.

A stricter schema is derived from that of a model: objects are closed, keys that only the API sets
are removed from requests, values at free keys are limited in depth, and the conditions of rules are
added (`Rule.prefilter`). A part that is valid by this schema has no problems of structure, of
reading, or of those rules. Any other part is suspect: it may still be valid, and is examined by the
engine and the rules.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..findings.pointer import Path
from ..findings.problem import Problem
from ..model.schema_tree import SchemaNode
from ..reading import document, python_values
from .compiler import validator
from .engine import OTHERS, Fragments, Suspects

if TYPE_CHECKING:
    import jsonschema_rs

_MANY, _FEW = 256, 8
"""Cart items validated per call, and per call in a failing batch up to its first bad item."""
_AROUND = 16
"""Items validated singly after a bad one; bisection is slower if 3 to 100 of 1000 are bad."""

_HOPELESS = 2000
"""Suspect items after which the search ends: the engine, which stops at the limit of findings, is
then faster. A cart may have 1000 items."""

_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
_LIST: dict[str, Any] = {"type": [*_SCALAR["type"], "array"], "items": _SCALAR}
_OBJECT = {**_LIST, "type": [*_LIST["type"], "object"], "additionalProperties": _LIST}
_SMALL = {**_OBJECT, "additionalProperties": _OBJECT, "items": _OBJECT}
"""The schema of values at free keys; in items, which are many, it is only `_LIST`."""


_FORMATS = {
    "date-time": (
        "^[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
        "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
        "T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?"
        "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$"
    ),
    "uuid": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
}
"""Patterns that accept a subset of the formats; leap days, for example, are suspect."""


_KEYWORDS = frozenset({"type", "properties", "required", "additionalProperties"})
"""The keywords of objects whose keys can be validated one by one."""
_UNREADABLE = Problem("json/too-deep")
_SHALLOW = 8
"""The nesting depth up to which values of callers are examined without normalising them."""


_BUILTIN = frozenset({dict, list, tuple, str, int, float, bool, type(None)})
_NOTHING = Suspects(shell=False, items=(), structure=False, shell_structure=False)


class SchemaPrefilter:
    """The stricter schema of a model, and its two parts: the cart items and everything else.

    They are compiled on first use.
    """

    def __init__(
        self,
        shape: SchemaNode,
        cart: Path,
        fragments: Fragments,
        *,
        request: bool,
        closed: bool,
    ) -> None:
        """Build the schema of `shape`, whose cart is at `cart`.

        `fragments` has keywords to be added at places, with ``*`` for any step. In a `request`,
        read-only keys are suspect; so are unknown keys if objects are `closed`.
        """
        self._cart = cart
        maker = _Maker(fragments, request=request, closed=closed)
        place = shape.at(cart)
        items = None if place is None else place.items
        self._item_schema: dict[str, Any] = {}
        if items is not None:
            self._item_schema = maker.make(items, (*cart, "*"))
            maker.stop = cart
        maker.free = _SMALL
        self._shell_schema = maker.make(shape, ())
        self._shape, self._items_shape = shape, items
        self._acceptors: dict[int, dict[str, Callable[[Any], bool]]] = {}

    @cached_property
    def _whole(self) -> "jsonschema_rs.Validator":
        schema, item = self._shell_schema, self._item_schema
        if item:
            steps = [key for name in self._cart for key in ("properties", name)]
            schema = _with_part(schema, (*steps, "items"), item)
        return validator(schema, formats=False)

    @cached_property
    def _shell(self) -> "jsonschema_rs.Validator":
        return validator(self._shell_schema, formats=False)

    @cached_property
    def _open_shell(self) -> "jsonschema_rs.Validator":
        """The schema of the model itself, except that values at free keys are limited in depth."""
        maker = _Maker({}, request=False, closed=False)
        maker.stop, maker.free = self._cart, _SMALL
        return validator(maker.make(self._shape, ()), formats=False)

    @cached_property
    def _open_item(self) -> "jsonschema_rs.Validator":
        maker = _Maker({}, request=False, closed=False)
        schema = maker.make(self._items_shape, (*self._cart, "*")) if self._items_shape else {}
        return validator(schema, formats=False)

    @cached_property
    def _item(self) -> "jsonschema_rs.Validator":
        return validator(self._item_schema, formats=False)

    @cached_property
    def _items(self) -> "jsonschema_rs.Validator":
        return validator({"type": "array", "items": self._item_schema}, formats=False)

    def scan(self, value: dict[str, Any]) -> Suspects | None:
        """Return the suspect parts of `value`; None if it is not plain JSON."""
        cart = self._cart_of(value)
        if cart is None:
            return None
        try:
            if len(cart) <= _MANY and self._whole.is_valid(value):
                return _NOTHING
            shell = not self._shell.is_valid(value)
            shell_structure = shell and not self._open_shell.is_valid(value)
            few = shell and len(cart) <= _FEW
            # A payload seldom has suspects both in the cart and outside.
            items = () if few and self._items.is_valid(cart) else self._suspects(cart)
            if len(items) > _HOPELESS:
                return None
            structure = shell_structure
            if items and not structure:
                accepts = self._open_item.is_valid
                structure = not all(map(accepts, [cart[index] for index in items]))
            return Suspects(shell, items, structure, shell_structure)
        except (ValueError, TypeError, OverflowError, RecursionError):
            return None

    def suspect_places(self, value: dict[str, Any], suspects: Suspects) -> frozenset[str] | None:
        """Return all places at which a payload may fail the schema; None if they are unknown.

        They are keys of the session, and ``cartItems/*/`` with keys of items. `OTHERS` stands for
        keys that the schema does not have.
        """
        try:
            found: list[str] = []
            if suspects.shell:
                *steps, _ = self._cart
                whole, part = self._shell_schema, value
                for step in steps:
                    if _failing(whole, part, self._acceptors, besides=step) != []:
                        return None
                    whole, part = whole["properties"][step], part[str(step)]
                keys = _failing(whole, part, self._acceptors)
                if keys is None:
                    return None
                found += keys
            if suspects.items:
                cart = self._cart_of(value)
                if not cart or len(suspects.items) > _FEW:
                    return None
                for index in suspects.items:
                    keys = _failing(self._item_schema, cart[index], self._acceptors)
                    if keys is None:
                        return None
                    found += [f"cartItems/*/{key}" for key in keys]
            return frozenset(found)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None

    def normalise(
        self, value: dict[str, Any], suspects: Suspects, *, read: bool
    ) -> tuple[dict[str, Any], list[Problem]]:
        """Return `value` with each suspect replaced by its `python_values.plain`, and problems.

        `read` means that it was read from text, so that it has no shared parts and no cycles. Paths
        of problems are relative to their part; for text, problems only show that there are some.
        """
        problems: list[Problem] = []

        def normalise(part: Any, above: int) -> Any:
            depth = document.MAX_DEPTH - above
            if python_values.is_plain(part, max_depth=depth - 1 if read else _SHALLOW):
                return part
            if read:
                problems.append(_UNREADABLE)
                return part
            copy, found = python_values.plain(part, max_depth=depth)
            problems.extend(found)
            return copy

        cart = self._cart_of(value)
        if not cart:
            return normalise(value, 0), problems
        items = list(cart)
        for index in suspects.items or ():
            items[index] = normalise(items[index], len(self._cart) + 1)
        copy = _with_part(value, self._cart, [])
        if suspects.shell:
            copy = normalise(copy, 0)
        return _with_part(copy, self._cart, items), problems

    def _cart_of(self, value: Any) -> Sequence[Any] | None:
        """Return the cart items, none if there is no cart, None if its type is not builtin."""
        if not self._item_schema:
            return ()
        for step in self._cart:
            if not isinstance(value, dict):
                return () if type(value) in _BUILTIN else None
            value = value.get(step)
        if isinstance(value, (list, tuple)):
            return value
        return () if type(value) in _BUILTIN else None

    def _suspects(self, cart: Sequence[Any]) -> Sequence[int]:
        if not cart:
            return ()
        all_pass, passes = self._items.is_valid, self._item.is_valid
        if len(cart) <= _FEW:
            return [index for index, item in enumerate(cart) if not passes(item)]
        suspects: list[int] = []
        for first in range(0, len(cart), _MANY):
            many = cart[first : first + _MANY]
            if len(suspects) > _HOPELESS:
                break
            if all_pass(many):
                continue
            start, end = first, first + len(many)
            found: list[int] = []
            while start < end:
                if not found and all_pass(cart[start : start + _FEW]):
                    start += _FEW
                    continue
                stop = min(end, start + _AROUND)
                found = [index for index in range(start, stop) if not passes(cart[index])]
                suspects += found
                start = stop
        return suspects


def _failing(
    schema: dict[str, Any],
    value: Any,
    acceptors: dict[int, dict[str, Callable[[Any], bool]]],
    besides: str | int | None = None,
) -> list[str] | None:
    """Return the keys, except `besides`, whose values are invalid; None if any part may be.

    `OTHERS` stands for each key without a schema. `acceptors` caches the validators of properties
    by the identity of their schema, which is never replaced.
    """
    if type(value) is not dict or not _KEYWORDS.issuperset(schema):
        return None
    for key in schema.get("required", ()):
        if key not in value:
            return None
    failing = []
    known = acceptors.setdefault(id(schema), {})
    for key, part in value.items():
        if key == besides:
            continue
        accepts = known.get(key)
        if accepts is None and key in schema["properties"]:
            accepts = known[key] = validator(schema["properties"][key], formats=False).is_valid
        if accepts is None:
            failing.append(OTHERS)
        elif accepts(part):
            continue
        else:
            failing.append(key)
        if type(key) is not str or not python_values.is_plain(part, max_depth=_SHALLOW):
            return None
    return failing


def _with_part(value: dict[str, Any], path: Path, part: Any) -> dict[str, Any]:
    """Return a copy of `value` with `part` at `path`, which exists."""
    copy = dict(value)
    name = str(path[0])
    copy[name] = part if len(path) == 1 else _with_part(copy[name], path[1:], part)
    return copy


class _Maker:
    def __init__(self, fragments: Fragments, *, request: bool, closed: bool) -> None:
        self._fragments = fragments
        self.free = _LIST
        self._request = request
        self._closed = closed
        self.stop: Path | None = None

    def make(self, place: SchemaNode, path: Path) -> dict[str, Any]:
        schema = dict(place.assertions)
        if "format" in schema:
            schema["pattern"] = _FORMATS[schema.pop("format")]
        kind = schema.get("type")
        if kind is None:
            schema |= self.free
        if place.required:
            schema["required"] = list(place.required)
        if place.properties:
            schema["properties"] = {
                name: self.make(below, (*path, name))
                for name, below in place.properties.items()
                if not (self._request and below.read_only)
            }
        if place.items is not None and path != self.stop:
            schema["items"] = self.make(place.items, (*path, "*"))
        elif kind == "array" and path != self.stop:
            schema["items"] = self.free
        if kind == "object":
            schema["additionalProperties"] = self._others(place, path)
        _add(schema, self._fragments.get(path, {}))
        return schema

    def _others(self, place: SchemaNode, path: Path) -> Any:
        if place.values is not None:
            return self.make(place.values, (*path, "*"))
        return self.free if place.open or not self._closed else False


def _add(schema: dict[str, Any], fragment: Mapping[str, Any]) -> None:
    """Add keywords of rules; for free keys, those about names include the schema of values."""
    rest = dict(fragment)
    if "properties" in rest:
        free = schema["additionalProperties"]
        members = rest.pop("properties")
        rest.pop("propertyNames", None)
        schema["properties"] = {name: free if m is True else m for name, m in members.items()}
    elif "propertyNames" in rest and "properties" not in schema:
        pattern = rest.pop("propertyNames")["pattern"]
        schema["patternProperties"] = {pattern: schema["additionalProperties"]}
        schema["additionalProperties"] = False
    if "required" in rest:
        # Not otherwise, since an empty list would also be evaluated for each value.
        schema["required"] = [*schema.get("required", ()), *rest.pop("required")]
    schema.update(rest)
