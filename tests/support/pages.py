"""The pages of the documentation: their blocks of code, their links and what these lead to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted(
    path
    for folder in ("*", "docs/**/*", "benchmarks/*", "tests/**/*")
    for path in ROOT.glob(f"{folder}.md")
    if "node_modules" not in path.parts
)
GENERATED: Final = ROOT / "docs" / "rules.md"
"""A page whose examples are no code to run."""
WRITTEN: Final = [page for page in PAGES if page != GENERATED]

_PARSER: Final = MarkdownIt("commonmark").enable("table")
_ID: Final = re.compile(r'<a id="([^"]+)">')


class Block(NamedTuple):
    """A block of code."""

    page: Path
    language: str
    text: str
    line: int
    """The line that its fence opens on."""

    @property
    def place(self) -> str:
        """The page and the line."""
        return f"{name(self.page)}:{self.line}"


def name(page: Path) -> str:
    """Return the path of a page within the repository."""
    return page.relative_to(ROOT).as_posix()


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    """Return what a page consists of."""
    return tuple(_PARSER.parse(page.read_text("utf-8")))


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    """Return the blocks of code of a page, those without a language and indented ones, too."""
    return tuple(
        Block(page, each.info, each.content, each.map[0] + 1)
        for each in tokens(page)
        if each.type in {"fence", "code_block"} and each.map
    )


def blocks_in(*languages: str) -> list[Block]:
    """Return the blocks of all pages but the generated one in languages."""
    return [each for page in WRITTEN for each in blocks(page) if each.language in languages]


def links(page: Path) -> Iterator[str]:
    """Yield the targets of links and images."""
    for each in _inline(page):
        yield from (str(each.attrs[key]) for key in ("href", "src") if key in each.attrs)


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the fragments that lead somewhere on a page, as GitHub makes them of headings."""
    found = {id_ for each in _inline(page) for id_ in _ID.findall(each.content)}
    found |= {id_ for each in tokens(page) for id_ in _ID.findall(each.content)}
    seen: Counter[str] = Counter()
    for opening, inline in zip(tokens(page), tokens(page)[1:], strict=False):
        if opening.type != "heading_open":
            continue
        slug = _slug("".join(each.content for each in inline.children or ()))
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(found)


def _inline(page: Path) -> Iterator[Token]:
    for each in tokens(page):
        yield from each.children or ()


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
