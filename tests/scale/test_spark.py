"""The example for Spark, run by Spark: it finds what the command finds, wherever lines lie."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet
import pyspark
from pyspark.sql import SparkSession

from support import logs
from support.logs import ROOT, SCRIPTS, Results

# Java that starts fast: what runs for seconds is not worth much compiling.
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SPARK = {
    "spark.driver.extraJavaOptions": JAVA,
    "spark.executor.extraJavaOptions": JAVA,
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    # Several tasks for small files, and several batches a task.
    "spark.sql.files.maxPartitionBytes": "20k",
    "spark.sql.files.openCostInBytes": "0",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "7",
    "spark.sql.shuffle.partitions": "3",
}
ENVIRONMENT = {
    **os.environ,
    "PYSPARK_PYTHON": sys.executable,
    "SPARK_HOME": str(Path(pyspark.__file__).parent),
    "SPARK_LOCAL_IP": "127.0.0.1",
}


def by_spark(master: str, files: list[Path], *options: str) -> Results:
    """Return what the example finds in the files of a folder, which are all it has."""
    source = files[0].parent
    target = source.with_name("rows")
    command: list[str | Path] = [SCRIPTS / "spark-submit", "--master", master]
    for name, value in SPARK.items():
        command += ["--conf", f"{name}={value}"]
    example = ROOT / "examples" / "spark" / "check_logs.py"
    done = subprocess.run(
        [*command, example, source, target, *options],
        env=ENVIRONMENT,
        cwd=source.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = pyarrow.parquet.read_table(target).to_pylist()
    return logs.by_line(rows, files)


def folder(path: Path) -> Path:
    log = path / "log"
    log.mkdir()
    return log


def test_lines_have_the_findings_of_the_command(tmp_path: Path) -> None:
    # Each executor is a process of its own, as on a cluster.
    path = logs.write(folder(tmp_path) / "log.ndjson", logs.payloads() * 3)
    found = by_spark("local-cluster[2,1,1024]", [path], "--edition", "2026-06")
    assert found == logs.by_command("--edition", "2026-06", path)
    assert len(found) > 30


def test_the_query_of_the_page_counts_the_findings(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "scale.md").read_text("utf-8")
    query = re.findall(r"^```sql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]
    path = logs.write(folder(tmp_path) / "log.ndjson", logs.payloads())
    found = by_spark("local[2]", [path])
    codes = Counter(each["code"] for result in found.values() for each in result["findings"])
    builder = SparkSession.builder.master("local[1]")
    for name, value in SPARK.items():
        builder = builder.config(name, value)
    with builder.getOrCreate() as spark:
        rows = spark.sql(query.replace("lake/findings", str(tmp_path / "rows"))).collect()
    assert rows
    assert {row["code"]: row["findings"] for row in rows} == codes
    assert [row["findings"] for row in rows] == sorted(codes.values(), reverse=True)


def test_calls_are_judged_on_those_before_them(tmp_path: Path) -> None:
    # Sessions go on from one file to the next, and Spark reads the largest file first.
    log, lines = folder(tmp_path), logs.calls()
    files = [
        logs.write(log / "1.ndjson", lines[:100]),
        logs.write(log / "2.ndjson", lines[100:]),
    ]
    found = by_spark("local[2]", files, "--sequence")
    assert found == logs.by_command("--sequence", *files)
    codes = [finding["code"] for result in found.values() for finding in result["findings"]]
    assert codes.count("lifecycle/state-transition") > 30
