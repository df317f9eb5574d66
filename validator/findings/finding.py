"""Finding: a problem as reported."""

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
    """A range of a text, in 1-based lines and columns of characters."""

    line: int
    column: int
    end_line: int
    end_column: int
    """The column after the last character."""

    def moved(self, lines: int) -> "Span":
        """Return the span moved down by `lines` lines."""
        return self._replace(line=self.line + lines, end_line=self.end_line + lines)


class Finding(NamedTuple):
    """A problem of a payload.

    `code`, `severity`, `pointer` and `params` are stable; the wording of `message` and `hint` is
    not.
    """

    code: str
    severity: Severity
    pointer: str
    """The JSON Pointer (RFC 6901) into the payload, in the caller's names."""
    message: str
    hint: str
    params: Mapping[str, Any] = _NOTHING
    """The parameters of the message; without values of the payload if redacted."""
    related: tuple[str, ...] = ()
    """The pointers of other places that contribute to the problem."""
    parameter: str | None = None
    """The query parameter at fault, if it is not the payload."""
    line: int | None = None
    """The 1-based line, if the finding was located in a text."""
    column: int | None = None
    """The 1-based column in characters."""
    end_line: int | None = None
    end_column: int | None = None
    """The end of the faulty part: the column after its last character."""
    places: tuple[Span | None, ...] = ()
    """The spans of `related`, in the same order."""
    about_key: bool = False
    """Whether the last key of `pointer` is at fault, regardless of its value."""

    def __hash__(self) -> int:
        """Return a hash without `params`, which may have unhashable values."""
        return hash((self.code, self.pointer, self.message, self.line, self.column))

    @property
    def span(self) -> Span | None:
        """The span in the text, None if the finding was not located."""
        if not (self.line and self.column and self.end_line and self.end_column):
            return None
        return Span(self.line, self.column, self.end_line, self.end_column)

    def moved(self, lines: int) -> "Finding":
        """Return the finding moved down by `lines` lines."""
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

    `redact` leaves payload values out; `respell` converts the names of properties in templates.
    """
    given = problem.params if redact else {**problem.params, **problem.values}
    params = {
        name: value if type(value) in _JSON else _jsonable(value) for name, value in given.items()
    }
    kind = params.get("kind", "")
    message = code.message if isinstance(code.message, str) else code.message[kind]
    hint = code.hint if isinstance(code.hint, str) else code.hint.get(kind, "")
    # Keyword arguments take twice as long.
    return Finding(
        code.name,
        severity,
        to_pointer(problem.path),
        render(respell(message), params),
        render(respell(hint), params),
        params,
        tuple(map(to_pointer, problem.related)) if problem.related else (),
        problem.parameter,
        problem.line,
        problem.column,
        None,
        None,
        (),
        code.about == "key",
    )


def _jsonable(value: Any) -> Any:
    """Return a parameter as JSON data: decimals as numbers, huge integers as words."""
    if type(value) in _JSON:
        return value
    if isinstance(value, Decimal):
        if value.adjusted() > MANY_BITS:
            return ENDLESS
        number = float(value)
        # JSON has no infinite numbers, and the fraction of such a large one is irrelevant.
        if value != value.to_integral_value() and not isinf(number):
            return number
        value = int(value)
    if isinstance(value, int) and value.bit_length() > MANY_BITS:
        return ENDLESS
    if type(value) is list:
        return [_jsonable(each) for each in value]
    return value


_JSON = frozenset({str, float, bool, type(None)})
