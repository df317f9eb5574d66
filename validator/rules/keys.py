"""Rules about the keys of a payload."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, TypeAlias

from .. import schemas
from ..findings.code import Confidence, Example, Severity
from ..findings.pointer import Path
from ..model.detection import BASES, misspelt_envelope, response_only
from ..model.naming import aliases, plain_name
from ..model.recognition import V1
from ..model.schema_tree import SchemaNode, schema_tree
from .context import Context, Violation, Violations
from .rule import REQUESTS, RETURNS, Builtin, rule

UNKNOWN = "payload/unknown-property"

_OF_PROFILES = frozenset({"customerProfile", "profile", "profileAttributes"})
"""Keys for the profile of a session that some callers send without effect."""

_GUESSES = 100
"""The most unknown keys that get an explanation; more are unlikely to be mistakes."""


@rule(
    UNKNOWN,
    Severity.WARNING,
    summary="An object has a property that is not in the model.",
    message="{model:bare} has no property {property}",
    hint={
        "case": "use {suggestion}; property names are case-sensitive",
        "snake-case": (
            "use {suggestion}; if the payload has the names of the SDKs, check it with "
            'naming="snake" (--naming snake)'
        ),
        "beside": "remove it: {suggestion} is present, and differs in spelling only",
        "wire-name": "use the name of the SDKs, {suggestion}",
        "profile": "update profiles with their own endpoint, Update customer profile",
        "version-1": "this property is from version 1 of the API; use {suggestion}",
        "version-1-beside": (
            "this property is from version 1 of the API; remove it, as {suggestion} is present"
        ),
        "version-1-gone": "this property is from version 1 of the API; it has no replacement",
        "edition": "edition {suggestion:bare} of the API has it, but not this edition",
        "place": "{suggestion:bare} has it; check whether it is at the wrong level",
        "similar": "did you mean {suggestion}?",
    },
    why=(
        "The API silently drops unknown properties, so a value whose name is misspelt or in the "
        "wrong case never arrives. Properties of version 1 of the API (coupon, referral, "
        "discounts) are lost in the same way."
    ),
    fix="Use the suggested name. Your own data belongs in `attributes`.",
    source=(
        "Property lists of the models; that unknown properties are dropped is practice "
        "(Talon.One's own sample campaign sends `Category`)"
    ),
    confidence=Confidence.PRACTICE,
    about="key",
    bad=(
        Example({"cartItems": [], "coupon": "XMAS-20-2021"}),
        Example({"customerSession": {"coupon_codes": []}}),
        Example({"customerSession": {}, "storeIntegrationId": "STORE-001"}),
    ),
    good=(
        Example({"attributes": {"anything": 1}, "couponCodes": []}),
        Example({"storeIntegrationId": "STORE-001"}, {"edition": "2026-06"}),
    ),
    prefilter=Builtin.NO_UNKNOWN_KEYS,
)
def unknown_property(context: Context) -> Violations:
    """Compare the keys of each object with those of its model."""
    guesses = 0
    for path, part, value in _objects(context, _objects_below):
        known = part.properties.keys()
        if value.keys() <= known or part.open:
            continue
        extra = value.keys() - known
        if not path:
            extra -= {_envelope(context)}
        if path == context.base and context.call_kind.model in REQUESTS:
            extra -= response_only(context.edition)
        for key in sorted(extra):
            guesses += 1
            kind = name = None
            if guesses <= _GUESSES:
                kind, name = explain(context.schema_tree, part, key, value)
            yield unknown_key((*path, key), part.model, kind, name)


@rule(
    "payload/read-only-property",
    Severity.WARNING,
    summary="A request contains a property that only the API sets.",
    message={
        "": "{property} is set by the API and ignored in requests",
        "several": "{property} is set by the API and ignored in requests ({count} occurrences)",
    },
    hint="remove it from the request",
    why=(
        "The API computes these properties and returns them in responses. Sending them back has "
        "no effect, and hides that the caller relies on a value which is ignored."
    ),
    fix="Build requests from your own cart rather than from the last response.",
    source="readOnly in the API's OpenAPI 3.1 (2026-04 on); SDK 2.5.1 docs of CartItem",
    models=REQUESTS,
    about="key",
    bad=(
        Example({"customerSession": {"total": 10, "cartItems": []}}),
        Example(
            {"cartItems": [{"name": "A", "sku": "a", "quantity": 1, "price": 1, "position": 0}]}
        ),
    ),
    good=(
        Example({"cartItems": [{"name": "A", "sku": "a", "quantity": 1, "price": 1}]}),
        Example(
            {"cartItems": [{"name": "A", "sku": "a", "quantity": 1, "price": 1, "position": 0}]},
            {"model": "CustomerSessionV2"},
        ),
    ),
    prefilter=Builtin.NO_READ_ONLY_KEYS,
)
def read_only_property(context: Context) -> Violations:
    """Look for keys marked readOnly, and for keys that only the response model has.

    A key of several items is reported once, at the first of them.
    """
    found: dict[tuple[str, str], list[Path]] = {}
    for path, part, value in _objects(context, _read_only_below):
        marked = _read_only(part)
        if path == context.base:
            marked |= response_only(context.edition)
        for key in sorted(value.keys() & marked):
            found.setdefault((part.model, key), []).append((*path, key))
    for (_, key), (first, *others) in found.items():
        params: dict[str, Any] = {"property": key}
        if others:
            params |= {"kind": "several", "count": len(others) + 1}
        yield Violation(first, params=params)


def unknown_key(path: Path, model: str, kind: str | None, suggestion: str | None) -> Violation:
    """Return the violation of an unknown key; `kind` is that of `suggestion`."""
    params = {"model": model, "property": path[-1], "kind": kind, "suggestion": suggestion}
    known = {name: value for name, value in params.items() if value is not None}
    return Violation(path, params=known)


def _envelope(context: Context) -> str | None:
    """Return the misspelt key of the envelope, which ``schema/required`` reports."""
    model = context.call_kind.model
    if model not in REQUESTS + RETURNS or model not in BASES or BASES[model][0] in context.value:
        return None
    return misspelt_envelope(context.value, model)


def explain(
    root: SchemaNode, part: SchemaNode, key: str, present: Collection[str]
) -> tuple[str | None, str | None]:
    """Return an explanation of an unknown `key` of `part` in a payload of `root`.

    It is the kind of the explanation and the suggestion, as in the hints of
    ``payload/unknown-property``; None if there is none. Keys that are `present` or that only the
    API sets are not suggested as replacements.
    """
    snake, plain = _spellings(part)
    name = snake.get(key) or plain.get(plain_name(key))
    if name is not None:
        if name in _read_only(part):
            return None, None
        if name in present:
            return "beside", name
        return ("snake-case" if key in snake else "case"), name
    if part.model == "IntegrationRequest" and key in _OF_PROFILES:
        return "profile", None
    if part.model in _SESSION_MODELS and key in V1:
        successor = V1[key]
        if successor is None:
            return "version-1-gone", None
        return ("version-1-beside" if successor in present else "version-1"), successor
    edition = _editions(part.model).get(key)
    if edition is not None:
        return "edition", edition
    owner = _owners(root).get(key)
    if owner is not None:
        return "place", owner
    close = next((name for name in _similar(part, key) if name not in present), None)
    return (None, None) if close is None else ("similar", close)


@cache
def _owners(root: SchemaNode) -> dict[str, str]:
    """Return the first model below `root` with each property, by name."""
    owners: dict[str, str] = {}
    for part in root.walk():
        for key in part.properties:
            owners.setdefault(key, part.model)
    return owners


@lru_cache
def _similar(part: SchemaNode, key: str) -> list[str]:
    """Return the names similar to a key that callers can set, the closest first."""
    from difflib import get_close_matches

    return get_close_matches(
        key, [name for name in part.properties if name not in _read_only(part)]
    )


@cache
def _read_only(part: SchemaNode) -> frozenset[str]:
    return frozenset(key for key, below in part.properties.items() if below.read_only)


@cache
def _spellings(part: SchemaNode) -> tuple[dict[str, str], dict[str, str]]:
    return (
        {alias: name for name in part.properties for alias in aliases(name)},
        {plain_name(name): name for name in part.properties},
    )


_SESSION_MODELS = ("NewCustomerSessionV2", "CustomerSessionV2")


@cache
def _editions(model: str) -> dict[str, str]:
    """Return the first edition in which a model has each property, by name."""
    editions: dict[str, str] = {}
    for edition in schemas.EDITIONS:
        if model in schemas.models(edition):
            for key in schema_tree(edition, model).properties:
                editions.setdefault(key, edition)
    return editions


Parts: TypeAlias = Callable[[SchemaNode], tuple[tuple[str, SchemaNode], ...]]


@cache
def _objects_below(part: SchemaNode) -> tuple[tuple[str, SchemaNode], ...]:
    """Return the names and nodes of properties that can contain objects with a schema."""
    return tuple(
        (key, below)
        for key, below in sorted(part.properties.items())
        if any(each.properties for each in below.walk())
    )


@cache
def _read_only_below(part: SchemaNode) -> tuple[tuple[str, SchemaNode], ...]:
    """Return the names and nodes of properties that can contain keys that only the API sets."""
    return tuple(
        (key, below)
        for key, below in sorted(part.properties.items())
        if any(_read_only(each) for each in below.walk())
    )


def _objects(
    context: Context, parts: Parts
) -> Iterator[tuple[Path, SchemaNode, Mapping[str, Any]]]:
    """Yield objects in the properties in `parts`, except for those that are known to be valid."""
    suspects = {context.place("cartItems"): context.suspects}
    keys, part = context.suspect_keys(), context.schema_tree.at(context.base)
    if keys is None or part is None:
        yield from _below(context.schema_tree, context.value, (), parts, suspects)
        return
    # The prefilter returns places only if there are no problems outside the session.
    session, base = context.session, context.base
    yield base, part, session
    for key, below in parts(part):
        if key in keys and key in session:
            yield from _below(below, session[key], (*base, key), parts, suspects)


def _below(
    part: SchemaNode,
    value: Any,
    path: Path,
    parts: Parts,
    suspects: Mapping[Path, Sequence[int] | None],
) -> Iterator[tuple[Path, SchemaNode, Mapping[str, Any]]]:
    """Yield an object and those below it, parents first and in order of keys."""
    if isinstance(value, dict):
        if part.properties:
            yield path, part, value
            for key, below in parts(part):
                if key in value:
                    yield from _below(below, value[key], (*path, key), parts, suspects)
        elif part.values is not None:
            for key in sorted(value):
                yield from _below(part.values, value[key], (*path, key), parts, suspects)
    elif part.items is not None and isinstance(value, (list, tuple)):
        only = suspects.get(path)
        for index in range(len(value)) if only is None else only:
            yield from _below(part.items, value[index], (*path, index), parts, suspects)
