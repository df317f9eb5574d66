"""Translate: the translation of a schema file into a dialect.

Only the keywords that the files use are supported. Others are refused, so that no keyword gets
into an export before its meaning in each target is considered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..findings.pointer import Path, to_pointer
from .dialect import Dialect
from .loss import Effect, Loss

_SUFFIX = ".json"
_ALIKE = frozenset(
    {
        *("title", "description", "default", "required", "enum"),
        *("minLength", "maxLength", "minimum", "maxItems"),
    }
)
"""Keywords that have the same meaning in all dialects."""


class Untranslatable(ValueError):
    """Raised for a keyword or form of a schema without a translation."""


class Translation:
    """The translation of the schema of `model`: `schema` and its losses."""

    def __init__(self, dialect: Dialect, model: str, source: Mapping[str, Any]) -> None:
        """Translate `source`; raises `Untranslatable` for unsupported keywords or values."""
        self.references: set[str] = set()
        """The models that the schema refers to."""
        self.losses: list[Loss] = []
        self._dialect = dialect
        self._model = model
        self.schema = self._schema(source, ())

    def _schema(self, source: Any, path: Path) -> dict[str, Any]:
        if not isinstance(source, Mapping):
            raise self._refusal(path, f"the value {source!r} in place of a schema")
        written: dict[str, Any] = {}
        for keyword, value in source.items():
            written |= self._keyword(keyword, value, (*path, keyword))
        if "$ref" in written and len(written) > 1 and not self._dialect.siblings:
            reference = {"$ref": written.pop("$ref")}
            written["allOf"] = [reference, *written.get("allOf", ())]
        return written

    def _keyword(self, keyword: str, value: Any, path: Path) -> dict[str, Any]:
        match keyword:
            case "$schema" | "$id" if len(path) == 1:
                return {keyword: value} if self._dialect.identified else {}
            case "$ref":
                return {keyword: self._reference(value, path)}
            case "type":
                return self._type(value, path)
            case "format":
                return {keyword: self._format(value, path)}
            case "examples":
                return self._examples(value, path)
            case "readOnly":
                return self._read_only(value, path)
            case "items":
                return {keyword: self._schema(value, path)}
            case "additionalProperties":
                plain = isinstance(value, bool)
                return {keyword: value if plain else self._schema(value, path)}
            case "properties":
                return {
                    keyword: {
                        name: self._schema(below, (*path, name)) for name, below in value.items()
                    }
                }
            case "allOf":
                return {
                    keyword: [
                        self._schema(below, (*path, index)) for index, below in enumerate(value)
                    ]
                }
            case _ if keyword in _ALIKE:
                return {keyword: value}
        raise self._refusal(path, f"the keyword {keyword}")

    def _reference(self, value: str, path: Path) -> str:
        model = value.removesuffix(_SUFFIX)
        if not model.isidentifier() or model == value:
            raise self._refusal(path, f"the reference {value!r}")
        self.references.add(model)
        if self._dialect.identified:
            return value
        return f"#{self._dialect.definitions}/{model}"

    def _type(self, value: Any, path: Path) -> dict[str, Any]:
        types = [value] if isinstance(value, str) else list(value)
        if "integer" in types and not self._dialect.whole_floats:
            reason = f"1.0 is not an integer in {self._dialect.name}, so some tools reject it"
            self._lose(path, Effect.STRICTER, reason)
        if isinstance(value, str) or self._dialect.null == "type":
            return {"type": value}
        others = [each for each in types if each != "null"]
        if len(others) != 1 or others == types:
            raise self._refusal(path, f"the types {value!r}")
        return {"type": others[0], "nullable": True}

    def _format(self, value: str, path: Path) -> str:
        reason = "only checked by validators that assert formats"
        if value not in self._dialect.formats:
            reason = f"{value} is not a format of {self._dialect.name}; validators may ignore it"
        self._lose(path, Effect.LOOSER, reason)
        return value

    def _examples(self, value: list[Any], path: Path) -> dict[str, Any]:
        match self._dialect.examples:
            case "examples":
                return {"examples": value}
            case "example":
                if len(value) > 1:
                    self._lose(path, Effect.NONE, "only the first is kept, as example")
                return {"example": value[0]}
        self._lose(path, Effect.NONE, f"{self._dialect.name} has no such keyword")
        return {}

    def _read_only(self, value: bool, path: Path) -> dict[str, Any]:  # noqa: FBT001 - a keyword's value
        match self._dialect.read_only:
            case "declared":
                return {"readOnly": value}
            case "enforced":
                reason = "in requests, tools may reject the key, and do not have to require it"
                self._lose(path, Effect.STRICTER, reason)
                return {"readOnly": value}
        self._lose(path, Effect.NONE, f"{self._dialect.name} has no such keyword")
        return {}

    def _lose(self, path: Path, effect: Effect, reason: str) -> None:
        self.losses.append(Loss(self._model, path, effect, reason))

    def _refusal(self, path: Path, what: str) -> Untranslatable:
        return Untranslatable(
            f"{self._model}{_SUFFIX}#{to_pointer(path)}: {what} has no translation to"
            f" {self._dialect.name}; add its translation to talonschema.export.translate"
        )
