"""Log: one line of JSON for each record, with nothing of the values in exceptions."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import datetime

from talonschema.gateway.telemetry.log import JsonFormatter

HIDDEN = "s3cret"
"""It must not show up anywhere."""


def test_a_record_is_one_line_with_its_fields() -> None:
    record = logging.LogRecord("x", logging.WARNING, __file__, 1, "a\n%s", ("\u2028é",), None)
    record.fields = {"event": "refused", "codes": ("a", "b")}
    line = JsonFormatter().format(record)
    assert len(line.splitlines()) == 1
    reported = json.loads(line)
    assert datetime.fromisoformat(reported.pop("time")).tzinfo is not None
    assert reported == {
        "level": "warning",
        "message": "a\n\u2028é",
        "event": "refused",
        "codes": ["a", "b"],
    }


def test_an_exception_is_reported_without_its_text() -> None:
    try:
        dict[str, int]()[HIDDEN]
    except KeyError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    reported = json.loads(JsonFormatter().format(record))
    assert reported["exception"] == "KeyError"
    assert "test_log.py" in reported["traceback"]
    assert "s3cret" not in str(reported)


def test_a_client_that_went_away_is_no_fault() -> None:
    script = """
import logging
from talonschema.gateway.telemetry.log import set_up
class ExecuteBatchError(Exception): pass
set_up()
grpc = logging.getLogger("grpc._cython.cygrpc")
for kind in (ExecuteBatchError, KeyError):
    try:
        raise kind
    except kind:
        grpc.exception("raised in core")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["exception"] == "KeyError"
