"""Rules about entities of the account, which have to exist before a session uses them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from ..findings.code import Confidence, Example, Severity
from ..findings.pointer import Path
from ..model.formats import is_date_time
from ..model.policy import Attribute, Catalog, Policy
from .context import Context, Missing, Violation, Violations
from .rule import REQUESTS, PrefilterKeywords, rule

_ATTRIBUTE_NAME = "[A-Za-z][0-9A-Za-z_]*"
_COST_NAME = {
    "2022-06": r"[A-Za-z][0-9A-Za-z_\t\n\f\r ]*",
    "2026-06": _ATTRIBUTE_NAME,
}
_OF_ITEMS = "cartItems/*/attributes"
_NEEDED = "create it under Tools > Attributes first, or correct the name"
_POLICY = {
    "catalog": {
        "attributes": {
            "CustomerSession": {
                "ShippingCity": {"type": "string", "allowed": ["Berlin", "Bonn"]},
                "Days": "number",
            },
            "CartItem": {"material": "string", "sizes": "(list number)"},
        },
        "additional_costs": {"shipping": "session", "engraving": "item"},
    }
}
_WITH = {"policy": _POLICY}
_SHOE = {"name": "Air Glide", "sku": "SKU1241028", "quantity": 1, "price": 99.99}


def _holders(
    context: Context, name: str
) -> Iterator[tuple[str, tuple[str | int, ...], Mapping[str, Any]]]:
    """Yield entity, path and value of the map `name` of the session and of each item."""
    own = context.session.get(name)
    if own and context.readable(name):
        yield "CustomerSession", (name,), own
    for index, item in context.items():
        held = item.get(name)
        if held and isinstance(held, dict):
            yield "CartItem", ("cartItems", index, name), held


class _Held(NamedTuple):
    """An attribute in a payload."""

    entity: str
    path: Path
    value: Any
    attribute: Attribute | None
    """The definition; None if the catalog has none."""


def _definitions(policy: Policy) -> Mapping[str, Mapping[str, Attribute]]:
    """Return the attributes of the catalog by entity and name."""
    return (policy.catalog or Catalog()).attributes or {}


def _scopes(policy: Policy) -> Mapping[str, str]:
    """Return the scope of each additional cost of the catalog."""
    return (policy.catalog or Catalog()).additional_costs or {}


def _attributes(context: Context) -> Iterator[_Held]:
    """Yield each attribute of the entities that the catalog covers."""
    defined = _definitions(context.policy)
    for entity, steps, attributes in _holders(context, "attributes"):
        known = defined.get(entity)
        if known is None:
            continue
        for name in sorted(attributes):
            value = attributes[name]
            if isinstance(value, Enum):
                value = value.value
            yield _Held(entity, context.place(*steps, name), value, known.get(name))


def _missing_entities(context: Context) -> Iterator[Missing]:
    """Yield a reason for each map of attributes whose entity the catalog leaves out."""
    defined = _definitions(context.policy)
    for entity, _, _ in _holders(context, "attributes"):
        if entity not in defined:
            yield Missing(f"the catalog does not cover {entity} attributes")


_PREFILTER_TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "location": {"type": "string"},
    "any": {"type": ["string", "number", "boolean"]},
    "time": {
        "type": "string",
        "pattern": (
            "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
            "T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?Z$"
        ),
    },
}
"""Schemas that accept only values of each type; times on the last days of a month are suspect."""


def _prefilter_attributes(policy: Policy) -> PrefilterKeywords:
    """Return the prefilter that accepts only attributes of the catalog with possible names."""
    defined = _definitions(policy)
    return {
        place: {
            "properties": {
                name: _prefilter_value(attribute)
                for name, attribute in defined.get(entity, {}).items()
                if re.fullmatch(_ATTRIBUTE_NAME, name)
            },
            "additionalProperties": False,
        }
        for entity, place in (("CustomerSession", "attributes"), ("CartItem", _OF_ITEMS))
    }


def _prefilter_value(attribute: Attribute) -> dict[str, Any]:
    listed = attribute.type.startswith("(list ")
    value: dict[str, Any] = dict(
        _PREFILTER_TYPES[attribute.type[6:-1] if listed else attribute.type]
    )
    if attribute.allowed is not None:
        value["enum"] = list(attribute.allowed)
    return {"type": "array", "items": value} if listed else value


def _prefilter_costs(policy: Policy) -> PrefilterKeywords:
    """Return the prefilter that accepts only additional costs of the catalog in their scope.

    It also accepts only possible names, since keywords for single names replace those for all.
    """
    known = _scopes(policy)
    return {
        place: {
            "properties": {
                name: True
                for name, scope in known.items()
                if scope in ("both", where) and re.fullmatch(_ATTRIBUTE_NAME, name)
            },
            "additionalProperties": False,
        }
        for where, place in (
            ("session", "additionalCosts"),
            ("item", "cartItems/*/additionalCosts"),
        )
    }


@rule(
    "catalog/unknown-attribute",
    Severity.ERROR,
    summary="An attribute is not in the catalog for its entity.",
    message="the attribute {attribute} is not defined on {entity:bare} entities",
    hint={
        "elsewhere": "it is defined on {other:bare} entities; check where it belongs",
        "nowhere": _NEEDED,
        "similar": "did you mean {suggestion}? Otherwise, " + _NEEDED,
        "impossible": "correct the name, which no attribute can have",
    },
    why=(
        "The API responds to an attribute that does not exist with HTTP 400, and nothing of "
        "the update is stored. This is the most common reason for a refused session."
    ),
    fix=(
        "Create the attribute for the right entity in the Campaign Manager, and add it to "
        "catalog.attributes in the policy."
    ),
    source='Docs pages on attributes and on errors (title "Unknown")',
    refusal=Confidence.DOCUMENTED,
    models=REQUESTS,
    about="key",
    api_title="Unknown",
    bad=(
        Example({"attributes": {"Shippingcity": "Berlin"}}, _WITH),
        Example({"cartItems": [{**_SHOE, "attributes": {"Days": 3}}]}, _WITH),
    ),
    good=(Example({"attributes": {"ShippingCity": "Berlin"}}, _WITH),),
    needs=("attributes",),
    prefilter=_prefilter_attributes,
)
def unknown_attribute(context: Context) -> Violations:
    """Look each attribute up in the catalog."""
    defined = _definitions(context.policy)
    yield from _missing_entities(context)
    for held in _attributes(context):
        if held.attribute is None:
            yield _unknown_attribute(held.entity, held.path, defined)


def _unknown_attribute(
    entity: str, path: Path, defined: Mapping[str, Mapping[str, Attribute]]
) -> Violation:
    name = path[-1]
    params = {"attribute": name, "entity": entity, "kind": "nowhere"}
    for other, names in defined.items():
        if name in names:
            params |= {"kind": "elsewhere", "other": other}
    if params["kind"] == "nowhere":
        params |= _similar_name(str(name), defined[entity], _ATTRIBUTE_NAME)
    return Violation(path, params=params)


def _similar_name(name: str, known: Iterable[str], form: str) -> dict[str, str]:
    """Return the kind of the hint for an unknown name, with a suggestion if one is close."""
    folded = {each.lower(): each for each in known}
    close = folded.get(name.lower())
    if close is None:
        from difflib import get_close_matches

        close = next(iter(get_close_matches(name, list(folded.values()))), None)
    if close is not None:
        return {"kind": "similar", "suggestion": close}
    return {"kind": "nowhere" if re.fullmatch(form, name) else "impossible"}


def _is_location(value: object) -> bool:
    return isinstance(value, (str, Mapping))


_FITS: dict[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: not isinstance(value, (bool, str, Mapping, list, tuple)),
    "boolean": lambda value: isinstance(value, bool),
    "time": lambda value: isinstance(value, str) and is_date_time(value),
    "location": _is_location,
    "any": lambda _: True,
}


def _fits(value: object, kind: str) -> bool:
    if kind.startswith("(list "):
        fits = _FITS[kind[6:-1]]
        return isinstance(value, (list, tuple)) and all(
            each is not None and fits(each) for each in value
        )
    return _FITS[kind](value)


@rule(
    "catalog/attribute-type",
    Severity.ERROR,
    summary="The value of an attribute does not have the type that the catalog declares.",
    message="the value of attribute {attribute} is not a {type:bare}: {value}",
    why="The API responds to a value of the wrong type with HTTP 400.",
    fix=(
        "Send a value of the declared type. A `time` is an RFC 3339 string such as "
        "2026-06-10T09:00:00Z. The form of a location is not documented, so any string or "
        "object is accepted."
    ),
    source='Docs page on errors (title "Invalid type"); Management API, attributes',
    refusal=Confidence.DOCUMENTED,
    models=REQUESTS,
    api_title="Invalid type",
    bad=(
        Example({"attributes": {"Days": "5"}}, _WITH),
        Example({"cartItems": [{**_SHOE, "attributes": {"sizes": [42, "43"]}}]}, _WITH),
    ),
    good=(
        Example({"attributes": {"Days": 5}}, _WITH),
        Example({"cartItems": [{**_SHOE, "attributes": {"sizes": [42, 43.5]}}]}, _WITH),
    ),
    needs=("attributes",),
    prefilter=_prefilter_attributes,
)
def attribute_type(context: Context) -> Violations:
    """Compare each value with the declared type; null has another rule."""
    yield from _missing_entities(context)
    for held in _attributes(context):
        kind: str | None = None if held.attribute is None else held.attribute.type
        if kind is None or held.value is None or _fits(held.value, kind):
            continue
        wrong = [(held.path, kind, held.value)]
        if kind.startswith("(list ") and isinstance(held.value, (list, tuple)):
            kind = kind[6:-1]
            wrong = [
                ((*held.path, index), kind, each)
                for index, each in enumerate(held.value)
                if each is None or not _FITS[kind](each)
            ]
        for path, declared, value in wrong:
            params = {"attribute": held.path[-1], "type": declared}
            yield Violation(path, params=params, values={"value": _brief(value)})


@rule(
    "catalog/null-attribute",
    Severity.WARNING,
    summary="An attribute of the catalog is sent as null.",
    message="attribute {attribute} is null, not a {type:bare}",
    hint="leave the attribute out if there is no value",
    why=(
        "No attribute type includes null. Integrations send it for missing data, apparently "
        "without an error, but its meaning is not documented."
    ),
    fix="Leave the attribute out, or send a value of its type.",
    source="Practice of the commercetools accelerator",
    confidence=Confidence.INFERRED,
    models=REQUESTS,
    bad=(Example({"attributes": {"Days": None}}, _WITH),),
    good=(Example({"attributes": {}}, _WITH), Example({"attributes": {"Days": None}})),
    needs=("attributes",),
    prefilter=_prefilter_attributes,
)
def null_attribute(context: Context) -> Violations:
    """Look for nulls under declared names."""
    yield from _missing_entities(context)
    for held in _attributes(context):
        if held.attribute is not None and held.value is None:
            params = {"attribute": held.path[-1], "type": held.attribute.type}
            yield Violation(held.path, params=params)


@rule(
    "catalog/attribute-value",
    Severity.ERROR,
    summary="The value of an attribute is not one of those that the catalog allows.",
    message="{value} is not an allowed value of attribute {attribute}",
    hint="use one of: {allowed}",
    why="If an attribute is restricted to a list of values, the API refuses any other.",
    fix=(
        "Send one of the listed values, or extend the list in the Campaign Manager and the catalog."
    ),
    source="Management API, attributes (restrictedBySuggestions, allowed list)",
    refusal=Confidence.INFERRED,
    models=REQUESTS,
    bad=(Example({"attributes": {"ShippingCity": "Paris"}}, _WITH),),
    good=(Example({"attributes": {"ShippingCity": "Bonn"}}, _WITH),),
    needs=("attributes",),
    prefilter=_prefilter_attributes,
)
def attribute_value(context: Context) -> Violations:
    """Look each value, or each element of a list, up in the allowed values, except for null."""
    yield from _missing_entities(context)
    for held in _attributes(context):
        attribute, value = held.attribute, held.value
        if attribute is None or attribute.allowed is None or value is None:
            continue
        if not _fits(value, attribute.type):
            continue
        # They are either all strings or all numbers, and so can be sorted.
        allowed: Any = attribute.allowed
        listed = isinstance(value, (list, tuple))
        for index, each in enumerate(value if listed else (value,)):
            if isinstance(each, (Mapping, list, tuple)) or each not in allowed:
                yield Violation(
                    (*held.path, index) if listed else held.path,
                    params={"attribute": held.path[-1], "allowed": sorted(allowed)},
                    values={"value": _brief(each)},
                )


@rule(
    "catalog/unknown-additional-cost",
    Severity.ERROR,
    summary="An additional cost is not in the catalog.",
    message="the additional cost {cost} is not defined",
    hint={
        "nowhere": "create it in the Campaign Manager first, or correct the name",
        "similar": "did you mean {suggestion}? Otherwise, create it in the Campaign Manager first",
        "impossible": "correct the name, which no additional cost can have",
    },
    why="An additional cost has to be created before a session can contain it.",
    fix="Create the cost, and add it to catalog.additional_costs in the policy.",
    source="Docs page on managing additional costs; Management API, additional costs",
    refusal=Confidence.INFERRED,
    models=REQUESTS,
    about="key",
    bad=(Example({"additionalCosts": {"Shipping": {"price": 9}}}, _WITH),),
    good=(Example({"additionalCosts": {"shipping": {"price": 9}}}, _WITH),),
    needs=("additional costs",),
    prefilter=_prefilter_costs,
)
def unknown_additional_cost(context: Context) -> Violations:
    """Look each name up in the catalog."""
    known = _scopes(context.policy)
    for _, steps, costs in _holders(context, "additionalCosts"):
        for name in sorted(costs.keys() - known.keys()):
            params = {"cost": name, **_similar_name(name, known, _COST_NAME[context.edition])}
            yield context.violation(*steps, name, params=params)


@rule(
    "catalog/additional-cost-scope",
    Severity.ERROR,
    summary="An additional cost is used outside its scope.",
    message="the additional cost {cost} is for {scope:bare}s only, not for {place:bare}s",
    hint="move it, or change its type to both in the Campaign Manager",
    why=(
        "A cost of type session belongs on the session, one of type item on cart items; "
        "only a cost of type both may be used on either."
    ),
    fix="Move the cost, or change its type and the policy's catalog.additional_costs.",
    source="Docs page on managing additional costs; Management API, additional costs (type)",
    refusal=Confidence.INFERRED,
    models=REQUESTS,
    about="key",
    bad=(
        Example({"cartItems": [{**_SHOE, "additionalCosts": {"shipping": {"price": 9}}}]}, _WITH),
    ),
    good=(
        Example({"cartItems": [{**_SHOE, "additionalCosts": {"engraving": {"price": 9}}}]}, _WITH),
    ),
    needs=("additional costs",),
    prefilter=_prefilter_costs,
)
def additional_cost_scope(context: Context) -> Violations:
    """Compare the scope of each known cost with its place."""
    known = _scopes(context.policy)
    for entity, steps, costs in _holders(context, "additionalCosts"):
        place = "session" if entity == "CustomerSession" else "item"
        for name in sorted(costs.keys() & known.keys()):
            scope = known[name]
            if scope not in ("both", place):
                params = {"cost": name, "scope": scope, "place": place}
                yield context.violation(*steps, name, params=params)


@rule(
    "catalog/impossible-name",
    Severity.WARNING,
    summary="No attribute or additional cost can have this name.",
    message="{name} is not a valid name of an {entity:bare}",
    hint={
        "": "use a name of letters, digits and underscores that begins with a letter",
        "blanks": "use a name of letters, digits, underscores and blanks that begins with a letter",
    },
    why=(
        "The Management API only accepts names of ASCII letters, digits and underscores that begin "
        "with a letter (in 2022, additional costs may also contain blanks). A name that can't be "
        "created does not exist in any account."
    ),
    fix="Use the name under which it was created.",
    source="Management API, attributes and additional costs (pattern of `name`)",
    models=REQUESTS,
    about="key",
    bad=(
        Example({"attributes": {"shipping-city": "Berlin"}}),
        Example({"additionalCosts": {"express shipping": {"price": 9}}}, {"edition": "2026-06"}),
    ),
    good=(
        Example({"attributes": {"ShippingCity_2": "Berlin"}}),
        Example({"additionalCosts": {"express shipping": {"price": 9}}}),
    ),
    prefilter={
        holder + name: {"propertyNames": {"pattern": f"^{_ATTRIBUTE_NAME}$"}}
        for holder in ("", "cartItems/*/")
        for name in ("attributes", "additionalCosts")
    },
)
def impossible_name(context: Context) -> Violations:
    """Match all names against the pattern for new names."""
    kinds = (
        ("attributes", "attribute", _ATTRIBUTE_NAME),
        ("additionalCosts", "additional cost", _COST_NAME[context.edition]),
    )
    for holder, kind, form in kinds:
        fits = _fullmatch(form)
        for _, steps, names in _holders(context, holder):
            # Nearly all names match, for which this is the fastest test.
            if all(map(fits, names)):
                continue
            for name in sorted([name for name in names if not fits(name)]):
                params = {"entity": kind, "name": name}
                if form != _ATTRIBUTE_NAME:
                    params["kind"] = "blanks"
                yield context.violation(*steps, name, params=params)


@cache
def _fullmatch(form: str) -> Callable[[str], object]:
    return re.compile(form).fullmatch


def _brief(value: object) -> object:
    """Return a value for a message; large ones are replaced by their kind."""
    if isinstance(value, Mapping):
        return {} if not value else "an object"
    return "an array" if isinstance(value, (list, tuple)) else value
