"""What tests of the command share: payloads, and the command as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GOOD = sorted((EXAMPLES / "good").glob("*.json"))
BAD = sorted((EXAMPLES / "bad").glob("*.json"))

CLEAN = '{"customerSession": {"profileId": "a"}}'
SNAKE = '{"customer_session": {"profile_id": "a"}}'
GUEST = '{"customerSession": {"profileId": ""}}'
UNKNOWN_KEY = '{"customerSession": {"profileId": "a", "extra": 1}}'
WRONG_TYPE = '{"customerSession": {"profileId": 88}}'
CLOSING = '{"customerSession": {"profileId": "a", "state": "closed"}}'
NO_COUPON = '{"customerSession": {"profileId": "a", "state": "closed", "couponCodes": []}}'
RETURN = '{"return": {"returnedCartItems": [{"position": 7}]}}'
NOT_JSON = '{\n  "state": "open",\n}'

Run = Callable[..., tuple[int, str, str]]
Write = Callable[..., str]


def start(code: str, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start Python with `code`; its output is buffered, as it is by default."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, env=kept, stderr=subprocess.PIPE, **options)


def codes(output: str) -> list[str]:
    """Return the codes in the JSON output of a check of one file."""
    (file,) = json.loads(output)["files"]
    return [each["code"] for each in file["findings"]]


MAIN = "import sys; from talonschema.cli import main; sys.exit(main())"
