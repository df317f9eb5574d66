"""Registry: every code there is, and the choice among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ..findings.code import Code, Severity
from ..model.policy import suggestion
from ..reading import codes as reading_codes
from ..rules import RULES
from ..structure import codes as schema_codes
from . import codes

CODES: Final[dict[str, Code]] = {
    code.name: code
    for code in (
        *reading_codes.CODES,
        *codes.SEQUENCE,
        *codes.CAPTURE,
        *schema_codes.CODES,
        *(rule.code for rule in RULES.values()),
        codes.RULE_CRASH,
    )
}
"""Every code by its name."""

REFUSING: Final = frozenset(code.name for code in CODES.values() if code.refusal is not None)
"""The codes that the API refuses a call for."""

GROUPS: Final = tuple(dict.fromkeys(code.group for code in CODES.values()))


def select_codes(names: Iterable[str]) -> frozenset[str]:
    """Return the codes that `names`, each a code or a group, stand for.

    Raises `ValueError` for a name that is neither, `TypeError` for a text in place of a list.
    """
    if isinstance(names, str):
        message = f"{names!r} is a text; codes and groups are given as a list"
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
    """Return the severity of each code, None where it is not reported.

    `select` None selects everything; `ignore` wins over it. In `severity`, a code wins over its
    group. Defects of talonschema itself are selected always. Raises `ValueError` for a name that
    is neither a code nor a group, or a severity that is none.
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
        message = f"{value!r} is no severity; there are {', '.join(Severity)}"
        raise ValueError(message) from None
