"""What only the store in memory can get wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.gateway.stands import EXPIRY, stand
from support.gateway.valkey import Valkey
from talonschema.gateway.store import memory
from talonschema.gateway.store.memory import MemoryStore


def test_memory_is_bounded(tmp_path: Path, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_SESSIONS", 3)
    with stand("memory", tmp_path, valkey) as on:
        for number in range(3):
            on.know("closed", session=str(number))
        on.know("closed", session="0")
        on.know("closed", session="3")
        known = [session for session in "0123" if on.look(session)]
        # The one that was not used for longest is gone.
        assert known == ["0", "2", "3"]


def test_memory_lets_go_of_what_has_expired(tmp_path: Path, valkey: Valkey) -> None:
    with stand("memory", tmp_path, valkey) as on:
        assert isinstance(on.store, MemoryStore)
        for number in range(10):
            on.know("closed", session=str(number))
        on.wait(EXPIRY)
        for number in range(5):
            on.know("closed", session=f"new-{number}")
        assert len(on.store._records) == 5  # noqa: SLF001 - shows nowhere else
