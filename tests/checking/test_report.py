"""Reports: exceptions, plain data, pickles, and error responses made of them."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from copy import copy
from decimal import Decimal
from typing import Any

import pytest

from support.checks import MIXED, NO_ATTRIBUTES, SESSION
from talonschema import (
    NEW,
    InvalidPayload,
    Policy,
    Report,
    Severity,
    Validator,
    check,
    schemas,
    validate,
)
from talonschema.checking.registry import CODES
from talonschema.findings.finding import finding as as_finding
from talonschema.findings.message import ENDLESS
from talonschema.findings.problem import Problem


def test_raising() -> None:
    check(SESSION).raise_for_errors()
    check({"couponCodes": ["A"]}).raise_for_errors()
    report = check({"state": "shut", "couponCodes": [1]})
    with pytest.raises(InvalidPayload) as caught:
        report.raise_for_errors()
    error = caught.value
    assert isinstance(error, ValueError)
    assert error.report is report
    assert "/state" in str(error)
    assert "[schema/enum]" in str(error)
    assert "NewCustomerSessionV2" in str(error)
    assert len(str(error).splitlines()) == 4


def test_raising_reports_how_much_is_left_out() -> None:
    with pytest.raises(InvalidPayload, match="and 4 more"):
        check({"couponCodes": [1] * 5}, max_findings=1).raise_for_errors()
    with pytest.raises(InvalidPayload, match=r"payload .*: 1 error"):
        check("{").raise_for_errors()


@pytest.mark.parametrize("payload", [SESSION, MIXED, "{", [], {"attributes": {"x": {1}}}])
def test_reports_can_be_pickled(payload: Any) -> None:
    report = check(payload, previous="closed")
    again = pickle.loads(pickle.dumps(report))  # noqa: S301 - made here
    assert again == report
    assert again.to_dict() == report.to_dict()
    error = pickle.loads(pickle.dumps(InvalidPayload(report)))  # noqa: S301 - made here
    assert error.report == report


def test_findings_can_not_be_changed() -> None:
    report = check(MIXED)
    with pytest.raises(AttributeError):
        report.ok = True
    with pytest.raises(AttributeError):
        del report.ok
    with pytest.raises(AttributeError):
        report.findings[0].code = "x"  # type: ignore[misc]  # it is frozen


def test_a_report_is_as_true_as_it_is_ok() -> None:
    assert check(SESSION)
    assert not check(MIXED)
    misread: Any
    for misread in (json.dumps, list, len, set):
        with pytest.raises(TypeError):
            misread(check(MIXED))


def test_views_of_the_findings() -> None:
    report = check(MIXED)
    assert list(report.counts) == list(Severity)
    assert sum(report.counts.values()) == len(report.findings) == len(set(report.findings))
    assert report.warnings == tuple(f for f in report.findings if f.severity == "warning")
    assert [f for own in report.by_code.values() for f in own] == sorted(
        report.findings, key=lambda f: list(report.by_code).index(f.code)
    )
    assert hash(report) == hash(check(MIXED))


def test_a_report_shows_itself() -> None:
    report = check({"state": "opn", "cartitems": []})
    assert repr(report) == "<Report NewCustomerSessionV2 2022-06: 1 error, 1 warning>"
    assert str(report).splitlines() == [
        "NewCustomerSessionV2 (edition 2022-06): 1 error, 1 warning",
        (
            "/cartitems: warning[payload/unknown-property] "
            'NewCustomerSessionV2 has no property "cartitems"'
        ),
        '   = hint: use "cartItems"; property names are case-sensitive',
        '/state: error[schema/enum] "opn" is not one of the allowed values',
        '   = hint: use one of: "open", "closed", "cancelled"',
    ]
    assert repr(check({})) == "<Report NewCustomerSessionV2 2022-06: ok>"
    assert repr(check("{")) == "<Report unreadable 2022-06: 1 error>"
    assert "2:3: error[json/" in str(check('{"a":\n  x}'))
    assert "(parameter now): " in str(check({}, now="2999-01-01T00:00:00Z"))
    assert "and 4 more" in repr(check({"couponCodes": [1] * 5}, max_findings=1))


@pytest.mark.parametrize("form", [str, str.encode])
def test_a_report_on_text_shows_its_lines(form: Callable[[str], str | bytes]) -> None:
    report = check(form('{"cartitems": [],\n "state": "opn"}'))
    assert str(report) == (
        """\
NewCustomerSessionV2 (edition 2022-06): 1 error, 1 warning

1:2: warning[payload/unknown-property] NewCustomerSessionV2 has no property "cartitems"
 1 | {"cartitems": [],
   |  ^^^^^^^^^^^
   = at: /cartitems
   = hint: use "cartItems"; property names are case-sensitive

2:11: error[schema/enum] "opn" is not one of the allowed values
 2 |  "state": "opn"}
   |           ^^^^^
   = at: /state
   = hint: use one of: "open", "closed", "cancelled\""""
    )
    copied = copy(report)
    assert copied == report
    assert "|" not in str(copied)


def test_a_report_that_redacts_shows_no_lines() -> None:
    text = str(Validator(redact=True).check('{"state": "opn-secret"}'))
    assert "schema/enum" in text
    assert "secret" not in text


def test_a_report_in_a_notebook() -> None:
    html = check({"state": "<b>"})._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert "schema/enum" in html
    assert "<table>" not in check({})._repr_html_()


def test_warnings_can_fail() -> None:
    slip: dict[str, Any] = {"cartitems": []}
    validate(slip)
    for fails in (validate, Validator().validate):
        with pytest.raises(InvalidPayload, match='hint: use "cartItems"'):
            fails(slip, fail_on="warning")
        with pytest.raises(ValueError, match="fail_on is 'info'"):
            fails(slip, fail_on="info")
    validate({}, fail_on="warning")


def test_severities_compare_by_rank() -> None:
    assert Severity.ERROR > Severity.WARNING > Severity.INFO
    assert sorted(Severity) == [Severity.INFO, Severity.WARNING, Severity.ERROR]
    assert Severity.WARNING >= "warning"
    assert Severity.WARNING <= "error"
    assert not Severity.WARNING < "info"
    assert max(Severity) is Severity.ERROR
    assert [each.rank for each in Severity] == [2, 1, 0]
    with pytest.raises(TypeError, match="can't be compared"):
        assert Severity.ERROR > "fatal"


def test_plain_data() -> None:
    report = check(MIXED, previous="open")
    data = report.to_dict()
    assert data["version"] == 1
    assert data.keys() == {"version", "ok", "edition", "model", "findings", "omitted"}
    whole = report.to_dict(skipped=True)
    assert whole == {**data, "skipped": [each._asdict() for each in report.skipped]}
    assert json.loads(json.dumps(data)) == data
    assert len(data["findings"]) == len(report.findings)
    for each in data["findings"]:
        assert each.keys() >= {"code", "severity", "pointer", "message"}
        assert each["severity"] in ("error", "warning", "info")
        assert type(each["severity"]) is str
        assert None not in each.values()
    assert all(each.keys() == {"code", "reason"} for each in whole["skipped"])


def test_plain_data_of_the_findings_that_point_elsewhere() -> None:
    (finding,) = check({"couponCodes": ["XMAS", "XMAS"]}).to_dict()["findings"]
    assert finding["related"] == ["/couponCodes/0"]
    (finding,) = check({}, now="2999-01-01T00:00:00Z").to_dict()["findings"]
    assert finding["parameter"] == "now"
    (finding,) = check('{"a":\n x}').to_dict()["findings"]
    assert (finding["line"], finding["column"]) == (2, 2)


ALL_BAD = [
    pytest.param(name, example, id=f"{name}-{index}")
    for name, code in CODES.items()
    for index, example in enumerate(code.bad)
]


def report_of(example: Any) -> Report:
    context = dict(example.context)
    policy = context.pop("policy", None)
    if context.get("previous") == "NEW":
        context["previous"] = NEW
    options: Any = {"policy": None if policy is None else Policy.from_mapping(policy)}
    return check(example.data, severity=dict.fromkeys(CODES, "error"), **options, **context)


@pytest.mark.parametrize(("name", "example"), ALL_BAD)
def test_the_forms_of_each_finding(name: str, example: Any) -> None:
    report = report_of(example)
    assert name in {each.code for each in report.errors}
    # As the API answers.
    body = report.to_error_response()
    assert json.loads(json.dumps(body)) == body
    for edition in schemas.EDITIONS:
        assert check(body, model="ErrorResponse", edition=edition).findings == ()
    assert len(body["errors"]) == len(report.errors)
    for each, finding in zip(body["errors"], report.errors, strict=True):
        assert len({"pointer", "parameter", "line"} & each["source"].keys()) == 1
        assert each["details"] == finding.message
        assert each["title"]
    # As RFC 9457 has it.
    problem = report.to_problem()
    assert json.loads(json.dumps(problem)) == problem
    assert problem["status"] == 400
    for key in ("type", "title", "detail"):
        assert isinstance(problem[key], str)
        assert problem[key]
    assert re.fullmatch(r"https://[!-~]+", problem["type"])
    for each, finding in zip(problem["errors"], report.errors, strict=True):
        assert each["code"] == finding.code
        assert each["detail"] == finding.message
        if finding.parameter is None:
            assert re.fullmatch(r"#(/[A-Za-z0-9._~!$&'()*+,;=:@?%-]*)*", each["pointer"])
        else:
            assert each["parameter"] == finding.parameter
            assert "pointer" not in each
    # As plain data, and as text.
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["findings"]
    assert all(finding.code in str(InvalidPayload(report)) for finding in report.errors)


@pytest.mark.parametrize(
    "price", [Decimal(f"1{'0' * 400}.25"), 10**400, Decimal("9E+9000"), Decimal("9E+999999")]
)
def test_amounts_beyond_a_double_are_written_as_json(price: Any) -> None:
    item = {"name": "A", "sku": "a", "quantity": 1}
    payload = {"cartItems": [{**item, "price": price}, {**item, "price": 0.01}]}
    report = Validator().check(
        {**payload, "cartItemTotal": 0.01, "total": -price}, model="CustomerSessionV2"
    )
    assert "totals/cart-item-total" in report.by_code
    written = json.dumps(report.to_dict(), allow_nan=False)
    assert " inf" not in written
    negative = Validator().check({"cartItems": [{**item, "price": -price}]})
    assert "cart/negative-price" in negative.by_code
    assert "inf" not in json.dumps(negative.to_dict(), allow_nan=False).replace('"info"', "")


def test_parameters_of_a_finding_are_numbers_of_json() -> None:
    values = {"half": Decimal("0.5"), "two": Decimal("2.0"), "large": Decimal(f"{10**400}.25")}
    problem = Problem("cart/negative-price", values={**values, "endless": Decimal("9E+9000")})
    found = as_finding(problem, CODES[problem.code], Severity.INFO, redact=False)
    assert found.params == {"half": 0.5, "two": 2, "large": 10**400, "endless": ENDLESS}


def test_the_error_response_of_the_documented_cases() -> None:
    policy = Policy.from_mapping(
        {"catalog": {"attributes": {"CustomerSession": {"Name": "string"}}}}
    )
    payload = {"state": "shut", "attributes": {"MyAttribute": 1, "Name": False}}
    body = check(payload, policy=policy).to_error_response()
    assert body["message"] == "The submitted data was invalid"
    assert [(each["title"], each["source"]) for each in body["errors"]] == [
        ("Unknown", {"pointer": "/attributes/MyAttribute"}),
        ("Invalid type", {"pointer": "/attributes/Name"}),
        ("enum", {"pointer": "/state"}),
    ]


def test_sources_other_than_pointers() -> None:
    (error,) = check({}, now="2999-01-01T00:00:00Z").to_error_response()["errors"]
    assert error["source"] == {"parameter": "now"}
    (error,) = check("{\n,").to_error_response()["errors"]
    assert error["source"] == {"line": "2"}


def test_warnings_are_no_errors_of_a_response() -> None:
    report = check({"state": "shut", "couponCodes": ["A"]})
    assert len(report.findings) == 2
    assert len(report.to_error_response()["errors"]) == 1
    assert len(report.to_problem()["errors"]) == 1


def test_pointers_as_fragments_of_a_uri() -> None:
    policy = NO_ATTRIBUTES
    names = ['a/b~c "d"', "ä%^|", "", "x#?"]
    payload = {"attributes": dict.fromkeys(names, 1)}
    report = check(payload, policy=policy, ignore=["catalog/impossible-name"])
    reported = [each["pointer"] for each in report.to_problem()["errors"]]
    assert sorted(reported) == sorted(
        [
            "#/attributes/",
            "#/attributes/a~1b~0c%20%22d%22",
            "#/attributes/x%23?",
            "#/attributes/%C3%A4%25%5E%7C",
        ]
    )
    (error,) = check([]).to_problem()["errors"]
    assert error["pointer"] == "#"


def test_lone_surrogates_can_be_written_in_every_form() -> None:
    report = check({"attributes": {"a\ud800": 1}, "\udc00": 1, "state": "\ud800"})
    assert not report.ok
    json.dumps(report.to_dict()).encode()
    json.dumps(report.to_error_response()).encode()
    json.dumps(report.to_problem()).encode()


def test_there_is_no_answer_to_what_is_good() -> None:
    report = check(SESSION)
    for form in (report.to_error_response, report.to_problem):
        with pytest.raises(ValueError, match="no error"):
            form()
