"""What all tests share: how hypothesis searches, and the report at the end.

HYPOTHESIS_PROFILE=thorough makes it search longer; with CI set it takes the same steps each time.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import settings

# No deadline: how long one example takes says more about the machine than about the code.
settings.register_profile("quick", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.register_profile("thorough", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report last what was skipped, and so not tested, and why."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.getreports("skipped")
        if isinstance(report.longrepr, tuple)
    )
    for reason, count in sorted(reasons.items()):
        tests = "1 test" if count == 1 else f"{count} tests"
        terminalreporter.write_line(f"not tested: {tests}: {reason}", yellow=True)
