"""The public interface is that of the golden file: names, arguments, codes, output, statuses."""

from __future__ import annotations

from support.goldens import PUBLIC, public_text


def test_the_public_interface_is_the_recorded_one() -> None:
    # If a difference is meant, `make golden` records it, and CHANGELOG.md names it.
    assert public_text() == PUBLIC.read_text("utf-8")
