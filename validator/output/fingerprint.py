"""Fingerprint: an identity of findings that is independent of their line."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

from ..findings.finding import Finding


class Fingerprints:
    """The fingerprints of the findings in a file; equal ones are numbered."""

    def __init__(self, file: str) -> None:
        """Initialise with the path of the file, relative to the root of the repository."""
        self._file = file
        self._alike: Counter[str] = Counter()

    def of(self, finding: Finding) -> str:
        """Return the fingerprint of the next finding: a digest and a number."""
        digest = self.digest(finding)
        self._alike[digest] += 1
        return f"{digest}:{self._alike[digest]}"

    def digest(self, finding: Finding) -> str:
        """Return the digest that equal findings share."""
        return fingerprint(finding.code, self._file, finding.pointer, finding.parameter or "")


def fingerprint(*parts: str) -> str:
    """Return a short digest of `parts`."""
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()[:8].hex()
