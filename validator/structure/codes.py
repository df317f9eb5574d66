"""Codes of structure: one for each assertion keyword of JSON Schema in use."""

from __future__ import annotations

from ..findings.code import Code, Confidence, Example, Severity

_ITEM = {"name": "Air Glide", "sku": "SKU1241028", "quantity": 1, "price": 99.99}
_SOURCE = "Integration API's OpenAPI files of the edition; SDK 2.5.1 models"
_AS_RESPONSE = {"model": "CustomerSessionV2"}

CODES = (
    Code(
        name="schema/type",
        severity=Severity.ERROR,
        summary="A value has another JSON type than the model declares.",
        message="this is of type {actual:bare}, not {expected:bare}",
        hint={
            "list": (
                "check each payload (--at '/*'); calls on one session go through replay "
                "(--sequence)"
            ),
            "": "",
        },
        why="The API can't read the value and refuses the whole request.",
        fix=(
            "Send the value in its type: a number without quotes, a list in brackets. In Python, "
            "Decimal counts as a number, tuples as arrays, any Mapping as an object."
        ),
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(Example({"cartItems": [{**_ITEM, "quantity": "1"}]}), Example([])),
        good=(Example({"cartItems": [{**_ITEM, "quantity": 1.0}]}),),
    ),
    Code(
        name="schema/required",
        severity=Severity.ERROR,
        summary="A key that the model requires is missing.",
        message="{property} is required and missing",
        hint={
            "misspelt": "rename {written} to {property}",
            "": "",
        },
        why="The API refuses an object without it.",
        fix="Send the key. The pointer names the place where it should stand.",
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(Example({"cartItems": [{"sku": "A"}]}), Example({}, {"model": "IntegrationRequest"})),
        good=(Example({"cartItems": [_ITEM]}),),
    ),
    Code(
        name="schema/enum",
        severity=Severity.ERROR,
        summary="A value is not one of those the model lists.",
        message="{actual} is not one of the allowed values",
        hint="allowed are: {allowed}",
        why="The API refuses values outside the list; they are case-sensitive.",
        fix="Send one of the listed values (cancelled is written with two l).",
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(
            Example({"state": "canceled"}),
            Example({"customerSession": {}, "responseContent": ["everything"]}),
        ),
        good=(Example({"state": "cancelled"}),),
    ),
    Code(
        name="schema/minLength",
        severity=Severity.ERROR,
        summary="A text is shorter than the model allows.",
        message="the text has {actual} characters; the least is {limit}",
        why="The API refuses it. A missing value is often turned into an empty text on the way.",
        fix="Send the value, or leave an optional key out.",
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(Example({"cartItems": [{**_ITEM, "sku": ""}]}),),
        good=(Example({"cartItems": [{**_ITEM, "sku": "1"}]}),),
    ),
    Code(
        name="schema/maxLength",
        severity=Severity.ERROR,
        summary="A text is longer than the model allows.",
        message="the text has {actual} characters; the most is {limit}",
        why="The API refuses it.",
        fix="Send a shorter text.",
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(Example({"referralCode": "x" * 101}),),
        good=(Example({"referralCode": "x" * 100}),),
    ),
    Code(
        name="schema/minimum",
        severity=Severity.ERROR,
        summary="A number is smaller than the model allows.",
        message="{actual} is less than {limit}",
        why="The API refuses it.",
        fix="Leave out items that nothing is bought of, rather than sending quantity 0.",
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(Example({"cartItems": [{**_ITEM, "quantity": 0}]}),),
        good=(Example({"cartItems": [_ITEM]}),),
    ),
    Code(
        name="schema/maxItems",
        severity=Severity.ERROR,
        summary="A list has more entries than the model allows.",
        message="the list has {actual} entries; the most is {limit}",
        why=(
            "A session holds at most 1000 cart items, 5 identifiers and 1 loyalty card. What the "
            "API does beyond is not documented; count on a refusal."
        ),
        fix="Send fewer entries: units of the same product fit into one item with a quantity.",
        source=f"{_SOURCE}; the limit of 1000 items is in the text on cart items",
        refusal=Confidence.DOCUMENTED,
        leaves="something readable",
        bad=(Example({"loyaltyCards": ["a", "b"]}), Example({"cartItems": [_ITEM] * 1001})),
        good=(Example({"cartItems": [_ITEM] * 1000}),),
    ),
    Code(
        name="schema/format",
        severity=Severity.ERROR,
        summary="A text is not in the format the model declares.",
        message="{actual} is not a {format:bare}",
        why="Clients that parse the value fail on it.",
        fix="Write points in time as RFC 3339 does, 2021-02-17T12:53:17Z, and UUIDs with dashes.",
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(Example({"created": "2021-02-17 12:53"}, _AS_RESPONSE),),
        good=(Example({"created": "2021-02-17T12:53:17.997934Z"}, _AS_RESPONSE),),
    ),
    Code(
        name="payload/null-property",
        severity=Severity.WARNING,
        summary="An optional property of a request is null.",
        message="{property} is null, where the model has {expected:bare}",
        hint="send a value, or leave {property} out",
        why=(
            "No property may be null. For some months the docs asked users to send null for "
            '"keep what there is", and it seems to count as omitted, but nothing states it now.'
        ),
        fix="Leave the key out. Raise the severity of this code to error to be strict.",
        source="Description of couponCodes 2024-09 to 2024-12; no property is nullable",
        confidence=Confidence.PRACTICE,
        models=("IntegrationRequest", "NewCustomerSessionV2", "ReturnIntegrationRequest"),
        leaves="something readable",
        bad=(Example({"couponCodes": None}),),
        good=(Example({}),),
    ),
)
