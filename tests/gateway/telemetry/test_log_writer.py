"""The log writer: it never waits for a reader, and reports what is missing."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.gateway.log_lines import parse_log
from talonschema.gateway.telemetry import log_writer
from talonschema.gateway.telemetry.log import JsonFormatter
from talonschema.gateway.telemetry.log_writer import LogWriter

LINE = "x" * 100
PIPE = 2**16
"""What a pipe of Linux holds."""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def writer(target: int) -> tuple[LogWriter, list[int]]:
    made = LogWriter(target)
    made.setFormatter(JsonFormatter())
    dropped: list[int] = []
    made.on_drop = dropped.append
    return made, dropped


def emit(made: LogWriter, message: str, times: int = 1) -> None:
    for _ in range(times):
        made.emit(logging.LogRecord("x", logging.INFO, __file__, 1, message, (), None))


def read(source: int, missing: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the lines up to the report of the last missing ones, and those reports."""
    text = b""
    while True:
        piece = os.read(source, PIPE)
        assert piece
        text += piece
        if text.endswith(b"\n"):
            lines = parse_log(text.decode())
            gaps = [each for each in lines if each.get("event") == "log-dropped"]
            if sum(each["lines"] for each in gaps) == missing:
                return lines, gaps


def test_lines_are_written_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log"
    target = os.open(path, os.O_WRONLY | os.O_CREAT)
    made, dropped = writer(target)
    for number in range(500):
        emit(made, str(number))
    made.flush()
    os.close(target)
    lines = path.read_text("utf-8").splitlines()
    assert [json.loads(line)["message"] for line in lines] == [str(n) for n in range(500)]
    assert dropped == []


def test_nobody_waits_for_a_reader_and_the_gap_is_reported(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "MOST_WAITING", PIPE)
    source, target = pipe
    made, dropped = writer(target)
    count = 5000
    emit(made, LINE, count)
    assert sum(dropped) > 1000
    lines, gaps = read(source, sum(dropped))
    assert len(lines) - len(gaps) == count - sum(dropped)
    # A writer that starts late finds a gap before the pipe is full, and another one after it.
    assert len(gaps) <= 2
    emit(made, "after")
    assert b'"after"' in os.read(source, PIPE)


def test_the_end_does_not_wait_long_for_a_reader(pipe: tuple[int, int]) -> None:
    made, _ = writer(pipe[1])
    emit(made, LINE, 2000)
    started = time.monotonic()
    made.flush()
    assert time.monotonic() - started < 10
    # The thread goes on, and the next test gets the same descriptor.
    text = b""
    while text.count(b"\n") < 2000:
        text += os.read(pipe[0], PIPE)


def test_lines_wait_for_room_in_a_pipe_that_does_not_block(pipe: tuple[int, int]) -> None:
    source, target = pipe
    os.set_blocking(target, False)
    made, dropped = writer(target)
    emit(made, LINE, 1000)
    emit(made, "last")
    text = b""
    while b'"last"' not in text:
        text += os.read(source, PIPE)
    assert len(text.splitlines()) == 1001
    assert dropped == []


def test_what_nobody_will_ever_read_is_counted() -> None:
    source, target = os.pipe()
    os.close(source)
    made, dropped = writer(target)
    emit(made, LINE, 10)
    made.flush()
    assert sum(dropped) == 10
    os.close(target)
