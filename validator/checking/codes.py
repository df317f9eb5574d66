"""Codes of checking: sequences, captures, and defects of talonschema itself."""

from __future__ import annotations

from typing import Final

from ..findings.code import Code, Confidence, Example, Severity

_GOOD: Final = (Example({}),)

RULE_CRASH: Final = Code(
    name="internal/rule-crash",
    severity=Severity.ERROR,
    summary="A rule of talonschema failed; this is a defect of talonschema.",
    message="the rule {rule:bare} raised {error:bare} on this payload, so it was not applied",
    hint="please report this defect, with the payload if you can share it",
    why="All other rules were applied; this one may have missed problems.",
    fix="Report the defect. Until it is fixed, ignore the rule or this code.",
    source="talonschema",
    bad=(),
    good=_GOOD,
)

UNRECOGNISED: Final = Code(
    name="payload/unrecognised",
    severity=Severity.ERROR,
    summary="An object does not look like a customer session payload.",
    message={
        "": "this does not look like a customer session payload; its keys are {keys:bare}",
        "inside": "this does not look like a customer session payload; its keys are {keys:bare}",
        "event": "this is an event; there is no model for events",
        "profile": "this is an update of a customer profile; there is no model for profiles",
        "reservation": "this is a coupon reservation; there is no model for reservations",
    },
    hint={
        "": "exclude it, or name its model if it is a payload",
        "inside": "the value at {at:bare} may be one; check it with --at '{at:bare}'",
        "event": "exclude it: only payloads of customer sessions are checked",
        "profile": "exclude it: only payloads of customer sessions are checked",
        "reservation": "exclude it: only payloads of customer sessions are checked",
    },
    why=(
        "The object was not checked, since any object would pass as a session with unknown keys. "
        "In a history, it has no effect."
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
        summary="A document has no value at the pointer given for its payloads.",
        message="there is nothing at {at:bare}",
        hint={
            "keys": "the pointer resolves as far as {reached:bare}, which has the keys {keys:bare}",
            "kind": "the pointer resolves as far as {reached:bare}, which is {type:bare}",
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
        summary="An entry of a sequence has an invalid value.",
        message="{key} of this entry is {given:bare}",
        hint={
            "dry": "write true or false",
            "integrationId": "write a string",
            "now": "write a string",
            "operation": "write one of: {allowed}",
            "payload": "add a payload; only entries with the operation reopen have none",
        },
        why="The entry does not describe a call, so neither it nor its effect was checked.",
        fix="Correct the entry, or write just the payload.",
        source="talonschema",
        refusal=Confidence.INFERRED,
        bad=(),
        good=_GOOD,
    ),
    Code(
        name="sequence/unknown-key",
        severity=Severity.ERROR,
        summary="An entry of a sequence has an unknown key.",
        message="an entry of a sequence has no key {key}",
        hint="use one of the keys {allowed:bare}, or move it into the payload",
        why="An object with a payload and other keys is an entry, whose unknown keys are ignored.",
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
        summary="A captured request can be read as several calls, or as a call on no session.",
        message="this call was not checked: {reason:bare}",
        hint="send the path, method and query parameters in their canonical form",
        why="Proxies in front of the API may interpret the request differently.",
        fix="Percent-encode the session's id, and send each query parameter once.",
        source="talonschema",
        bad=(),
        good=_GOOD,
    ),
    Code(
        name="capture/unreadable-body",
        severity=Severity.ERROR,
        summary="A capture does not contain the body of a call in a readable form.",
        message={
            "missing": "the capture does not contain the body of this call",
            "encoding": "the body of this call can't be decoded",
            "mode": "the body of this call is not raw JSON",
        },
        hint={
            "missing": "record the traffic again with request bodies",
            "encoding": "record the traffic again with decoded bodies",
            "mode": "set the mode of the body to raw",
        },
        why="The body is unknown, so the call was not checked.",
        fix="Record the traffic again, with its bodies.",
        source="HTTP Archive (HAR) 1.2; Postman Collection Format 2.1.0",
        bad=(),
        good=_GOOD,
    ),
    Code(
        name="capture/variable",
        severity=Severity.INFO,
        summary="A value in a Postman collection is a variable, which was not checked.",
        message="the value is a variable, so it was not checked",
        hint="replace the variable with a value to have it checked",
        why="The value is not known until the collection is run.",
        fix="No action is needed. To check the value as well, check a capture of a run.",
        source="Postman Collection Format 2.1.0",
        bad=(),
        good=_GOOD,
    ),
)
