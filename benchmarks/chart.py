"""A bar chart as SVG, by hand: bars on a logarithmic scale, one panel above the other."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

_WIDTH = 760
_LEFT = 250
_RIGHT = 90
_BAR = 18
_STEP = 26
_HEAD = 44
_FOOT = 34

_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.tick { font-size: 11px; fill: #59636e; }
.grid { stroke: #d1d9e0; }
.ours { fill: #0969da; }
.peer { fill: #afb8c1; }
.page { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .tick { fill: #9198a1; }
  .grid { stroke: #3d444d; }
  .ours { fill: #4493f8; }
  .peer { fill: #656c76; }
  .page { fill: #0d1117; }
}"""


class Bar(NamedTuple):
    """A candidate and its time."""

    name: str
    seconds: float
    ours: bool


class Panel(NamedTuple):
    """Bars with a common scale."""

    title: str
    bars: list[Bar]


def duration(seconds: float) -> str:
    """Return a time as people write it, with three digits."""
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= factor:
            return (
                f"{seconds / factor:.3g} {unit}" if seconds < 1000 * factor else f"{seconds:.0f} s"
            )
    return f"{seconds / 1e-9:.3g} ns"


def chart(panels: Iterable[Panel], about: str) -> str:
    """Return an SVG document with the panels."""
    parts: list[str] = []
    top = 0
    for panel in panels:
        parts += _panel(panel, top)
        top += _HEAD + _STEP * len(panel.bars) + _FOOT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" '
        f'width="{_WIDTH}" height="{top}" role="img" aria-label="{escape(about)}">'
    )
    page = f'<rect class="page" width="{_WIDTH}" height="{top}"/>'
    return "\n".join([head, f"<style>\n{_STYLE}\n</style>", page, *parts, "</svg>", ""])


def _panel(panel: Panel, top: int) -> list[str]:
    bars = sorted(panel.bars, key=lambda bar: bar.seconds)
    first = floor(log10(bars[0].seconds))
    last = max(first + 1, ceil(log10(bars[-1].seconds)))
    scale = (_WIDTH - _LEFT - _RIGHT) / (last - first)
    foot = top + _HEAD + _STEP * len(bars)
    parts = [_text(12, top + 26, panel.title, 'class="title"')]
    for power in range(first, last + 1):
        x = _LEFT + (power - first) * scale
        parts += [
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top + _HEAD - 6}" y2="{foot}"/>',
            _text(x, foot + 16, duration(10.0**power), 'class="tick" text-anchor="middle"'),
        ]
    for number, bar in enumerate(bars):
        y = top + _HEAD + _STEP * number
        kind = "ours" if bar.ours else "peer"
        length = (log10(bar.seconds) - first) * scale
        parts += [
            _text(_LEFT - 8, y + 14, bar.name, 'text-anchor="end"'),
            f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}"/>',
            _text(_LEFT + length + 6, y + 14, duration(bar.seconds)),
        ]
    return parts


def _text(x: float, y: float, what: str, how: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y}" {how}>{escape(what)}</text>'
