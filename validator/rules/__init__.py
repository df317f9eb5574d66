"""The rules: what the API asks of a payload beyond its schema."""

from . import (
    budget,
    cart,
    catalog,
    codes,
    identity,
    lifecycle,
    payload,
    request,
    returns,
    time,
    totals,
)
from .rule import RULES, Rule

__all__ = [
    "RULES",
    "Rule",
    "budget",
    "cart",
    "catalog",
    "codes",
    "identity",
    "lifecycle",
    "payload",
    "request",
    "returns",
    "time",
    "totals",
]
