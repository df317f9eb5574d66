"""The facts about the codes of reading, on which reports and replays rely."""

from __future__ import annotations

from talonschema.findings.code import Confidence
from talonschema.reading.codes import CODES

READABLE = {
    *("json/too-deep", "json/not-finite", "json/number-range", "json/lone-surrogate"),
    *("json/unsupported-type", "json/circular"),
}
"""The codes of values in whose place nothing is left, so that the rest of a payload is judged."""


def test_the_api_is_expected_to_refuse_each() -> None:
    assert {code.refusal for code in CODES} == {Confidence.INFERRED}


def test_what_each_leaves_for_the_other_rules() -> None:
    assert {code.name: code.leaves for code in CODES} == {
        code.name: "nothing" if code.name in READABLE else "something invalid" for code in CODES
    }


def test_which_part_of_a_member_each_is_about() -> None:
    """A key that is no text has no value to point at; all others point at values."""
    assert {code.name for code in CODES if code.about != "value"} == {"json/key-type"}
    assert {code.about for code in CODES} == {"value", "key"}
