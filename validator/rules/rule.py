"""Rule: a check that a schema can't express, as a pure generator with metadata."""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any, Literal, NamedTuple, TypeAlias

from .. import schemas
from ..findings.code import Code, Confidence, Example, Severity
from ..findings.pointer import Path
from ..model.policy import Policy
from .context import CallKind, Context, Violations

PrefilterKeywords: TypeAlias = Mapping[str, Mapping[str, Any]]
Check: TypeAlias = Callable[[Context], Violations]
Need: TypeAlias = Literal[
    "state", "stored session", "attributes", "additional costs", "coupon budget",
    "referral budget", "identifier budget", "now", "operation",
]  # fmt: skip

REQUESTS = ("IntegrationRequest", "NewCustomerSessionV2")
RESPONSES = ("CustomerSessionV2", "IntegrationCustomerSessionResponse", "IntegrationStateV2")
SESSIONS = (*REQUESTS, *RESPONSES)
RETURNS = ("ReturnIntegrationRequest",)
DISTINCT: Mapping[str, Any] = {"if": {"maxItems": 16}, "then": {"uniqueItems": True}, "else": False}
"""Keywords for `Rule.prefilter` that accept short lists without duplicates; long ones are slow."""
NO_BODY = "(no body)"
"""The pseudo-model of a request without a body, such as reopening."""


class Builtin(Enum):
    """Prefilters that are not keywords of single places, since they apply to all objects."""

    NO_UNKNOWN_KEYS = auto()
    NO_READ_ONLY_KEYS = auto()


Prefilter: TypeAlias = PrefilterKeywords | Callable[[Policy], PrefilterKeywords] | Builtin | None


class Rule(NamedTuple):
    """A code and its check."""

    code: Code
    check: Check
    reads: tuple[str, ...]
    """The places that have to be valid for the rule to be applied at all; see `rule`. Properties of
    items are arguments of `Context.items` instead."""
    needs: tuple[Need, ...]
    """The parts of the context that the rule needs."""
    prefilter: Prefilter
    """Keywords that no payload with a violation satisfies; None if there are none. See `rule`."""

    def places(self, base: Path) -> tuple[Path, ...]:
        """Return the paths in the payload that the rule reads; the session is at `base`."""
        return tuple(place(read, base) for read in self.reads)

    def fragments(self, policy: Policy) -> PrefilterKeywords:
        """Return the keywords of `prefilter`, none if it has none."""
        if self.prefilter is None or isinstance(self.prefilter, Builtin):
            return {}
        return self.prefilter(policy) if callable(self.prefilter) else self.prefilter

    def lacks(self, call_kind: CallKind, policy: Policy) -> str | None:
        """Return why the rule can't be judged, empty if it does not apply; None if it can be."""
        for need in self.needs:
            reason = _lack(need, call_kind, policy)
            if reason is not None:
                return reason
        return None


RULES: dict[str, Rule] = {}
"""All rules by code, filled by importing the modules of this package."""


def rule(
    name: str,
    severity: Severity,
    *,
    summary: str,
    message: str | Mapping[str, str],
    why: str,
    fix: str,
    source: str,
    bad: tuple[Example, ...],
    good: tuple[Example, ...],
    hint: str | Mapping[str, str] = "",
    confidence: Confidence = Confidence.DOCUMENTED,
    refusal: Confidence | None = None,
    editions: tuple[str, ...] = schemas.EDITIONS,
    models: tuple[str, ...] = (),
    about: Literal["value", "key"] = "value",
    api_title: str = "",
    reads: tuple[str, ...] = (),
    needs: tuple[Need, ...] = (),
    prefilter: Prefilter = None,
) -> Callable[[Check], Check]:
    """Register the decorated generator as the check of a code.

    The arguments up to `api_title` describe the code, as in `Code`.

    `reads` are the places that have to be valid for the rule to be applied at all, relative to the
    session, such as ``cartItems/*/quantity`` (with ``*`` for any step), or with a leading slash
    relative to the payload. The properties of items that a rule reads are arguments of
    `Context.items` instead, so that an invalid item does not block the rule. `needs` are parts of
    the context.

    `prefilter` makes a rule cheap: keywords of JSON Schema by place, in the notation of `reads`.
    No value with a violation may satisfy them, and most values without one should. The rule is then
    applied only to payloads that fail them, and `Context.items` yields only items that do. Keywords
    that accept a violation would hide it; `tests/structure` compares each prefilter with its rule.
    In ``properties`` (with ``additionalProperties: false``), true stands for the schema of the
    model at that place.

    Raises `ValueError` if the code already has a rule.
    """
    if name in RULES:
        message = f"two rules have the code {name}"
        raise ValueError(message)
    code = Code(
        name=name,
        severity=severity,
        summary=summary,
        message=message,
        why=why,
        fix=fix,
        source=source,
        bad=bad,
        good=good,
        hint=hint,
        confidence=confidence,
        refusal=refusal,
        editions=editions,
        models=models,
        about=about,
        api_title=api_title,
    )

    def register(check: Check) -> Check:
        RULES[name] = Rule(code, check, reads, needs, prefilter)
        return check

    return register


def place(read: str, base: Path) -> Path:
    """Return a place in the notation of `rule` as a path in the payload."""
    return tuple(read[1:].split("/")) if read[0] == "/" else (*base, *read.split("/"))


def _lack(need: Need, call_kind: CallKind, policy: Policy) -> str | None:
    catalog = policy.catalog
    match need:
        case "state" if call_kind.known == "alone":
            return "a dry update is judged on its own"
        case "state" if call_kind.known == "unknown" and call_kind.operation != "reopen":
            return "the previous state is not known"
        case "stored session" if call_kind.known == "alone":
            return "a dry update is judged on its own"
        case "stored session" if call_kind.known not in {"session", "new"}:
            return "the previous session is not known"
        case "attributes" if catalog is None or catalog.attributes is None:
            return "the policy has no catalog of attributes"
        case "additional costs" if catalog is None or catalog.additional_costs is None:
            return "the policy has no catalog of additional costs"
        case "coupon budget" if not policy.coupon_budget:
            return "the policy declares no coupon budget"
        case "referral budget" if not policy.referral_budget:
            return "the policy declares no referral budget"
        case "identifier budget" if not policy.identifier_budget:
            return "the policy declares no identifier budget"
        case "now" if not call_kind.now:
            return ""
        case "operation" if not call_kind.named:
            return ""
    return None
