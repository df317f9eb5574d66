"""Log: lines of the gateway on standard error, one JSON object a line, as log.schema.json has it.

Nothing of a request gets in but its method, its size and the ids of it and its trace: no path (ids
of sessions may be personal), no other header (API keys are in one), no value of a payload.
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
"""The lowest level of lines that are written."""


class JsonFormatter(logging.Formatter):
    """Formats a record, and the ``fields`` that came with it, as one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            # Without the text of the exception, which may hold values.
            line["exception"] = record.exc_info[0].__name__
            line["traceback"] = "".join(traceback.format_tb(record.exc_info[2]))
        return json.dumps(line)


def _is_fault(record: logging.LogRecord) -> bool:
    """Drop an error of grpc that is none: a client that went away before its answer."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or kind.__name__ != "ExecuteBatchError"


def set_up() -> LogWriter:
    """Have all that this process logs written so; return what writes it."""
    # Closed standard error may be any file by now, so it is not a number to write to.
    target = os.open(os.devnull, os.O_WRONLY) if sys.stderr is None else sys.stderr.fileno()
    handler = LogWriter(target)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], force=True)
    set_level("info")
    # The server logs its own start and stop, and the gateway does that itself.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_fault)
    return handler


def set_level(level: Level) -> None:
    """Have lines below `level` left out from now on."""
    lowest = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger("talonschema.gateway").setLevel(lowest)
    # Other packages have no details that anybody looks for here.
    logging.getLogger().setLevel(max(lowest, logging.INFO))


def schema() -> str:
    """Return the JSON Schema of a line."""
    path = os.path.join(os.path.dirname(__file__), "log.schema.json")
    with open(path, encoding="utf-8") as file:
        return file.read()
