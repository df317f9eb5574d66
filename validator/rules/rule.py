"""Rule: a check that a schema can't express, as a pure generator with its metadata beside it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from ..findings.code import Code
from ..findings.pointer import Path
from ..findings.problem import Problem
from ..model.policy import Policy
from .context import CallKind, Context, Missing

PrefilterKeywords: TypeAlias = Mapping[str, Mapping[str, Any]]
Check: TypeAlias = Callable[[Context], Iterator[Problem | Missing]]
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


class Rule(NamedTuple):
    """A code and the check that finds it."""

    code: Code
    check: Check
    reads: tuple[str, ...]
    """The places that have to be valid for the rule to be judged at all, see `rule`. What a rule
    reads item by item it asks of `Context.items`."""
    needs: tuple[Need, ...]
    """The parts of the context that the rule can't be judged without."""
    prefilter: PrefilterKeywords | Callable[[Policy], PrefilterKeywords] | None
    """Keywords by place, as in `reads`, for a schema that only passes what the rule has nothing
    to say of; None if there can be no such schema. It may be stricter than the rule. ``only`` is
    a keyword of ours: the members that an object may have, None for those with any value."""

    def places(self, base: Path) -> tuple[Path, ...]:
        """Return what the rule reads as paths in the payload; the session is at `base`."""
        return tuple(place(read, base) for read in self.reads)

    def fragments(self, policy: Policy) -> PrefilterKeywords:
        """Return `prefilter`, empty if there is none."""
        return (self.prefilter(policy) if callable(self.prefilter) else self.prefilter) or {}

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
    code: Code,
    *,
    reads: tuple[str, ...] = (),
    needs: tuple[Need, ...] = (),
    prefilter: PrefilterKeywords | Callable[[Policy], PrefilterKeywords] | None = None,
) -> Callable[[Check], Check]:
    """Register the decorated generator as the check of `code`.

    `reads` are places below the session, such as ``cartItems/*/quantity`` (``*`` for any step), or
    with a leading slash in the whole payload. See `Rule` for `needs` and `prefilter`; a rule with
    `prefilter` asks for items by `Context.suspect_items`.

    Raises `ValueError` if the code has a rule already.
    """
    if code.name in RULES:
        message = f"two rules have the code {code.name}"
        raise ValueError(message)

    def register(check: Check) -> Check:
        RULES[code.name] = Rule(code, check, reads, needs, prefilter)
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
