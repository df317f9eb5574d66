"""Contexts of rules, for tests that apply rules without a checker."""

from __future__ import annotations

from typing import Any

from talonschema import Policy
from talonschema.model.schema_tree import schema_tree
from talonschema.rules.context import CallKind, Context

MODEL = "IntegrationRequest"
BASE = ("customerSession",)


def context_of(session: dict[str, Any], **more: Any) -> Context:
    """Return the context of an update whose previous session is unknown."""
    return Context(
        edition="2026-06",
        policy=Policy(),
        call_kind=CallKind(MODEL, "update", dry=False, known="unknown", now=False, named=False),
        value={"customerSession": session},
        session=session,
        base=BASE,
        schema_tree=schema_tree("2026-06", MODEL),
        **more,
    )
