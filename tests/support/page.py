"""Pages of the report in HTML: read strictly, which a browser would not do."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

_VOID = {"input", "meta"}
_ATTRIBUTES = {
    *("aria-hidden", "aria-label", "aria-live", "charset", "checked", "class", "content"),
    *("data-code", "data-severity", "height", "hidden", "href", "http-equiv", "id", "lang", "name"),
    *("open", "preserveaspectratio", "role", "type", "value", "viewbox", "width", "x", "y"),
}


class _Parser(HTMLParser):
    """Builds a tree, and fails where a browser would repair something."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = ET.TreeBuilder()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= _ATTRIBUTES
        assert len(dict(attrs)) == len(attrs)
        self.tree.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self.tree.end(tag)
        else:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "rect"
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.tree.end(tag)

    def handle_data(self, data: str) -> None:
        if self.open:
            self.tree.data(data)
        else:
            assert data.isspace()

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_pi = unknown_decl = handle_comment

    def handle_decl(self, decl: str) -> None:
        assert decl == "DOCTYPE html"
        assert not self.open


def read(text: str) -> ET.Element:
    """Return the root of a page, all of whose links lead to places in it."""
    assert text.isascii()
    parser = _Parser()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    root = parser.tree.close()
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(set(ids)) == len(ids)
    for link in root.iter("a"):
        assert link.attrib["href"][:1] == "#"
        assert link.attrib["href"][1:] in ids
    for name in ("script", "style"):
        assert sum(1 for _ in root.iter(name)) == 1
    return root


def elements_of_class(root: ET.Element, name: str) -> list[ET.Element]:
    """Return the elements of a class."""
    return [each for each in root.iter() if name in each.attrib.get("class", "").split()]


def content(element: ET.Element) -> str:
    """Return the text of an element, with single blanks."""
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip(" ")
