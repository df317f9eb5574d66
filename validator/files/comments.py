"""Comments: comments in YAML texts that silence findings.

``# talonschema: ignore CODES REASON`` applies to findings that begin on its line, or if it is alone
on its line, to those on the next line that is not a comment. After a key whose value begins on the
next line, it also applies to this value. Codes are separated by commas without blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import yaml

from ..checking.registry import select_codes
from ..findings.finding import Finding
from ..reading import document
from ..reading.lines import Lines

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[ \t]*talonschema:[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_OPENERS = (":", "-", "?")
_FORM = "expected the form # talonschema: ignore CODES REASON"


class CommentFault(NamedTuple):
    """A comment that silences nothing, and the reason."""

    line: int
    text: str


class CommentSilence:
    """A comment that silences findings."""

    def __init__(self, line: int, codes: frozenset[str], places: Sequence[tuple[int, int]]) -> None:
        """Silence codes at places: pairs of line and column, of which 0 matches any."""
        self.line = line
        self.codes = codes
        self._places = places
        self.count = 0
        """The number of silenced findings."""

    def takes(self, finding: Finding) -> bool:
        """Return True if the finding has one of the codes and places, and count it."""
        if finding.code not in self.codes or finding.line is None:
            return False
        at = {(finding.line, 0), (finding.line, finding.column)}
        if at.isdisjoint(self._places):
            return False
        self.count += 1
        return True


def comments(source: bytes) -> Iterator[CommentSilence | CommentFault]:
    """Yield the comments of a YAML text that are addressed to talonschema."""
    text = document.text_of(source)
    if not isinstance(text, str):
        return
    scalars = _scalars(text)
    lines = Lines(text)
    for match in _COMMENT.finditer(text):
        offset = match.start()
        if any(start < offset < end for start, end in scalars):
            continue
        line, column = lines.locate(offset)
        about = _instruction(match[1])
        if isinstance(about, str):
            yield CommentFault(line, about)
        else:
            before = text[offset - column + 1 : offset].rstrip()
            yield CommentSilence(line, about, list(_places(text, line, before)))


def _instruction(text: str) -> frozenset[str] | str:
    """Return the codes that a comment silences, or the fault of the comment."""
    words = text.split(maxsplit=2)
    if len(words) < 2 or words[0] != "ignore":  # noqa: PLR2004 - the word and the codes
        return _FORM
    try:
        codes = select_codes(words[1].split(","))
    except ValueError as error:
        return str(error)
    return codes if len(words) > 2 else "add a reason after the codes"  # noqa: PLR2004


def _places(text: str, line: int, before: str) -> Iterator[tuple[int, int]]:
    """Yield the places that a comment applies to; `before` is the text before it on its line."""
    if before:
        yield line, 0
    if not before or before.endswith(_OPENERS):
        for number, below in enumerate(text.split("\n")[line:], line + 1):
            content = below.lstrip()
            if content and not content.startswith("#"):
                yield number, len(below) - len(content) + 1 if before else 0
                return


def _scalars(text: str) -> list[tuple[int, int]]:
    """Return the ranges of scalars, in which a number sign does not begin a comment."""
    found = []
    try:
        for token in yaml.scan(text, Loader=_LOADER):
            if isinstance(token, yaml.ScalarToken):
                start, end = token.start_mark.index, token.end_mark.index
                if token.style in ("|", ">"):
                    # A comment may follow the header.
                    start = max(start, text.find("\n", start))
                found.append((start, end))
    except yaml.YAMLError:
        pass  # no finding of such a text is silenced
    return found
