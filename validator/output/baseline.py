"""Baseline: a file of known findings, so that only new ones are reported.

A finding is identified by its fingerprint, as in SARIF, and the number of findings that share it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

from ..findings.finding import Finding
from .fingerprint import Fingerprints
from .repository import exists, uri_from_root

VERSION = 1
"""The version of the file format."""
_WRITE = "create it with --write-baseline"


class BaselineError(ValueError):
    """Raised for a file that is not a baseline; the text has the path and the reason."""


class KnownFinding(NamedTuple):
    """The identity of a known finding."""

    file: str
    """The URI of the file, relative to the root of the repository."""
    code: str
    pointer: str
    parameter: str


class FileBaseline:
    """The known findings of a file."""

    def __init__(self, baseline: Baseline, file: str) -> None:
        """Initialise with the URI of the file."""
        self._baseline = baseline
        self._file = file
        self._fingerprints = Fingerprints(file)

    def takes(self, finding: Finding) -> bool:
        """Return True for a finding that is known, or is recorded."""
        digest = self._fingerprints.digest(finding)
        known = KnownFinding(self._file, finding.code, finding.pointer, finding.parameter or "")
        return self._baseline.takes(digest, known)


class Baseline:
    """Known findings, which are either loaded from a file or recorded."""

    def __init__(self, path: str, *, records: bool = False) -> None:
        """Begin empty; with `records`, each finding becomes known."""
        self.path = path
        self.records = records
        self.known: dict[str, KnownFinding] = {}
        """The known findings by digest."""
        self.counts: Counter[str] = Counter()
        """The number of each known finding, or of those still to be found."""
        self._uri = uri_from_root()

    @classmethod
    def load(cls, path: str) -> Self:
        """Return the baseline in a file; raises `BaselineError`."""
        try:
            with open(path, encoding="utf-8") as file:
                data = json.load(file)
        except FileNotFoundError:
            message = f"there is no baseline {path}: {_WRITE}"
            raise BaselineError(message) from None
        except (OSError, ValueError, RecursionError) as error:
            why = getattr(error, "strerror", None) or "it is not JSON"
            message = f"the baseline {path} can't be read: {why}"
            raise BaselineError(message) from None
        if not isinstance(data, dict) or data.get("version") != VERSION:
            message = f"{path} is not a baseline of version {VERSION}: {_WRITE}"
            raise BaselineError(message)
        found = cls(path)
        try:
            for entry in data["findings"]:
                found._read(entry)
        except (KeyError, TypeError, ValueError):
            message = f"the baseline {path} has an invalid entry: {_WRITE}"
            raise BaselineError(message) from None
        return found

    def _read(self, entry: dict[str, Any]) -> None:
        digest, count = entry["fingerprint"], entry["count"]
        known = KnownFinding(*(entry.get(name, "") for name in KnownFinding._fields))
        if not all(isinstance(each, str) for each in (digest, *known)) or type(count) is not int:
            raise TypeError
        self.known[digest] = known
        self.counts[digest] += count

    def of(self, path: str) -> FileBaseline:
        """Return the known findings of the file at a path; `-` is standard input."""
        return FileBaseline(self, self.uri(path))

    def uri(self, path: str) -> str:
        """Return the URI in the baseline of the file at a path."""
        return self._uri(path)

    def takes(self, digest: str, finding: KnownFinding) -> bool:
        """Return True for a finding that is known, or is recorded."""
        if self.records:
            self.known[digest] = finding
            self.counts[digest] += 1
        elif self.counts[digest] > 0:
            self.counts[digest] -= 1
        else:
            return False
        return True

    def count_gone(self, checked: dict[str, frozenset[str]]) -> int:
        """Return the number of known findings that no longer exist.

        `checked` has the codes that could have been reported for each checked file.
        """
        return sum(
            self.counts[digest]
            for digest, known in self.known.items()
            if known.code in checked.get(known.file, ())
            or (known.file not in checked and not exists(known.file))
        )

    def text(self) -> Iterator[str]:
        """Yield the content of the file, with one entry per line, sorted."""
        yield f'{{\n  "version": {VERSION},\n  "findings": ['
        comma = ""
        for digest, known in sorted(self.known.items(), key=lambda each: (each[1], each[0])):
            about = {name: each for name, each in known._asdict().items() if each}
            entry = {"fingerprint": digest, "count": self.counts[digest], **about}
            yield f"{comma}\n    {json.dumps(entry)}"
            comma = ","
        yield "\n  ]\n}\n" if comma else "]\n}\n"
