"""TOML files: their values, the lines where things stand, and the reports on bad ones."""

from __future__ import annotations

import errno
import json
import os
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talonschema.findings import pointer
from talonschema.findings.message import MANY_BITS
from talonschema.reading.toml_reader import Toml, TomlError, load

DOCUMENT = '''\
# A comment with [signs] = "in it"
title = "one"
"quoted key" = 1
'literal "key"' = 2
"esc\\u0061ped" = 3
owner.name = "Ada"   # a comment
owner."last name" = "Byron"

text = """
[not.a.table]
key = 1 \\"""
""""" # the text ends with two quotes
raw = \'\'\'
"""
\'\'\'
numbers = [
  1, # one
  2.5,

  [ 3, 4 ],
  { a = 1, b.c = [ 5 ] },
]
when = 1979-05-27 07:32:00.5
empty = []
none = {}

[server]
port = 80

[server.tls.files]
cert = "x"

[[hosts]]
name = "a"

[[hosts]]
name = "b"
  [hosts.disk]
  size = 1
  [[hosts.ports]]
  n = 1
  [[hosts.ports]]
  n = 2

[late.child]
a = 1
[late]
b = 2
'''
LINES: dict[pointer.Path, int] = {
    ("title",): 2,
    ("quoted key",): 3,
    ('literal "key"',): 4,
    ("escaped",): 5,
    ("owner",): 6,
    ("owner", "name"): 6,
    ("owner", "last name"): 7,
    ("text",): 9,
    ("raw",): 13,
    ("numbers",): 16,
    ("numbers", 0): 17,
    ("numbers", 1): 18,
    ("numbers", 2): 20,
    ("numbers", 2, 0): 20,
    ("numbers", 2, 1): 20,
    ("numbers", 3): 21,
    ("numbers", 3, "a"): 21,
    ("numbers", 3, "b"): 21,
    ("numbers", 3, "b", "c"): 21,
    ("numbers", 3, "b", "c", 0): 21,
    ("when",): 23,
    ("empty",): 24,
    ("none",): 25,
    ("server",): 27,
    ("server", "port"): 28,
    ("server", "tls"): 30,
    ("server", "tls", "files"): 30,
    ("server", "tls", "files", "cert"): 31,
    ("hosts",): 33,
    ("hosts", 0): 33,
    ("hosts", 0, "name"): 34,
    ("hosts", 1): 36,
    ("hosts", 1, "name"): 37,
    ("hosts", 1, "disk"): 38,
    ("hosts", 1, "disk", "size"): 39,
    ("hosts", 1, "ports"): 40,
    ("hosts", 1, "ports", 0): 40,
    ("hosts", 1, "ports", 0, "n"): 41,
    ("hosts", 1, "ports", 1): 42,
    ("hosts", 1, "ports", 1, "n"): 43,
    ("late",): 47,
    ("late", "child"): 45,
    ("late", "child", "a"): 46,
    ("late", "b"): 48,
}


def write_toml(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "a.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def places(value: Any, place: pointer.Path = ()) -> Iterator[pointer.Path]:
    if isinstance(value, (dict, list)):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*place, key)
            yield from places(each, (*place, key))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_values_and_lines(tmp_path: Path, newline: str, mark: str) -> None:
    path = write_toml(tmp_path, mark + DOCUMENT.replace("\n", newline))
    toml = load(path)
    assert toml.path == str(path)
    assert toml.data == tomllib.loads(DOCUMENT)
    assert {place: toml.line(*place) for place in places(toml.data)} == LINES


def test_no_line_for_what_is_not_there(tmp_path: Path) -> None:
    toml = load(write_toml(tmp_path, DOCUMENT))
    for place in ((), ("titel",), ("title", "x"), ("hosts", 2), ("numbers", 4), ("hosts", "name")):
        assert toml.line(*place) is None


def test_numbers_are_made_as_asked(tmp_path: Path) -> None:
    path = write_toml(tmp_path, "a = 0.1")
    assert load(path).data == {"a": 0.1}
    assert load(path, parse_float=Decimal).data == {"a": Decimal("0.1")}


def test_errors_stand_at_the_nearest_table(tmp_path: Path) -> None:
    path = write_toml(tmp_path, DOCUMENT)
    toml = load(path)
    for place, line in (
        (("hosts", 1, "disk", "size"), 39),
        (("hosts", 1, "disk", "missing", "more"), 38),
        (("server", "missing"), 27),
        (("missing",), None),
        ((), None),
    ):
        error = toml.error("is wrong", *place)
        assert (error.path, error.line, error.message) == (str(path), line, "is wrong")
        assert str(error) == f"{path}{'' if line is None else f':{line}'}: is wrong"


@pytest.mark.parametrize(
    ("content", "line", "reported"),
    [
        (b"a = ", 1, "is not TOML"),
        (b"a = 1\nb = [\n\n", 2, "at the end"),
        (b"a = 1\r\nb = [\r\n\r\n", 2, "at the end"),
        (b'a = """\nX', 2, "at the end"),
        (b"a = 1\nb = yes\n", 2, "(column 5)"),
        (b"a = 1\r\nb = yes\r\n", 2, "(column 5)"),
        (b"[a]\n\n[a]\n", 3, "twice"),
        (b"a = 1\n\na = 2\n", 3, "overwrite"),
        (b"a = 1\nb = 2020-13-45\n", 2, "is not TOML"),
        (b"a = 1\nb = '\xe9'\n", 2, "UTF-8"),
        (b"\n\xff", 2, "UTF-8"),
        (b"\xff\xfea\x00", 1, "UTF-8"),
        (b"a = \x00", 1, "is not TOML"),
        (b"a = 1\rb = 2", 1, "is not TOML"),
        (b"a = " + b"1" * 5000, None, "digits"),
        (
            b"a = 1\nb = [1, 0x" + b"f" * 5000 + b"]",
            2,
            "a value is a number of thousands of digits",
        ),
        (b"a" + b".a" * 2000 + b" = 1", None, "nested too deeply"),
        (b"a = " + b"[" * 5000, None, "nested too deeply"),
        (b"a = " + b"{a=" * 5000, None, "nested too deeply"),
    ],
    ids=str,
)
def test_what_is_not_toml(tmp_path: Path, content: bytes, line: int | None, reported: str) -> None:
    path = write_toml(tmp_path, content)
    with pytest.raises(TomlError) as caught:
        load(path)
    error = caught.value
    assert (error.path, error.line) == (str(path), line)
    assert reported in error.message
    assert "\n" not in str(error)
    # The place that tomllib names.
    assert "(at " not in str(error)
    assert "None" not in str(error)
    assert str(error) == f"{path}{'' if line is None else f':{line}'}: {error.message}"


def test_a_message_of_tomllib_without_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None has that form so far.
    error = tomllib.TOMLDecodeError("odd")
    monkeypatch.setattr(tomllib, "loads", Mock(side_effect=error))
    with pytest.raises(TomlError, match=r"a\.toml: is not TOML: odd") as caught:
        load(write_toml(tmp_path, "a = 1"))
    assert caught.value.line is None


def test_the_longest_integer(tmp_path: Path) -> None:
    longest = 2**MANY_BITS - 1
    assert load(write_toml(tmp_path, f"a = {longest:#x}")).data == {"a": longest}
    with pytest.raises(TomlError, match="thousands of digits"):
        load(write_toml(tmp_path, f"a = {longest + 1:#x}"))


def test_the_deepest_key(tmp_path: Path) -> None:
    assert load(write_toml(tmp_path, "a" + ".a" * 299 + " = 1")).line(*"a" * 300) == 1
    with pytest.raises(TomlError, match="nested too deeply"):
        load(write_toml(tmp_path, "a" + ".a" * 300 + " = 1"))


def test_keys_after_an_inline_table() -> None:
    text = "a = {b = {c = 1}, X = 2}"
    toml = Toml("a.toml", text, tomllib.loads(text))
    assert [toml.line("a", *place) for place in (("b", "c"), ("X",), ("b", "X"))] == [1, 1, None]


def test_lines_are_lost_where_the_scan_comes_to_the_end_too_soon() -> None:
    # As it would of a form of TOML that only newer versions of tomllib read.
    toml = Toml("a.toml", "a = 1\nb = {\n", {})
    assert [toml.line(key) for key in "abc"] == [1, 2, None]


def test_quotes_in_a_literal_text_of_several_lines() -> None:
    text = "a = '''\nit's\nb = 1'''\nc = 1\n"
    toml = Toml("a.toml", text, tomllib.loads(text))
    assert [toml.line(key) for key in "abc"] == [1, None, 4]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing.toml", os.strerror(errno.ENOENT)),
        (".", os.strerror(errno.EISDIR)),
        ("a\0b", "embedded null byte"),
        ("a.toml/b", os.strerror(errno.ENOTDIR)),
    ],
)
def test_what_can_not_be_read(tmp_path: Path, name: str, why: str) -> None:
    write_toml(tmp_path, "")
    with pytest.raises(TomlError) as caught:
        load(f"{tmp_path}/{name}")
    assert (caught.value.line, caught.value.message) == (None, f"can't be read: {why}")


def test_errors_are_values_errors() -> None:
    assert issubclass(TomlError, ValueError)


def test_what_tomllib_reads_deep_can_be_looked_up(tmp_path: Path) -> None:
    depth = 100
    toml = load(write_toml(tmp_path, "\na = " + "[{b = " * depth + "1" + "}]" * depth))
    place = ("a", *(0, "b") * depth)
    assert toml.line(*place) == 2


# Documents that are made up, with the lines of all they hold.

SIGNS = " \t#\"'\\=.,[]{}ab-_1é\u2028\x7f"
NAMES = st.text("ab1-_", min_size=1, max_size=3) | st.text(SIGNS, max_size=4)
TEXTS = st.text(SIGNS + "\n", max_size=12)
NUMBERS = st.sampled_from(["0", "-1", "1_000", "2.5", "1e5", "inf", "0xff", "1979-05-27 07:32:00"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.tuples(st.just("number"), NUMBERS) | st.tuples(st.just("text"), TEXTS),
    lambda inner: (
        st.tuples(st.just("array"), st.lists(inner, max_size=3))
        | st.tuples(st.just("inline"), st.dictionaries(NAMES, inner, max_size=3))
    ),
    max_leaves=6,
)
TABLES: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(NAMES, st.tuples(st.just("value"), VALUES), max_size=3),
    lambda inner: st.dictionaries(
        NAMES,
        st.tuples(st.just("value"), VALUES)
        | st.tuples(st.just("dotted"), st.dictionaries(NAMES, VALUES, min_size=1, max_size=2))
        | st.tuples(st.just("table"), inner)
        | st.tuples(st.just("late"), inner)
        | st.tuples(st.just("tables"), st.lists(inner, min_size=1, max_size=2)),
        max_size=3,
    ),
    max_leaves=8,
)


class Writer:
    """Writes a document, and notes the line where each key is written."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[pointer.Path, int] = {}

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def append(self, *parts: str) -> None:
        self.text += "".join(parts)

    def one_of(self, *choices: str) -> str:
        return str(self.draw(st.sampled_from(choices)))

    def gap(self) -> None:
        self.append(self.one_of("", "", "\n", "# [a] = '\n", '  \n\t# """\n'))

    def basic_string(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

    def key(self, name: str) -> str:
        forms = [self.basic_string(name)]
        if name and all(each.isascii() and (each.isalnum() or each in "-_") for each in name):
            forms += [name, name]
        if not set("'\x7f") & set(name):
            forms.append(f"'{name}'")
        return self.one_of(*forms)

    def string(self, text: str) -> str:
        forms = [self.basic_string(text), f'"""{self.basic_string(text)[1:-1]}"""']
        multiline = text.replace("\\", "\\\\").replace('"""', '""\\"').replace("\x7f", "\\u007F")
        forms.append(f'"""\n{multiline}"""' if not multiline.endswith('"""') else forms[0])
        if not set("'\x7f") & set(text):
            forms.append(f"'''\n{text}'''")
        if not set("'\x7f\n") & set(text):
            forms.append(f"'{text}'")
        return self.one_of(*forms)

    def value(self, place: pointer.Path, spec: Any) -> None:
        kind, held = spec
        if kind == "number":
            self.append(held)
        elif kind == "text":
            self.append(self.string(held))
        elif kind == "array":
            self.append("[")
            for index, each in enumerate(held):
                self.append(self.one_of("", " ", "\n  ", " # ] ,\n"))
                self.lines[*place, index] = self.line
                self.value((*place, index), each)
                self.append(self.one_of(",", " ,", "\n,"))
            self.append(self.one_of("", "\n# [\n"), "]")
        else:
            self.append("{")
            for index, (name, each) in enumerate(held.items()):
                self.append(", " if index else " ")
                self.pair(place, [name], each)
            self.append(" }")

    def pair(self, place: pointer.Path, names: list[str], spec: Any) -> None:
        dot = self.one_of(".", " . ", "\t.")
        self.append(dot.join(self.key(name) for name in names), self.one_of("=", " = "))
        for name in names:
            place = (*place, name)
            self.lines.setdefault(place, self.line)
        self.value(place, spec)

    def statement(self, place: pointer.Path, names: list[str], spec: Any) -> None:
        self.gap()
        self.append(self.one_of("", "  "))
        self.pair(place, names, spec)
        self.append(self.one_of("\n", " # = [x]\n"))

    def header(self, place: pointer.Path, left: str, right: str) -> None:
        self.gap()
        named: pointer.Path = ()
        for each in place:
            named = (*named, each)
            self.lines.setdefault(named, self.line)
        self.lines[place] = self.line
        names = self.one_of(".", " . ").join(
            self.key(each) for each in place if isinstance(each, str)
        )
        self.append(left, self.one_of("", " "), names, self.one_of("", " "), right, "\n")

    def write_values(self, place: pointer.Path, table: dict[str, Any]) -> None:
        for name, (kind, held) in table.items():
            if kind == "value":
                self.statement(place, [name], held)
            elif kind == "dotted":
                for inner, each in held.items():
                    self.statement(place, [name, inner], each)

    def write_tables(self, place: pointer.Path, table: dict[str, Any]) -> None:
        for name, (kind, held) in table.items():
            inner = (*place, name)
            if kind == "table":
                self.header(inner, "[", "]")
                self.write_values(inner, held)
                self.write_tables(inner, held)
            elif kind == "late":
                self.write_tables(inner, held)
                self.header(inner, "[", "]")
                self.write_values(inner, held)
            elif kind == "tables":
                for index, each in enumerate(held):
                    self.header((*inner, index), "[[", "]]")
                    self.write_values((*inner, index), each)
                    self.write_tables((*inner, index), each)


@st.composite
def documents(draw: Any) -> tuple[str, dict[pointer.Path, int]]:
    table = draw(TABLES)
    writer = Writer(draw)
    writer.write_values((), table)
    writer.write_tables((), table)
    return writer.text, writer.lines


@given(documents())
def test_lines_of_any_document(document: tuple[str, dict[pointer.Path, int]]) -> None:
    text, lines = document
    toml = Toml("a.toml", text, tomllib.loads(text))
    found = {place: toml.line(*place) for place in places(toml.data)}
    assert found == lines
