"""Output: the forms of the results of a check.

Each form is a module with a function `report`, which takes outcomes and yields pieces of text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

FOR_PEOPLE = ("text", "concise", "html")
"""The forms whose `report` takes a `style`, too."""
FORMATS = (*FOR_PEOPLE, "json", "sarif", "github", "gitlab", "junit")


def form(name: str) -> Callable[..., Iterator[str]]:
    """Return the form called `name`, one of `FORMATS`."""
    made: Callable[..., Iterator[str]] = import_module(f".{name}", __package__).report
    return made
