"""Every code there is: complete, with examples that hold, and silent on values if asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.search import draws
from support.strategies import ENGINES, damage, sessions
from talonschema import NEW, Policy, Report, Severity, Validator, schemas
from talonschema.checking.registry import CODES, GROUPS
from talonschema.findings.code import Code, Confidence, Example
from talonschema.findings.message import render
from talonschema.rules.rule import RULES, rule
from talonschema.validator import Options

WITHOUT_BAD = {
    *("payload/nothing-at-pointer", "internal/rule-crash"),
    *("sequence/entry", "sequence/unknown-key"),
    *("capture/request", "capture/unreadable-body", "capture/variable"),
    *("yaml/alias", "yaml/syntax", "yaml/tag"),
}
"""What no payload has by itself."""


def arguments(example: Example) -> tuple[Options, dict[str, Any]]:
    """Return what an example's context means for `Validator` and for its `check`."""
    context = dict(example.context)
    options = Options(edition=context.pop("edition", schemas.DEFAULT_EDITION))
    if "policy" in context:
        options["policy"] = Policy.from_mapping(context.pop("policy"))
    if context.get("previous") == "NEW":
        context["previous"] = NEW
    return options, context


def judge(example: Example, engine: Any, **more: Any) -> Report:
    options, context = arguments(example)
    options["engine"] = engine
    return Validator(**{**options, **more}).check(example.data, **context)


def examples(kind: str) -> Iterator[tuple[str, str, Example]]:
    for name, code in CODES.items():
        for index, example in enumerate(getattr(code, kind)):
            yield f"{name}-{index}", name, example


def parameters(kind: str) -> list[Any]:
    return [pytest.param(name, example, id=id_) for id_, name, example in examples(kind)]


every_code = pytest.mark.parametrize("code", CODES.values(), ids=list(CODES))
every_bad_example = pytest.mark.parametrize(("name", "example"), parameters("bad"))
every_good_example = pytest.mark.parametrize(("name", "example"), parameters("good"))
each_engine = pytest.mark.parametrize("engine", ENGINES)


@every_code
def test_each_code_is_described_completely(code: Code) -> None:
    assert re.fullmatch(r"[a-z]+/[a-z]+(-[a-z0-9]+)*|schema/[a-z][A-Za-z]+", code.name)
    assert code.group in GROUPS
    assert code.summary.endswith(".")
    messages = [code.message] if isinstance(code.message, str) else code.message.values()
    for text in (code.summary, code.why, code.fix, code.source, *messages):
        assert text == text.strip() != ""
        assert "  " not in text
    assert code.why.endswith(".")
    assert code.fix.endswith(".")
    assert isinstance(code.severity, Severity)
    assert isinstance(code.confidence, Confidence)
    assert code.editions
    assert set(code.editions) <= set(schemas.EDITIONS)
    assert code.good
    assert bool(code.bad) == (code.name not in WITHOUT_BAD)


def test_names_are_unique_and_lead_to_their_code() -> None:
    assert all(code.name == name for name, code in CODES.items())
    assert set(RULES) <= set(CODES)
    assert set(GROUPS) == {name.partition("/")[0] for name in CODES}


@every_code
def test_models_and_editions_of_a_code_exist(code: Code) -> None:
    for edition in code.editions:
        known = {*schemas.models(edition), "(no body)"}
        assert set(code.models) <= known


@each_engine
@every_bad_example
def test_a_bad_example_has_its_finding(name: str, example: Example, engine: str) -> None:
    report = judge(example, engine)
    (finding, *_) = [each for each in report.findings if each.code == name]
    assert finding.severity is CODES[name].severity
    assert finding.message
    assert report.edition in CODES[name].editions


@each_engine
@every_good_example
def test_a_good_example_has_not(name: str, example: Example, engine: str) -> None:
    report = judge(example, engine)
    assert name not in {each.code for each in report.findings}


@every_good_example
def test_a_good_example_is_judged(name: str, example: Example) -> None:
    if "policy" in example.context or not name.startswith("catalog/"):
        assert name not in {each.code for each in judge(example, None).skipped}


@every_bad_example
def test_texts_are_rendered_in_full(name: str, example: Example) -> None:
    for finding in judge(example, None).findings:
        code = CODES[finding.code]
        params = {**finding.params}
        kind = params.get("kind", "")
        message = code.message[kind] if isinstance(code.message, Mapping) else code.message
        hint = code.hint.get(kind, "") if isinstance(code.hint, Mapping) else code.hint
        for text in (message, hint):
            wanted = set(re.findall(r"\{(\w+)", text))
            assert wanted <= params.keys(), (name, text)
        for text in (finding.message, finding.hint):
            assert "[redacted]" not in text
            assert not re.search(r"[{]\w+(:bare)?[}]", text.replace('"{', "").replace('}"', ""))
            assert "['" not in text, "a Python list in the text"


@every_bad_example
def test_redacted_examples_match_the_others(name: str, example: Example) -> None:
    plain = judge(example, None)
    silent = judge(example, None, redact=True)
    assert [(f.code, f.pointer, f.severity) for f in plain.findings] == [
        (f.code, f.pointer, f.severity) for f in silent.findings
    ]
    for one, other in zip(plain.findings, silent.findings, strict=True):
        assert other.params.items() <= one.params.items()
        assert other.message, name


HIDDEN = "Zq7secret"
"""Stands for any value of a payload."""
NUMBER = 918273645


def mark(value: Any, key: str = "") -> Any:
    """Return a payload with its values made recognizable, where their kind allows it."""
    if isinstance(value, dict):
        return {name: mark(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [mark(inner, key) for inner in value]
    if isinstance(value, str):
        return f"{HIDDEN}{value}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return NUMBER
    return value


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    return set()


def texts(report: Report) -> str:
    reported = [(f.message, f.hint, json.dumps(dict(f.params))) for f in report.findings]
    return json.dumps(reported, ensure_ascii=False)


@each_engine
@pytest.mark.parametrize(
    "example",
    [
        pytest.param(example, id=id_)
        for id_, name, example in examples("bad")
        if not name.startswith("json/")
    ],
)
def test_redaction_of_marked_examples(example: Example, engine: str) -> None:
    data = example.data
    context = {**example.context}
    marked = Example(mark(data), context)
    silent = texts(judge(marked, engine, redact=True))
    assert HIDDEN not in silent
    assert str(NUMBER) not in silent
    if isinstance(context.get("previous"), dict):
        context["previous"] = mark({"cartItems": [], **context["previous"], "state": None})
        context["previous"].pop("state")
        silent = texts(judge(Example(data, context), engine, redact=True))
        assert HIDDEN not in silent


SECRETS: list[tuple[Any, dict[str, Any]]] = [
    ({"state": HIDDEN}, {}),
    ({"state": "partially_returned", "attributes": HIDDEN}, {}),
    ({"referralCode": HIDDEN * 20, "profileId": HIDDEN * 200}, {}),
    ({"couponCodes": [HIDDEN, HIDDEN, NUMBER]}, {}),
    (
        {"couponCodes": [], "referralCode": ""},
        {"previous": {"couponCodes": [HIDDEN], "referralCode": HIDDEN}},
    ),
    ({"loyaltyCards": [f"{HIDDEN} "], "identifiers": [f"{HIDDEN}", f"{HIDDEN}"]}, {}),
    ({"cartItems": [{"name": "a", "sku": HIDDEN, "quantity": NUMBER, "price": -NUMBER}]}, {}),
    ({"cartItems": [{"sku": HIDDEN, "quantity": 1}]}, {"edition": "2026-06"}),
    ({"attributes": {"City": HIDDEN, "Days": HIDDEN, "Tags": [HIDDEN, NUMBER]}}, {"policy": True}),
    ({}, {"now": f"{HIDDEN}", "dry": True}),
    ({}, {"now": "2018-01-01T00:00:00Z", "dry": True}),
    (
        {
            "return": {
                "returnedCartItems": [{"sku": HIDDEN, "quantity": NUMBER}, {"position": NUMBER}]
            }
        },
        {
            "edition": "2026-06",
            "previous": {"state": "closed", "cartItems": [{"sku": HIDDEN, "quantity": 2}]},
        },
    ),
    (
        {"return": {"returnedCartItems": [{"sku": HIDDEN, "position": 0}]}},
        {
            "edition": "2026-06",
            "previous": {"state": "closed", "cartItems": [{"sku": f"{HIDDEN}1", "quantity": 2}]},
        },
    ),
    (
        {"total": NUMBER, "cartItemTotal": 1, "additionalCostTotal": 1},
        {"model": "CustomerSessionV2"},
    ),
    ({"created": f"{HIDDEN}", "updated": HIDDEN, "id": HIDDEN}, {"model": "CustomerSessionV2"}),
    (
        {"created": "2020-02-03T00:00:00.918273645Z", "updated": "2019-01-01T00:00:00.918273645Z"},
        {"model": "CustomerSessionV2"},
    ),
    (
        {"experimentVariantAllocations": [{"experimentID": NUMBER, "variantID": 1}] * 2},
        {"edition": "2026-06"},
    ),
    ({"customerSession": {}, "responseContent": [HIDDEN]}, {}),
    (f'{{"attributes": {{"a": "{HIDDEN}", "a": "{HIDDEN}"}}}}', {}),
    (f'{{"attributes": "{HIDDEN}",}}', {}),
    (f'{{"attributes": {HIDDEN}}}', {}),
    (f'{{"attributes": -0{NUMBER}}}', {}),
    ({"attributes": {"a": {HIDDEN}, "b": float("nan"), "c": f"{HIDDEN}\ud800"}}, {}),
]
POLICY = {
    "catalog": {
        "attributes": {
            "CustomerSession": {
                "City": {"type": "string", "allowed": ["Berlin"]},
                "Days": "number",
                "Tags": "(list string)",
            }
        }
    }
}


@each_engine
@pytest.mark.parametrize(("data", "context"), SECRETS)
def test_redaction_of_values(data: Any, context: dict[str, Any], engine: Any) -> None:
    if context.get("policy"):
        context = {**context, "policy": POLICY}
    example = Example(data, context)
    plain = judge(example, engine)
    silent = judge(example, engine, redact=True)
    assert silent.findings
    assert len(silent.findings) == len(plain.findings)
    for hidden in (HIDDEN, str(NUMBER), "2018-01-01"):
        assert hidden not in texts(silent)


@settings(max_examples=draws(60))
@given(data=st.data(), edition=st.sampled_from(schemas.EDITIONS), response=st.booleans())
def test_redaction_of_any_value(data: st.DataObject, edition: str, response: bool) -> None:
    model = "CustomerSessionV2" if response else "NewCustomerSessionV2"
    payload = mark(data.draw(damage(sessions(edition, model))))
    validator = Validator(edition=edition, redact=True)
    report = validator.check(payload, model=model)
    reported = texts(report)
    for key in keys_of(payload):
        reported = reported.replace(key, "")
    assert HIDDEN not in reported
    assert str(NUMBER) not in reported


def test_what_is_shown_without_redaction_is_hidden_with_it() -> None:
    example = Example({"state": HIDDEN}, {})
    assert HIDDEN in texts(judge(example, None))


def keywords(schema: Any) -> Iterator[str]:
    """Yield the keywords of a schema and of those in it."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        yield keyword
        if keyword in ("properties", "$defs", "patternProperties", "dependentSchemas"):
            for inner in value.values():
                yield from keywords(inner)
        elif keyword in ("allOf", "anyOf", "oneOf", "prefixItems"):
            for inner in value:
                yield from keywords(inner)
        elif keyword in ("items", "additionalProperties", "not", "contains", "propertyNames"):
            yield from keywords(value)


APPLICATORS_AND_ANNOTATIONS = {
    *("$schema", "$id", "$ref", "title", "description", "examples", "default", "readOnly"),
    *("properties", "items", "additionalProperties", "allOf"),
}


def test_each_keyword_that_asserts_has_a_code() -> None:
    found = {
        keyword
        for edition in schemas.EDITIONS
        for model in schemas.models(edition)
        for keyword in keywords(schemas.load(edition, model))
    }
    asserting = {f"schema/{keyword}" for keyword in found - APPLICATORS_AND_ANNOTATIONS}
    assert asserting == {name for name in CODES if name.startswith("schema/")}


def test_two_rules_can_not_have_one_code() -> None:
    known = next(iter(RULES.values()))
    before = dict(RULES)
    with pytest.raises(ValueError, match=re.escape(known.code.name)):
        rule(**{k: v for k, v in known.code._asdict().items() if k != "leaves"})
    assert before == RULES


def test_every_code_stands_for_one_thing() -> None:
    summaries = [code.summary for code in CODES.values()]
    assert len(set(summaries)) == len(summaries)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", '"a"'),
        ('a"\n', '"a\\"\\n"'),
        ("é", '"é"'),
        (1, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        (["a", 1], '"a", 1'),
        ([], ""),
    ],
)
def test_values_are_shown_as_json_has_them(value: object, shown: str) -> None:
    assert render("<{value}>", {"value": value}) == f"<{shown}>"


@pytest.mark.parametrize(
    "value",
    ["x" * 1000, 10**1000, 10**5000, ["x" * 1000] * 1000],
    ids=["text", "digits", "more digits", "list"],
)
def test_values_are_shown_shortened(value: object) -> None:
    text = render("{value}", {"value": value})
    assert 0 < len(text) < 400


def test_values_are_no_templates() -> None:
    assert render("{a} {b}", {"a": "{b}", "b": "{a.__class__}"}) == '"{b}" "{a.__class__}"'


def test_a_parameter_that_is_missing_was_redacted() -> None:
    assert render("{a} {b:bare}", {}) == "[redacted] [redacted]"
