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
    Effect.LOOSER: "may be accepted although the schema rejects it",
    Effect.STRICTER: "may be rejected although the schema accepts it",
    Effect.NONE: "omitted, without an effect on the verdict",
}


def notes(export: Export) -> str:
    """Return the rules and keywords that `export` can't express, with the places of keywords."""
    return "".join(f"{line}\n" for line in _lines(export))


def _lines(export: Export) -> Iterator[str]:
    name = DIALECTS[export.target].name
    yield f"{export.model} (edition {export.edition}) in {name} can't express:"
    count = len(export.rules)
    kind = "rule" if count == 1 else "rules"
    yield f"  {count} {kind} of 'talonschema check', see 'talonschema explain CODE'"
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
