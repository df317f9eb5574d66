"""Output: the forms of output of a check.

Each form is a module with a function `report`, which yields pieces of text for results of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

FOR_PEOPLE = ("text", "concise", "html")
"""The forms whose `report` has a parameter `style`."""
FORMATS = (*FOR_PEOPLE, "json", "sarif", "github", "gitlab", "junit")


def form(name: str) -> Callable[..., Iterator[str]]:
    """Return the form `name`, which is one of `FORMATS`."""
    made: Callable[..., Iterator[str]] = import_module(f".{name}", __package__).report
    return made
