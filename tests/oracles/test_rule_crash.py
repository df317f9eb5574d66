"""Rules that fail: none does, on whatever payload and by whatever policy."""

from __future__ import annotations

import math
import os
from collections import ChainMap, UserDict
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.strategies import ENGINES, damaged, places, put, sent_or_received
from talonschema import NEW, Policy, Validator
from talonschema.testing.strategies import payloads

EXAMPLES = int(os.environ.get("TALONSCHEMA_EXAMPLES", "200"))
EXTREMES: list[Any] = [
    *(10**400, -(10**400), 2**63, 1e308, -1e308, 5e-324, -0.0, math.inf, math.nan),
    *(Decimal("1e-400"), Decimal("1E+400"), Decimal("NaN"), True, None, "", "\ud800", "\0"),
    *([], [[]], [[[None]]], {}, {"": {}}, {"a": [[1e308]]}, ..., b"", {1: 2}),
    *(UserDict(price=1), ChainMap({"quantity": 1})),
]
types = st.sampled_from(
    [
        *("string", "number", "boolean", "time", "location", "any"),
        *("(list string)", "(list number)", "(list time)", "(list location)"),
    ]
)
attributes = st.dictionaries(st.from_regex(r"\A[A-Za-z]\w{0,3}\Z", fullmatch=True), types)
policies = st.fixed_dictionaries(
    {},
    optional={
        "coupon_budget": st.booleans(),
        "referral_budget": st.booleans(),
        "identifier_budget": st.booleans(),
        "cart_item_flattening": st.booleans(),
        "total_tolerance": st.sampled_from([0, 5e-324, 0.005, 1e308]),
        "catalog": st.fixed_dictionaries(
            {},
            optional={
                "attributes": st.fixed_dictionaries(
                    {}, optional={"CustomerSession": attributes, "CartItem": attributes}
                ),
                "additional_costs": st.dictionaries(
                    st.sampled_from(["a", "shipping"]), st.sampled_from(["session", "item", "both"])
                ),
                "priced_skus": st.lists(st.sampled_from(["a", "\0", "0"])),
            },
        ).filter(bool),
    },
)


@st.composite
def extreme(draw: st.DrawFn, edition: str, model: str) -> Any:
    """Draw a payload with extreme values anywhere in it."""
    own = payloads(model, edition)
    payload = draw(own | damaged(own))
    for value in draw(st.lists(st.sampled_from(EXTREMES), max_size=4)):
        deepest = sorted(places(payload), key=lambda place: (-len(place), str(place)))
        payload = put(payload, draw(st.sampled_from(deepest)), value)
    return payload


@settings(max_examples=EXAMPLES)
@given(
    data=st.data(),
    kind=sent_or_received,
    policy=policies,
    engine=st.sampled_from(ENGINES),
    previous=st.sampled_from([None, NEW, "closed", {"state": "closed", "cartItems": []}]),
)
def test_no_rule_fails(
    data: st.DataObject, kind: tuple[str, str], policy: dict[str, Any], engine: Any, previous: Any
) -> None:
    edition, model = kind
    payload = data.draw(extreme(edition, model))
    checked = Validator(edition=edition, engine=engine, policy=Policy.from_mapping(policy))
    report = checked.check(payload, model=model, previous=previous)
    assert "internal/rule-crash" not in {each.code for each in report.findings}
    str(report)
