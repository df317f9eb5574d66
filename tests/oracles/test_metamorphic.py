"""Metamorphic properties: what must not change a verdict, and what must change it in one way.

tests/structure/test_engines.py varies the seed of hashes.
"""

from __future__ import annotations

import json
from collections import ChainMap, OrderedDict, UserDict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from conftest import Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.corpus import corpus
from support.policies import SHAPES
from support.search import draws
from support.strategies import ENGINES, kinds, maybe_damage, shuffle_keys, slips
from talonschema import NEW, Policy, Report, Validator, schemas
from talonschema.files import check_lines, ndjson
from talonschema.findings.code import Example
from talonschema.model.detection import OPERATIONS_OF
from talonschema.model.naming import to_snake
from talonschema.model.schema_tree import SchemaNode, schema_tree
from talonschema.rules import RULES, Rule
from talonschema.rules.context import Context
from talonschema.rules.rule import RESPONSES
from talonschema.testing.strategies import payloads

EXAMPLES = draws(100)
Found = list[tuple[str, str]]


@cache
def validator(edition: str) -> Validator:
    return Validator(edition=edition)


def codes_and_pointers(report: Report) -> Found:
    return [(each.code, each.pointer) for each in report.findings]


@st.composite
def json_texts(draw: st.DrawFn, value: Any) -> str:
    """Draw a JSON text of a value, with other white space and other spellings of numbers."""
    blank = draw(st.sampled_from(["", " ", "\n\t", "\r\n"]))
    if isinstance(value, dict):
        members = [f"{json.dumps(k)}{blank}:{draw(json_texts(v))}" for k, v in value.items()]
        return f"{blank}{{{','.join(members) or blank}}}{blank}"
    if isinstance(value, list):
        return f"{blank}[{','.join([draw(json_texts(each)) for each in value]) or blank}]"
    text = json.dumps(value)
    if type(value) is int and abs(value) < 2**53:
        text = draw(st.sampled_from([text, f"{text}.0", f"{text}e0", f"{text}.000E+00"]))
    elif type(value) is float and "e" not in text:
        text = draw(st.sampled_from([text, f"{text}0", f"{text}e0"]))
    return f"{blank}{text}{blank}"


@settings(max_examples=EXAMPLES)
@given(data=st.data(), kind=kinds)
def test_the_spelling_of_a_text_does_not_matter(data: st.DataObject, kind: tuple[str, str]) -> None:
    edition, model = kind
    payload = data.draw(maybe_damage(payloads(model, edition)))
    if isinstance(payload, str):
        return  # is taken for JSON text
    expected = codes_and_pointers(validator(edition).check(payload, model=model))
    text = data.draw(json_texts(payload))
    assert codes_and_pointers(validator(edition).check(text, model=model)) == expected
    assert codes_and_pointers(validator(edition).check(text.encode(), model=model)) == expected


@st.composite
def vary_containers(draw: st.DrawFn, value: Any) -> Any:
    """Draw a value whose containers are of other types that mean the same."""
    if isinstance(value, list):
        return draw(st.sampled_from([list, tuple]))([draw(vary_containers(each)) for each in value])
    if not isinstance(value, dict):
        return value
    make = draw(st.sampled_from([dict, UserDict, MappingProxyType, ChainMap, OrderedDict]))
    return make({key: draw(vary_containers(each)) for key, each in value.items()})


@settings(max_examples=EXAMPLES)
@given(data=st.data(), kind=kinds)
def test_key_order_types_and_engine_do_not_matter(
    data: st.DataObject, kind: tuple[str, str]
) -> None:
    edition, model = kind
    payload = data.draw(maybe_damage(payloads(model, edition)))
    expected = codes_and_pointers(validator(edition).check(payload, model=model))
    other = Validator(edition=edition, engine="jsonschema")
    assert codes_and_pointers(other.check(payload, model=model)) == expected
    for same in (data.draw(vary_containers(payload)), data.draw(shuffle_keys(payload))):
        assert codes_and_pointers(validator(edition).check(same, model=model)) == expected


def without_nulls(value: Any, part: SchemaNode | None) -> Any:
    """Return a payload without the null properties, which naming="snake" leaves out."""
    if isinstance(value, list) and part is not None:
        return [without_nulls(each, part.items) for each in value]
    if not isinstance(value, dict) or part is None:
        return value
    return {
        key: without_nulls(each, part.below(key))
        for key, each in value.items()
        if each is not None or key not in part.properties
    }


def to_snake_case(value: Any, part: SchemaNode | None) -> Any:
    """Return a payload with its properties in the names of the SDKs."""
    if isinstance(value, list) and part is not None:
        return [to_snake_case(each, part.items) for each in value]
    if not isinstance(value, dict) or part is None:
        return value
    return {
        to_snake(key) if key in part.properties else key: to_snake_case(each, part.below(key))
        for key, each in value.items()
    }


@settings(max_examples=EXAMPLES)
@given(data=st.data(), kind=kinds)
def test_the_naming_does_not_matter(data: st.DataObject, kind: tuple[str, str]) -> None:
    edition, model = kind
    drawn = payloads(model, edition) | slips(edition, model).map(lambda slip: slip.payload)
    root = schema_tree(edition, model)
    payload = without_nulls(data.draw(drawn), root)
    wire = codes_and_pointers(validator(edition).check(payload, model=model))
    snake = Validator(edition=edition, naming="snake").check(
        to_snake_case(payload, root), model=model
    )
    names = {to_snake(each): each for part in root.walk() for each in part.properties}
    back = [
        (code, "/".join(names.get(step, step) for step in pointer.split("/")))
        for code, pointer in codes_and_pointers(snake)
    ]
    assert sorted(back) == sorted(wire)


@settings(max_examples=EXAMPLES)
@given(data=st.data(), edition=st.sampled_from(schemas.EDITIONS))
def test_the_envelope_does_not_matter(data: st.DataObject, edition: str) -> None:
    own = payloads("NewCustomerSessionV2", edition)
    session = data.draw(maybe_damage(own))
    if not isinstance(session, dict):
        return
    bare = validator(edition).check(session, model="NewCustomerSessionV2")
    whole = validator(edition).check({"customerSession": session}, model="IntegrationRequest")
    assert [
        (code, f"/customerSession{place}") for code, place in codes_and_pointers(bare)
    ] == codes_and_pointers(whole)


@pytest.mark.parametrize("edition", schemas.EDITIONS)
def test_the_form_of_a_file_does_not_matter(
    edition: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [each.value for each in corpus() if each.edition == edition]
    values = [each for each in values if isinstance(each, dict)][::7]
    expected = [codes_and_pointers(validator(edition).check(each)) for each in values]
    lines = [json.dumps(each) for each in values]
    rows = check_lines(lines, validator(edition))
    assert [[(f["code"], f["pointer"]) for f in row["findings"]] for row in rows] == expected
    (tmp_path / "payloads.yaml").write_text("".join(f"---\n{line}\n" for line in lines))
    (tmp_path / "payloads.ndjson").write_text("".join(f"{line}\n" for line in lines))
    written_by = []
    for name, jobs, chunk in (
        ("yaml", "1", 1 << 18),
        ("ndjson", "1", 1 << 18),
        ("ndjson", "2", 999),
    ):
        monkeypatch.setattr(ndjson, "_CHUNK", chunk)
        monkeypatch.setattr(ndjson, "_STRETCH", chunk)
        options = ("--format", "json", "--edition", edition, "--jobs", jobs)
        _, out, _ = run("check", str(tmp_path / f"payloads.{name}"), *options)
        (file,) = json.loads(out)["files"]
        written_by.append(
            [(f["code"], f["pointer"]) for r in file["results"] for f in r["findings"]]
        )
    flat = [each for findings in expected for each in findings]
    assert written_by == [flat] * 3


class Watched:
    """The rules that were judged, by their codes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.judged: set[str] = set()
        for name, rule in RULES.items():
            monkeypatch.setitem(RULES, name, rule._replace(check=self.watch(name, rule)))

    def watch(self, name: str, rule: Rule) -> Callable[[Context], Iterator[Any]]:
        def check(context: Context) -> Iterator[Any]:
            self.judged.add(name)
            return rule.check(context)

        return check


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    kind=kinds,
    shape=st.sampled_from(list(SHAPES)),
    call=st.fixed_dictionaries(
        {
            "dry": st.booleans(),
            "now": st.sampled_from([None, "2999-01-01T00:00:00Z"]),
            "previous": st.sampled_from([None, NEW, "open", {"state": "closed"}]),
        },
        optional={"operation": st.just("update")},
    ),
)
def test_each_rule_is_judged_skipped_or_does_not_apply(
    data: st.DataObject, kind: tuple[str, str], shape: str, call: dict[str, Any]
) -> None:
    edition, model = kind
    call["model"] = model
    if "operation" in call:
        call["operation"] = OPERATIONS_OF.get(model, "update")
    payload = data.draw(maybe_damage(payloads(model, edition)))
    with pytest.MonkeyPatch.context() as monkeypatch:
        watched = Watched(monkeypatch)
        # The other engine has a prefilter, which knows without them that rules have no finding.
        slow, fast = (
            Validator(edition=edition, policy=SHAPES[shape], engine=engine) for engine in ENGINES
        )
        report = slow.check(payload, **call)
    assert fast.check(payload, **call) == report
    if report.model is None:
        return  # could not be read
    concerned = {
        name
        for name, rule in RULES.items()
        if edition in rule.code.editions
        and (not rule.code.models or report.model in rule.code.models)
        and (call["now"] is not None or "now" not in rule.needs)
        and ("operation" in call or "operation" not in rule.needs)
    }
    assert concerned - watched.judged - {code for code, _ in report.skipped} == set()
    if isinstance(payload, dict):
        assert watched.judged <= {name for name in RULES if edition in RULES[name].code.editions}


NOT_CONCERNED = {
    # Items without a price are those of cart/missing-price then.
    ("cart/unpriced-sku", "policy"),
    # With cart item flattening, which is on by default, items are returned in parts.
    ("return/whole-item-only", "policy"),
    # It is about sessions that are known to be new.
    ("identity/anonymous-profile", "previous"),
}
"""Rules that do not apply without a part of the context."""


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rule_without_what_it_needs_is_skipped(engine: Any) -> None:
    silent, lacking = set(), 0
    for name, rule in RULES.items():
        for example in rule.code.bad:
            context = {**example.context, "engine": engine}
            for part in sorted({"policy", "previous"} & context.keys()):
                found = report_on(example, {key: context[key] for key in context if key != part})
                if name not in found.by_code and (name, part) not in NOT_CONCERNED:
                    lacking += 1
                    if name not in {each.code for each in found.skipped}:
                        silent.add((name, part))
    assert silent == set()
    assert lacking > len(RULES) // 4


def report_on(example: Example, context: Mapping[str, Any]) -> Report:
    """Return the report of an example in its context, or in what is left of that."""
    arguments = dict(context)
    policy = Policy.from_mapping(arguments.pop("policy", {}))
    edition = arguments.pop("edition", schemas.DEFAULT_EDITION)
    engine = arguments.pop("engine")
    if arguments.get("previous") == "NEW":
        arguments["previous"] = NEW
    return Validator(edition=edition, policy=policy, engine=engine).check(example.data, **arguments)


EXAMPLES_OF_RULES = [
    pytest.param(name, index, id=f"{name}-{index}")
    for name, rule in RULES.items()
    for index in range(len(rule.code.bad))
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "index"), EXAMPLES_OF_RULES)
def test_one_bad_twist_gives_its_code_and_no_other(name: str, index: int, engine: Any) -> None:
    example = RULES[name].code.bad[index]
    context = dict(example.context)
    edition = context.pop("edition", RULES[name].code.editions[0])
    policy = Policy.from_mapping(context.pop("policy", {}))
    if context.get("previous") == "NEW":
        context["previous"] = "new"
    # Examples of responses are cut down to what matters, and hints at habits go beside anything.
    ignored = ["identity/anonymous-profile", "request/bare-session"]
    if context.get("model") in RESPONSES:
        ignored.append("schema/required")
    ignored = [each for each in ignored if each != name]
    checked = Validator(edition=edition, policy=policy, engine=engine, ignore=ignored)
    assert {each.code for each in checked.check(example.data, **context).findings} == {name}


good_items = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.text(min_size=1, max_size=3),
            "sku": st.uuids().map(str),
            "quantity": st.integers(1, 3),
            "price": st.integers(0, 10**4).map(lambda cents: cents / 100),
        }
    ),
    min_size=1,
    max_size=3,
)
TWISTS = [
    (name, example)
    for name, rule in RULES.items()
    for example in rule.code.bad
    if "IntegrationRequest" in rule.code.models
    # Without those that are about the lack of what a good session has, or about no session.
    and isinstance(example.data, dict)
    and example.data
    and "return" not in example.data
]
"""The bad examples of sessions that are sent."""


@settings(max_examples=max(3, EXAMPLES // 10))
@given(good_items, st.sampled_from(ENGINES))
def test_one_bad_twist_in_a_good_cart_gives_its_code_and_no_other(
    items: list[dict[str, Any]], engine: Any
) -> None:
    for name, example in TWISTS:
        session = example.data.get("customerSession", example.data)
        cart = [*session.get("cartItems", ()), *items]
        twisted: Any = {"profileId": "visit-1", **session, "cartItems": cart}
        if "customerSession" in example.data:
            twisted = {**example.data, "customerSession": twisted}
        report = report_on(example._replace(part=twisted), {**example.context, "engine": engine})
        assert set(report.by_code) == {name}, (name, twisted)
