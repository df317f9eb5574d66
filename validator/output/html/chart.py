"""Charts: bars of codes and files, and strips of findings over the lines of a file.

Lengths are SVG attributes, since the policy of the page permits no inline styles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ...findings.code import Severity
from ..statistics import Tally
from ..summary import count
from .density import Counts, Density
from .ranking import Ranked, Ranking
from .text import text

_HEIGHT = 40
"""The height of a strip in units of the width of a bin."""
_LEAST = 1.0
"""The least width of a bar, so that a single finding is visible next to thousands."""


def codes(tallies: Iterable[Tally]) -> Iterator[str]:
    """Yield a chart of the findings of each code."""
    rows = list(tallies)
    if not rows:
        return
    most = max(row.count for row in rows)
    yield '<section class="chart"><h2>Codes</h2>\n<ol>\n'
    for row in rows:
        counts = {row.severity: row.count}
        yield _row(_link(row.code, row.code), counts, most)
    yield "</ol></section>\n"


def files(ranking: Ranking) -> Iterator[str]:
    """Yield a chart of the files with the most findings."""
    rows = ranking.files()
    if not rows:
        return
    most = rows[0].total
    yield '<section class="chart"><h2>Files</h2>\n<ol>\n'
    for row in rows:
        yield _row(_link(row.anchor, row.name), row.counts, most)
    yield "</ol>\n"
    if ranking.other_files:
        others = count(ranking.other_files, "other file", "other files")
        more = count(ranking.other_findings, "finding", "findings")
        yield f"<p>and {others} with {more}</p>\n"
    yield "</section>\n"


def lines(rows: Iterable[Ranked]) -> Iterator[str]:
    """Yield the strips of files with one payload per line."""
    strips = [_strip(row, row.density) for row in rows if row.density]
    if strips:
        yield '<section class="lines"><h2>Findings over the lines</h2>\n'
        yield from strips
        yield "</section>\n"


def counts_text(counts: Mapping[Severity, int]) -> str:
    """Return the counts of severities in words, the worst first."""
    return ", ".join(
        count(counts[level], level, f"{level}s") for level in Severity if level in counts
    )


def _link(anchor: str, name: str) -> str:
    return f'<a href="#{text(anchor)}">{text(name)}</a>' if anchor else text(name)


def _row(name: str, counts: Mapping[Severity, int], most: int) -> str:
    bars = []
    start = 0.0
    for level in Severity:
        if number := counts.get(level):
            width = max(_LEAST, 100 * number / most)
            bars.append(
                f'<rect class="{level}" x="{start:.2f}%" width="{width:.2f}%" height="100%"/>'
            )
            start += width
    return (
        f'<li><span class="name">{name}</span> <span class="count">{counts_text(counts)}</span>'
        f'<svg aria-hidden="true">{"".join(bars)}</svg></li>\n'
    )


def _strip(row: Ranked, density: Density) -> str:
    bins = density.bins()
    most = max(sum(each.values()) for each in bins)
    columns = "".join(
        _column(number, counts, density, most) for number, counts in enumerate(bins) if counts
    )
    stretch = "a line" if density.width == 1 else f"{density.width} lines"
    label = f"{counts_text(row.counts)} in {count(density.lines, 'line', 'lines')}"
    return (
        f'<figure><figcaption><span class="name">{_link(row.anchor, row.name)}</span>'
        f' <span class="count">{label}</span></figcaption>\n'
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {len(bins)} {_HEIGHT}"'
        f' preserveAspectRatio="none">{columns}</svg>\n'
        f'<p class="axis"><span>line 1</span> <span>at most {most} in {stretch}</span>'
        f" <span>line {density.lines}</span></p></figure>\n"
    )


def _column(number: int, counts: Counts, density: Density, most: int) -> str:
    first = number * density.width + 1
    last = min(first + density.width - 1, density.lines)
    place = f"line {first}" if first == last else f"lines {first} to {last}"
    bars = []
    bottom = float(_HEIGHT)
    for level in Severity:
        if found := counts.get(level):
            height = max(_LEAST, _HEIGHT * found / most)
            bottom -= height
            bars.append(
                f'<rect class="{level}" x="{number}" y="{bottom:.2f}"'
                f' width="1" height="{height:.2f}"/>'
            )
    return f"<g><title>{place}: {counts_text(counts)}</title>{''.join(bars)}</g>"
