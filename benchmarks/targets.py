"""The targets, as data: what is compared, in which case, and how far it may go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from harness import Quartiles, quartiles, ratio

Results = Mapping[str, Mapping[str, Any]]
"""The results of the scripts, by question."""


class Target(NamedTuple):
    """A ratio that is to be at most, or at least, some number."""

    group: str
    question: str
    """The script, and so the file, that measures it."""
    case: str
    above: str
    """The candidate whose time is divided ..."""
    below: str
    """... by the time of this one."""
    limit: float
    least: bool = False
    """The ratio has to be at least the limit, not at most."""

    def measured_ratio(self, results: Results) -> Quartiles | None:
        """Return the ratio that was measured; None if one side was not there to be measured."""
        times = results[self.question]["cases"][self.case]
        if self.above not in times or self.below not in times:
            return None
        return ratio(times, self.above, self.below)

    def is_met(self, found: Quartiles) -> bool:
        """Return True if the median is on the right side."""
        return found.median >= self.limit if self.least else found.median <= self.limit


def _accept() -> list[Target]:
    targets = []
    for ours in ("is_valid", "check", "is_valid, all rules", "check, all rules"):
        for size, limit in ((10, 6), (100, 2), (1000, 1.6)):
            targets.append(
                Target(
                    "a",
                    "accept",
                    f"request, {size}",
                    f"talonschema {ours}",
                    "jsonschema-rs is_valid",
                    limit,
                )
            )
        targets += [
            Target(
                "a",
                "accept",
                f"request, {size}",
                "jsonschema is_valid",
                f"talonschema {ours}",
                150,
                least=True,
            )
            for size in (100, 1000)
        ]
    return targets


def _read() -> list[Target]:
    targets = []
    for ours in ("check", "check, all rules"):
        for size, limit in ((10, 5), (100, 3), (1000, 3)):
            case = f"request, {size}"
            mine = f"talonschema {ours}"
            targets += [
                Target("b", "read", case, mine, "orjson.loads alone", limit),
                Target("b", "read", case, "SDK from_json", mine, 3, least=True),
            ]
        targets += [
            Target("b", "read", f"request, {size}", f"talonschema {ours}", "ajv in Node", 1)
            for size in (10, 100, 1000)
        ]
    return targets


TARGETS: Final = (
    *_accept(),
    *_read(),
    Target(
        "c", "fail", "1 in 1000", "jsonschema iter_errors", "talonschema check", 100, least=True
    ),
    Target(
        "c", "fail", "100 in 1000", "jsonschema iter_errors", "talonschema check", 30, least=True
    ),
    Target("d", "start", "wall", "talonschema check", "python -c pass", 5),
    Target("d", "start", "wall", "talonschema check", "check-jsonschema", 0.2),
    Target(
        "e", "lines", "per line", "json.loads + jsonschema", "talonschema check", 25, least=True
    ),
    Target(
        "e", "lines", "per line", "talonschema check", "talonschema check --jobs 2", 1.6, least=True
    ),
    Target("g", "real", "small", "talonschema check", "orjson.loads alone", 3),
)

HOSTILE_LIMIT: Final = 50
"""Times the valid payload of the same size that a hostile one may take."""
FRESH_LIMIT: Final = 0.030
"""Seconds for compiling and the first check."""
MEMORY_LIMIT: Final = 1.1
"""Times the memory for few lines that a file of very many may take: flat."""
GROWTH_LIMIT: Final = 1.20
"""Times the cost of a further item in a small cart that one in a large cart may cost."""
REAL_LIMIT: Final = 1.5
"""Times a comparable synthetic payload that a real one without a finding may take."""
FINDING_LIMIT: Final = 5
"""Times the payload without a finding that the same with one may take."""


def hostile_times(results: Results) -> list[tuple[str, float, float | None]]:
    """Return name, seconds and ratio of each hostile payload, the worst first.

    The ratio is None where the check was ended, or no valid payload was timed beside.
    """
    times = results["fail"]["cases"]["hostile"]
    rows: list[tuple[str, float, float | None]] = []
    for name in results["fail"]["codes"]:
        beside = next((key for key in times if key.endswith(f", beside: {name}")), None)
        found = None if beside is None else ratio(times, name, beside).median
        rows.append((name, quartiles(times[name]).median, found))
    return sorted(rows, key=lambda row: -(row[2] if row[2] is not None else float("inf")))


def further_item_time(results: Results, kind: str) -> Quartiles:
    """Return the time of a further item from 100 to 1000, relative to one from 10 to 100."""
    times = results["growth"]["cases"]["sizes"]
    ten, hundred, thousand = (times[f"{kind}, {size}"] for size in (10, 100, 1000))
    rounds = zip(ten, hundred, thousand, strict=True)
    return quartiles(
        [(large - middle) / 900 / ((middle - small) / 90) for small, middle, large in rounds]
    )


def real_ratios(results: Results) -> list[tuple[str, Quartiles]]:
    """Return each real payload with its time relative to a comparable one, the worst first."""
    times = results["real"]["cases"]["real"]
    mark = ", beside: "
    rows = [(name, ratio(times, name, name + mark)) for name in times if not name.endswith(mark)]
    return sorted(rows, key=lambda row: -row[1].median)


def findings(results: Results) -> list[tuple[str, Quartiles]]:
    """Return each payload with one finding, relative to that without it, the worst first."""
    times = results["real"]["cases"]["findings"]
    rows = [
        (name, ratio(times, name, f"{name.rpartition(', ')[0]}, none"))
        for name in times
        if not name.endswith(", none")
    ]
    return sorted(rows, key=lambda row: -row[1].median)
