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
        summary="A value has a different JSON type from the one in the model.",
        message="this is of type {actual:bare}, not {expected:bare}",
        hint={
            "list": (
                "to check each entry as a payload, use --at '/*'; to replay the calls on one "
                "session, use --sequence"
            ),
            "": "",
        },
        why="The API can't parse the value and refuses the whole request.",
        fix=(
            "Send the value in the declared type: numbers without quotes, lists in brackets. In "
            "Python, a Decimal counts as a number, a tuple as an array, any Mapping as an object."
        ),
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(Example({"cartItems": [{**_ITEM, "quantity": "1"}]}), Example([])),
        good=(Example({"cartItems": [{**_ITEM, "quantity": 1.0}]}),),
    ),
    Code(
        name="schema/required",
        severity=Severity.ERROR,
        summary="A required property is missing.",
        message="{property} is required but missing",
        hint={
            "misspelt": "rename {written} to {property}",
            "": "",
        },
        why="The API refuses an object without its required properties.",
        fix="Add the property at the location that the pointer names.",
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(Example({"cartItems": [{"sku": "A"}]}), Example({}, {"model": "IntegrationRequest"})),
        good=(Example({"cartItems": [_ITEM]}),),
    ),
    Code(
        name="schema/enum",
        severity=Severity.ERROR,
        summary="A value is not one of those that the model allows.",
        message="{actual} is not one of the allowed values",
        hint="use one of: {allowed}",
        why="The API refuses any other value. Values are case-sensitive.",
        fix="Send one of the allowed values. Note that cancelled is spelt with a double l.",
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
        summary="A string is shorter than the model allows.",
        message="the string has {actual} characters; the minimum is {limit}",
        why="The API refuses it. Integrations often turn a missing value into an empty string.",
        fix="Send the value, or leave the property out if it is optional.",
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(Example({"cartItems": [{**_ITEM, "sku": ""}]}),),
        good=(Example({"cartItems": [{**_ITEM, "sku": "1"}]}),),
    ),
    Code(
        name="schema/maxLength",
        severity=Severity.ERROR,
        summary="A string is longer than the model allows.",
        message="the string has {actual} characters; the maximum is {limit}",
        why="The API refuses it.",
        fix="Send a shorter string.",
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
        fix="Leave out an item that is not bought, rather than sending a quantity of 0.",
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(Example({"cartItems": [{**_ITEM, "quantity": 0}]}),),
        good=(Example({"cartItems": [_ITEM]}),),
    ),
    Code(
        name="schema/maxItems",
        severity=Severity.ERROR,
        summary="A list has more entries than the model allows.",
        message="the list has {actual} entries; the maximum is {limit}",
        why=(
            "A session has at most 1000 cart items, 5 identifiers and 1 loyalty card. How the API "
            "handles more is not documented; expect a refusal."
        ),
        fix="Send fewer entries: combine units of the same product into one item with a quantity.",
        source=f"{_SOURCE}; the limit of 1000 items is in the description of cart items",
        refusal=Confidence.DOCUMENTED,
        leaves="something readable",
        bad=(Example({"loyaltyCards": ["a", "b"]}), Example({"cartItems": [_ITEM] * 1001})),
        good=(Example({"cartItems": [_ITEM] * 1000}),),
    ),
    Code(
        name="schema/format",
        severity=Severity.ERROR,
        summary="A string does not have the format that the model declares.",
        message="{actual} is not a valid {format:bare}",
        why="Clients that parse the value fail on it.",
        fix="Write times as in RFC 3339 (2021-02-17T12:53:17Z), and UUIDs with hyphens.",
        source=_SOURCE,
        refusal=Confidence.DOCUMENTED,
        bad=(Example({"created": "2021-02-17 12:53"}, _AS_RESPONSE),),
        good=(Example({"created": "2021-02-17T12:53:17.997934Z"}, _AS_RESPONSE),),
    ),
    Code(
        name="payload/null-property",
        severity=Severity.WARNING,
        summary="An optional property of a request is null.",
        message="{property} is null, but the model declares {expected:bare}",
        hint="send a value, or leave {property} out",
        why=(
            "No property may be null. For some months the docs asked users to send null to keep "
            "the stored value, and it seems to count as omitted, but this is no longer documented."
        ),
        fix="Leave the property out. For a strict check, raise the severity of this code to error.",
        source="Description of couponCodes 2024-09 to 2024-12; no property is nullable",
        confidence=Confidence.PRACTICE,
        models=("IntegrationRequest", "NewCustomerSessionV2", "ReturnIntegrationRequest"),
        leaves="something readable",
        bad=(Example({"couponCodes": None}),),
        good=(Example({}),),
    ),
)
