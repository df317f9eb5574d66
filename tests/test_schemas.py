"""Every schema file keeps the conventions, and draws the line where the API draws it."""

from __future__ import annotations

import ast
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jsonschema
import pytest

from support.json_layout import lay_out
from talonschema import schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = [(edition, model) for edition in schemas.EDITIONS for model in schemas.models(edition)]

ANNOTATIONS = {"$schema", "$id", "title", "description", "examples", "readOnly", "default"}
ASSERTIONS = {
    "type",
    "required",
    "enum",
    "minLength",
    "maxLength",
    "minimum",
    "maxItems",
    "format",
    "items",
    "properties",
    "additionalProperties",
    "allOf",
    "$ref",
}
ORDER = [
    "$schema",
    "$id",
    "$ref",
    "title",
    "description",
    "type",
    "readOnly",
    "format",
    "enum",
    "default",
    "minLength",
    "maxLength",
    "minimum",
    "maxItems",
    "allOf",
    "required",
    "items",
    "properties",
    "additionalProperties",
    "examples",
]
SCALARS = {"string", "integer", "number", "boolean"}

SINCE_2026 = {"ExperimentVariantAllocation", "PriceDetail", "Product", "ReopenResponse"}
ALWAYS = {
    "IntegrationCustomerSessionResponse",
    "APIError",
    "AdditionalCost",
    "CartItem",
    "CustomerProfile",
    "CustomerSessionV2",
    "Effect",
    "ErrorResponse",
    "ErrorSource",
    "Event",
    "IntegrationRequest",
    "IntegrationStateV2",
    "Loyalty",
    "NewCustomerSessionV2",
    "NewReturn",
    "Return",
    "ReturnIntegrationRequest",
    "ReturnedCartItem",
}
INCOMPLETE = {"CustomerProfile", "Effect", "Event", "Loyalty", "Return"}

every_file = pytest.mark.parametrize(("edition", "model"), FILES, ids="/".join)
formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    datetime.fromisoformat(value)
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value))


@formats.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value.lower()


def accepts(edition: str, schema: dict[str, Any], data: object) -> bool:
    """Return True if `data` is valid, resolving `$ref`s as in a file of `edition`."""
    based = {"$id": f"{schemas.BASE}{edition}/test.json"} | schema
    validator = jsonschema.Draft202012Validator(
        based, registry=schemas.registry(), format_checker=formats
    )
    return bool(validator.is_valid(data))


def subschemas(schema: dict[str, Any], path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield `schema` and all schemas inside it, each with the place where it stands."""
    yield path, schema
    for name, each in schema.get("properties", {}).items():
        yield from subschemas(each, f"{path}/properties/{name}")
    for index, each in enumerate(schema.get("allOf", ())):
        yield from subschemas(each, f"{path}/allOf/{index}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from subschemas(schema[keyword], f"{path}/{keyword}")


def is_property(path: str) -> bool:
    return path.rpartition("/")[0].endswith("/properties")


def types(schema: dict[str, Any]) -> set[str]:
    found = schema.get("type", [])
    return {found} if isinstance(found, str) else set(found)


class TestEveryFile:
    @every_file
    def test_is_a_valid_schema(self, edition: str, model: str) -> None:
        jsonschema.Draft202012Validator.check_schema(schemas.load(edition, model))

    @every_file
    def test_is_formatted(self, edition: str, model: str) -> None:
        schema = schemas.load(edition, model)
        assert schemas.text(edition, model) == lay_out(schema)
        for path, each in subschemas(schema):
            assert list(each) == sorted(each, key=ORDER.index), path

    @every_file
    def test_reports_what_it_is(self, edition: str, model: str) -> None:
        schema = schemas.load(edition, model)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert (
            schema["$id"] == f"{schemas.BASE}{edition}/{model}.json" == schemas.uri(edition, model)
        )
        assert schema["title"] == model
        assert schema["description"].endswith(".")
        assert schema["examples"]
        for path, each in subschemas(schema):
            assert path == "#" or not {"$schema", "$id"} & set(each), path

    @every_file
    def test_describes_its_properties(self, edition: str, model: str) -> None:
        for path, each in subschemas(schemas.load(edition, model)):
            if not is_property(path):
                continue
            assert each.get("description", "").endswith("."), path
            assert "$ref" in each or each.get("title"), path
            assert each.get("examples") or not types(each) & SCALARS, path

    @every_file
    def test_examples_are_valid(self, edition: str, model: str) -> None:
        for path, each in subschemas(schemas.load(edition, model)):
            for example in each.get("examples", ()):
                assert accepts(edition, each, example), (path, example)

    @every_file
    def test_examples_use_known_keys_only(self, edition: str, model: str) -> None:
        schema = schemas.load(edition, model)
        known = set(schema["properties"])
        for each in schema.get("allOf", ()):
            known |= set(schemas.load(edition, each["$ref"].removesuffix(".json"))["properties"])
        assert all(set(example) <= known for example in schema["examples"])

    @every_file
    def test_references_are_relative_and_resolve(self, edition: str, model: str) -> None:
        resolver = schemas.registry().resolver(schemas.uri(edition, model))
        for path, each in subschemas(schemas.load(edition, model)):
            if "$ref" not in each:
                continue
            target = re.fullmatch(r"([A-Z]\w*)\.json", each["$ref"])
            assert target, path
            assert resolver.lookup(each["$ref"]).contents == schemas.load(edition, target[1]), path
            assert set(each) <= {"$ref", "description", "examples"}, path

    @every_file
    def test_uses_agreed_keywords_only(self, edition: str, model: str) -> None:
        for path, each in subschemas(schemas.load(edition, model)):
            assert set(each) <= ANNOTATIONS | ASSERTIONS, path
            assert each.get("additionalProperties") is not False, path
            assert each.get("format") in {None, "date-time", "uuid"}, path
            assert "default" not in each or (path, each["default"]) == (
                "#/properties/state",
                "open",
            ), path
            assert "null" not in types(each) or path == "#/properties/loyaltyMemberships", path
            assert ("allOf" in each) == ((path, model) == ("#", "CustomerSessionV2")), path
            assert (
                set(each.get("required", ())) <= set(each.get("properties", ())) or "allOf" in each
            ), path

    @every_file
    def test_says_whether_its_properties_are_all_there_are(self, edition: str, model: str) -> None:
        for path, each in subschemas(schemas.load(edition, model)):
            if path == "#":
                assert ("additionalProperties" in each) == (model in INCOMPLETE)
            elif "object" in types(each):
                assert "additionalProperties" in each, path


class TestEditions:
    def test_models(self) -> None:
        assert set(schemas.models("2022-06")) == ALWAYS
        assert set(schemas.models("2026-06")) == ALWAYS | SINCE_2026

    @pytest.mark.parametrize("edition", schemas.EDITIONS)
    def test_response_adds_to_request(self, edition: str) -> None:
        sent = schemas.load(edition, "NewCustomerSessionV2")
        answered = schemas.load(edition, "CustomerSessionV2")
        # A response always has these of a request; strict validators want them defined beside.
        always = {"profileId", "state", "cartItems", "attributes"}
        assert set(answered["properties"]) & set(sent["properties"]) == always
        for name in always:
            same = dict(sent["properties"][name])
            same.pop("default", None)
            assert answered["properties"][name] == same
        assert set(answered["required"]) == set(answered["properties"])
        own = set(answered["properties"]) - always
        assert all(answered["properties"][name]["readOnly"] for name in own)
        assert not any("readOnly" in each for _, each in subschemas(sent))

    @pytest.mark.parametrize(
        ("edition", "names"),
        [
            ("2022-06", {"position", "remainingQuantity", "returnedQuantity"}),
            (
                "2026-06",
                {
                    "adjustmentEffectiveFrom",
                    "adjustmentEffectiveUntil",
                    "adjustmentReferenceId",
                    "catalogItemID",
                    "position",
                    "prices",
                    "remainingQuantity",
                    "returnedQuantity",
                    "selectedPriceType",
                },
            ),
        ],
    )
    def test_read_only_properties_of_cart_items(self, edition: str, names: set[str]) -> None:
        properties = schemas.load(edition, "CartItem")["properties"]
        assert {name for name, each in properties.items() if each.get("readOnly")} == names

    @pytest.mark.parametrize("edition", schemas.EDITIONS)
    def test_response_content(self, edition: str) -> None:
        def allowed_contents(model: str) -> set[str]:
            return set(
                schemas.load(edition, model)["properties"]["responseContent"]["items"]["enum"]
            )

        returns = {
            "customerSession",
            "customerProfile",
            "coupons",
            "triggeredCampaigns",
            "referral",
            "loyalty",
            "event",
            "previousReturns",
        }
        added = {"campaignEligibility", "achievements"} if edition == "2026-06" else set()
        assert allowed_contents("ReturnIntegrationRequest") == returns
        assert (
            allowed_contents("IntegrationRequest")
            == returns | {"awardedGiveaways", "ruleFailureReasons"} | added
        )


BOTH = "2022-06 2026-06"
ITEM = {"name": "Candle", "sku": "SKU1241028", "quantity": 1, "price": 15.99}


def drop_keys(data: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


@pytest.mark.parametrize(
    ("model", "data", "editions"),
    [
        pytest.param("CartItem", ITEM, BOTH, id="item"),
        pytest.param("CartItem", drop_keys(ITEM, "name"), "2026-06", id="item-without-name"),
        pytest.param("CartItem", ITEM | {"name": ""}, "2026-06", id="item-with-empty-name"),
        pytest.param("CartItem", drop_keys(ITEM, "price"), "2026-06", id="item-without-price"),
        pytest.param("CartItem", ITEM | {"price": -1}, BOTH, id="item-with-negative-price"),
        pytest.param("CartItem", ITEM | {"price": "15.99"}, "", id="item-with-price-in-quotes"),
        pytest.param("CartItem", ITEM | {"price": None}, "", id="item-with-price-null"),
        pytest.param("CartItem", drop_keys(ITEM, "sku"), "", id="item-without-sku"),
        pytest.param("CartItem", ITEM | {"sku": ""}, "", id="item-with-empty-sku"),
        pytest.param("CartItem", drop_keys(ITEM, "quantity"), "", id="item-without-quantity"),
        pytest.param("CartItem", ITEM | {"quantity": 0}, "", id="item-with-quantity-0"),
        pytest.param("CartItem", ITEM | {"quantity": 1.5}, "", id="item-with-half-a-unit"),
        pytest.param("CartItem", ITEM | {"position": 5.9}, BOTH, id="item-with-broken-position"),
        pytest.param("CartItem", ITEM | {"Category": "shoes"}, BOTH, id="item-with-unknown-key"),
        pytest.param(
            "CartItem", ITEM | {"product": {}}, "2022-06", id="item-with-nameless-product"
        ),
        pytest.param(
            "CartItem", ITEM | {"prices": {"base": {}}}, BOTH, id="item-with-empty-price-detail"
        ),
        pytest.param(
            "CartItem", ITEM | {"adjustmentReferenceId": "x"}, "2022-06", id="item-with-bad-uuid"
        ),
        pytest.param(
            "CartItem",
            ITEM | {"adjustmentEffectiveFrom": "now"},
            "2022-06",
            id="item-with-bad-time",
        ),
        pytest.param("AdditionalCost", {}, "", id="cost-without-price"),
        pytest.param("NewCustomerSessionV2", {}, BOTH, id="session-empty"),
        pytest.param("NewCustomerSessionV2", {"profileId": ""}, BOTH, id="session-anonymous"),
        pytest.param("NewCustomerSessionV2", {"profileId": None}, "", id="session-null"),
        pytest.param(
            "NewCustomerSessionV2", {"state": "partially_returned"}, BOTH, id="session-state"
        ),
        pytest.param(
            "NewCustomerSessionV2", {"state": "canceled"}, "", id="session-state-misspelt"
        ),
        pytest.param(
            "NewCustomerSessionV2", {"couponCodes": ["", "", "x" * 100]}, BOTH, id="coupons"
        ),
        pytest.param(
            "NewCustomerSessionV2", {"couponCodes": ["x" * 101]}, "", id="coupon-too-long"
        ),
        pytest.param(
            "NewCustomerSessionV2", {"referralCode": "x" * 101}, "", id="referral-too-long"
        ),
        pytest.param("NewCustomerSessionV2", {"loyaltyCards": ["a", "b"]}, "", id="two-cards"),
        pytest.param(
            "NewCustomerSessionV2", {"identifiers": list("abcde")}, BOTH, id="five-identifiers"
        ),
        pytest.param(
            "NewCustomerSessionV2", {"identifiers": list("abcdef")}, "", id="six-identifiers"
        ),
        pytest.param(
            "NewCustomerSessionV2", {"cartItems": [ITEM] * 1000}, BOTH, id="thousand-lines"
        ),
        pytest.param("NewCustomerSessionV2", {"cartItems": [ITEM] * 1001}, "", id="too-many-lines"),
        pytest.param(
            "NewCustomerSessionV2", {"attributes": {"any": [None, {}]}}, BOTH, id="attributes"
        ),
        pytest.param(
            "NewCustomerSessionV2", {"additionalCosts": {"shipping": 9}}, "", id="bare-cost"
        ),
        pytest.param(
            "NewCustomerSessionV2", {"storeIntegrationId": ""}, "2022-06", id="empty-store"
        ),
        pytest.param(
            "NewCustomerSessionV2", {"storeIntegrationId": "x" * 1001}, "2022-06", id="long-store"
        ),
        pytest.param(
            "NewCustomerSessionV2",
            {"evaluableCampaignIds": ["1"]},
            "2022-06",
            id="campaign-in-quotes",
        ),
        pytest.param(
            "NewCustomerSessionV2",
            {"experimentVariantAllocations": [{"experimentID": 1}]},
            "2022-06",
            id="allocation-without-variant",
        ),
        pytest.param("IntegrationRequest", {}, "", id="request-without-session"),
        pytest.param(
            "IntegrationRequest",
            {"customerSession": {}, "responseContent": ["achievements"]},
            "2026-06",
            id="request-for-achievements",
        ),
        pytest.param("NewReturn", {"returnedCartItems": []}, BOTH, id="return-of-nothing"),
        pytest.param("NewReturn", {}, "", id="return-without-list"),
        pytest.param("ReturnedCartItem", {"position": 0}, BOTH, id="return-by-position"),
        pytest.param("ReturnedCartItem", {"sku": "a"}, "2026-06", id="return-by-sku"),
        pytest.param(
            "ReturnedCartItem", {"position": 0, "sku": ""}, "2022-06", id="return-by-empty-sku"
        ),
        pytest.param("ReturnedCartItem", {"position": 0.5}, "", id="return-by-broken-position"),
        pytest.param(
            "ErrorResponse", {"message": "Unauthorized", "StatusCode": 401}, BOTH, id="error-401"
        ),
        pytest.param(
            "ErrorResponse",
            {"message": "Busy", "errors": [], "StatusCode": 409},
            BOTH,
            id="error-409",
        ),
        pytest.param(
            "ErrorResponse",
            {"message": "Timeout", "RequestUUID": "abc"},
            BOTH,
            id="error-of-the-edge",
        ),
        pytest.param("ErrorResponse", {"errors": []}, "", id="error-without-message"),
    ],
)
@pytest.mark.parametrize("edition", schemas.EDITIONS)
def test_verdicts(edition: str, model: str, data: object, editions: str) -> None:
    assert accepts(edition, schemas.load(edition, model), data) is (edition in editions.split())


@pytest.mark.parametrize("edition", schemas.EDITIONS)
@pytest.mark.parametrize(
    "model",
    ["CustomerSessionV2", "IntegrationStateV2", "CustomerProfile", "Return", "Effect", "Event"],
)
def test_every_required_property_is_required(edition: str, model: str) -> None:
    schema = schemas.load(edition, model)
    for name in schema["required"]:
        assert not accepts(edition, schema, drop_keys(schema["examples"][0], name)), name


@pytest.mark.parametrize("edition", schemas.EDITIONS)
def test_only_loyalty_memberships_may_be_null(edition: str) -> None:
    schema = schemas.load(edition, "CustomerProfile")
    profile = schema["examples"][0]
    assert accepts(edition, schema, profile | {"loyaltyMemberships": None}) is (
        edition == "2026-06"
    )
    assert not accepts(edition, schema, profile | {"totalSales": None})


class TestAccess:
    @pytest.mark.parametrize("call", [schemas.uri, schemas.text, schemas.load])
    def test_unknown_names(self, call: Any) -> None:
        with pytest.raises(LookupError, match=r"'2021'.*2022-06, 2026-06"):
            call("2021", "CartItem")
        with pytest.raises(
            LookupError,
            match=r"2022-06 has no model '\.\./2026-06/Product'.*AdditionalCost, CartItem",
        ):
            call("2022-06", "../2026-06/Product")

    def test_unknown_edition(self) -> None:
        with pytest.raises(LookupError, match=r"unknown edition '2022'"):
            schemas.models("2022")

    def test_default_edition(self) -> None:
        assert schemas.DEFAULT_EDITION in schemas.EDITIONS

    def test_results_are_kept(self) -> None:
        assert schemas.load("2022-06", "CartItem") is schemas.load("2022-06", "CartItem")
        assert schemas.registry() is schemas.registry()

    def test_registry_holds_every_schema(self) -> None:
        assert set(schemas.registry()) == {schemas.uri(edition, model) for edition, model in FILES}

    def test_import_is_cheap(self) -> None:
        tree = ast.parse(Path(schemas.__file__).read_text(encoding="utf-8"))
        names = {
            name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names
        }
        names |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert names == {"__future__", "functools", "os", "typing"}
