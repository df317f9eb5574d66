"""Explanation: the description of a code as text."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..display.terminal import Style, printable
from ..model.states import New

if TYPE_CHECKING:
    from ..findings.code import Code, Example

_CHARACTERS = 400
"""Characters of an example that is text, beyond which it is truncated."""
_LINES = 60
"""Lines of an example that is a value, beyond which it is truncated."""
_INLINE = 60
"""Characters of a context up to which it is shown on the line of its example."""
_WIDTH = 100
"""The maximum width of lines on wider terminals, too: longer ones are hard to read."""


class Explanation(NamedTuple):
    """The explanation of a code, formatted with `style`."""

    code: Code
    style: Style

    def __str__(self) -> str:
        return "".join(self._parts())

    def _parts(self) -> Iterator[str]:
        code = self.code
        yield f"{self.style.paint(code.name, 'strong')}\n"
        yield self._entry("What", code.summary)
        yield self._entry("Why", code.why)
        yield self._entry("Fix", code.fix)
        yield self._entry("Severity", code.severity, code.severity)
        yield self._entry("Editions", ", ".join(code.editions))
        yield self._entry("Models", ", ".join(code.models) or "any")
        yield self._entry("Source", f"{code.source} ({code.confidence})")
        yield self._entry("Refused", _refusal(code))
        shared = _shared_contexts([*code.bad, *code.good])
        for name, text in shared.items():
            yield self._section(f"{name.capitalize()} of the examples", "strong", text)
        for example in code.bad:
            yield self._example("Bad", "error", example, shared)
        for example in code.good:
            yield self._example("Good", "good", example, shared)

    @property
    def _width(self) -> int:
        return min(self.style.width, _WIDTH)

    def _entry(self, title: str, content: str, mark: str | None = None) -> str:
        text = textwrap.fill(
            content, self._width, initial_indent=" " * 12, subsequent_indent=" " * 12
        )[12:]
        marked = text if mark is None else self.style.paint(text, mark)
        return f"  {self.style.paint(title, 'faint')}{' ' * (10 - len(title))}{marked}\n"

    def _example(self, title: str, mark: str, example: Example, shared: Mapping[str, str]) -> str:
        kind, content = _data(example.data)
        context = "; ".join(
            f"{name}: {'as above' if text == shared.get(name) else _inline(value)}"
            for name, value, text in _contexts(example)
        )
        about = "; ".join(filter(None, (kind, context)))
        return self._section(f"{title} example" + (f" ({about})" if about else ""), mark, content)

    def _section(self, title: str, mark: str, content: str) -> str:
        lines = content.splitlines()
        if len(lines) > _LINES:
            lines[_LINES:] = [f"... (and so on, {len(lines)} lines)"]
        text = "".join(f"    {printable(line)}\n" for line in lines)
        head = textwrap.fill(title, self._width, subsequent_indent="  ")
        return f"\n{self.style.paint(head, mark)}\n{text}"


def _refusal(code: Code) -> str:
    return "no" if code.refusal is None else f"by the API ({code.refusal})"


def _shared_contexts(examples: Iterable[Example]) -> dict[str, str]:
    """Return the long contexts by name, as JSON, which are shown above the examples."""
    shared: dict[str, str] = {}
    for example in examples:
        for name, value, text in _contexts(example):
            if len(_inline(value)) > _INLINE:
                shared.setdefault(name, text)
    return shared


def _contexts(example: Example) -> Iterator[tuple[str, Any, str]]:
    for name, value in example.context.items():
        yield name, value, json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _inline(value: Any) -> str:
    if isinstance(value, New) or value == "NEW":
        return "new"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _data(data: Any) -> tuple[str, str]:
    """Return the kind of an example that is not a JSON value, and its text."""
    if data is None:
        return "no body", ""
    if isinstance(data, bytes):
        return "bytes", _truncate(data.decode(errors="backslashreplace"))
    if isinstance(data, str):
        return ("text", _truncate(data)) if data else ("empty text", "")
    try:
        text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
        if json.loads(text) == data:
            return "", text
    except (TypeError, ValueError):
        pass
    return "Python", _truncate(repr(data))


def _truncate(text: str) -> str:
    if len(text) <= _CHARACTERS:
        return text
    return f"{text[:40]}... (and so on, {len(text)} characters)"
