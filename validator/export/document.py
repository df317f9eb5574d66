"""Document: a model and its references, bundled into a self-contained document."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .. import schemas
from ..checking.registry import CODES
from ..rules import RULES
from .dialect import DIALECTS, Dialect, Target
from .loss import Loss
from .translate import Translation


@dataclass(frozen=True, slots=True)
class Export:
    """A document, and the parts of the schema that it can't express."""

    edition: str
    model: str
    target: Target
    document: dict[str, Any]
    losses: tuple[Loss, ...]
    rules: tuple[str, ...]
    """The codes of the rules for the model, which no schema can express."""

    @property
    def text(self) -> str:
        """The document as JSON text."""
        return json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"


def export(edition: str, model: str, target: Target) -> Export:
    """Return the schema of `model` as a document for `target`.

    Raises `LookupError` if the edition or the model is unknown.
    """
    dialect = DIALECTS[target]
    found = _closure(dialect, edition, model)
    losses = (loss for name in sorted(found) for loss in found[name].losses)
    return Export(
        edition=edition,
        model=model,
        target=target,
        document=_openapi(dialect, edition, model, found)
        if dialect.openapi
        else _schema(dialect, model, found),
        losses=tuple(losses),
        rules=_rules(edition, model),
    )


def _closure(dialect: Dialect, edition: str, model: str) -> dict[str, Translation]:
    """Return the translations of `model` and of all models that it refers to."""
    found: dict[str, Translation] = {}
    needed = [model]
    while needed:
        name = needed.pop()
        if name not in found:
            found[name] = Translation(dialect, name, schemas.load(edition, name))
            needed.extend(found[name].references)
    return found


def _schema(dialect: Dialect, model: str, found: dict[str, Translation]) -> dict[str, Any]:
    referenced = set().union(*(each.references for each in found.values()))
    if dialect.identified:
        # The root is identified by its `$id`, which has to be unique.
        referenced.discard(model)
    definitions = {name: found[name].schema for name in sorted(referenced)}
    document: dict[str, Any] = {"$schema": dialect.schema, **found[model].schema}
    if definitions:
        document[dialect.definitions.removeprefix("/")] = definitions
    return document


def _openapi(
    dialect: Dialect, edition: str, model: str, found: dict[str, Translation]
) -> dict[str, Any]:
    return {
        "openapi": dialect.openapi,
        "info": {
            "title": f"{model} of Talon.One's Integration API",
            "description": "Schemas by talonschema, which is not an official Talon.One product.",
            "version": edition,
        },
        "paths": {},
        "components": {"schemas": {name: found[name].schema for name in sorted(found)}},
    }


def _rules(edition: str, model: str) -> tuple[str, ...]:
    return tuple(
        name
        for name in sorted(RULES)
        if edition in CODES[name].editions and model in (CODES[name].models or (model,))
    )
