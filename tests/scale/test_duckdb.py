"""The example for DuckDB finds what the command finds, in every process."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from support import logs
from support.logs import ROOT
from talonschema.files import check_lines, check_sequence


def lake(path: Path, lines: list[bytes]) -> Path:
    """Write lines as a lake has them: in Parquet, with a key, and a session for each third."""
    table = pa.table(
        {
            "key": [{"file": "log.ndjson", "number": number} for number in range(len(lines))],
            "line": pa.array(lines, pa.binary()),
            "session": [f"session-{number % 3}" for number in range(len(lines))],
        }
    )
    pq.write_table(table, path)
    return path


def by_duckdb(query: str, source: Path, *options: str) -> list[dict[str, Any]]:
    """Return the rows of a query on `lake`."""
    target = source.with_name("rows.parquet")
    query = query.replace("lake", f"'{source}'")
    example = ROOT / "examples" / "duckdb" / "check_logs.py"
    done = subprocess.run(
        [sys.executable, example, target, query, "--jobs", "2", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = pq.read_table(target).to_pylist()
    return rows


def test_lines_have_the_findings_of_the_command(tmp_path: Path) -> None:
    # More lines than a process takes at a time.
    lines = [*logs.payloads(), *[b"{}"] * 5_000, *logs.payloads()]
    rows = by_duckdb(
        "SELECT key, line FROM lake", lake(tmp_path / "lake.parquet", lines), "--edition", "2026-06"
    )
    path = logs.write(tmp_path / "log.ndjson", lines)
    found = logs.by_line(rows, [path])
    assert found == logs.by_command("--edition", "2026-06", path)
    assert len(found) > 50


def test_calls_are_judged_on_those_of_their_session(tmp_path: Path) -> None:
    # The lines need no name of their session, and may come in any order.
    states = ("open", "closed", "open", "closed", "cancelled", "open")
    lines = [
        b'{"state": "%s", "profileId": "cust-1"}' % state.encode()
        for state in states
        for _ in range(3)
    ]
    query = "SELECT key, line, session, key AS position FROM lake ORDER BY random()"
    rows = by_duckdb(query, lake(tmp_path / "lake.parquet", lines), "--sequence")
    expected = [row for session in range(3) for row in check_sequence(lines[session::3])]
    assert sum(not row["ok"] for row in expected) == 9
    order = sorted(rows, key=lambda row: (row["key"]["number"] % 3, row["key"]["number"]))
    compared = [logs.common_fields(row) for row in order]
    assert compared == [logs.common_fields(row) for row in expected]


def test_the_queries_of_the_page_are_right(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "scale.md").read_text("utf-8").partition("## DuckDB")[2]
    (payloads,) = re.findall(r'"(SELECT .*)"', page)
    entries, findings = re.findall(r"^```sql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    columns = ("request_id", "session_id", "sent_at", "operation", "body")
    socks = '{"name": "Socks", "sku": "WS-M", "quantity": 2, "price": 7.5}'
    closing = f'{{"customerSession": {{"state": "closed", "cartItems": [{socks}]}}}}'
    log = [
        ("a", "order-1", 1, "update", closing),
        ("b", "order-1", 2, "return", '{"return": {"returnedCartItems": [{"position": 0}]}}'),
        ("c", "order-1", 3, "update", '{"customerSession": {"state": "open"}}'),
        ("d", "order-2", 1, "update", '{"customerSession": '),
    ]
    (tmp_path / "lake").mkdir()
    source = tmp_path / "lake" / "log.parquet"
    pq.write_table(pa.table(dict(zip(columns, zip(*log, strict=True), strict=True))), source)
    found = {}
    for query, options in ((payloads, ()), (entries, ("--sequence",))):
        by_duckdb(query.replace("'lake/*.parquet'", "lake"), source, *options)
        rows = findings.replace("findings.parquet", str(tmp_path / "lake" / "rows.parquet"))
        found[query] = {(row[0], row[1]) for row in duckdb.sql(rows).fetchall()}
    assert found[payloads] == {("d", "json/syntax")}
    assert found[entries] == {("c", "lifecycle/state-transition"), ("d", "json/syntax")}


def test_where_nothing_is_selected_there_are_no_rows(tmp_path: Path) -> None:
    source = lake(tmp_path / "lake.parquet", [b"{}"])
    assert by_duckdb("SELECT key, line FROM lake LIMIT 0", source) == []


def test_arrow_takes_rows_as_they_are() -> None:
    rows = list(check_lines(logs.payloads()))
    assert pa.Table.from_pylist(rows).to_pylist() == rows
