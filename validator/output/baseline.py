"""Baseline: findings that a project knows of, in a file, so that only new ones are reported.

A finding is known by its fingerprint, as SARIF has it, and the number of those that are alike.
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
"""Of the form of the file."""
_WRITE = "write it with --write-baseline"


class BaselineError(ValueError):
    """A file is no baseline; the text has the path and the reason."""


class KnownFinding(NamedTuple):
    """What a finding is known by."""

    file: str
    """The URI of the file, from the root of the repository."""
    code: str
    pointer: str
    parameter: str


class FileBaseline:
    """The known findings of one file."""

    def __init__(self, baseline: Baseline, file: str) -> None:
        """Take the URI of the file."""
        self._baseline = baseline
        self._file = file
        self._fingerprints = Fingerprints(file)

    def takes(self, finding: Finding) -> bool:
        """Return True for a finding that is known, or is recorded."""
        digest = self._fingerprints.digest(finding)
        known = KnownFinding(self._file, finding.code, finding.pointer, finding.parameter or "")
        return self._baseline.takes(digest, known)


class Baseline:
    """Known findings: either those of a file, or all that are found, to be recorded."""

    def __init__(self, path: str, *, records: bool = False) -> None:
        """Begin with none; `records`: each finding becomes a known one."""
        self.path = path
        self.records = records
        self.known: dict[str, KnownFinding] = {}
        """By their digests."""
        self.counts: Counter[str] = Counter()
        """How many there are, or are left, of each."""
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
            message = f"{path} is no baseline of version {VERSION}: {_WRITE}"
            raise BaselineError(message)
        found = cls(path)
        try:
            for entry in data["findings"]:
                found._read(entry)
        except (KeyError, TypeError, ValueError):
            message = f"the baseline {path} has an entry that is none: {_WRITE}"
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
        """Return the known findings of the file at a path, `-` being standard input."""
        return FileBaseline(self, self.uri(path))

    def uri(self, path: str) -> str:
        """Return the name that the baseline has for the file at a path."""
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
        """Return how many known findings were not found.

        `checked` has the codes that were looked for in each file that was checked.
        """
        return sum(
            self.counts[digest]
            for digest, known in self.known.items()
            if known.code in checked.get(known.file, ())
            or (known.file not in checked and not exists(known.file))
        )

    def text(self) -> Iterator[str]:
        """Yield the content of the file: an entry a line, sorted."""
        yield f'{{\n  "version": {VERSION},\n  "findings": ['
        comma = ""
        for digest, known in sorted(self.known.items(), key=lambda each: (each[1], each[0])):
            about = {name: each for name, each in known._asdict().items() if each}
            entry = {"fingerprint": digest, "count": self.counts[digest], **about}
            yield f"{comma}\n    {json.dumps(entry)}"
            comma = ","
        yield "\n  ]\n}\n" if comma else "]\n}\n"
