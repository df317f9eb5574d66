"""Rules: conditions of the API on payloads beyond the schema."""

from . import (
    budget,
    cart,
    catalog,
    coupons,
    identity,
    keys,
    lifecycle,
    request,
    returns,
    timestamps,
    totals,
)
from .rule import RULES, Rule

__all__ = [
    "RULES",
    "Rule",
    "budget",
    "cart",
    "catalog",
    "coupons",
    "identity",
    "keys",
    "lifecycle",
    "request",
    "returns",
    "timestamps",
    "totals",
]
