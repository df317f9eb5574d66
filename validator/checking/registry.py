"""Registry: all codes, and the selection of codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ..findings.code import Code, Severity
from ..findings.message import suggestion
from ..reading import codes as reading_codes
from ..rules import RULES
from ..structure import codes as schema_codes
from . import codes

CODES: Final[dict[str, Code]] = {
    code.name: code
    for code in (
        *reading_codes.CODES,
        *codes.DOCUMENT,
        *codes.SEQUENCE,
        *codes.CAPTURE,
        *schema_codes.CODES,
        *(rule.code for rule in RULES.values()),
        codes.RULE_CRASH,
    )
}
"""All codes by name."""

REFUSING: Final = frozenset(code.name for code in CODES.values() if code.refusal is not None)
"""The codes for which the API refuses a call."""

VOIDING: Final = frozenset(code.name for code in CODES.values() if code.leaves == "nothing")
"""The codes of problems without a value to check at their place."""

HARMLESS: Final = frozenset(
    code.name for code in CODES.values() if code.leaves == "something readable"
)
"""The codes of problems with a value that rules can still read."""

GROUPS: Final = {
    "json": "Text that is not JSON, and Python values that JSON can't represent.",
    "yaml": "Problems that are specific to YAML.",
    "capture": "The calls in a HAR file or a Postman collection.",
    "sequence": "The calls in a sequence.",
    "schema": (
        "Differences from the schema of the model. "
        "The part after the slash is the JSON Schema keyword that failed."
    ),
    "payload": "The properties of a payload.",
    "budget": "Codes and identifiers that budgets of the policy require when a session closes.",
    "cart": "The items of the cart.",
    "catalog": "Attributes and additional costs, which have to exist before a session uses them.",
    "codes": "Coupon and referral codes.",
    "identity": "The owner of a session: profile, loyalty card, identifiers.",
    "lifecycle": "The states of a session and the changes between them.",
    "request": "The envelope of an update and its query parameters.",
    "return": "The return of cart items.",
    "time": "Timestamps.",
    "totals": "The totals of a response.",
    "internal": "Defects of talonschema itself.",
}
"""The groups of codes, in the order of the documentation."""


def select_codes(names: Iterable[str]) -> frozenset[str]:
    """Return the codes selected by `names`, each of which is a code or a group.

    Raises `ValueError` for other names, and `TypeError` for a string in place of a list.
    """
    if isinstance(names, str):
        message = f"{names!r} is a string; pass codes and groups as a list"
        raise TypeError(message)
    found: set[str] = set()
    for name in names:
        matching = {code.name for code in CODES.values() if name in (code.name, code.group)}
        if not matching:
            close = suggestion(str(name), [*CODES, *GROUPS])
            message = f"{name!r} is neither a code nor a group of codes{close}"
            raise ValueError(message)
        found |= matching
    return frozenset(found)


def effective_severities(
    select: Iterable[str] | None,
    ignore: Iterable[str],
    severity: Mapping[str, Severity | str],
) -> dict[str, Severity | None]:
    """Return the severity of each code, None for codes that are not reported.

    `select` None selects everything; `ignore` takes precedence. In `severity`, a code takes
    precedence over its group. Defects of talonschema itself are always selected. Raises
    `ValueError` for a name that is neither a code nor a group, and for an unknown severity.
    """
    wanted = frozenset(CODES) if select is None else select_codes(select) | {codes.RULE_CRASH.name}
    wanted -= select_codes(ignore)
    levels = {name: code.severity for name, code in CODES.items()}
    for name in sorted(severity, key=lambda name: "/" in name):
        level = _severity(severity[name])
        levels |= dict.fromkeys(select_codes([name]), level)
    return {name: levels[name] if name in wanted else None for name in CODES}


def _severity(value: Severity | str) -> Severity:
    try:
        return Severity(value)
    except ValueError:
        message = f"{value!r} is not a severity; expected one of {', '.join(Severity)}"
        raise ValueError(message) from None
