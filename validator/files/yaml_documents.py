"""YAML file: its documents, each of them a payload, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..reading.document import Document, text_of
from ..reading.positions import located, pointers
from .results import FileResults, PayloadResult

if TYPE_CHECKING:
    from ..checking.report import Report
    from ..reading.yaml_reader import Payload

NEEDED = "reading YAML needs PyYAML, which comes with: pip install 'talonschema[yaml]'"


def check_yaml(
    path: str, source: bytes, judge: Callable[[bytes | Document], Report]
) -> FileResults:
    """Return what comes of the documents of a YAML text."""
    try:
        from ..reading.yaml_reader import payloads
    except ImportError:
        return FileResults(path, error=NEEDED)
    text = text_of(source)
    if not isinstance(text, str):
        return FileResults(
            path,
            [PayloadResult(judge(Document(None, (text,), readable=False)).located(source), source)],
        )
    found = list(payloads(text))
    if not found:
        # Comments at the most, which is nothing in YAML as in JSON.
        return FileResults(path, [PayloadResult(judge(b"").located(b""), source)])
    if len(found) == 1:
        return FileResults(path, [PayloadResult(_judged(found[0], judge), source)])
    return FileResults(path, Documents(text, found, judge), lines=True)


def _judged(payload: Payload, judge: Callable[[bytes | Document], Report]) -> Report:
    report = judge(payload.document)
    places = payload.find_places(pointers(report.findings))
    return report._replace(findings=tuple(located(report.findings, places)))


class Documents:
    """Several documents, which are checked as they are iterated over."""

    def __init__(
        self, text: str, payloads: list[Payload], judge: Callable[[bytes | Document], Report]
    ) -> None:
        """Take the documents of a text."""
        self._text = text
        self._judge = judge
        self._found = payloads
        self.payloads = len(payloads)

    def __iter__(self) -> Iterator[PayloadResult]:
        """Yield what came of those that something was found in, in order."""
        for each in self._found:
            report = _judged(each, self._judge)
            if report.findings:
                line = self._text.count("\n", 0, each.start) + 1
                begin = self._text.rfind("\n", 0, each.start) + 1
                yield PayloadResult(report, self._text[begin:].encode(), line)
