"""Worker: one of several processes, as the supervisor starts it."""

from __future__ import annotations

import json
import sys

from ..store import StoreError
from .server import USAGE, read_settings, serve


def main(arguments: str) -> int:
    """Run the worker that `arguments` describe; return its exit status."""
    config, workers, index = json.loads(arguments)
    try:
        return serve(read_settings(config, workers), config, index, parent=True)
    except (ValueError, StoreError) as error:
        sys.stderr.write(f"talonschema: {error}\n")
        return USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
