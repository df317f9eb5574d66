"""Embedded texts: what is in the inner text is placed where the outer one writes it."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from talonschema.findings.code import Severity
from talonschema.findings.finding import Finding, Span
from talonschema.reading.embedded import EmbeddedPositions
from talonschema.reading.lines import Lines

# How an outer text may write a character of the inner one.
SPELLINGS = {
    "a": ("a", "\\u0061"),
    "/": ("/", "\\/"),
    '"': ('\\"', "\\u0022"),
    "\n": ("\\n", "\\u000a"),
    "\\": ("\\\\", "\\u005C"),
    "é": ("é", "\\u00E9"),
    "😀": ("😀", "\\uD83D\\ude00"),
    "\ud83d": ("\\ud83d",),
}
values = st.text(alphabet='a/\n"\\é😀', max_size=4)


def embed(inner: str, ways: list[bool]) -> tuple[str, list[int]]:
    """Return the content of a string that holds a text, and where each of its characters begins."""
    text, starts = "", []
    for number, each in enumerate(inner):
        starts.append(len(text))
        spellings = SPELLINGS.get(each, (each,))
        text += spellings[ways[number % len(ways)] if len(spellings) > 1 else 0]
    return text, [*starts, len(text)]


@given(values, values, st.lists(st.booleans(), min_size=1, max_size=9))
@example("a", "a", [False])
@example("", "😀", [True])
@example("😀", "\\", [False, True, True])
def test_places_are_those_of_the_outer_text(key: str, value: str, ways: list[bool]) -> None:
    name, held = (json.dumps(each, ensure_ascii=False) for each in (key, value))
    inner = f"[{name},\n {{{name}: {held}}}]"
    content, starts = embed(inner, ways)
    before = '{"x": "a\\n",\n "text": '
    outer = f'{before}"{content}", "y": "\\n"}}'
    lines = Lines(outer)
    whole = Span(*lines.locate(len(before)), *lines.locate(len(before) + len(content) + 2))
    pointer = "/1/" + key.replace("~", "~0").replace("/", "~1")
    places = EmbeddedPositions(outer, lines, whole, inner, [pointer, "/0"])

    def place(start: int, length: int) -> Span:
        offsets = (len(before) + 1 + starts[each] for each in (start, start + length))
        return Span(*(part for each in offsets for part in lines.locate(each)))

    found, first = places.find(pointer), places.find("/0")
    assert found is not None
    assert first is not None
    second = inner.index("{") + 1
    assert first == (place(1, len(name)), None)
    assert found == (
        place(inner.rindex(held + "}]"), len(held)),
        place(second, len(name)),
    )


def test_a_text_that_ends_with_an_escape() -> None:
    outer = r'["\"a\"", 1]'
    places = EmbeddedPositions(outer, Lines(outer), Span(1, 2, 1, 9), '"a"', [""])
    assert places.find("") == (Span(1, 3, 1, 8), None)


def test_faults_are_moved_with_what_they_relate_to() -> None:
    inner = '{"a": 1,\n "a": 2}'
    outer = json.dumps({"text": inner})
    lines = Lines(outer)
    begin = outer.index('"{')
    whole = Span(*lines.locate(begin), *lines.locate(len(outer) - 1))
    places = EmbeddedPositions(outer, lines, whole, inner, [])
    twice = Finding(
        "json/duplicate-key",
        Severity.ERROR,
        "/a",
        message="",
        hint="",
        params={"first_line": 1, "first_column": 2},
        line=2,
        column=2,
    )
    first, second = (outer.index('\\"a', at) for at in (0, outer.index("\\n")))
    assert places.fault(twice) == (
        Span(1, second + 1, 1, second + 6),
        Span(1, first + 1, 1, first + 6),
    )
    alone = twice._replace(params={})
    assert places.fault(alone) == (Span(1, second + 1, 1, second + 6), None)
    assert places.find("") is None
