"""Exports mean what the schemas mean, in each target's words, and list what they cannot express."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import openapi_spec_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import (
    OAS30ReadValidator,
    OAS30Validator,
    OAS30WriteValidator,
    OAS31Validator,
)
from referencing import Registry

from support.corpus import corpus
from support.strategies import kinds, maybe_damage, places, sessions
from talonschema import schemas
from talonschema.checking.registry import CODES
from talonschema.export import TARGETS, Effect, Export, Target, export
from talonschema.export.dialect import DIALECTS
from talonschema.export.notes import notes
from talonschema.export.translate import Translation, Untranslatable
from talonschema.model.detection import OPERATIONS_OF
from talonschema.model.formats import FORMATS
from talonschema.model.schema_tree import schema_tree
from talonschema.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
FILES = [(edition, model) for edition in schemas.EDITIONS for model in schemas.models(edition)]
ALL = [(target, *file) for target, file in product(TARGETS, FILES)]
DRAFTS: Mapping[str, Any] = {
    "2020-12": jsonschema.Draft202012Validator,
    "draft-07": jsonschema.Draft7Validator,
    "draft-04": jsonschema.Draft4Validator,
}
OPENAPI: Mapping[str, Any] = {"openapi-3.1": OAS31Validator, "openapi-3.0": OAS30ReadValidator}
"""The validators of whole models: that of 3.0 reads responses, as readOnly and required ask."""

every_export = pytest.mark.parametrize(("target", "edition", "model"), ALL)
every_target = pytest.mark.parametrize("target", TARGETS)

Verdict = Callable[[Any], bool]

formats = jsonschema.FormatChecker(formats=())
for _name, _check in FORMATS.items():
    formats.checks(_name)(lambda value, check=_check: not isinstance(value, str) or check(value))


@cache
def cached_export(target: Target, edition: str, model: str) -> Export:
    return export(edition, model, target)


@cache
def original(edition: str, model: str) -> Verdict:
    """Return the verdict of the schema file itself."""
    validator = jsonschema.Draft202012Validator(
        schemas.load(edition, model), registry=schemas.registry(), format_checker=formats
    )
    return validator.is_valid


@cache
def validator_of(target: Target, edition: str, model: str, kind: Any = None) -> Any:
    """Return a validator of an export that can reach nothing but the export."""
    document = cached_export(target, edition, model).document
    if target in OPENAPI:
        document = {"$ref": f"#/components/schemas/{model}", "components": document["components"]}
    kind = kind or DRAFTS.get(target) or OPENAPI[target]
    return kind(document, registry=Registry(), format_checker=formats)


def with_integers(value: Any) -> Any:
    """Return a copy of a value with each whole number written without a fraction."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: with_integers(inner) for key, inner in value.items()}
    return [with_integers(inner) for inner in value] if isinstance(value, list) else value


def assert_agreement(target: Target, edition: str, model: str, value: Any) -> None:
    """Show that an export agrees with its original, but for what is listed."""
    expected = original(edition, model)(value)
    validator = validator_of(target, edition, model)
    if DIALECTS[target].whole_floats:
        assert validator.is_valid(value) == expected
        return
    assert validator.is_valid(with_integers(value)) == expected
    if validator.is_valid(value) != expected:
        assert expected
        for error in validator.iter_errors(value):
            assert (error.validator, error.validator_value) == ("type", "integer")
            assert isinstance(error.instance, float)
            assert error.instance.is_integer()


# The documents.


@every_export
def test_json_schema_is_valid_and_stands_alone(target: Target, edition: str, model: str) -> None:
    document = cached_export(target, edition, model).document
    if target in OPENAPI:
        openapi_spec_validator.validate(document)
        for schema in document["components"]["schemas"].values():
            OPENAPI[target].check_schema(schema)
    else:
        assert document["$schema"] == DRAFTS[target].META_SCHEMA["$schema"].rstrip()
        DRAFTS[target].check_schema(document)
    example = schemas.load(edition, model)["examples"][0]
    assert validator_of(target, edition, model).is_valid(example)


@pytest.mark.parametrize(("edition", "model"), FILES, ids="/".join)
def test_a_bundle_holds_the_files_as_they_are(edition: str, model: str) -> None:
    document = dict(cached_export("2020-12", edition, model).document)
    embedded = document.pop("$defs", {})
    assert document == schemas.load(edition, model)
    assert embedded == {name: schemas.load(edition, name) for name in embedded}
    assert model not in embedded
    referenced = {
        reference.removesuffix(".json")
        for schema in (document, *embedded.values())
        for _, keyword, reference in keywords(schema)
        if keyword == "$ref"
    }
    assert referenced == embedded.keys()


@every_export
def test_each_reference_leads_to_a_definition(target: Target, edition: str, model: str) -> None:
    document = cached_export(target, edition, model).document
    if DIALECTS[target].identified:
        return
    text = json.dumps(document)
    assert schemas.BASE not in text
    assert '"$id"' not in text
    if target in OPENAPI:
        assert '"$schema"' not in text
    defined = document.get("definitions") or document.get("components", {}).get("schemas", {})
    prefix = f"#{DIALECTS[target].definitions}/"
    references = set(re.findall(r'"\$ref": "([^"]*)"', text))
    assert references == {prefix + name for name in defined if prefix + name in references}
    assert {name for name in defined if prefix + name not in references} <= {model}


@pytest.mark.parametrize("target", ["draft-07", "draft-04", "openapi-3.0"])
def test_nothing_stands_beside_a_reference(target: Target) -> None:
    for edition, model in FILES:
        for path, keyword, _ in keywords(cached_export(target, edition, model).document):
            if keyword == "$ref":
                holder: Any = cached_export(target, edition, model).document
                for step in path:
                    holder = holder[step]
                assert list(holder) == ["$ref"]


def keywords(
    value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str, Any]]:
    """Yield each key of a document with its place and its value; examples are no keywords."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield path, key, inner
            if key not in {"examples", "example", "default", "enum"}:
                yield from keywords(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from keywords(inner, (*path, index))


@pytest.mark.parametrize("target", ["draft-07", "draft-04"])
def test_a_draft_has_no_keyword_that_it_does_not_define(target: Target) -> None:
    # Unknown keywords mean nothing to most validators, but AWS refuses a model that has one.
    defined = {*DRAFTS[target].META_SCHEMA["properties"], "$ref"}
    for edition, model in FILES:
        for path, keyword, _ in keywords(cached_export(target, edition, model).document):
            if not path or path[-1] not in {"properties", "definitions"}:
                assert keyword in defined, (path, keyword)


def test_what_stands_beside_a_reference_is_kept() -> None:
    source = {"$ref": "A.json", "description": "x", "allOf": [{"minimum": 1}, {"$ref": "B.json"}]}
    old, new = (Translation(DIALECTS[target], "Some", source) for target in ("draft-07", "2020-12"))
    assert new.schema == source
    assert old.schema == {
        "description": "x",
        "allOf": [
            {"$ref": "#/definitions/A"},
            {"minimum": 1},
            {"$ref": "#/definitions/B"},
        ],
    }
    assert old.references == new.references == {"A", "B"}


def test_words_of_openapi_3_0() -> None:
    document = cached_export("openapi-3.0", "2026-06", "CustomerProfile").document
    memberships = document["components"]["schemas"]["CustomerProfile"]["properties"][
        "loyaltyMemberships"
    ]
    assert memberships["type"] == "array"
    assert memberships["nullable"] is True
    source = schemas.load("2026-06", "CustomerProfile")["properties"]["loyaltyMemberships"]
    assert memberships["example"] == source["examples"][0]
    assert "examples" not in memberships


# The verdicts.


@every_target
def test_exports_agree_with_the_schemas_on_some_of_the_corpus(target: Target) -> None:
    for item in corpus()[::5]:
        assert_agreement(target, item.edition, item.model, item.value)


@pytest.mark.slow
@every_target
def test_exports_agree_with_the_schemas_on_the_corpus(target: Target) -> None:
    seen = set()
    for item in corpus():
        assert_agreement(target, item.edition, item.model, item.value)
        seen.add((item.edition, item.model, original(item.edition, item.model)(item.value)))
    assert {(edition, model) for edition, model, _ in seen} == set(FILES)
    assert len({(edition, model) for edition, model, valid in seen if not valid}) >= 20


@every_target
@given(data=st.data())
def test_exports_agree_with_the_schemas_on_any_payload(target: Target, data: st.DataObject) -> None:
    edition, model = data.draw(kinds)
    payloads = sessions(edition, model)
    assert_agreement(target, edition, model, data.draw(maybe_damage(payloads)))


@pytest.mark.parametrize("target", DRAFTS)
def test_another_implementation_agrees(target: Target) -> None:
    validators = {
        file: jsonschema_rs.validator_for(
            cached_export(target, *file).document, validate_formats=True, formats=dict(FORMATS)
        )
        for file in FILES
    }
    for item in corpus():
        value = item.value if DIALECTS[target].whole_floats else with_integers(item.value)
        verdict = original(item.edition, item.model)(value)
        assert validators[item.edition, item.model].is_valid(value) == verdict, item


@pytest.mark.parametrize("target", ["2020-12", "draft-07", "draft-04"])
def test_a_fault_is_found_by_each_draft(target: Target) -> None:
    faults: list[tuple[str, str, Any]] = [
        ("2022-06", "NewCustomerSessionV2", {"state": "canceled"}),
        ("2022-06", "IntegrationRequest", {"customerSession": {"loyaltyCards": ["a", "b"]}}),
        ("2022-06", "IntegrationRequest", {"customerSession": {"additionalCosts": {"a": {}}}}),
        ("2026-06", "CartItem", {"sku": "A", "quantity": 1, "adjustmentReferenceId": "x"}),
        ("2026-06", "CustomerSessionV2", {}),
    ]
    for edition, model, value in faults:
        assert not validator_of(target, edition, model).is_valid(value), value


@pytest.mark.parametrize("target", ["draft-04", "openapi-3.0"])
def test_whole_numbers_with_a_fraction_are_what_some_tools_refuse(target: Target) -> None:
    item = {"name": "Candle", "sku": "A", "quantity": 1.0, "price": 2.0}
    assert original("2022-06", "CartItem")(item)
    assert not validator_of(target, "2022-06", "CartItem").is_valid(item)
    assert validator_of(target, "2022-06", "CartItem").is_valid({**item, "quantity": 1})


def test_openapi_lets_tools_refuse_read_only_keys_of_requests() -> None:
    item = {"name": "Candle", "sku": "A", "quantity": 1, "price": 2}
    reading, writing = (
        validator_of("openapi-3.0", "2022-06", "CartItem", kind)
        for kind in (OAS30Validator, OAS30WriteValidator)
    )
    for key, value in {"position": 0, "returnedQuantity": 0, "remainingQuantity": 1}.items():
        assert original("2022-06", "CartItem")({**item, key: value})
        assert reading.is_valid({**item, key: value})
        assert not writing.is_valid({**item, key: value})
    listed = cached_export("openapi-3.0", "2022-06", "CartItem").losses
    assert {loss.path[1] for loss in listed if loss.keyword == "readOnly"} == {
        *("position", "returnedQuantity", "remainingQuantity")
    }


@given(data=st.data())
def test_openapi_lets_tools_refuse_nothing_else_of_requests(data: st.DataObject) -> None:
    edition = data.draw(st.sampled_from(schemas.EDITIONS))
    model = data.draw(st.sampled_from(sorted(OPERATIONS_OF)))
    payloads = sessions(edition, model)
    value = with_integers(data.draw(maybe_damage(payloads)))
    writing = validator_of("openapi-3.0", edition, model, OAS30WriteValidator)
    listed = {
        (loss.model, loss.path[1])
        for loss in cached_export("openapi-3.0", edition, model).losses
        if loss.keyword == "readOnly"
    }
    found = {
        (above.model, place[-1])
        for place in places(value)
        if place and (above := schema_tree(edition, model).at(place[:-1])) is not None
    }
    verdict = original(edition, model)(value)
    assert writing.is_valid(value) == (verdict and not found & listed)


# The notes.


@every_export
def test_what_is_lost_is_listed(target: Target, edition: str, model: str) -> None:
    reported = cached_export(target, edition, model)
    places = [loss.place for loss in reported.losses]
    assert len(places) == len(set(places))
    for loss in reported.losses:
        source: Any = schemas.load(edition, loss.model)
        for step in loss.path:
            source = source[step]
        assert source is not None
    dialect = DIALECTS[target]
    wanted = set()
    for name in {model, *reported.document.get("$defs", {}), *definitions(reported.document)}:
        for path, keyword, value in keywords(schemas.load(edition, name)):
            lost = {
                "format": True,
                "type": "integer" in str(value) and not dialect.whole_floats,
                "readOnly": dialect.read_only != "declared",
                "examples": dialect.examples is None
                or (dialect.examples == "example" and keyword == "examples" and len(value) > 1),
            }
            if lost.get(keyword) and not (path and path[-1] == "properties"):
                wanted.add((name, (*path, keyword)))
    assert {(loss.model, loss.path) for loss in reported.losses} == wanted


def definitions(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document.get("definitions") or document.get("components", {}).get(
        "schemas", {}
    )
    return found


@pytest.mark.parametrize(("edition", "model"), FILES, ids="/".join)
def test_rules_that_apply_are_listed(edition: str, model: str) -> None:
    rules = cached_export("draft-07", edition, model).rules
    assert "payload/unknown-property" in rules
    assert all(edition in CODES[name].editions for name in rules)
    assert all(model in (CODES[name].models or (model,)) for name in rules)
    for name in set(RULES) - set(rules):
        code = CODES[name]
        assert edition not in code.editions or (code.models and model not in code.models)
    assert ("budget/coupon-at-close" in rules) == (
        model in {"IntegrationRequest", "NewCustomerSessionV2"}
    )


def test_notes_name_each_rule_and_each_place() -> None:
    reported = cached_export("draft-04", "2026-06", "IntegrationRequest")
    text = notes(reported)
    assert text.startswith(
        "IntegrationRequest (edition 2026-06) in JSON Schema draft-04 can't express"
    )
    assert f"  {len(reported.rules)} rules of 'talonschema check'" in text
    listed, _, _ = text.partition("\n  may be")
    assert re.findall(r"[a-z]+/[a-z-]+", listed) == list(reported.rules)
    lines = [line.strip() for line in text.splitlines()]
    assert sorted(line for line in lines if ".json#" in line) == sorted(
        loss.place for loss in reported.losses
    )
    assert all(len(line) <= 100 for line in text.splitlines())


@every_target
def test_formats_that_a_target_does_not_define_are_reported(target: Target) -> None:
    text = notes(cached_export(target, "2026-06", "PriceDetail"))
    reported = f"format: uuid is not a format of {DIALECTS[target].name}"
    assert (reported in text) == (target in {"draft-07", "draft-04", "openapi-3.0"})
    assert "format: only checked by validators that assert formats" in text


# What has no translation.


@pytest.mark.parametrize(
    ("target", "schema", "reported"),
    [
        ("draft-07", {"properties": {"a": {"const": 1}}}, "#/properties/a/const: the keyword"),
        ("2020-12", {"unevaluatedProperties": False}, "#/unevaluatedProperties: the keyword"),
        ("draft-04", {"exclusiveMinimum": 0}, "#/exclusiveMinimum: the keyword"),
        ("openapi-3.0", {"items": {"if": {}}}, "#/items/if: the keyword"),
        ("openapi-3.1", {"nullable": True}, "#/nullable: the keyword nullable"),
        ("draft-07", {"allOf": [{}, {"$id": "a"}]}, "#/allOf/1/$id: the keyword"),
        ("draft-04", {"properties": {"a": True}}, "#/properties/a: the value True in place"),
        ("draft-04", {"$ref": "#/$defs/A"}, "#/$ref: the reference '#/$defs/A'"),
        ("draft-07", {"$ref": "A"}, "#/$ref: the reference 'A'"),
        ("2020-12", {"$ref": "https://example.org/A.json"}, "#/$ref: the reference"),
        ("openapi-3.0", {"type": ["string", "integer"]}, "#/type: the types"),
        ("openapi-3.0", {"type": ["string", "integer", "null"]}, "#/type: the types"),
    ],
)
def test_what_is_not_known_is_refused(target: Target, schema: Any, reported: str) -> None:
    with pytest.raises(Untranslatable, match=re.escape(f"Some.json{reported}")):
        Translation(DIALECTS[target], "Some", schema)


@pytest.mark.parametrize(
    ("target", "reference"),
    [
        ("draft-07", "#/definitions/Node"),
        ("openapi-3.1", "#/components/schemas/Node"),
        ("2020-12", "Node.json"),
    ],
)
def test_a_schema_may_refer_to_itself(
    target: Target, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{schemas.BASE}2022-06/Node.json",
        "type": "object",
        "required": ["name"],
        "properties": {"next": {"$ref": "Node.json"}, "name": {"type": "string"}},
    }
    monkeypatch.setattr(schemas, "load", lambda _edition, _model: node)
    document = export("2022-06", "Node", target).document
    assert reference in json.dumps(document)
    assert "$defs" not in document
    if target in DRAFTS:
        validator = DRAFTS[target](document, registry=Registry())
        assert validator.is_valid({"name": "a", "next": {"name": "b"}})
        assert not validator.is_valid({"name": "a", "next": {"next": {}}})


# The command.


def talonschema(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "talonschema", "schema", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@every_target
def test_the_command_prints_the_export(target: Target) -> None:
    flags = ["--bundle"] if target == "2020-12" else ["--target", target]
    done = talonschema("Return", *flags, "--edition", "2026-06")
    reported = cached_export(target, "2026-06", "Return")
    assert (done.returncode, done.stdout, done.stderr) == (0, reported.text, notes(reported))
    assert json.loads(done.stdout) == reported.document


def test_the_command_without_a_target_prints_the_file_and_nothing_else() -> None:
    done = talonschema("Return")
    assert (done.stdout, done.stderr) == (schemas.text("2022-06", "Return"), "")


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["Return", "--bundle", "--target", "draft-07"], "ask for one of them"),
        (["Return", "--target", "draft-03"], "invalid choice: 'draft-03'"),
        (["Retrun", "--bundle"], "edition 2022-06 has no model 'Retrun'; its models: APIError"),
        (["Product", "--target", "draft-04"], "edition 2022-06 has no model 'Product'"),
    ],
)
def test_wrong_usage_is_reported(arguments: list[str], reported: str) -> None:
    done = talonschema(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert reported in done.stderr
    assert done.stderr.count("\n") == 1


# The page.


def test_the_page_lists_what_each_target_makes_of_each_keyword() -> None:
    page = (ROOT / "docs" / "schemas.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)`[^|]* \| (.+) \|$", page, re.MULTILINE)
    listed = {
        (keyword, target): cell.strip()
        for keyword, cells in rows
        for target, cell in zip(TARGETS, cells.split(" | "), strict=True)
    }
    found: dict[tuple[str, str], set[str]] = {key: set() for key in listed}
    for target, edition, model in ALL:
        for loss in cached_export(target, edition, model).losses:
            found[loss.keyword, target].add(WORDS[loss.effect])
    assert listed == {key: ", ".join(sorted(words)) or "same" for key, words in found.items()}


WORDS = {Effect.LOOSER: "may be looser", Effect.STRICTER: "may be stricter", Effect.NONE: "less"}
