"""What only the store in memory can get wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.gateway.stands import EXPIRY, open_stand
from support.gateway.valkey import Valkey
from talonschema.gateway.store import memory
from talonschema.gateway.store.memory import MemoryStore


def test_memory_is_bounded(tmp_path: Path, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_SESSIONS", 3)
    with open_stand("memory", tmp_path, valkey) as stand:
        for number in range(3):
            stand.learn("closed", session=str(number))
        stand.learn("closed", session="0")
        stand.learn("closed", session="3")
        known = [session for session in "0123" if stand.states(session)]
        # The one that was not used for longest is gone.
        assert known == ["0", "2", "3"]


def test_memory_lets_go_of_what_has_expired(tmp_path: Path, valkey: Valkey) -> None:
    with open_stand("memory", tmp_path, valkey) as stand:
        assert isinstance(stand.store, MemoryStore)
        for number in range(10):
            stand.learn("closed", session=str(number))
        stand.wait(EXPIRY)
        for number in range(5):
            stand.learn("closed", session=f"new-{number}")
        assert len(stand.store._records) == 5  # noqa: SLF001 - shows nowhere else
