"""Prefilters: what one passes, its rule alone has nothing to say of."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.corpus import corpus
from support.policies import SHAPES
from support.strategies import ENGINES, damage
from talonschema import Validator, schemas
from talonschema.findings.code import Example
from talonschema.rules import RULES, Rule
from talonschema.rules.rule import Builtin

FILTERED = {name: rule for name, rule in RULES.items() if rule.prefilter is not None}
SHAPES_FOR = {name: list(SHAPES) for name, rule in FILTERED.items() if callable(rule.prefilter)}
"""Of prefilters made from a policy; for the others, two shapes will do."""


@cache
def validators(name: str, edition: str, policy: str) -> list[Validator]:
    """Return validators of one code or group: with its prefilter, and without."""
    return [
        Validator(engine=engine, edition=edition, policy=SHAPES[policy], select=[name])
        for engine in ENGINES
    ]


@cache
def payloads(name: str, edition: str) -> st.SearchStrategy[tuple[str | None, Any]]:
    """Return the models and payloads that a rule can be about, good and bad, whole and damaged."""
    about = RULES[name].code.models if name in RULES else ()
    models = [each for each in about or schemas.models(edition) if "(" not in each]
    own = [
        (example.context.get("model"), example.data)
        for rule in RULES.values()
        for example in (*rule.code.bad, *rule.code.good)
        if edition in rule.code.editions and set(rule.code.models) & set(models)
    ]
    known = [(i.model, i.value) for i in corpus() if (i.edition, i.model in models) == (edition, 1)]
    found = st.sampled_from(own) | st.sampled_from(known)
    return found | found.flatmap(lambda pair: st.tuples(st.just(pair[0]), damage(st.just(pair[1]))))


@pytest.mark.parametrize("edition", schemas.EDITIONS)
@pytest.mark.parametrize("name", [*FILTERED, "schema", "totals"])
@given(st.data(), st.booleans())
def test_what_a_prefilter_passes_satisfies_its_rule(
    name: str, edition: str, data: st.DataObject, dry: bool
) -> None:
    if name in RULES and edition not in RULES[name].code.editions:
        return
    policy = data.draw(st.sampled_from(SHAPES_FOR.get(name, ["nothing", "everything"])))
    model, payload = data.draw(payloads(name, edition))
    with_it, without = (
        each.check(payload, model=model, dry=dry) for each in validators(name, edition, policy)
    )
    assert with_it == without


def _example(rule: Rule) -> Example | None:
    """Return a payload that has the finding whatever the policy."""
    return next((each for each in rule.code.bad if "policy" not in each.context), None)


KEYWORDS = [
    name
    for name, rule in FILTERED.items()
    if not isinstance(rule.prefilter, Builtin) and _example(rule)
]


@pytest.mark.parametrize("name", KEYWORDS)
def test_one_that_passes_too_much_hides_a_finding(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = _example(RULES[name])
    assert example is not None
    edition = example.context.get("edition", RULES[name].code.editions[0])
    context = {key: value for key, value in example.context.items() if key != "edition"}
    found = {}
    for prefilter in (RULES[name].prefilter, {}):
        monkeypatch.setitem(RULES, name, RULES[name]._replace(prefilter=prefilter))
        for engine in ENGINES:
            validator = Validator(select=[name], edition=edition, engine=engine)
            report = validator.check(example.data, **context)
            found[engine, not prefilter] = {each.code for each in report.findings}
    lax = found.pop(("jsonschema-rs", True))
    assert lax == set()
    assert list(found.values()) == [{name}] * 3
