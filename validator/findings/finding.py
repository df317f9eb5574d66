"""Finding: one problem as it is reported."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isinf
from typing import Any, NamedTuple

from .code import Code, Severity
from .message import ENDLESS, MANY_BITS, render
from .pointer import to_pointer
from .problem import Problem

_NOTHING: Mapping[str, Any] = {}


class Span(NamedTuple):
    """A stretch of a text, lines and columns in characters, both from 1."""

    line: int
    column: int
    end_line: int
    end_column: int
    """The one after the last character."""

    def moved(self, lines: int) -> "Span":
        """Return the span, moved down by a number of lines."""
        return self._replace(line=self.line + lines, end_line=self.end_line + lines)


class Finding(NamedTuple):
    """One problem of a payload.

    `code`, `severity`, `pointer` and `params` are stable; the wording of `message` and `hint` is
    not.
    """

    code: str
    severity: Severity
    pointer: str
    """RFC 6901 JSON Pointer into the payload, in the names the caller used."""
    message: str
    hint: str
    params: Mapping[str, Any] = _NOTHING
    """The parameters of the message; without values of the payload if redacted."""
    related: tuple[str, ...] = ()
    """Pointers of other places that have part in the problem."""
    parameter: str | None = None
    """The query parameter at fault, where it is not the payload itself."""
    line: int | None = None
    """1-based line, where the finding was located in a text."""
    column: int | None = None
    """1-based column in characters."""
    end_line: int | None = None
    end_column: int | None = None
    """The end of the faulty part; the column is the one after its last character."""
    places: tuple[Span | None, ...] = ()
    """The spans of `related`, in the same order."""
    about_key: bool = False
    """The key that `pointer` ends with is at fault, whatever its value."""

    def __hash__(self) -> int:
        """Hash what distinguishes findings; `params` may hold values without a hash."""
        return hash((self.code, self.pointer, self.message, self.line, self.column))

    @property
    def span(self) -> Span | None:
        """Its span in the text, None if it was not located."""
        if not (self.line and self.column and self.end_line and self.end_column):
            return None
        return Span(self.line, self.column, self.end_line, self.end_column)

    def moved(self, lines: int) -> "Finding":
        """Return the finding, moved down by a number of lines."""
        if not lines or self.line is None:
            return self
        return self._replace(
            line=self.line + lines,
            end_line=None if self.end_line is None else self.end_line + lines,
            places=tuple(each and each.moved(lines) for each in self.places),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain JSON data; keys without a value are left out."""
        data: dict[str, Any] = {
            "code": self.code,
            "severity": str(self.severity),
            "pointer": self.pointer,
            "message": self.message,
        }
        if self.hint:
            data["hint"] = self.hint
        if self.params:
            data["params"] = dict(self.params)
        if self.related:
            data["related"] = list(self.related)
        if self.places:
            data["places"] = [each and each._asdict() for each in self.places]
        for name in ("parameter", "line", "column", "end_line", "end_column"):
            value = getattr(self, name)
            if value is not None:
                data[name] = value
        return data


def finding(
    problem: Problem,
    code: Code,
    severity: Severity,
    *,
    redact: bool,
    respell: Callable[[str], str] = str,
) -> Finding:
    """Return the finding of a problem with its `code`.

    `redact` leaves payload values out; `respell` writes the property names in templates.
    """
    given = problem.params if redact else {**problem.params, **problem.values}
    params = {name: _jsonable(value) for name, value in given.items()}
    kind = params.get("kind", "")
    message = code.message if isinstance(code.message, str) else code.message[kind]
    hint = code.hint if isinstance(code.hint, str) else code.hint.get(kind, "")
    return Finding(
        code=code.name,
        severity=severity,
        pointer=to_pointer(problem.path),
        message=render(respell(message), params),
        hint=render(respell(hint), params),
        params=params,
        related=tuple(map(to_pointer, problem.related)),
        parameter=problem.parameter,
        line=problem.line,
        column=problem.column,
        about_key=code.about == "key",
    )


def _jsonable(value: Any) -> Any:
    """Return a parameter as JSON can carry it: decimals as numbers, endless integers as words."""
    if type(value) in _JSON:
        return value
    if isinstance(value, Decimal):
        if value.adjusted() > MANY_BITS:
            return ENDLESS
        number = float(value)
        # JSON can't write an infinite number, and the fraction of so large a one doesn't matter.
        if value != value.to_integral_value() and not isinf(number):
            return number
        value = int(value)
    if isinstance(value, int) and value.bit_length() > MANY_BITS:
        return ENDLESS
    if type(value) is list:
        return [_jsonable(each) for each in value]
    return value


_JSON = frozenset({str, float, bool, type(None)})
