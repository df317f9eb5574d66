"""Report: the result of a check, and its conversions."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..findings.code import FAIL_ON, Severity
from ..findings.finding import Finding

FORMAT_VERSION = 1
"""The version of `Report.to_dict`, raised when a key changes its meaning or is removed."""


class Skipped(NamedTuple):
    """A rule that could not be judged, and the reason."""

    code: str
    reason: str


class InvalidPayload(ValueError):
    """Raised for a refused payload; `report` has all findings, `str` shows them with hints."""

    __module__ = "talonschema"  # as tracebacks name it

    def __init__(self, report: "Report") -> None:
        """Initialise with the `report`, whose findings are the reason."""
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        """Return the report as text."""
        return str(self.report)


class Report:
    """The result of a check, which is true if it is ok. Immutable, and not a sequence.

    `repr` is one line with counts; `str` is the text that the command prints, with lines of the
    payload if it was text and is not redacted.
    """

    __slots__ = ("_source", "edition", "findings", "model", "ok", "omitted", "skipped")

    ok: bool
    """Whether no finding is an error."""
    findings: tuple[Finding, ...]
    """The findings in order of their place, keys sorted; at most ``max_findings``."""
    model: str | None
    """The model of the payload; None if it could not be determined."""
    edition: str
    skipped: tuple[Skipped, ...]
    """The rules that could not be judged, with reasons."""
    _source: bytes | str | None
    omitted: int | None
    """The number of further findings; None if there were too many to count."""

    def __init__(
        self,
        *,
        ok: bool,
        findings: tuple[Finding, ...],
        model: str | None,
        edition: str,
        skipped: tuple[Skipped, ...] = (),
        omitted: int | None = 0,
    ) -> None:
        """Initialise from the parts."""
        # A loop takes twice as long.
        set_part = object.__setattr__
        set_part(self, "ok", ok)
        set_part(self, "findings", findings)
        set_part(self, "model", model)
        set_part(self, "edition", edition)
        set_part(self, "skipped", skipped)
        set_part(self, "omitted", omitted)
        set_part(self, "_source", None)

    def __setattr__(self, name: str, value: object) -> None:
        """Raise an exception, since reports are shared."""
        message = f"a Report is immutable: {name} can't be set"
        raise AttributeError(message)

    def __delattr__(self, name: str) -> None:
        """Raise an exception, since reports are shared."""
        message = f"a Report is immutable: {name} can't be deleted"
        raise AttributeError(message)

    def __bool__(self) -> bool:
        """Return `ok`."""
        return self.ok

    def __eq__(self, other: object) -> bool:
        """Return True for a report with equal parts."""
        return self._parts() == other._parts() if isinstance(other, Report) else NotImplemented

    def __hash__(self) -> int:
        """Hash the parts."""
        return hash((self.ok, self.findings, self.model, self.edition, self.omitted))

    def __getstate__(self) -> dict[str, Any]:
        """Return the parts, for pickles and copies."""
        return self._parts()

    def __setstate__(self, parts: dict[str, Any]) -> None:
        """Restore the parts from a pickle or copy."""
        self.__init__(**parts)  # type: ignore[misc]

    def __repr__(self) -> str:
        """Return one line: model, edition and counts."""
        return f"<Report {self.model or 'unreadable'} {self.edition}: {self._counts_text()}>"

    def __str__(self) -> str:
        """Return a line of counts, and each finding with its lines, place and hint."""
        from ..display.block import block
        from ..display.terminal import Style

        findings, excerpts, style = self.findings, None, Style()
        if self._source is not None and findings:
            from ..display.excerpt import Excerpts

            excerpts = Excerpts(self._source, 1, style)
            located = self.located(self._source).findings
            findings = tuple(sorted(located, key=lambda each: (each.line or 0, each.column or 0)))
        blocks = [block(_place(each), each, style, excerpts, see=False).text for each in findings]
        head = f"{self.model or 'payload'} (edition {self.edition}): {self._counts_text()}\n"
        return "\n".join([head, *blocks] if excerpts else [head + "".join(blocks)]).rstrip("\n")

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        from html import escape

        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(part)}</td>" for part in parts) + "</tr>"
            for parts in (
                (each.pointer or "(root)", each.severity, each.code, each.message, each.hint)
                for each in self.findings
            )
        )
        head = "".join(
            f"<th>{name}</th>" for name in ("Pointer", "Severity", "Code", "Message", "Hint")
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f"<p>{escape(repr(self)[1:-1])}</p>{table if rows else ''}"

    def _parts(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "_source"}

    def _replace(self, **changes: Any) -> "Report":
        return Report(**{**self._parts(), **changes})

    def _counts_text(self) -> str:
        """Return the counts by severity in words."""
        counts = [
            f"{count} {severity}{'s' * (count != 1)}"
            for severity, count in self.counts.items()
            if count
        ]
        more = "" if self.omitted == 0 else f" and {self.omitted or 'many'} more"
        return (", ".join(counts) or "ok") + more

    @property
    def counts(self) -> dict[Severity, int]:
        """The number of `findings` of each severity, the worst first."""
        return {
            level: sum(1 for each in self.findings if each.severity is level) for level in Severity
        }

    @property
    def by_code(self) -> dict[str, tuple[Finding, ...]]:
        """The findings of each code, ordered by the first of each."""
        found: dict[str, tuple[Finding, ...]] = {}
        for each in self.findings:
            found[each.code] = (*found.get(each.code, ()), each)
        return found

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings of severity error."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings of severity warning."""
        return tuple(f for f in self.findings if f.severity is Severity.WARNING)

    @property
    def unreadable(self) -> bool:
        """Whether the text could not be read, so that nothing was checked."""
        return self.model is None and any(
            each.code.startswith(("json/", "yaml/")) for each in self.findings
        )

    def raise_for_errors(self, *, fail_on: str = "error") -> None:
        """Raise `InvalidPayload` if the report is not ok.

        With `fail_on` ``"warning"``, it is raised for warnings, too. Raises `ValueError` for any
        other value.
        """
        if fail_on not in FAIL_ON:
            message = f"fail_on is {fail_on!r}; expected one of {', '.join(FAIL_ON)}"
            raise ValueError(message)
        if not self.ok or (fail_on == "warning" and self.warnings):
            raise InvalidPayload(self)

    def located(self, source: bytes | bytearray | memoryview | str, *, line: int = 1) -> "Report":
        """Return the report with the positions of its findings in the JSON text `source`.

        A finding gets the lines and columns of the faulty value, of the key if the key is at fault
        (unknown, read-only or duplicate), or of the object that lacks a key. `line` is the line of
        the file on which the text begins. Findings without a place in the text, such as those about
        query parameters, get none. No text raises an exception.
        """
        if not self.findings:
            return self
        from ..reading.document import decode
        from ..reading.positions import JsonPositions, locate_findings, pointers

        places = JsonPositions(decode(source), pointers(self.findings))
        entry = zip(self.findings, locate_findings(self.findings, places), strict=True)
        findings = (new if new is old else new.moved(line - 1) for old, new in entry)
        return self._replace(findings=tuple(findings))

    def moved(self, lines: int) -> "Report":
        """Return the report with the positions of its findings moved down by `lines` lines."""
        if not (lines and self.findings):
            return self
        return self._replace(findings=tuple(each.moved(lines) for each in self.findings))

    def to_dict(self, *, skipped: bool = False) -> dict[str, Any]:
        """Return the report as plain JSON data; ``version`` is the version of the format.

        With `skipped`, it lists the rules that could not be judged, as in the command's JSON.
        """
        data: dict[str, Any] = {
            "version": FORMAT_VERSION,
            "ok": self.ok,
            "edition": self.edition,
            "model": self.model,
            "findings": [each.to_dict() for each in self.findings],
            "omitted": self.omitted,
        }
        if skipped:
            data["skipped"] = [each._asdict() for each in self.skipped]
        return data

    def to_error_response(self) -> dict[str, Any]:
        """Return the errors as the API's own ``ErrorResponse`` body (status 400).

        Each entry of ``errors`` has ``title``, ``details`` and a ``source`` with exactly one of
        ``pointer``, ``parameter`` and ``line``. Source: ErrorResponse in the Integration API's
        OpenAPI files, and the examples on the page about errors in its documentation.

        Raises `ValueError` for a report that is ok.
        """
        return {"message": "The submitted data was invalid", "errors": self._each_error(_api_error)}

    def to_problem(self) -> dict[str, Any]:
        """Return the errors as RFC 9457 problem details (``application/problem+json``).

        The extension ``errors`` has a ``detail``, a ``code`` and a ``pointer`` for each error; the
        pointer is a URI fragment (RFC 6901, section 6).

        Raises `ValueError` for a report that is ok.
        """
        return {
            "type": "https://talonschema.example/problems/invalid-payload",
            "title": "The submitted data was invalid",
            "status": 400,
            "detail": _summary(self),
            "errors": self._each_error(_problem_error),
        }

    def _each_error(self, form: Callable[[Finding], dict[str, Any]]) -> list[dict[str, Any]]:
        if self.ok:
            message = "the report is ok, so there is no error to respond with"
            raise ValueError(message)
        return [form(each) for each in self.errors]


def with_source(report: Report, source: bytes | str) -> Report:
    """Return the report with the text of its payload, whose lines its `str` may show."""
    quoting = report._replace()
    object.__setattr__(quoting, "_source", source)
    return quoting


_FRAGMENT = "/~!$&'()*+,;=:@-._?"
"""The characters that need no percent-encoding in a URI fragment (RFC 3986, section 3.5)."""


def _place(finding: Finding) -> str:
    if finding.parameter is not None:
        return f"(parameter {finding.parameter})"
    if finding.line is not None:
        return f"{finding.line}:{finding.column}"
    return finding.pointer or "(root)"


def _api_error(finding: Finding) -> dict[str, Any]:
    from .registry import CODES

    group, _, keyword = finding.code.partition("/")
    title = CODES[finding.code].api_title or keyword
    if group != "schema":
        title = title.replace("-", " ")
    source: dict[str, Any] = {"pointer": finding.pointer}
    if finding.parameter is not None:
        source = {"parameter": finding.parameter}
    elif finding.line is not None and group in {"json", "yaml"}:
        source = {"line": str(finding.line)}
    return {"title": title, "details": finding.message, "source": source}


def _problem_error(finding: Finding) -> dict[str, Any]:
    entry: dict[str, Any] = {"detail": finding.message, "code": finding.code}
    if finding.parameter is not None:
        entry["parameter"] = finding.parameter
    else:
        from urllib.parse import quote

        entry["pointer"] = "#" + quote(finding.pointer, safe=_FRAGMENT, errors="surrogatepass")
    return entry


def _summary(report: Report) -> str:
    count = len(report.errors)
    return f"{count} error{'' if count == 1 else 's'} in the payload"
