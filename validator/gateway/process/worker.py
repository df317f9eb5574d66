"""Worker: one of several processes, as the supervisor starts it."""

from __future__ import annotations

import json
import logging
import sys

from ..store import StoreError
from ..telemetry.log import set_up
from .server import USAGE, read_settings, serve

_log = logging.getLogger(__name__)


def main(arguments: str) -> int:
    """Run the worker that `arguments` describe; return its exit status."""
    set_up()
    config, workers, index = json.loads(arguments)
    try:
        return serve(read_settings(config, workers), config, index, parent=True)
    except (ValueError, StoreError) as error:
        _log.error("%s", error, extra={"fields": {"event": "failed"}})
        return USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
