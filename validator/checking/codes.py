"""Codes of checking: sequences, captures, and defects of talonschema itself."""

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

UNRECOGNISED: Final = Code(
    name="payload/unrecognised",
    severity=Severity.ERROR,
    summary="An object resembles no payload of a customer session.",
    message={
        "": "this resembles no payload of a customer session; its keys are {keys:bare}",
        "inside": "this resembles no payload of a customer session; its keys are {keys:bare}",
        "event": "this is an event, which has no model here",
        "profile": "this is an update of a customer profile, which has no model here",
        "reservation": "this is a coupon reservation, which has no model here",
    },
    hint={
        "": "leave it out, or name its model if it is a payload",
        "inside": "the value at {at:bare} may be one (--at '{at:bare}')",
        "event": "leave it out: only payloads of customer sessions are checked",
        "profile": "leave it out: only payloads of customer sessions are checked",
        "reservation": "leave it out: only payloads of customer sessions are checked",
    },
    why=(
        "Nothing of it was checked: any object would pass as a session with unknown keys. In a "
        "history, it changes nothing."
    ),
    fix=(
        "Check the part that is a payload (`--at`), leave the file out (`--exclude`) or all such "
        "files (`--skip-unrecognised`), or name the `model` or the `operation`."
    ),
    source="talonschema; the payloads of other endpoints are those of talon-one-sdk 26",
    refusal=Confidence.INFERRED,
    bad=(
        Example({"name": "a fixture", "request": {"customerSession": {"state": "open"}}}),
        Example({"type": "pageViewed", "profileId": "p1", "attributes": {}}),
        Example({"audiencesChanges": {}, "attributes": {}}),
        Example({"integrationIDs": ["p1"]}),
        Example({"dependencies": {}, "version": "1.0.0"}),
    ),
    good=(
        Example({}),
        Example({"statte": "open"}),
        Example({"version": "1.0.0"}, {"model": "NewCustomerSessionV2"}),
    ),
)

DOCUMENT: Final = (
    UNRECOGNISED,
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

CAPTURE: Final = (
    Code(
        name="capture/request",
        severity=Severity.ERROR,
        summary="A captured request can be taken for several calls, or for a call on no session.",
        message="this call was not checked: {reason:bare}",
        hint="send the path, the method and the query parameters in plain form",
        why="Systems on the way to the API may read the request in different ways.",
        fix="Percent-encode the session's id, and send each query parameter once.",
        source="talonschema",
        bad=(),
        good=_GOOD,
    ),
    Code(
        name="capture/unreadable-body",
        severity=Severity.ERROR,
        summary="The capture does not hold the body of a call in a form that can be read.",
        message={
            "missing": "the capture does not hold the body of this call",
            "encoding": "the body of this call can't be decoded",
            "mode": "the body of this call is not raw JSON",
        },
        hint={
            "missing": "record the traffic with bodies",
            "encoding": "record the traffic with decoded bodies",
            "mode": "send the body in the mode raw",
        },
        why="What was sent is unknown, so the call was not checked.",
        fix="Record the traffic again, with its bodies.",
        source="HTTP Archive (HAR) 1.2; Postman Collection Format 2.1.0",
        bad=(),
        good=_GOOD,
    ),
    Code(
        name="capture/variable",
        severity=Severity.INFO,
        summary="A value in a Postman collection is a variable, and was not checked.",
        message="a variable takes the place of the value, which was not checked",
        hint="replace the variable by a value to check the payload",
        why="The value is known only when the collection is run.",
        fix="Nothing has to be done. To check the value as well, check a capture of the run.",
        source="Postman Collection Format 2.1.0",
        bad=(),
        good=_GOOD,
    ),
)
