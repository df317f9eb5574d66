"""Page: the sections of a report in order, with a limited size.

Content from payloads and file names is untrusted: `text` escapes all of it, and the policy of the
page (Content Security Policy Level 3) permits only its own script and styles.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from tempfile import SpooledTemporaryFile

from ...display.excerpt import Excerpts
from ...display.terminal import Style
from ...files.paths import LINES, ends
from ...files.results import FileResults, PayloadResult
from ...findings.code import Severity
from ..statistics import Statistics
from ..summary import by_line, count, omission
from . import chart, entry
from .density import Counts, Density
from .ranking import Ranked, Ranking
from .text import text

SHOWN = 200
"""The most findings that are listed for a code: browsers cope with some thousands in total."""

_IN_MEMORY = 1 << 20
_PIECE = 1 << 16
_PLAIN = Style()
_UNREADABLE = "file/unreadable"


def report(outcomes: Iterable[FileResults], style: Style = _PLAIN) -> Iterator[str]:
    """Yield the page for all files; findings are spooled until the counts above them are known."""
    found = _Findings(quoting=style.quoting)
    with SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="ascii", newline="") as entries:
        for outcome in outcomes:
            for part in found.file(outcome):
                entries.write(part)
        yield from _head(found)
        yield from chart.codes(found.statistics.tallies())
        yield from chart.files(found.ranking)
        yield "</div>\n"
        yield from chart.lines(found.ranking.files())
        yield from _filters(found)
        entries.seek(0)
        while piece := entries.read(_PIECE):
            yield piece
    yield from _foot(found)


class _Findings:
    """The counts of the findings that are written."""

    def __init__(self, *, quoting: bool) -> None:
        self.statistics = Statistics()
        self.ranking = Ranking()
        self.codes: dict[str, int] = {}
        """The number of findings of each code."""
        self.levels: set[Severity] = set()
        self._quoting = quoting
        self._sections = 0

    def shown_count(self) -> int:
        """Return the number of findings that are listed."""
        return sum(min(SHOWN, number) for number in self.codes.values())

    def file(self, outcome: FileResults) -> Iterator[str]:
        """Yield the section of a file, unless none of its findings is listed."""
        tally = _Tally(outcome)
        anchor = ""
        for listed in self._entries(outcome, tally):
            if not anchor:
                self._sections += 1
                anchor = f"file-{self._sections}"
                yield f'<details class="file" id="{anchor}" open><summary>'
                yield f"<h3>{text(outcome.name)}</h3></summary>\n"
            yield listed
        if anchor:
            rest = f"<p>{omission(tally.omitted)}</p>\n" if tally.omitted != 0 else ""
            yield f"{rest}</details>\n"
        self.statistics.finish(outcome)
        if tally.counts:
            self.ranking.add(tally.rank(outcome, anchor))

    def _entries(self, outcome: FileResults, tally: _Tally) -> Iterator[str]:
        for result in outcome:
            self.statistics.add(result)
            tally.add(result)
            excerpts = None
            for each in by_line(result.report):
                if not self._room(each.code, each.severity):
                    continue
                if self._quoting and each.span:
                    excerpts = excerpts or Excerpts(result.source, result.line or 1, _PLAIN)
                yield entry.finding(result, each, excerpts)
        if outcome.error and self._room(_UNREADABLE, Severity.ERROR):
            yield entry.unreadable(_UNREADABLE, outcome.error)

    def _room(self, code: str, severity: Severity) -> bool:
        """Count a finding; return True if it is to be listed."""
        self.levels.add(severity)
        self.codes[code] = self.codes.get(code, 0) + 1
        return self.codes[code] <= SHOWN


class _Tally:
    """The counts of the findings of a file."""

    def __init__(self, outcome: FileResults) -> None:
        self.counts: Counts = {}
        self.omitted: int | None = 0
        one_a_line = outcome.lines and ends(outcome.path, LINES)
        self._density = Density() if one_a_line else None

    def add(self, result: PayloadResult) -> None:
        """Count the findings of a payload."""
        for each in result.report.findings:
            self.counts[each.severity] = self.counts.get(each.severity, 0) + 1
            if self._density:
                self._density.add(each.line or result.line or 1, each.severity)
        more = result.report.omitted
        self.omitted = None if self.omitted is None or more is None else self.omitted + more

    def rank(self, outcome: FileResults, anchor: str) -> Ranked:
        """Return the counts of the file, whose results have all been consumed."""
        if self._density:
            # Blank lines are not payloads, so the last finding may be below the number of payloads.
            self._density.extend(outcome.payloads)
        return Ranked(outcome.name, self.counts, anchor, self._density)


def _head(found: _Findings) -> Iterator[str]:
    styles, script = _file_text("page.css"), _file_text("page.js")
    policy = (
        f"default-src 'none'; style-src {_digest(styles)}; script-src {_digest(script)};"
        " base-uri 'none'; form-action 'none'"
    )
    level, verdict = "ok", "Nothing found"
    if found.levels:
        level = str(max(found.levels))
        verdict = "Errors found" if level == "error" else "No errors"
    summary = found.statistics.text()
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>talonschema: {summary}</title>\n<style>{styles}</style>\n</head>\n<body>\n"
        f'<header><h1>talonschema</h1>\n<p class="level {level}">{verdict}</p>\n'
        f"<p>{summary[:1].upper()}{summary[1:]}.</p></header>\n<main>\n"
        '<div class="charts">\n'
    )


def _filters(found: _Findings) -> Iterator[str]:
    """Yield the filters, which the script makes visible, and the limit of the list."""
    if not found.codes:
        return
    boxes = "".join(
        f'<label><input type="checkbox" value="{level}" checked> {level}s</label>\n'
        for level in Severity
        if level in found.levels
    )
    options = "".join(
        f'<option value="{text(code)}">{text(code)} ({number})</option>'
        for code, number in sorted(found.codes.items())
    )
    yield (
        '<h2 id="findings">Findings</h2>\n<form id="filters" hidden>\n'
        f'{boxes}<label>code <select><option value="">all</option>{options}</select></label>\n'
        '<output aria-live="polite"></output></form>\n'
    )
    more = sum(found.codes.values()) - found.shown_count()
    if more:
        rest = count(more, "further one is", "further ones are")
        yield (
            f'<p class="bound">The first {SHOWN} findings of each code are listed;'
            f" {rest} only counted.</p>\n"
        )


def _foot(found: _Findings) -> Iterator[str]:
    from ... import __version__
    from ...checking.registry import CODES

    explained = [CODES[name] for name in sorted(found.codes) if name in CODES]
    if explained:
        yield "<h2>Explanations</h2>\n"
        yield from map(entry.explanation, explained)
    yield (
        f"</main>\n<footer><p>talonschema {__version__}</p></footer>\n"
        f"<script>{_file_text('page.js')}</script>\n</body>\n</html>\n"
    )


def _file_text(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="ascii") as file:
        return file.read()


def _digest(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"
