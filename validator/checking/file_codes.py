"""The codes of what only files can have: faults of YAML, and of the entries of a sequence."""

from __future__ import annotations

from ..findings.code import Code, Confidence, Example, Severity

_YAML = "YAML 1.2.2"
_GOOD = (Example({}),)

CODES = (
    Code(
        name="yaml/syntax",
        severity=Severity.ERROR,
        summary="The text is not YAML.",
        message="this is not YAML ({detail:bare})",
        why="Nothing can read it, so nothing else could be checked.",
        fix="Correct the text at the line and column given.",
        source=_YAML,
        refusal=Confidence.INFERRED,
        bad=(),
        good=_GOOD,
    ),
    Code(
        name="yaml/alias",
        severity=Severity.ERROR,
        summary="An anchor, an alias or a merge key, which JSON has no form for.",
        message="payloads in YAML have no {kind:bare}",
        hint="write the value out in each place",
        why=(
            "An alias stands for a value written elsewhere, for which JSON has no form. A few can "
            "also stand for more values than any memory holds."
        ),
        fix="Write the value out where it belongs.",
        source=f"{_YAML}, section 3.2.2.2; the merge key is of YAML 1.1 only",
        refusal=Confidence.INFERRED,
        bad=(),
        good=_GOOD,
    ),
    Code(
        name="yaml/tag",
        severity=Severity.ERROR,
        summary="A tag, which gives a value a type that JSON has not.",
        message="payloads in YAML have no tags such as {tag:bare}",
        hint="leave the tag out; a number that is meant as a text stands in quotes",
        why="JSON has no tags, and each program makes something else of them.",
        fix="Write the value so that it needs no tag.",
        source=f"{_YAML}, section 10.3 (core schema)",
        refusal=Confidence.INFERRED,
        bad=(),
        good=_GOOD,
    ),
    Code(
        name="sequence/entry",
        severity=Severity.ERROR,
        summary="An entry of a sequence says something about its call that makes no sense.",
        message="{key} is {given:bare}, in an entry of a sequence",
        hint={
            "dry": "it is true or false",
            "integrationId": "it is a text",
            "now": "it is a text",
            "operation": "it is one of: {allowed}",
            "payload": "an entry needs a payload, unless its operation is reopen",
        },
        why="The call is unknown, so neither this entry nor its effect was checked.",
        fix="Correct the entry, or write the payload alone.",
        source="talonschema",
        refusal=Confidence.INFERRED,
        bad=(),
        good=_GOOD,
    ),
    Code(
        name="sequence/unknown-key",
        severity=Severity.ERROR,
        summary="A key that the entries of a sequence do not have.",
        message="the entries of a sequence have no key {key}",
        hint="their keys are: {allowed:bare}",
        why="An object with a payload and more is an entry. What its other keys say would be lost.",
        fix="Correct the key, or move it into the payload.",
        source="talonschema",
        refusal=Confidence.INFERRED,
        bad=(),
        good=_GOOD,
    ),
)
