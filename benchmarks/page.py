"""Write docs/performance.md and its chart from what the scripts measured.

All results are gathered in results/published.json first, which is kept beside the page, so that
every figure on it can be followed. A quick run is printed only.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import targets
from chart import Bar, Panel, chart, duration
from harness import HERE, RESULTS, Quartiles, quartiles, ratio
from targets import TARGETS, Results

QUESTIONS: Final = ("accept", "read", "fail", "start", "lines", "growth", "real")
PUBLISHED: Final = RESULTS / "published.json"
DOCS: Final = HERE.parent / "docs"
WORST: Final = 15

HEAD: Final = """\
<!-- Written by benchmarks/page.py. Run `make bench` instead of changing it. -->

# Performance

How fast talonschema is, beside what else there is, and whether the targets are met.
`make bench` measures anew on your machine and writes this page.
`make bench QUICK=1` takes a shorter look and prints it.

![Time to accept a request of 100 items](performance.svg)

In short: **{met} of {all} targets are met.**
"""

METHOD: Final = (HERE / "method.md").read_text("utf-8")


def load_results() -> dict[str, Any]:
    """Return the results of the scripts; exit if some have not been run."""
    files = {question: RESULTS / f"{question}.json" for question in QUESTIONS}
    missing = [question for question, file in files.items() if not file.exists()]
    if missing:
        raise SystemExit(f"page: there are no results yet of {', '.join(missing)}")
    return {question: json.loads(file.read_text("utf-8")) for question, file in files.items()}


def format_ratio(found: Quartiles) -> str:
    """Return a ratio with its quartiles."""
    low, median, high = (f"{each:.3g}" for each in found)
    return f"{median} ({low}-{high})"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table whose columns but the first are aligned to the right."""
    names = list(head)
    yield "| " + " | ".join(names) + " |"
    yield "|---|" + "---:|" * (len(names) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def verdicts(results: Results) -> Iterator[tuple[str, str, str, str, bool]]:
    """Yield group, what is compared, target, measured and whether it is met."""
    for target in TARGETS:
        found = target.measured_ratio(results)
        if found is None:
            continue
        size = target.case.removeprefix("request, ")
        what = f"{target.above} / {target.below}"
        if target.question in ("accept", "read"):
            what += f", {size} items"
        elif target.question == "lines":
            what += ", time per line"
        elif target.question == "real":
            what += ", bytes of 2 items"
        elif target.question == "fail":
            what += f", {size.replace('in', 'wrong of')} items"
        limit = f"at {'least' if target.least else 'most'} {target.limit:g}"
        yield target.group, what, limit, format_ratio(found), target.is_met(found)
    name, _, worst = targets.hostile_times(results)[0]
    reported = "ended, far more" if worst is None else f"{worst:.3g}"
    yield (
        "c",
        f"worst hostile payload of 2 MiB found ({name}) / a valid one",
        f"at most {targets.HOSTILE_LIMIT}",
        reported,
        worst is not None and worst <= targets.HOSTILE_LIMIT,
    )
    memory = results["lines"]["peak_memory_kib"]
    few, more = memory
    grown = memory[more] / memory[few]
    yield (
        "e",
        f"peak memory at {more} / at {few}",
        f"at most {targets.MEMORY_LIMIT:g}",
        f"{grown:.3g}",
        grown <= targets.MEMORY_LIMIT,
    )
    for kind in ("check dict", "check bytes", "check dict, all rules"):
        further = targets.further_item_time(results, kind)
        yield (
            "f",
            f"{kind}: a further item from 100 to 1000 / from 10 to 100",
            f"at most {targets.GROWTH_LIMIT:g}",
            format_ratio(further),
            further.median <= targets.GROWTH_LIMIT,
        )
    for form in ("dict", "bytes"):
        for rows, what, most in (
            (targets.real_ratios(results), "a real payload / a comparable one", targets.REAL_LIMIT),
            (targets.findings(results), "one finding / none", targets.FINDING_LIMIT),
        ):
            name, worst_of = next(row for row in rows if row[0].startswith(f"{form}, "))
            yield (
                "g",
                f"{what}, worst: {name}",
                f"at most {most:g}",
                format_ratio(worst_of),
                worst_of.median <= most,
            )
    fresh = quartiles(results["growth"]["cases"]["fresh"]["compile and first check"])
    yield (
        "f",
        "compile and first check, fresh process, without the import",
        f"under {duration(targets.FRESH_LIMIT)}",
        duration(fresh.median),
        fresh.median < targets.FRESH_LIMIT,
    )


def page(results: Results) -> str:
    """Return the page."""
    rows = list(verdicts(results))
    met = sum(row[-1] for row in rows)
    lines = [HEAD.format(met=met, all=len(rows))]
    lines += [
        "## Targets",
        "",
        "Ratios of two times are given as median (quartiles).",
        "",
    ]
    lines += table(
        ("What", "Target", "Measured", "Met"),
        (
            (f"({group}) {what}", limit, found, "yes" if good else "**no**")
            for group, what, limit, found, good in rows
        ),
    )
    lines += _machine(results)
    lines.append(METHOD)
    lines += _times(
        results,
        "accept",
        "## (a) A parsed request, accepted",
        "Time for a dict, and how many times as long as `jsonschema-rs is_valid` alone.",
        "jsonschema-rs is_valid",
    )
    lines += _times(
        results,
        "read",
        "## (b) From bytes to a verdict",
        "Time for bytes, and how many times as long as `orjson.loads` alone.",
        "orjson.loads alone",
    )
    lines += _fail_section(results)
    lines += _start_section(results)
    lines += _lines_section(results)
    lines += _growth_section(results)
    lines += _real_section(results)
    return "\n".join(lines).rstrip("\n") + "\n"


def _machine(results: Results) -> list[str]:
    facts = results["accept"]["machine"]
    versions = {**facts["versions"], **results["read"].get("node", {})}
    loads = [f"{results[question]['machine']['load'][0]:.1f}" for question in QUESTIONS]
    return [
        "## Machine",
        "",
        f"- {facts['cpu']}, {facts['cores']} cores, {facts['architecture']}, {facts['system']}",
        f"- {facts['python']}",
        "- " + ", ".join(f"{name} {number}" for name, number in versions.items()),
        f"- load of the machine (one minute) at the end of each script: {', '.join(loads)}",
        "",
    ]


def _times(results: Results, question: str, title: str, about: str, against: str) -> list[str]:
    lines = [title, "", about, ""]
    for case, times in results[question]["cases"].items():
        model, size = case.split(", ")
        lines += [f"### {model.capitalize()} with {size} item{'s' if size != '1' else ''}", ""]
        lines += table(("Candidate", "Time", "Ratio"), _comparison_rows(times, against))
    return lines


def _comparison_rows(times: dict[str, list[float]], against: str) -> Iterator[tuple[str, str, str]]:
    for name in sorted(times, key=lambda name: quartiles(times[name]).median):
        reported = "1" if name == against else format_ratio(ratio(times, name, against))
        bold = "**" if name.startswith("talonschema") else ""
        yield f"{bold}{name}{bold}", duration(quartiles(times[name]).median), reported


def _fail_section(results: Results) -> list[str]:
    cases = results["fail"]["cases"]
    lines = ["## (c) A request that fails", ""]
    for case in ("1 in 1000", "100 in 1000"):
        lines += [f"### All errors: {case} items", ""]
        lines += table(
            ("Candidate", "Time", "Ratio"), _comparison_rows(cases[case], "jsonschema iter_errors")
        )
    lines += [
        "### The cost of findings",
        "",
        "1000 items; `max_findings` bounds what is built.",
        "",
    ]
    lines += table(("Payload", "Time", "Ratio"), _comparison_rows(cases["growth"], "no errors"))
    worst = targets.hostile_times(results)
    lines += [
        "### Hostile payloads",
        "",
        f"{len(worst)} kinds of 2 MiB (`benchmarks/hostile.py`) were checked as bytes.",
        f"The ratio is to a valid payload of 2 MiB in the same round. The worst {WORST}:",
        "",
    ]
    lines += table(
        ("Payload", "Time", "Ratio"),
        (
            (
                name,
                f"over {duration(seconds)}" if found is None else duration(seconds),
                "ended" if found is None else f"{found:.3g}",
            )
            for name, seconds, found in worst[:WORST]
        ),
    )
    return lines


def _start_section(results: Results) -> list[str]:
    cases = results["start"]["cases"]
    lines = ["## (d) The command", "", "Whole processes, on one file of 10 items.", ""]
    rows = (
        (
            name,
            duration(quartiles(times).median),
            format_ratio(ratio(cases["wall"], name, "python -c pass")),
            duration(quartiles(cases["processor"][name]).median),
            format_ratio(ratio(cases["processor"], name, "python -c pass")),
        )
        for name, times in cases["wall"].items()
    )
    return lines + list(
        table(("Command", "Wall time", "to `pass`", "Processor time", "to `pass`"), rows)
    )


def _lines_section(results: Results) -> list[str]:
    found = results["lines"]
    times = found["cases"]["per line"]
    lines = [
        "## (e) One payload a line",
        "",
        "The command on a file of payloads of 3 to 9 items, one in a hundred with an error.",
        "Times are wall time per line, without start-up.",
        "",
    ]
    lines += table(("Command", "Time", "Ratio"), _comparison_rows(times, "json.loads + jsonschema"))
    lines += ["Peak memory:", ""]
    rows = ((lines_, f"{kib / 1024:.1f} MiB") for lines_, kib in found["peak_memory_kib"].items())
    return lines + list(table(("File", "Memory"), rows))


def _growth_section(results: Results) -> list[str]:
    cases = results["growth"]["cases"]
    lines = [
        "## (f) Growth",
        "",
        "A call has a fixed cost, which is why an item costs less in a larger cart.",
        "What a further item costs is free of it.",
        "",
    ]
    lines += table(
        ("Check", "Time", "Time per item"),
        (
            (name, duration(median), duration(median / int(name.rsplit(", ", 1)[1])))
            for name, times in cases["sizes"].items()
            for median in (quartiles(times).median,)
        ),
    )
    lines += ["In a fresh process, with 10 items:", ""]
    lines += table(
        ("What", "Time"),
        ((name, duration(quartiles(times).median)) for name, times in cases["fresh"].items()),
    )
    return lines


def _real_section(results: Results) -> list[str]:
    lines = [
        "## (g) Real payloads, and one finding",
        "",
        "Payloads collected from public sources, beside a synthetic one of about their size.",
        "",
    ]
    lines += table(
        ("Payload", "Ratio"),
        ((name, format_ratio(found)) for name, found in targets.real_ratios(results)),
    )
    lines += ["A request with one finding, beside the same request without it.", ""]
    lines += table(
        ("Request", "Ratio"),
        ((name, format_ratio(found)) for name, found in targets.findings(results)),
    )
    return lines


def drawing(results: Results) -> str:
    """Return the chart."""
    panels = []
    for question, title in (
        ("accept", "A parsed request of 100 items, accepted (logarithmic)"),
        ("read", "From bytes to a verdict, 100 items (logarithmic)"),
    ):
        times = results[question]["cases"]["request, 100"]
        bars = [
            Bar(name, quartiles(values).median, name.startswith("talonschema"))
            for name, values in times.items()
            if "whole previous" not in name
        ]
        panels.append(Panel(title, bars))
    return chart(panels, "Time to accept a request of 100 items, by candidate")


def main() -> None:
    """Write, or print what a quick run found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="print, and write nothing")
    quick = parser.parse_args().quick
    results = load_results()
    if quick:
        print(page(results))
        return
    if any(result["quick"] for result in results.values()):
        raise SystemExit("page: some results are of a quick run; run all scripts in full")
    PUBLISHED.write_text(json.dumps(results, ensure_ascii=False) + "\n", "utf-8")
    (DOCS / "performance.md").write_text(page(results), "utf-8")
    (DOCS / "performance.svg").write_text(drawing(results), "utf-8")
    for group, what, limit, found, good in verdicts(results):
        print(f"{'met    ' if good else 'NOT MET'} ({group}) {what}: {found}, {limit}")


if __name__ == "__main__":
    main()
