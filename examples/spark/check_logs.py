"""Check session logs with Apache Spark: files with one payload, or one call, a line.

    spark-submit examples/spark/check_logs.py 'lake/sessions/*.ndjson' lake/findings

writes Parquet files with a row for each line. Each Python of the cluster needs talonschema, pandas
and pyarrow, which `pip install 'talonschema[spark]'` installs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import chain, islice

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

from talonschema import Validator, schemas
from talonschema.files import Row, check_lines, check_sequence

BATCH = 10_000
"""Rows at a time on their way back to Spark: some megabytes at most."""

COLUMNS = """
    ok boolean,
    model string,
    findings array<struct<
        code string, severity string, pointer string, parameter string,
        line bigint, column bigint, message string, hint string>>,
    omitted bigint
"""
"""The columns of a row, beside `key`, which is of the type that it has in the log."""

SESSION = (
    "$.integrationId",
    "$.payload.integrationId",
    "$.payload.customerSession.integrationId",
    "$.customerSession.integrationId",
)
"""Where a call names its session; the first that is there counts."""

Batches = Iterator[pa.RecordBatch]


def read(spark: SparkSession, source: str) -> DataFrame:
    """Return the lines of text files, each with a key that gives its place and their order."""
    text = spark.read.text(source, lineSep="\n")
    key = sql.struct(
        sql.col("_metadata.file_path").alias("file"),
        sql.col("_metadata.file_block_start").alias("block"),
        sql.monotonically_increasing_id().alias("number"),
    )
    # Bytes, since text may be no UTF-8, and Python is to see what the file has.
    return text.select(key.alias("key"), sql.col("value").cast("binary").alias("line"))


def by_lines(log: DataFrame, validator: Validator) -> DataFrame:
    """Return the rows of lines with one payload each."""

    def judge(batches: Batches) -> Iterator[Row]:
        lines = chain.from_iterable(
            zip(batch["key"].to_pylist(), batch["line"].to_pylist(), strict=True)
            for batch in batches
        )
        return check_lines(lines, validator)

    return _map_batches(log, log, judge)


def by_sessions(log: DataFrame, validator: Validator) -> DataFrame:
    """Return the rows of lines with one call each, judged on the calls before it."""
    text = sql.col("line").cast("string")
    session = sql.coalesce(*(sql.get_json_object(text, path) for path in SESSION), sql.lit(""))
    calls = sql.sort_array(sql.collect_list(sql.struct("key", "line")))
    sessions = log.groupBy(session.alias("session")).agg(calls.alias("calls"))

    def judge(batches: Batches) -> Iterator[Row]:
        for batch in batches:
            for each in batch["calls"]:
                lines = ((call["key"], call["line"]) for call in each.as_py())
                yield from check_sequence(lines, validator)

    return _map_batches(sessions, log, judge)


def _map_batches(
    frame: DataFrame, log: DataFrame, judge: Callable[[Batches], Iterator[Row]]
) -> DataFrame:
    """Return the rows that `judge` makes of the batches of a frame."""
    columns = f"key {log.schema['key'].dataType.simpleString()}, {COLUMNS}"
    schema = frame.sparkSession.createDataFrame([], columns).toArrow().schema

    def rows(batches: Batches) -> Batches:
        found = judge(batches)
        while batch := list(islice(found, BATCH)):
            yield pa.RecordBatch.from_pylist(batch, schema=schema)

    return frame.mapInArrow(rows, columns)


def main() -> None:
    """Check the logs that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", help="text files: a path, a folder, a pattern")
    parser.add_argument("target", help="a folder for Parquet files; it is replaced")
    parser.add_argument("--sequence", action="store_true", help="lines are calls on sessions")
    parser.add_argument("--edition", choices=schemas.EDITIONS, default=schemas.EDITIONS[0])
    options = parser.parse_args()
    spark = SparkSession.builder.appName("talonschema").getOrCreate()
    validator = Validator(edition=options.edition)
    log = read(spark, options.source)
    rows = (by_sessions if options.sequence else by_lines)(log, validator)
    rows.write.mode("overwrite").parquet(options.target)
    spark.stop()


if __name__ == "__main__":
    main()
