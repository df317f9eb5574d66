"""Text: findings in the style of compilers, with lines of the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ..display.terminal import Style, printable
from ..files.paths import LINES, ends
from ..files.results import FileResults, PayloadResult
from ..findings.finding import Finding
from .summary import by_line, omission, position, rest, verdict

if TYPE_CHECKING:
    from ..display.block import Block
    from ..display.excerpt import Excerpts

_PLAIN = Style()


def report(outcomes: Iterable[FileResults], style: Style = _PLAIN) -> Iterator[str]:
    """Yield findings as they are found; those of a file with lines at its end."""
    explained: set[str] = set()
    gap = ""
    for outcome in outcomes:
        gathered = not style.verbose and ends(outcome.path, LINES)
        for part in (_groups if gathered else _entries)(outcome, style, explained):
            if part.block:
                yield gap + part.text
                gap = "\n"
            else:
                yield part.text
        if style.verbose:
            yield verdict(outcome)


class _Part(NamedTuple):
    """A part of the output: the block of a finding, or a line."""

    text: str
    block: bool = True


def _entries(outcome: FileResults, style: Style, explained: set[str]) -> Iterator[_Part]:
    """Yield each finding of a file."""
    for result in outcome:
        texts = _Texts(outcome.name, result, style, explained)
        for each in by_line(result.report):
            yield _Part(texts.block(each).text)
        yield _Part(rest(outcome, result), block=False)


def _groups(outcome: FileResults, style: Style, explained: set[str]) -> Iterator[_Part]:
    """Yield an entry for each group of equal findings of a file."""
    from ..display.block import note
    from .repeats import Repeats

    repeats = Repeats()

    def entries() -> Iterator[_Part]:
        for each, further in repeats.take():
            more = note("also", further, each.gutter, style) + "\n" if further else ""
            yield _Part(each.text + more)

    for result in outcome:
        texts = _Texts(outcome.name, result, style, explained)
        for each in by_line(result.report):
            repeats.add(each, result.line or 1, texts.block)
            if repeats.full:
                yield from entries()
    yield from entries()
    if outcome.omitted != 0:
        yield _Part(printable(f"{outcome.name}: {omission(outcome.omitted)}") + "\n", block=False)


class _Texts:
    """The texts of the findings of a payload."""

    def __init__(self, name: str, result: PayloadResult, style: Style, explained: set[str]) -> None:
        self._name = name
        self._result = result
        self._style = style
        self._explained = explained
        self._excerpts: Excerpts | None = None

    def block(self, finding: Finding) -> Block:
        """Return the text of a finding; the first for each code refers to its explanation."""
        from ..display.block import block

        if self._style.quoting and finding.span is not None and self._excerpts is None:
            from ..display.excerpt import Excerpts

            first = self._result.line or 1
            self._excerpts = Excerpts(self._result.source, first, self._style)
        place = position(self._name, self._result, finding)
        see = finding.code not in self._explained
        self._explained.add(finding.code)
        return block(place, finding, self._style, self._excerpts, see=see)
