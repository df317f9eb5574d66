"""Rows: results of lines as plain data, for engines that distribute lines over processes.

Rows consist of builtin types and always have all keys, so that columnar formats such as Arrow can
store them with a fixed schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias, TypedDict, Unpack

from ..checking.call import CheckArguments
from ..checking.report import Report
from ..model.states import NEW
from ..validator import Validator
from .defaults import EntryDefaults

Line: TypeAlias = str | bytes | tuple[Any, str | bytes]
"""A line, or a key and a line."""


class FindingRow(TypedDict):
    """A finding in a row; the keys are the attributes of `talonschema.Finding`."""

    code: str
    severity: str
    pointer: str
    parameter: str | None
    line: int | None
    column: int | None
    message: str
    hint: str


class Row(TypedDict):
    """The result of a line."""

    key: Any
    """The key of the line or, without one, its number, from 1."""
    ok: bool
    """Whether no finding is an error."""
    model: str | None
    """The model of the payload; None if it is not valid JSON."""
    findings: list[FindingRow]
    omitted: int | None
    """The number of further findings; None if they were not counted."""


def check_lines(
    lines: Iterable[Line],
    validator: Validator | None = None,
    **arguments: Unpack[CheckArguments],
) -> Iterator[Row]:
    """Check lines with one payload each; yield a row for each as soon as it is checked.

    A line is JSON text with or without a final line feed; blank lines are skipped. The positions of
    findings are relative to the line if it has a key, as in ``(key, line)``, and otherwise to the
    first line, as in the command. `arguments` are those of `Validator.check`, for all lines.
    `validator` and `arguments` can be pickled.

    Raises the exceptions of `Validator.check` before the first line is consumed, and `TypeError`
    for a line that is neither str nor bytes.
    """
    validator = validator or Validator()
    call = validator.call(**arguments)
    checker = validator.checker

    def check(source: str | bytes) -> Report:
        return checker(source, call).report.located(source)

    return _rows(_iterator(lines), check)


def check_sequence(
    lines: Iterable[Line],
    validator: Validator | None = None,
    *,
    session_key: str | None = None,
    **arguments: Unpack[CheckArguments],
) -> Iterator[Row]:
    """Check lines with one call each, every call against the previous ones on its session.

    The lines are the entries of a sequence as in ``talonschema check --sequence``, in order, and
    include all calls on each session. `session_key` is the JSON Pointer of the session's identifier
    in each entry, None for ``integrationId``. `arguments` are defaults for entries without their
    own; `previous` is the state before the first call on each session, by default `NEW`. Rows and
    keys are those of `check_lines`.

    Raises as `check_lines` does, and `ValueError` if `arguments` do not fit an entry.
    """
    from .sequence import Histories

    if session_key is not None and not session_key.startswith("/"):
        message = (
            f"session_key is {session_key!r}; expected a JSON Pointer, which begins with a slash"
        )
        raise ValueError(message)
    validator = validator or Validator()
    arguments.setdefault("previous", NEW)
    validator.call(**arguments)
    defaults = EntryDefaults(validator, **arguments)
    histories = Histories(_Everywhere(defaults), session_key)

    def check(source: str | bytes) -> Report:
        text = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
        return histories.report(text, defaults)

    return _rows(_iterator(lines), check)


class _Everywhere(NamedTuple):
    """The same settings for every entry."""

    defaults: EntryDefaults

    def setting(self, name: str | None) -> EntryDefaults:
        """Return the settings for any name."""
        del name
        return self.defaults


def _iterator(lines: Iterable[Line]) -> Iterator[Line]:
    if isinstance(lines, (str, bytes)):
        message = f"lines must be an iterable of lines, not one {type(lines).__name__}"
        raise TypeError(message)
    return iter(lines)


def _rows(lines: Iterator[Line], check: Callable[[str | bytes], Report]) -> Iterator[Row]:
    for number, each in enumerate(lines, 1):
        if isinstance(each, tuple):
            key, line = each
            moved = 0
        else:
            key, line = number, each
            moved = number - 1
        if isinstance(line, bytes):
            source: str | bytes = line.removesuffix(b"\n")
        elif isinstance(line, str):
            source = line.removesuffix("\n")
        else:
            message = f"line {number} is {type(line).__name__}; expected str or bytes"
            raise TypeError(message)
        if source and not source.isspace():
            report = check(source)
            yield {
                "key": key,
                "ok": report.ok,
                "model": report.model,
                "findings": _findings(report.moved(moved)) if report.findings else [],
                "omitted": report.omitted,
            }


def _findings(report: Report) -> list[FindingRow]:
    return [
        {
            "code": each.code,
            "severity": str(each.severity),
            "pointer": each.pointer,
            "parameter": each.parameter,
            "line": each.line,
            "column": each.column,
            "message": each.message,
            "hint": each.hint,
        }
        for each in report.findings
    ]
