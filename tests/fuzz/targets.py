"""Targets: what takes bytes of strangers, and what holds of it whatever the bytes are.

A target returns nothing. It raises `AssertionError`, or whatever the package lets out, where a
promise is broken. What is documented to be raised is expected here.
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from support.strategies import ENGINES, at, places
from talonschema import NEW, Policy, PolicyError, Report, Validator, schemas
from talonschema.config import discovery
from talonschema.files.documents import yaml_documents, yaml_results
from talonschema.findings.finding import Finding
from talonschema.findings.pointer import to_pointer
from talonschema.gateway.decision import NEW_SESSION, DecisionCore
from talonschema.gateway.messages import Request
from talonschema.gateway.settings import Settings, load_settings
from talonschema.model.catalog_builder import ListingError, ManagementExport, build
from talonschema.model.policy import Catalog
from talonschema.model.states import STATES
from talonschema.reading import document
from talonschema.reading.document import Document, read, reread
from talonschema.reading.positions import JsonPositions
from talonschema.reading.python_values import plain
from talonschema.reading.toml_reader import TomlError
from talonschema.structure import EngineName

Target = Callable[[bytes], None]

FOLDER = Path(mkdtemp())
"""Of the files that loaders read."""
atexit.register(rmtree, FOLDER, ignore_errors=True)
MOST_PLACES = 200
"""Values of a payload whose positions are looked for."""
PAYLOAD: dict[str, Any] = {
    "customerSession": {
        "state": "closed",
        "attributes": {"City": "Bonn", "a": 1, "b": [1, "x", None, {}]},
        "additionalCosts": {"shipping": {"price": 5}},
        "cartItems": [
            {
                "name": "Shoe",
                "sku": "A",
                "quantity": 2,
                "price": 1e308,
                "attributes": {"size": 42, "a": True},
                "additionalCosts": {"a": {"price": 1}},
            }
        ],
    }
}
CATALOG = {
    "attributes": {
        "CustomerSession": {"City": {"type": "string", "allowed": ["Bonn"]}, "a": "any"},
        "CartItem": {"size": "number", "sizes": "(list number)", "when": "time"},
    },
    "additional_costs": {"shipping": "session", "gift": "both", "a": "item"},
}
POLICIES = (
    None,
    Policy.from_mapping({"catalog": CATALOG}),
    Policy(coupon_budget=True, referral_budget=True, identifier_budget=True),
    Policy(cart_item_flattening=False),
)
PREVIOUS = (
    *(None, NEW, "open", "closed", "partially_returned"),
    {"state": "closed", "couponCodes": ["XMAS"], "cartItems": [{"sku": "A", "quantity": 2}]},
)
CALLS: tuple[dict[str, Any], ...] = (
    {},
    {"operation": "update", "dry": True},
    {"operation": "update", "dry": True, "now": "2999-01-01T00:00:00Z"},
    {"operation": "update", "now": "yesterday"},
    {"operation": "return"},
    {"operation": "reopen"},
    *({"model": model} for model in ("IntegrationStateV2", "CustomerSessionV2", "NewReturn")),
)


@cache
def validator(edition: str, engine: EngineName | None = None, policy: int = 0) -> Validator:
    return Validator(edition=edition, engine=engine, policy=POLICIES[policy])


def verify(report: Report) -> Report:
    """Return a report that can be handed on in every form, and has no crash of a rule."""
    assert "internal/rule-crash" not in {each.code for each in report.findings}, report
    forms = [report.to_dict(skipped=True)]
    if not report.ok:
        forms += [report.to_error_response(), report.to_problem()]
    json.dumps(forms, allow_nan=False)
    str(report)
    return report


def common_report(reports: Iterable[Report]) -> Report:
    """Return the report of all engines."""
    first, *others = map(verify, reports)
    assert all(each == first for each in others), [first, *others]
    return first


def read_document(source: bytes | str) -> Document:
    """Return the document as callers read it: once more where the fast parsers are in doubt."""
    found = read(source)
    return reread(source) if found.readable and plain(found.value)[1] else found


def check(data: bytes) -> None:
    """Check bytes and text, as a payload of each edition; compare the parsers."""
    assert repr(read_document(data)) == repr(reread(data))
    with suppress(UnicodeDecodeError):
        text = data.decode()
        assert repr(read_document(text).value) == repr(read_document(data).value)
    for edition in schemas.EDITIONS:
        report = common_report(validator(edition, engine).check(data) for engine in ENGINES)
        assert validator(edition).is_valid(data) == report.ok


def call(data: bytes) -> None:
    """Check a payload within a context, which the first three bytes choose."""
    chosen = (*data[:3], 0, 0, 0)
    arguments = {**CALLS[chosen[0] % len(CALLS)], "previous": PREVIOUS[chosen[1] % len(PREVIOUS)]}
    policy, edition = chosen[2] % len(POLICIES), schemas.EDITIONS[chosen[2] // 4 % 2]
    if arguments.get("model", "CartItem") not in schemas.models(edition):
        return
    common_report(
        validator(edition, engine, policy).check(data[3:], **arguments) for engine in ENGINES
    )


def spans(findings: Iterable[Finding], text: str) -> None:
    """Assert that findings are within the text."""
    lines = text.split("\n")
    for each in findings:
        if each.line is None or each.column is None:
            continue
        assert 1 <= each.column <= len(lines[each.line - 1]) + 1, each
        assert each.end_line is not None
        assert each.end_column is not None
        assert (each.line, each.column) <= (each.end_line, each.end_column), each
        assert each.end_column <= len(lines[each.end_line - 1]) + 1, each


def positions(data: bytes) -> None:
    """Find the values of a text where they are, and its findings somewhere in it."""
    text = document.decode(data)
    report = verify(validator("2026-06").check(data))
    spans(report.located(data).findings, text)
    found = read_document(data)
    if not found.readable or found.problems:
        return
    ways = [way for way, _ in zip(places(found.value), range(MOST_PLACES), strict=False)]
    positions = JsonPositions(text, map(to_pointer, ways))
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    for way in ways:
        position = positions.find(to_pointer(way))
        assert position is not None
        for span, value in (
            (position.value, at(found.value, way)),
            (position.key, way and way[-1]),
        ):
            if span is not None:
                start = starts[span.line - 1] + span.column - 1
                end = starts[span.end_line - 1] + span.end_column - 1
                assert repr(read(text[start:end]).value) == repr(value)


def yaml(data: bytes) -> None:
    """Read the documents of YAML, and check each of them."""
    as_json = read_document(data)
    if as_json.readable and not as_json.problems and isinstance(as_json.value, dict | list):
        assert [repr(each.document) for each in yaml_documents(data)] == [repr(as_json)]
    text = document.decode(data)
    for result in yaml_results("payloads.yaml", data, _judge_document):
        spans(result.report.findings, text)


def _judge_document(payload: bytes | Document) -> Report:
    reports = []
    for engine in ENGINES:
        asked = validator("2026-06", engine)
        if isinstance(payload, bytes):
            reports.append(asked.check(payload))
        else:
            reports.append(asked.checker.document(payload, asked.call()).report)
    return common_report(reports)


def settings(data: bytes) -> None:
    """Load the settings of a project and of a gateway."""
    path = str(FOLDER / "talonschema.toml")
    Path(path).write_bytes(data)
    for load in (Validator.from_config, load_settings, discovery.at):
        try:
            load(path)
        except TomlError as error:
            _names(error, path)


def _names(error: ValueError, path: str) -> None:
    assert str(error).startswith(path)


def policy(data: bytes) -> None:
    """Load a policy and a catalog, build a catalog of an export, and check by them."""
    loaded: list[Policy] = []
    for name in ("policy.toml", "policy.json"):
        path = FOLDER / name
        path.write_bytes(data)
        try:
            loaded.append(Policy.load(path))
        except PolicyError as error:
            _names(error, str(path))
        try:
            loaded.append(Policy(catalog=Catalog.load(path)))
        except PolicyError as error:
            _names(error, str(path))
    found = read_document(data)
    if found.readable and not found.problems:
        try:
            built = build([ManagementExport("export.json", found.value)]).catalog
        except ListingError:
            pass
        else:
            if built:
                loaded.append(Policy.from_mapping({"catalog": built}))
    for each in loaded:
        common_report(Validator(policy=each, engine=engine).check(PAYLOAD) for engine in ENGINES)


CORES = [DecisionCore(Settings(edition=edition, store="memory:")) for edition in schemas.EDITIONS]
LABELS = {"other", "allowed", "dry", "suspicious", "unfit", "invalid"}


def decision(data: bytes) -> None:
    """Decide on a request: its first line, header lines, an empty line, and the body."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    method, _, target = first.partition(" ")
    pairs = (line.partition(":") for line in lines)
    headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
    for core in CORES:
        request = Request(method, target, headers, body)
        found = core.examine(request)
        assert found.label in LABELS
        assert (found.refusal is None) == (found.label in ("other", "allowed", "dry"))
        assert (found.refusal is None) == (not found.codes)
        assert "internal/rule-crash" not in (*found.codes, *found.warnings)
        if found.refusal is not None:
            json.loads(found.refusal.body)
        if found.question is None:
            continue
        if found.refusal is None and found.question.payload is not None:
            reference = validator(core.settings.edition, "jsonschema")
            assert reference.checker(found.question.payload, found.question.call).report.ok
        for states in ((), (NEW_SESSION,), *((state,) for state in STATES), STATES):
            settled_ = core.settle(found, found.question, states)
            assert settled_.refusal is None or json.loads(settled_.refusal.body)


TARGETS: dict[str, Target] = {
    each.__name__: each for each in (check, call, positions, yaml, settings, policy, decision)
}
