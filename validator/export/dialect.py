"""Dialect: the meaning, in the schemas of a target, of the keywords in use.

The facts are those of the specifications: JSON Schema drafts 4, 7 and 2020-12 (core and
validation), OpenAPI 3.0.3 and 3.1.0 (Schema Object).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Target: TypeAlias = Literal["2020-12", "draft-07", "draft-04", "openapi-3.1", "openapi-3.0"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A dialect of schemas, and the type of document that contains it."""

    name: str
    """The name in messages."""
    schema: str | None = None
    """The value of ``$schema``; None if the document declares it in another way."""
    openapi: str | None = None
    """The version of OpenAPI; None for a document that is a schema."""
    definitions: str
    """The pointer of the object with the referenced models."""
    identified: bool = False
    """Whether references are resolved by ``$id``, so that each model keeps its own."""
    siblings: bool = True
    """Whether keywords next to ``$ref`` are applied."""
    examples: Literal["examples", "example"] | None = "examples"
    """The keyword for examples; ``example`` takes one."""
    read_only: Literal["declared", "enforced"] | None = "declared"
    """Whether ``readOnly`` is only declared, or enforced by tools in requests."""
    null: Literal["type", "nullable"] = "type"
    """The keyword that permits null in addition to other values."""
    whole_floats: bool = True
    """Whether 1.0 is an integer."""
    formats: frozenset[str] = frozenset({"date-time", "uuid"})
    """The formats in use that are defined."""


_OLD: Final = frozenset({"date-time"})

DIALECTS: Final[Mapping[Target, Dialect]] = {
    "2020-12": Dialect(
        name="JSON Schema 2020-12",
        schema="https://json-schema.org/draft/2020-12/schema",
        definitions="/$defs",
        identified=True,
    ),
    "draft-07": Dialect(
        name="JSON Schema draft-07",
        schema="http://json-schema.org/draft-07/schema#",
        definitions="/definitions",
        siblings=False,
        formats=_OLD,
    ),
    "draft-04": Dialect(
        name="JSON Schema draft-04",
        schema="http://json-schema.org/draft-04/schema#",
        definitions="/definitions",
        siblings=False,
        examples=None,
        read_only=None,
        whole_floats=False,
        formats=_OLD,
    ),
    "openapi-3.1": Dialect(
        name="OpenAPI 3.1",
        openapi="3.1.0",
        definitions="/components/schemas",
        read_only="enforced",
    ),
    "openapi-3.0": Dialect(
        name="OpenAPI 3.0",
        openapi="3.0.3",
        definitions="/components/schemas",
        siblings=False,
        examples="example",
        read_only="enforced",
        null="nullable",
        whole_floats=False,
        formats=_OLD,
    ),
}

TARGETS: Final = tuple(DIALECTS)
"""The targets; the first changes nothing."""
