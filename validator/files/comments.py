"""Comments: those in a YAML text that silence findings.

``# talonschema: ignore CODES REASON`` is for the findings that begin on its line; on a line of its
own, for those on the next line that has more than a comment. After a key whose value begins on the
next line, it is for this value, too. Codes are joined by commas, without blanks.
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
_FORM = "it takes the form: # talonschema: ignore CODES REASON"


class CommentFault(NamedTuple):
    """Why a comment silences nothing."""

    line: int
    text: str


class CommentSilence:
    """A comment."""

    def __init__(self, line: int, codes: frozenset[str], places: Sequence[tuple[int, int]]) -> None:
        """Silence codes at places: lines and columns, of which 0 is any."""
        self.line = line
        self.codes = codes
        self._places = places
        self.count = 0
        """How many findings were silenced."""

    def takes(self, finding: Finding) -> bool:
        """Return True for a finding of the codes at one of the places."""
        if finding.code not in self.codes or finding.line is None:
            return False
        at = {(finding.line, 0), (finding.line, finding.column)}
        if at.isdisjoint(self._places):
            return False
        self.count += 1
        return True


def comments(source: bytes) -> Iterator[CommentSilence | CommentFault]:
    """Yield the comments of a YAML text that are for talonschema."""
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
    """Return the codes that a comment silences, or why there are none."""
    words = text.split(maxsplit=2)
    if len(words) < 2 or words[0] != "ignore":  # noqa: PLR2004 - the word and the codes
        return _FORM
    try:
        codes = select_codes(words[1].split(","))
    except ValueError as error:
        return str(error)
    return codes if len(words) > 2 else "give a reason after the codes"  # noqa: PLR2004


def _places(text: str, line: int, before: str) -> Iterator[tuple[int, int]]:
    """Yield the places that a comment is for; `before` is what its line has before it."""
    if before:
        yield line, 0
    if not before or before.endswith(_OPENERS):
        for number, below in enumerate(text.split("\n")[line:], line + 1):
            content = below.lstrip()
            if content and not content.startswith("#"):
                yield number, len(below) - len(content) + 1 if before else 0
                return


def _scalars(text: str) -> list[tuple[int, int]]:
    """Return where the scalars are in which a number sign is none of a comment."""
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
