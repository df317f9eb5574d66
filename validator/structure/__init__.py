"""Structure: JSON Schema validation of instances, by one of two engines."""

from __future__ import annotations

from functools import cache
from typing import Literal, TypeAlias

from .engine import Engine

EngineName: TypeAlias = Literal["jsonschema-rs", "jsonschema"]

__all__ = ["Engine", "EngineName", "engine"]


@cache
def engine(edition: str, name: EngineName | None = None) -> Engine:
    """Return the engine `name`, by default the accelerator if it is installed, else the reference.

    Raises `ImportError` if the engine `name` is not installed.
    """
    if name != "jsonschema":
        try:
            from .accelerated import Accelerated
        except ImportError:
            if name is not None:
                raise
        else:
            return Accelerated(edition)
    from .reference import Reference

    return Reference(edition)
