"""Updates of a session, and the codes that their replay reports."""

from __future__ import annotations

from typing import Any

from talonschema import NEW, Policy, Report, Update, Validator, replay
from talonschema.checking.call import before
from talonschema.history import step

SHOE = {"name": "Air Glide", "sku": "A", "quantity": 3, "price": 10}
SHIRT = {"name": "Shirt", "sku": "B", "quantity": 1, "price": 5}
OPEN: dict[str, Any] = {"profileId": "URNGV8294NV", "state": "open"}
CLOSE: dict[str, Any] = {"state": "closed"}
COUPONS = Policy(coupon_budget=True)
REFERRALS = Policy(referral_budget=True)
IDENTIFIERS = Policy(identifier_budget=True)


def return_update(*entries: dict[str, Any]) -> Update:
    return Update({"return": {"returnedCartItems": list(entries)}}, "return")


def codes(report: Report) -> list[str]:
    return [each.code for each in report.findings]


def replay_codes(*updates: Any, **options: Any) -> list[list[str]]:
    return [codes(report) for report in replay(updates, **options)]


def states(updates: list[Any], **options: Any) -> list[Any]:
    """Return what is known of a session after each call."""
    validator = Validator(**options)
    known = before(validator.engine, validator.naming, NEW)
    found = []
    for each in updates:
        _, known = step(validator, known, each if isinstance(each, Update) else Update(each))
        found.append((known.state, known.session))
    return found
