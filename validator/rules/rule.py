"""Rule: a check that a schema can't express, as a pure generator with its metadata beside it."""

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
"""For `Rule.prefilter`: accept short lists without copies; comparing long ones would take long."""
NO_BODY = "(no body)"
"""The stand-in for a model of a request without a body, such as reopening."""


class Builtin(Enum):
    """Prefilters that are no keywords of single places, since they concern every object."""

    NO_UNKNOWN_KEYS = auto()
    NO_READ_ONLY_KEYS = auto()


Prefilter: TypeAlias = PrefilterKeywords | Callable[[Policy], PrefilterKeywords] | Builtin | None


class Rule(NamedTuple):
    """A code and the check that finds it."""

    code: Code
    check: Check
    reads: tuple[str, ...]
    """The places that have to be valid for the rule to be judged at all, see `rule`. What a rule
    reads item by item it asks of `Context.items`."""
    needs: tuple[Need, ...]
    """The parts of the context that the rule can't be judged without."""
    prefilter: Prefilter
    """A test of the payload that whatever breaks the rule fails; None if there is no such test.
    See `rule`."""

    def places(self, base: Path) -> tuple[Path, ...]:
        """Return what the rule reads as paths in the payload; the session is at `base`."""
        return tuple(place(read, base) for read in self.reads)

    def fragments(self, policy: Policy) -> PrefilterKeywords:
        """Return the keywords of `prefilter`, none if it has none."""
        if self.prefilter is None or isinstance(self.prefilter, Builtin):
            return {}
        return self.prefilter(policy) if callable(self.prefilter) else self.prefilter

    def lacks(self, call_kind: CallKind, policy: Policy) -> str | None:
        """Return why the rule can't be judged, an empty text if there is nothing to judge."""
        for need in self.needs:
            reason = _lack(need, call_kind, policy)
            if reason is not None:
                return reason
        return None


RULES: dict[str, Rule] = {}
"""Every rule by its code, filled as the modules of this package are imported."""


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

    `reads` are the places that have to be valid for the rule to be applied at all, below the
    session, such as ``cartItems/*/quantity`` (``*`` for any step), or with a leading slash in the
    whole payload. The parts of items that a rule reads are arguments of `Context.items` instead, so
    that one invalid item does not stop it. `needs` are parts of the context.

    `prefilter` makes a rule cheap: keywords of JSON Schema by place, written as in `reads`, that
    every value without a violation of the rule satisfies, as far as possible, and no value with
    one. The rule is then applied only where something fails them, and `Context.items` yields only
    items that do. Keywords that accept a violation would hide it; `tests/structure` holds each
    prefilter against its rule. In ``properties`` (with ``additionalProperties: false``), true
    accepts what the schema of the model accepts there.

    Raises `ValueError` if the code has a rule already.
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
    """Return a place, written as in `rule`, as a path in the payload."""
    return tuple(read[1:].split("/")) if read[0] == "/" else (*base, *read.split("/"))


def _lack(need: Need, call_kind: CallKind, policy: Policy) -> str | None:
    catalog = policy.catalog
    match need:
        case "state" if call_kind.known == "alone":
            return "a dry update is judged alone"
        case "state" if call_kind.known == "unknown" and call_kind.operation != "reopen":
            return "the previous state is not known"
        case "stored session" if call_kind.known == "alone":
            return "a dry update is judged alone"
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
