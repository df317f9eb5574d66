"""Mutants: inputs whose JSON is changed as a value, since few changes of bytes leave it JSON."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any, Final

from support.strategies import Place, at, places
from talonschema import schemas

STARTS: Final = {"call": 3, "decision": None}
"""Where the JSON of an input begins, by target; None: behind the first empty line."""
RAW: Final = 3
"""Of so many mutants, one is of bytes."""
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 1.5, 10001, 1e308, 2**63, 10**400, "", "0", "a", "x" * 1001),
    *("open", "closed", "cancelled", "partially_returned", "2026-06-10T09:00:00Z", [], {}, [[]]),
    *([1, "1"], {"a": 1}, {"price": 1}, {"": None}),
)
KEYS: Final = sorted(
    {
        key
        for edition in schemas.EDITIONS
        for model in schemas.models(edition)
        for key in schemas.load(edition, model).get("properties", ())
    }
)


def mutant(target: str, data: bytes, seed: int) -> bytes | None:
    """Return an input with other JSON in it; None if its bytes are to be changed."""
    random = Random(seed)
    start = STARTS.get(target, 0)
    if start is None:
        start = data.find(b"\n\n") + 2
    if not random.randrange(RAW):
        return None
    try:
        value = json.loads(data[start:])
        for _ in range(random.randint(1, 3)):
            value = _change(value, random)
        return data[:start] + json.dumps(value).encode()
    except (ValueError, RecursionError):
        return None


def _change(value: Any, random: Random) -> Any:
    value = copy.deepcopy(value)
    place: Place = random.choice(list(places(value)))
    part = at(value, place)
    if isinstance(part, dict) and random.randrange(2):
        part[random.choice(KEYS)] = random.choice(VALUES)
    elif isinstance(part, list) and random.randrange(2):
        part.append(random.choice([*part, *VALUES]))
    elif place and random.randrange(2):
        holder = at(value, place[:-1])
        if random.randrange(2):
            del holder[place[-1]]
        elif isinstance(holder, dict):
            holder[random.choice(KEYS)] = part
    elif place:
        at(value, place[:-1])[place[-1]] = random.choice(VALUES)
    return value
