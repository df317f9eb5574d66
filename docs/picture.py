"""Draw what a command prints on a terminal, as SVG."""

from __future__ import annotations

import re
from html import escape
from typing import Final

WIDTH: Final = 8.4
HEIGHT: Final = 19
MARGIN: Final = 18

PAPER: Final = "#1e2127"
INK: Final = "#d7dae0"
FONTS: Final = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
COLOURS: Final = {
    "31": "#ff7b86",
    "33": "#e8c07d",
    "34": "#7ab7ff",
    "36": "#6fd0dc",
}

_CODE: Final = re.compile(r"\x1b\[([0-9;]*)m")


def picture(command: str, output: str) -> str:
    """Return a picture of `command` and the `output` it prints, which may be in colours."""
    lines = [f"\x1b[2m$\x1b[0m \x1b[1m{command}\x1b[0m", *output.rstrip("\n").split("\n")]
    columns = max(len(_CODE.sub("", line)) for line in lines)
    width = round(columns * WIDTH + 2 * MARGIN)
    height = len(lines) * HEIGHT + 2 * MARGIN
    size = f'width="{width}" height="{height}" role="img"'
    drawn = [
        f'<text x="{MARGIN}" y="{MARGIN + number * HEIGHT + 14}">{_line(line)}</text>'
        for number, line in enumerate(lines)
        if line
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}">',
            f"<title>{escape(command)}</title>",
            f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
            f'<g font-size="14" xml:space="preserve" font-family="{FONTS}">',
            *drawn,
            "</g>",
            "</svg>\n",
        ]
    )


def _line(line: str) -> str:
    """Return the parts of a line, each in its colours, and as wide as its characters are many."""
    parts = _CODE.split(line)
    drawn = []
    codes: list[str] = []
    column = 0
    for index, part in enumerate(parts):
        if index % 2:
            codes = [] if part in {"", "0"} else [*codes, *part.split(";")]
        elif part:
            place = f'x="{MARGIN + column * WIDTH:.1f}" textLength="{len(part) * WIDTH:.1f}"'
            drawn.append(f"<tspan {place}{_text_style(codes)}>{escape(part)}</tspan>")
            column += len(part)
    return "".join(drawn)


def _text_style(codes: list[str]) -> str:
    ink = next((COLOURS[code] for code in codes if code in COLOURS), INK)
    look = f' fill="{ink}"'
    look += ' font-weight="bold"' if "1" in codes else ""
    return look + (' fill-opacity="0.6"' if "2" in codes else "")
