"""Catalogs: what exports of the Management API become, and what a check makes of that."""

from __future__ import annotations

import io
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talonschema import Catalog, Policy, check
from talonschema.cli.catalog import _toml as toml_of
from talonschema.model.catalog_builder import ListingError, ManagementExport, build
from talonschema.model.policy import Attribute
from talonschema.reading.toml_reader import load

Run = Callable[..., tuple[int, str, str]]


def attribute(entity: str, name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    """Return an attribute as the OpenAPI file of the Management API has it."""
    return {
        "id": 6,
        "created": "2020-06-10T09:05:27.993483Z",
        "accountId": 3886,
        "entity": entity,
        "name": name,
        "title": f"The {name}",
        "type": kind,
        "description": "An attribute.",
        "suggestions": [],
        "hasAllowedList": False,
        "restrictedBySuggestions": False,
        "editable": True,
        "subscribedApplicationsIds": [1, 4],
        "subscribedCatalogsIds": [],
        "allowedSubscriptions": ["application"],
        **more,
    }


def cost(name: str, **more: Any) -> dict[str, Any]:
    """Return an additional cost as the OpenAPI file of the Management API has it."""
    return {
        "id": 6,
        "created": "2020-06-10T09:05:27.993483Z",
        "accountId": 3886,
        "name": name,
        "title": f"The {name}",
        "description": "A fee",
        "subscribedApplicationsIds": [3, 13],
        "type": "session",
        **more,
    }


def page(*entries: dict[str, Any], total: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "totalResultSize": len(entries) if total is None else total,
        "data": list(entries),
        **more,
    }


CITY = attribute(
    "CustomerSession", "City", restrictedBySuggestions=True, suggestions=["Metz", "Lyon"]
)
DAYS = attribute("CustomerSession", "Days", "number", suggestions=["1", "2"])
ROAST = attribute("CartItem", "roast", "(list string)")
PAGE_VIEW = attribute("Event", "pageViewed", eventType="pageViewed", eventTypeId=22)
STORE = attribute("Store", "region")
ATTRIBUTES = page(DAYS, STORE, ROAST, CITY, PAGE_VIEW)
COSTS = page(cost("shipping"), cost("wrap", type="item"), cost("tip", type="both"))
CATALOG: dict[str, Any] = {
    "attributes": {
        "CartItem": {"roast": "(list string)"},
        "CustomerSession": {
            "City": {"type": "string", "allowed": ["Lyon", "Metz"]},
            "Days": "number",
        },
    },
    "additional_costs": {"shipping": "session", "tip": "both", "wrap": "item"},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


def write(name: str, value: Any) -> str:
    Path(name).write_text(json.dumps(value), encoding="utf-8")
    return name


def build_catalog(*values: Any) -> dict[str, Any]:
    return build(
        [ManagementExport(f"{index}.json", value) for index, value in enumerate(values)]
    ).catalog


# The command.


def test_a_catalog_of_two_exports(run: Run) -> None:
    attributes, costs = write("attributes.json", ATTRIBUTES), write("costs.json", COSTS)
    status, out, err = run("catalog", "build", attributes, costs)
    assert status == 0
    assert json.loads(out) == CATALOG
    assert out == json.dumps(CATALOG, indent=2) + "\n"
    assert err.splitlines() == [
        "talonschema: note: left out: 1 of Event, which sessions do not contain",
        "talonschema: note: left out: 1 of Store, which sessions do not contain",
        (
            "talonschema: note: the catalog has attributes of CartItem: 1, attributes of"
            " CustomerSession: 2, additional costs: 3"
        ),
    ]
    for arguments in (
        (costs, attributes),
        ("--attributes", attributes, "--additional-costs", costs),
        ("--additional-costs", costs, attributes),
    ):
        assert run("catalog", "build", *arguments) == (0, out, err)


@pytest.mark.parametrize("name", ["catalog.json", "catalog.toml", "sub/catalog.json"])
def test_a_check_finds_what_the_exports_have_not(run: Run, name: str) -> None:
    Path("sub").mkdir()
    exports = write("attributes.json", ATTRIBUTES), write("costs.json", COSTS)
    status, out, _ = run("catalog", "build", *exports, "-o", name)
    assert (status, out) == (0, "")
    item = {"name": "a", "sku": "b", "quantity": 1, "price": 1, "attributes": {"Roast": ["dark"]}}
    session = {
        "profileId": "a",
        "cartItems": [item],
        "attributes": {"City": "Bonn", "Days": "2", "Town": "Metz"},
        "additionalCosts": {"wrap": {"price": 1}, "gift": {"price": 1}},
    }
    write("a.json", {"customerSession": session})
    found = {
        "catalog/unknown-attribute": 2,
        "catalog/attribute-type": 1,
        "catalog/attribute-value": 1,
        "catalog/unknown-additional-cost": 1,
        "catalog/additional-cost-scope": 1,
    }
    write("policy.json", {"catalog": name})
    Path("talonschema.toml").write_text(f'catalog = "{name}"\n', encoding="utf-8")
    for arguments in (
        ("--no-config", "--catalog", name),
        ("--no-config", "--policy", "policy.json"),
        (),
    ):
        status, out, err = run("check", "--format", "json", *arguments, "a.json")
        assert (status, err) == (1, "")
        (file,) = json.loads(out)["files"]
        codes = [each["code"] for each in file["findings"] if each["code"].startswith("catalog/")]
        assert {code: codes.count(code) for code in codes} == found


def test_a_file_is_replaced_at_once_and_as_others_are(run: Run) -> None:
    export = write("costs.json", COSTS)
    target = Path("catalog.json")
    target.write_text("old", encoding="utf-8")
    assert run("catalog", "build", export, "-o", "catalog.json")[0] == 0
    assert json.loads(target.read_text("utf-8")) == {
        "additional_costs": CATALOG["additional_costs"]
    }
    assert sorted(each.name for each in Path().iterdir()) == ["catalog.json", "costs.json"]
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(Path(export).stat().st_mode)


def test_a_file_that_can_not_be_written(run: Run) -> None:
    export = write("costs.json", COSTS)
    Path("folder").mkdir()
    for name in ("no/catalog.json", "folder"):
        status, out, err = run("catalog", "build", export, "-o", name)
        assert (status, out) == (2, "")
        assert err.startswith(f"talonschema: error: {name}: can't be written: ")
    assert sorted(each.name for each in Path().iterdir()) == ["costs.json", "folder"]


def test_an_export_of_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    given_in = io.TextIOWrapper(io.BytesIO(json.dumps(COSTS).encode()))
    monkeypatch.setattr(sys, "stdin", given_in)
    status, out, _ = run("catalog", "build", "-")
    assert (status, json.loads(out)) == (
        0,
        {"additional_costs": CATALOG["additional_costs"]},
    )


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        ([], "the following arguments are required: ACTION"),
        (["biuld"], "invalid choice: 'biuld'"),
        (["build"], "no exports given"),
        (["build", "--costs", "a.json"], "unrecognized arguments: --costs"),
        (["build", "missing.json"], "missing.json: can't be read: No such file"),
        (["build", "."], ".: can't be read: Is a directory"),
        (["build", "broken.json"], "broken.json:1:2: "),
        (["build", "twice.json"], "twice.json:1:9: "),
        (["build", "list.json"], "list.json: /0 is not an object"),
        (["build", "--attributes", "costs.json"], "costs.json: /data/0 is one of the additional"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], reported: str) -> None:
    Path("broken.json").write_text("{\n", encoding="utf-8")
    Path("twice.json").write_text('{"a":1, "a":2}', encoding="utf-8")
    write("list.json", [1])
    write("costs.json", COSTS)
    status, out, err = run("catalog", *arguments)
    assert (status, out) == (2, "")
    assert reported in err
    assert err.count("\n") == 1


# What exports may look like.


@pytest.mark.parametrize(
    "values",
    [
        [ATTRIBUTES, COSTS],
        [ATTRIBUTES["data"], COSTS["data"]],
        [[ATTRIBUTES, COSTS]],
        [[page(DAYS, STORE, total=5), page(ROAST, CITY, PAGE_VIEW, total=5)], COSTS],
        [page(DAYS, STORE, total=5), COSTS, page(ROAST, CITY, PAGE_VIEW, total=5)],
        [page(DAYS, STORE, ROAST, total=5), page(ROAST, CITY, PAGE_VIEW, total=5), COSTS],
        [
            {"data": ATTRIBUTES["data"][:2], "hasMore": True},
            {"data": ATTRIBUTES["data"][2:], "hasMore": False, "new": {"key": 1}},
            COSTS,
        ],
    ],
)
def test_pages_and_bare_lists(values: list[Any]) -> None:
    assert build_catalog(*values) == CATALOG


def test_an_empty_list_is_taken_for_what_is_given() -> None:
    empty = {"totalResultSize": 0, "data": []}
    forms: tuple[Any, ...] = (empty, {"totalResultSize": 0, "data": None}, [])
    for value in forms:
        with pytest.raises(ListingError, match="its kind can't be detected"):
            build_catalog(value)
        costs = build([ManagementExport("a.json", value, "additional_costs")])
        assert costs.catalog == {"additional_costs": {}}
        attributes = build([ManagementExport("a.json", value, "attributes")])
        # It may be a list of one entity only, so nothing is known.
        assert attributes.catalog == {"attributes": {}}
        assert len(attributes.notes) == 3


@pytest.mark.parametrize(
    ("entries", "entities"),
    [
        ([CITY, ROAST], {"CustomerSession", "CartItem"}),
        ([CITY], {"CustomerSession"}),
        ([ROAST], {"CartItem"}),
        ([CITY, STORE], {"CustomerSession", "CartItem"}),
        ([STORE, PAGE_VIEW], {"CustomerSession", "CartItem"}),
        ([STORE], set()),
    ],
)
def test_only_a_list_of_more_than_one_entity_reports_what_does_not_exist(
    entries: list[Any], entities: set[str]
) -> None:
    built = build([ManagementExport("a.json", page(*entries))])
    assert built.catalog["attributes"].keys() == entities
    for entity in ("CustomerSession", "CartItem"):
        note = f"no attribute of {entity} is in the exports, so none is checked"
        assert (note in built.notes) is (entity not in entities)


@pytest.mark.parametrize(
    ("kind", "suggestions", "more", "expected"),
    [
        ("string", ["b", "a", "b"], {}, {"type": "string", "allowed": ["a", "b"]}),
        ("(list string)", ["a"], {}, {"type": "(list string)", "allowed": ["a"]}),
        ("number", ["10", "2.5"], {}, {"type": "number", "allowed": [2.5, 10]}),
        ("(list number)", ["1"], {}, {"type": "(list number)", "allowed": [1]}),
        ("string", ["a"], {"restrictedBySuggestions": False}, "string"),
        ("string", ["a"], {"hasAllowedList": True}, "string"),
        ("string", [], {}, "string"),
        ("string", None, {}, "string"),
        ("string", [1], {}, "string"),
        ("number", ["ten"], {}, "number"),
        ("number", ["inf"], {}, "number"),
        ("number", ["nan"], {}, "number"),
        ("time", ["2026-06-10T09:00:00Z"], {}, "time"),
        ("boolean", ["true"], {}, "boolean"),
        ("location", ["1,2"], {}, "location"),
        ("(list boolean)", ["true"], {}, "any"),
    ],
)
def test_values_that_are_allowed(
    kind: str, suggestions: Any, more: dict[str, Any], expected: Any
) -> None:
    entry = attribute(
        "CartItem",
        "a",
        kind,
        **{"suggestions": suggestions, "restrictedBySuggestions": True, **more},
    )
    built = build([ManagementExport("a.json", page(entry))])
    assert built.catalog["attributes"]["CartItem"] == {"a": expected}
    open_to_all = isinstance(expected, str) and more.get("restrictedBySuggestions") is not False
    assert any("any value is accepted" in note for note in built.notes) is open_to_all


@pytest.mark.parametrize("value", ["a", 1.5, True, [True], {"a": 1}])
def test_of_an_unknown_type_any_value_passes(value: Any) -> None:
    catalog = build_catalog(page(attribute("CustomerSession", "a", "(list boolean)"), STORE))
    policy = Policy.from_mapping({"catalog": catalog})
    codes = [each.code for each in check({"attributes": {"a": value}}, policy=policy).findings]
    assert codes == []
    codes = [each.code for each in check({"attributes": {"b": value}}, policy=policy).findings]
    assert codes == ["catalog/unknown-attribute"]


def test_types_of_costs() -> None:
    bare = {key: value for key, value in cost("a").items() if key != "type"}
    assert build_catalog(page(bare))["additional_costs"] == {"a": "session"}
    with pytest.raises(ListingError, match="/data/0 is neither an attribute"):
        build_catalog(page(cost("a", type="order")))
    built = build([ManagementExport("a.json", page(cost("a", type="order")), "additional_costs")])
    assert built.catalog == {"additional_costs": {"a": "both"}}
    assert any("'a' has the type 'order', which is unknown" in note for note in built.notes)


# What is wrong with exports.


@pytest.mark.parametrize(
    ("values", "reported"),
    [
        ([1], "0.json: is not a list"),
        ([None], "0.json: is not a list"),
        (["text"], "0.json: is not a list"),
        ([{}], "0.json: is not a response with a list under data"),
        (
            [{"message": "Unauthorized"}],
            "0.json: is not a response with a list: 'Unauthorized'",
        ),
        ([{"data": 1}], "0.json: /data is not a list"),
        ([{"data": [1]}], "0.json: /data/0 is not an object"),
        ([[page(CITY), 1]], "0.json: /1 is not a list"),
        ([[page(CITY), {}]], "0.json: /1 is not a response with a list"),
        ([[CITY, 1]], "0.json: /1 is not an object"),
        (
            [[CITY, cost("a")]],
            "0.json: /1 is one of the additional costs, but in a list of attributes",
        ),
        ([page(cost("a"), CITY)], "0.json: /data/1 is one of the attributes"),
        ([page({"entity": 1})], "0.json: /data/0/entity is not a non-empty string"),
        ([page({"entity": "CartItem"})], "0.json: /data/0 has no name"),
        (
            [page({"entity": "CartItem", "name": ""})],
            "0.json: /data/0/name is not a non-empty",
        ),
        ([page({"entity": "CartItem", "name": "a"})], "0.json: /data/0 has no type"),
        ([page({"name": None})], "0.json: /data/0/name is not a non-empty"),
        ([page(cost("a"), {})], "0.json: /data/1 has no name"),
        ([page(CITY, total=2)], "0.json: /data is incomplete: there are 1 of 2 attributes"),
        ([page(cost("a"), total=3)], "get the next page with skip=1, and pass all pages"),
        ([page(CITY, total=3), page(DAYS, total=3)], "1.json: /data is incomplete: there are 2"),
        ([page(CITY, total=2), page(DAYS, total=3)], "0.json: /data is incomplete"),
        ([{"data": [CITY], "hasMore": True}], "0.json: /data is incomplete: there are 1 attrib"),
        (
            [page(CITY), page({**CITY, "type": "number"})],
            "1.json: /data/0 has different data for 'City' than 0.json: /data/0",
        ),
        (
            [page(cost("a"), cost("a", type="item"))],
            "0.json: /data/1 has different data for 'a' than 0.json: /data/0",
        ),
    ],
)
def test_what_is_wrong_is_reported_with_its_place(values: list[Any], reported: str) -> None:
    with pytest.raises(ListingError) as caught:
        build_catalog(*values)
    assert reported in str(caught.value)


# Any catalog.

NAMES = st.text(min_size=1, max_size=4).filter(str.isprintable) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4
)
TYPES = st.sampled_from(["string", "number", "(list number)", "time", "location", "new"])
LISTS = st.lists(
    st.builds(
        attribute,
        st.sampled_from(["CustomerSession", "CartItem", "Event"]),
        NAMES,
        TYPES,
        suggestions=st.lists(NAMES | st.integers().map(str), max_size=3),
        restrictedBySuggestions=st.booleans(),
        hasAllowedList=st.booleans(),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda each: (each["entity"], each["name"]),
)
COST_LISTS = st.lists(
    st.builds(cost, NAMES, type=st.sampled_from(["session", "item", "both"])),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each["name"],
)


@given(LISTS, COST_LISTS, st.randoms(use_true_random=False))
def test_json_and_toml_hold_the_same_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory, attributes: list[Any], costs: list[Any], random: Any
) -> None:
    catalog = build_catalog(page(*attributes), page(*costs))
    random.shuffle(attributes)
    random.shuffle(costs)
    again = build_catalog(page(*costs), page(*attributes))
    assert json.dumps(again) == json.dumps(catalog)
    path = tmp_path_factory.getbasetemp() / "catalog.toml"
    path.write_bytes("".join(toml_of(catalog)).encode())
    assert load(path).data == catalog
    expected = Policy.from_mapping({"catalog": catalog}).catalog
    assert expected is not None
    assert Catalog.load(path) == expected
    known = {each["name"] for each in attributes if each["entity"] == "CartItem"}
    assert known == set((expected.attributes or {}).get("CartItem", {}))
    for each in (expected.attributes or {}).values():
        assert all(isinstance(one, Attribute) for one in each.values())
