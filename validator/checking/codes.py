"""Codes of checking: entries of a sequence, and defects of talonschema itself."""

from __future__ import annotations

from typing import Final

from ..findings.code import Code, Confidence, Example, Severity

_GOOD: Final = (Example({}),)

RULE_CRASH: Final = Code(
    name="internal/rule-crash",
    severity=Severity.ERROR,
    summary="A rule of talonschema failed; this is a defect of talonschema.",
    message="the rule {rule:bare} failed on this payload ({error:bare}): it was not judged",
    hint="please report it, with the payload if you can share it",
    why="The other rules were judged; what this one would have found is not known.",
    fix="Report the defect. To go on meanwhile, ignore the rule or this code.",
    source="talonschema",
    bad=(),
    good=_GOOD,
)

DOCUMENT: Final = (
    Code(
        name="payload/nothing-at-pointer",
        severity=Severity.ERROR,
        summary="A document has nothing at the pointer that its payloads are to be at.",
        message="there is nothing at {at:bare}",
        hint={
            "keys": "the pointer leads to {reached:bare}, which has the keys {keys:bare}",
            "kind": "the pointer leads to {reached:bare}, which is {type:bare}",
        },
        why="No payload was found, so nothing was checked.",
        fix="Correct the pointer (`--at`, or `at` in the settings), or leave the file out.",
        source="RFC 6901 (JSON Pointer)",
        bad=(),
        good=_GOOD,
    ),
)

SEQUENCE: Final = (
    Code(
        name="sequence/entry",
        severity=Severity.ERROR,
        summary="An entry of a sequence describes its call in a way that makes no sense.",
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
        why="An object with a payload and more is an entry. What is under its other keys is lost.",
        fix="Correct the key, or move it into the payload.",
        source="talonschema",
        refusal=Confidence.INFERRED,
        about="key",
        bad=(),
        good=_GOOD,
    ),
)
