"""Log: the log of the gateway on standard error, in JSON lines as log.schema.json defines them.

Of a request, a line has only its method, size, id and trace: no path (session ids may be personal),
no other header (one has the API key), and no value of the payload.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from .log_writer import LogWriter

Level: TypeAlias = Literal["error", "warning", "info", "debug"]
"""The lowest level that is logged."""


class JsonFormatter(logging.Formatter):
    """A formatter of a record and its ``fields`` as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            # The text of the exception may hold values.
            line["exception"] = record.exc_info[0].__name__
            line["traceback"] = "".join(traceback.format_tb(record.exc_info[2]))
        return json.dumps(line)


def _is_fault(record: logging.LogRecord) -> bool:
    """Return False for the error that gRPC logs if a client disconnects before its answer."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or kind.__name__ != "ExecuteBatchError"


def set_up() -> LogWriter:
    """Set up the logging of the whole process; return the writer."""
    # If standard error was closed, its descriptor may belong to any file by now.
    target = os.open(os.devnull, os.O_WRONLY) if sys.stderr is None else sys.stderr.fileno()
    handler = LogWriter(target)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], force=True)
    set_level("info")
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_fault)
    return handler


def set_level(level: Level) -> None:
    """Log only lines of at least `level` from now on."""
    lowest = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger("talonschema.gateway").setLevel(lowest)
    # The details of other packages are of no interest here.
    logging.getLogger().setLevel(max(lowest, logging.INFO))


def schema() -> str:
    """Return the JSON Schema of a line."""
    path = os.path.join(os.path.dirname(__file__), "log.schema.json")
    with open(path, encoding="utf-8") as file:
        return file.read()
