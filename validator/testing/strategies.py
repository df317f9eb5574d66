"""Strategies: hypothesis strategies for payloads that are valid by schema and rules.

A payload is drawn by walking the schema tree of its model. `_CHOSEN` has strategies for properties
with conditions beyond their schema; `CONSISTENT` then makes the parts consistent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, NamedTuple, TypeAlias

from .. import schemas
from ..checking.call import no_text, one_of
from ..model.schema_tree import SchemaNode, schema_tree
from ..model.states import SETTABLE
from .consistency import CONSISTENT

try:
    from hypothesis import strategies as st
except ImportError as error:
    message = "the strategies need hypothesis: pip install 'talonschema[testing]'"
    raise ImportError(message) from error

Strategy: TypeAlias = st.SearchStrategy[Any]

_RECEIVED = frozenset(
    {"CustomerSessionV2", "IntegrationCustomerSessionResponse", "IntegrationStateV2"}
)
"""The models of responses with a session, including the properties that only the API sets."""
_ELIGIBILITY = "campaignEligibility"
_COVERED = frozenset({"triggeredCampaigns", "ruleFailureReasons"})
"""The values of ``responseContent`` that campaignEligibility includes."""
_SHARED = frozenset({"guest", "anonymous"})
"""Profile ids that are reported because all guests seem to share them."""
_FREE = frozenset({"attributes", "props"})
"""Properties whose members are specific to an account."""
_MOST = 3
"""The most elements of an array, so that payloads stay small."""
_MAX_ID = 2**31 - 1
_MAX_CENTS = 1_000_000
_MAX_QUANTITY = 100
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WORD = _LETTERS + "0123456789_"


def payloads(
    model: str = "IntegrationRequest",
    edition: str = schemas.DEFAULT_EDITION,
    *,
    dry: bool = False,
) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for payloads of a model, in wire names, that have no findings.

    They are payloads that callers send or, for the model of a response, that the API returns. With
    `dry`, they are for calls with ``dry=true``, which have more options.

    Raises `ValueError` for an unknown model or edition, and `TypeError` for a string as `dry`.
    """
    one_of("edition", edition, schemas.EDITIONS)
    one_of("model", model, schemas.models(edition))
    no_text("dry", dry)
    return _payloads(_Kind(model, edition, bool(dry)))


class _Kind(NamedTuple):
    """The kind of payload that is drawn."""

    model: str
    edition: str
    dry: bool


@cache
def _payloads(kind: _Kind) -> Strategy:
    return _value(kind, schema_tree(kind.edition, kind.model))


def _value(kind: _Kind, node: SchemaNode) -> Strategy:
    asserted = node.assertions
    if "enum" in asserted:
        return st.sampled_from(asserted["enum"])
    types = asserted.get("type")
    if isinstance(types, list):
        return st.one_of([_value_of_type(kind, node, each) for each in types])
    return _value_of_type(kind, node, types)


def _value_of_type(kind: _Kind, node: SchemaNode, json_type: str | None) -> Strategy:
    asserted = node.assertions
    match json_type:
        case "object" if node.properties:
            return _model_object(kind, node)
        case "object" if node.values is not None:
            return st.dictionaries(_names(), _value(kind, node.values), max_size=2)
        case "array" if node.items is not None:
            inner = _value(kind, node.items)
            return st.just([]) if inner.is_empty else st.lists(inner, max_size=_MOST)
        case "array":
            return st.just([])
        case "string" if "format" in asserted:
            return _FORMATS[asserted["format"]]
        case "string":
            return st.text(min_size=asserted.get("minLength", 0), max_size=20)
        case "integer":
            return st.integers(1, _MAX_ID)
        case "number":
            return _amounts()
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    # Values without a schema, such as the coupons in an answer, have a form that is not known here.
    return st.nothing()


def _model_object(kind: _Kind, node: SchemaNode) -> Strategy:
    """Return the strategy for an object of a model."""
    members = {}
    for name, below in node.properties.items():
        if below.read_only and kind.model not in _RECEIVED:
            continue
        choose = (
            _free if name in _FREE else _CHOSEN.get((_FAMILY.get(node.model, node.model), name))
        )
        drawn = _value(kind, below) if choose is None else choose(kind)
        # An item without a price needs a price in a catalog.
        always = name in node.required or (node.model, name) == ("CartItem", "price")
        # The optional keys of `fixed_dictionaries` do not always shrink to none.
        members[name] = drawn if always else _ABSENT | drawn
    objects = st.fixed_dictionaries(members).map(_without_absent)
    consistent = CONSISTENT.get(node.model)
    return objects if consistent is None else objects.map(partial(consistent, kind.edition))


_ABSENT = st.just(...)


def _without_absent(drawn: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in drawn.items() if value is not ...}


def _free(_: _Kind) -> Strategy:
    """Return the strategy for an object with account-specific keys, such as attributes."""
    scalars = st.text(max_size=20) | st.booleans() | _amounts() | _FORMATS["date-time"]
    lists = st.lists(st.text(max_size=20), max_size=_MOST) | st.lists(_amounts(), max_size=_MOST)
    return st.dictionaries(_names(), scalars | lists, max_size=2)


def _names() -> st.SearchStrategy[str]:
    """Return the strategy for names of attributes and additional costs, in any edition."""
    return st.builds(str.__add__, st.sampled_from(_LETTERS), st.text(_WORD, max_size=9))


def _amounts() -> st.SearchStrategy[float]:
    """Return the strategy for amounts, whole ones as integers."""
    return st.integers(0, _MAX_CENTS).map(
        lambda cents: cents / 100 if cents % 100 else cents // 100
    )


def _distinct(values: Strategy) -> Strategy:
    return st.lists(values, max_size=_MOST, unique=True)


def _profile(kind: _Kind) -> Strategy:
    """Return the strategy for profile ids; requests should omit an empty one."""
    if kind.model in _RECEIVED:
        return st.text(max_size=20)
    return st.text(min_size=1, max_size=20).filter(lambda text: text.lower() not in _SHARED)


def _states(kind: _Kind) -> Strategy:
    if kind.model not in _RECEIVED:
        return st.sampled_from(SETTABLE)
    return _value(kind, schema_tree(kind.edition, "CustomerSessionV2").properties["state"])


def _campaigns(kind: _Kind) -> Strategy:
    """Return the strategy for campaigns to evaluate, which only dry runs select."""
    wanted = kind.dry or kind.model in _RECEIVED
    return st.lists(st.integers(1, _MAX_ID), max_size=_MOST) if wanted else st.nothing()


def _allocations(kind: _Kind) -> Strategy:
    allocation = _value(kind, schema_tree(kind.edition, "ExperimentVariantAllocation"))
    return st.lists(allocation, max_size=_MOST, unique_by=lambda each: each["experimentID"])


def _returned_items(kind: _Kind) -> Strategy:
    """Return the strategy for non-empty lists of distinct returned items."""
    item = _value(kind, schema_tree(kind.edition, "ReturnedCartItem"))
    return st.lists(
        item,
        min_size=1,
        max_size=_MOST,
        unique_by=lambda each: each.get("position", each.get("sku")),
    )


def _content(kind: _Kind) -> Strategy:
    """Return the strategy for ``responseContent``; campaignEligibility needs a dry run."""
    items = schema_tree(kind.edition, kind.model).properties["responseContent"].items
    known = () if items is None else items.assertions["enum"]
    plain = st.lists(st.sampled_from([each for each in known if each != _ELIGIBILITY]), unique=True)
    if not kind.dry or _ELIGIBILITY not in known:
        return plain
    return plain | plain.map(
        lambda contents: [_ELIGIBILITY, *(each for each in contents if each not in _COVERED)]
    )


def _sources(_: _Kind) -> Strategy:
    """Return the strategy for sources of an error, which have one of three keys."""
    text = st.text(max_size=20)
    return st.one_of(
        [
            st.fixed_dictionaries({name: text}, optional={"resource": text})
            for name in ("pointer", "parameter", "line")
        ]
    )


def _errors(kind: _Kind) -> Strategy:
    return st.lists(_value(kind, schema_tree(kind.edition, "APIError")), max_size=_MOST)


_FORMATS: Mapping[str, st.SearchStrategy[str]] = {
    "date-time": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    "uuid": st.uuids().map(str),
}
_FAMILY = {"NewCustomerSessionV2": "session", "CustomerSessionV2": "session", "NewReturn": "Return"}
"""Models that share chosen properties."""
_CHOSEN: Mapping[tuple[str, str], Callable[[_Kind], Strategy]] = {
    ("session", "profileId"): _profile,
    ("session", "state"): _states,
    # The Management API does not create shorter codes.
    ("session", "couponCodes"): lambda _: _distinct(st.text(min_size=4, max_size=20)),
    ("session", "loyaltyCards"): lambda _: st.lists(
        st.text(_WORD, min_size=1, max_size=20), max_size=1
    ),
    ("session", "identifiers"): lambda _: _distinct(st.text("0123456789abcdef", max_size=32)),
    ("session", "evaluableCampaignIds"): _campaigns,
    ("session", "experimentVariantAllocations"): _allocations,
    ("session", "integrationId"): lambda _: st.text(min_size=1, max_size=20),
    ("session", "updateCount"): lambda _: st.integers(1, 100),
    ("CartItem", "quantity"): lambda _: st.integers(1, _MAX_QUANTITY),
    ("CartItem", "returnedQuantity"): lambda _: st.integers(0, _MAX_QUANTITY),
    ("ReturnedCartItem", "position"): lambda _: st.integers(0, _MAX_QUANTITY),
    ("ReturnedCartItem", "quantity"): lambda _: st.integers(1, _MAX_QUANTITY),
    ("Return", "returnedCartItems"): _returned_items,
    ("IntegrationRequest", "responseContent"): _content,
    ("ReturnIntegrationRequest", "responseContent"): _content,
    ("Loyalty", "programs"): lambda _: st.just({}),
    ("Effect", "ruleIndex"): lambda _: st.integers(0, 10),
    ("ErrorResponse", "errors"): _errors,
    ("ErrorResponse", "StatusCode"): lambda _: st.sampled_from([400, 401, 409]),
    ("APIError", "source"): _sources,
}
"""The strategies for properties with conditions beyond their schema, by model and name."""
