"""Check session logs with DuckDB on one big machine: whatever a query selects, on all processors.

    python examples/duckdb/check_logs.py findings.parquet \
        "SELECT id AS key, body AS line FROM 'lake/*.parquet'"

writes a Parquet file with a row for each line. It needs `pip install 'talonschema[duckdb]'`.
"""

from __future__ import annotations

import argparse
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from talonschema import Validator, schemas
from talonschema.files import Row, check_lines, check_sequence

BATCH = 5_000
"""Lines, or sessions, that a process takes at a time: some megabytes."""

CALLS = """
    SELECT list(struct_pack(key, line) ORDER BY position) AS calls FROM ({query}) GROUP BY session
"""

_FINDING = [
    *((name, pa.string()) for name in ("code", "severity", "pointer", "parameter")),
    *((name, pa.int64()) for name in ("line", "column")),
    *((name, pa.string()) for name in ("message", "hint")),
]
COLUMNS = [
    *(("ok", pa.bool_()), ("model", pa.string())),
    *(("findings", pa.list_(pa.struct(_FINDING))), ("omitted", pa.int64())),
]
"""The columns of a row, beside `key`, which is of the type that it has in the log."""


def by_lines(validator: Validator, batch: pa.RecordBatch) -> pa.Table:
    """Return the rows of lines with one payload each."""
    lines = zip(batch["key"].to_pylist(), batch["line"].to_pylist(), strict=True)
    return pa.Table.from_pylist(list(check_lines(lines, validator)), schema(batch.schema))


def by_sessions(validator: Validator, batch: pa.RecordBatch) -> pa.Table:
    """Return the rows of lines with one call each, judged on the calls before it."""
    rows: list[Row] = []
    for calls in batch["calls"].to_pylist():
        rows += check_sequence(((call["key"], call["line"]) for call in calls), validator)
    return pa.Table.from_pylist(rows, schema(batch.schema))


def schema(log: pa.Schema) -> pa.Schema:
    """Return the schema of the rows of a log."""
    line = log.field("calls").type.value_type if "calls" in log.names else log
    return pa.schema([("key", line.field("key").type), *COLUMNS])


def map_in_order(
    pool: Executor,
    judge: Callable[[pa.RecordBatch], pa.Table],
    batches: Iterable[pa.RecordBatch],
    ahead: int,
) -> Iterator[pa.Table]:
    """Yield what processes make of batches, in order, with no more than `ahead` on their way."""
    waiting: deque[Future[pa.Table]] = deque()
    for batch in batches:
        waiting.append(pool.submit(judge, batch))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    for each in waiting:
        yield each.result()


def main() -> None:
    """Check the lines that the command line selects."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", help="the Parquet file to write")
    parser.add_argument("query", help="selects `key` and `line`, for --sequence also `session`")
    parser.add_argument("--sequence", action="store_true", help="lines are calls on sessions")
    parser.add_argument("--edition", choices=schemas.EDITIONS, default=schemas.EDITIONS[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    options = parser.parse_args()
    query = CALLS.format(query=options.query) if options.sequence else options.query
    judge = by_sessions if options.sequence else by_lines
    check = partial(judge, Validator(edition=options.edition))
    batches = duckdb.sql(query).to_arrow_reader(BATCH)
    with (
        # A process that has threads, as DuckDB does, is not to be forked.
        ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool,
        pq.ParquetWriter(options.target, schema(batches.schema)) as writer,
    ):
        for rows in map_in_order(pool, check, batches, 2 * options.jobs):
            writer.write_table(rows)


if __name__ == "__main__":
    main()
