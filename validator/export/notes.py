"""Notes: a text about the parts of a schema that an export can't express."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap

from .dialect import DIALECTS
from .document import Export
from .loss import Effect, Loss

_WIDTH = 100
_TITLES = {
    Effect.LOOSER: "what may be taken though the schema refuses it",
    Effect.STRICTER: "what may be refused though the schema takes it",
    Effect.NONE: "what is left out and changes no verdict",
}


def notes(export: Export) -> str:
    """Return the rules and keywords that `export` can't express, with the places of keywords."""
    return "".join(f"{line}\n" for line in _lines(export))


def _lines(export: Export) -> Iterator[str]:
    name = DIALECTS[export.target].name
    yield f"{export.model} (edition {export.edition}) in {name} can't express:"
    count = len(export.rules)
    kind = "rule" if count == 1 else "rules"
    yield f"  {count} {kind} that 'talonschema check' has; 'talonschema explain CODE' explains them"
    for _, codes in groupby(export.rules, key=lambda code: code.partition("/")[0]):
        yield from wrap(
            ", ".join(codes),
            _WIDTH,
            initial_indent="    ",
            subsequent_indent="    ",
            break_on_hyphens=False,
        )
    for effect, title in _TITLES.items():
        losses = [loss for loss in export.losses if loss.effect is effect]
        if losses:
            yield f"  {title}"
        for keyword, reason in sorted({(loss.keyword, loss.reason) for loss in losses}):
            yield f"    {keyword}: {reason}"
            yield from (f"      {loss.place}" for loss in losses if _about(loss, keyword, reason))


def _about(loss: Loss, keyword: str, reason: str) -> bool:
    return (loss.keyword, loss.reason) == (keyword, reason)
