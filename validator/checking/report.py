"""Report: the outcome of one check, and the forms in which it can be handed on."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..findings.code import Severity
from ..findings.finding import Finding

FORMAT_VERSION = 1
"""Version of `Report.to_dict`; it grows when a key changes its meaning or goes away."""


class Skipped(NamedTuple):
    """A rule that could not be judged, and why."""

    code: str
    reason: str


class InvalidPayload(ValueError):
    """A payload has errors; `report` holds them all."""

    def __init__(self, report: "Report") -> None:
        """Keep `report`, whose errors are the reason."""
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        """Return one line for each error."""
        lines = [f"{f.pointer or '(root)'}: {f.message} [{f.code}]" for f in self.report.errors]
        more = f" (and {self.report.omitted} more)" if self.report.omitted else ""
        return f"{self.report.model or 'payload'} is not valid{more}:\n" + "\n".join(lines)


class Report(NamedTuple):
    """The result of a check."""

    ok: bool
    """No finding of severity error."""
    findings: tuple[Finding, ...]
    """In order of their place in the payload, keys sorted; at most ``max_findings``."""
    model: str | None
    """The model the payload was taken for; None where the JSON could not be read."""
    edition: str
    skipped: tuple[Skipped, ...] = ()
    omitted: int | None = 0
    """How many more findings there are; None if they were too many to count."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings of severity error."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def unreadable(self) -> bool:
        """The text could not be read, so that nothing was checked."""
        return self.model is None and any(
            each.code.startswith(("json/", "yaml/")) for each in self.findings
        )

    def raise_for_errors(self) -> None:
        """Raise `InvalidPayload` if the report is not ok."""
        if not self.ok:
            raise InvalidPayload(self)

    def located(self, source: bytes | bytearray | memoryview | str, *, line: int = 1) -> "Report":
        """Return the report with the places of its findings in the JSON text it is about.

        A finding gets the lines and columns of what it is about: of a value; of a key, if that is
        what is wrong (unknown, read-only, there already); of the object that lacks a key. `line` is
        the line of its file on which the text begins. What has no place there, such as a query
        parameter, gets none. Nothing is raised, whatever the text.
        """
        if not self.findings:
            return self
        from ..reading.document import decoded
        from ..reading.positions import JsonPositions, located, pointers

        places = JsonPositions(decoded(source), pointers(self.findings))
        entry = zip(self.findings, located(self.findings, places), strict=True)
        findings = (new if new is old else new.moved(line - 1) for old, new in entry)
        return self._replace(findings=tuple(findings))

    def moved(self, lines: int) -> "Report":
        """Return the report with the places of its findings so many lines further down."""
        if not (lines and self.findings):
            return self
        return self._replace(findings=tuple(each.moved(lines) for each in self.findings))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON data; ``version`` is the version of its form."""
        return {
            "version": FORMAT_VERSION,
            "ok": self.ok,
            "edition": self.edition,
            "model": self.model,
            "findings": [each.to_dict() for each in self.findings],
            "omitted": self.omitted,
            "skipped": [each._asdict() for each in self.skipped],
        }

    def to_error_response(self) -> dict[str, Any]:
        """Return the errors as the API's own ``ErrorResponse`` body (status 400).

        Each entry of ``errors`` has ``title``, ``details`` and a ``source`` with exactly one of
        ``pointer``, ``parameter`` and ``line``. Source: ErrorResponse in the Integration API's
        OpenAPI files, and the error examples on the docs page on errors.

        Raises `ValueError` for a report that is ok, which no error can answer.
        """
        return {"message": "The submitted data was invalid", "errors": self._each_error(_api_error)}

    def to_problem(self) -> dict[str, Any]:
        """Return the errors as RFC 9457 problem details (``application/problem+json``).

        ``errors`` extends it with a ``detail``, a ``code`` and a ``pointer`` each, the pointer as a
        URI fragment (RFC 6901, section 6).

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
            message = "the report is ok: there is no error to answer with"
            raise ValueError(message)
        return [form(each) for each in self.errors]


_FRAGMENT = "/~!$&'()*+,;=:@-._?"
"""The characters that stand for themselves in a URI fragment (RFC 3986, section 3.5)."""


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
