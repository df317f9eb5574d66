"""Search: how many examples the properties draw.

TALONSCHEMA_EFFORT is a factor: a quarter of what each property asks for by default, 1 in
`make test-slow`, 20 in `make oracles`.
"""

from __future__ import annotations

import os
from typing import Final

EFFORT: Final = float(os.environ.get("TALONSCHEMA_EFFORT", "0.25"))
_FEWEST: Final = 10


def draws(number: int) -> int:
    """Return how many examples a property draws that asks for `number`."""
    return max(_FEWEST, round(number * EFFORT))
