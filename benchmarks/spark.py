"""Spark: processor time of a line in the example for Spark, beside that of the command.

Measured: the same file of requests of 3 to 9 items (2 KB a line, one in a hundred with an error),
and one of calls on sessions, six a session. The command is a process of its own with ``--jobs 1``;
Spark runs in this one, with a thread for each core, and writes Parquet. Counted is the processor
time of all processes and threads that take part, Java's compiler and collector among them, less
that of a run over one line, which is start-up; its inverse is the throughput of a core.

``make bench-spark`` prints the ratios of docs/scale.md.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import harness
import payloads
import pyspark
from harness import Rounds
from lines import write
from pyspark.sql import DataFrame, SparkSession

from talonschema import Validator

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "examples" / "spark"))

import check_logs  # noqa: E402 - the example has no package

Make: TypeAlias = Callable[[Path, int], None]
Rows: TypeAlias = Callable[[DataFrame, Validator], DataFrame]

COMMAND: Final = "talonschema check --jobs 1"
SPARK: Final = f"Spark {pyspark.__version__}"
CALLS_A_SESSION: Final = 6
WARM_UP: Final = 3
"""Runs after which Java has compiled most of what is called often."""


def write_calls(path: Path, lines: int) -> None:
    """Write a file of so many calls on sessions that take turns."""
    requests = [payloads.request(items) for items in range(3, 10)]
    for each in requests:
        each["customerSession"]["state"] = "open"
    sessions = lines // CALLS_A_SESSION + 1
    with path.open("wb") as file:
        for number in range(lines):
            call = {"integrationId": f"order-{number % sessions}", "payload": requests[number % 7]}
            file.write(payloads.text(call) + b"\n")


def start_session() -> SparkSession:
    """Return a session of Spark in this process and one of Java."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.log.level": "ERROR",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder: Any = SparkSession.builder.master("local[*]")
    return builder.config(map=settings).getOrCreate()


def by_spark(spark: SparkSession, rows: Rows, path: Path) -> float:
    """Check a file; return the processor time that it took."""
    before = processor_time()
    log = check_logs.read(spark, str(path))
    rows(log, Validator()).write.mode("overwrite").parquet(str(path.with_suffix(".rows")))
    return processor_time() - before


def processor_time() -> float:
    """Return the seconds that this process and those below it have taken until now."""
    stats = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            process, _, rest = path.read_text("utf-8").rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = rest.split()
        # Parent; then user and system time, and those of children that have ended.
        stats.append((int(process.split()[0]), int(fields[1]), sum(map(int, fields[11:15]))))
    family = {os.getpid()}
    while more := {each for each, parent, _ in stats if parent in family} - family:
        family |= more
    ticks = sum(time for each, _, time in stats if each in family)
    return ticks / os.sysconf("SC_CLK_TCK")


def by_command(options: list[str], path: Path) -> float:
    """Check a file; return the processor time that it took."""
    command = [str(Path(sys.executable).parent / "talonschema"), "check", *options, str(path)]
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    usage = os.wait4(os.posix_spawn(command[0], command, os.environ, file_actions=nowhere), 0)[2]
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Run the rounds."""
    chosen = harness.options(__doc__, rounds=5, quick_rounds=3)
    count = 20_000 if chosen.quick else 50_000
    spark = start_session()
    cases: dict[str, tuple[Make, Rows, list[str]]] = {
        "lines": (write, check_logs.by_lines, []),
        "calls": (write_calls, check_logs.by_sessions, ["--sequence"]),
    }
    times: dict[str, Rounds] = {each: {COMMAND: [], SPARK: []} for each in cases}
    with tempfile.TemporaryDirectory() as name:
        for case, (make, rows, options) in cases.items():
            long, one = Path(name, f"{case}.ndjson"), Path(name, f"{case}-one.ndjson")
            make(long, count)
            make(one, 1)
            for _ in range(WARM_UP):
                by_spark(spark, rows, long)
            candidates: dict[str, Callable[[Path], float]] = {
                COMMAND: partial(by_command, options),
                SPARK: partial(by_spark, spark, rows),
            }
            for _ in range(chosen.rounds):
                for who, check in candidates.items():
                    check(one)  # Spark ends processes that were idle while the command ran
                    start_up = check(one)
                    times[case][who].append((check(long) - start_up) / count)
            found = harness.ratio(times[case], SPARK, COMMAND)
            print(f"{case}: {found.median:.2f} ({found.low:.2f} to {found.high:.2f})", flush=True)
    spark.stop()
    harness.save("spark", chosen, times)


if __name__ == "__main__":
    main()
