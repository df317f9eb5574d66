"""Write the schemas of an edition as TypedDicts."""

from __future__ import annotations

import json
import keyword
import re
import subprocess
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from talonschema import schemas
from talonschema.model.schema_tree import schema_tree

WIDTH: Final = 100
INDENT: Final = " " * 4
QUOTES: Final = '"""'

TYPES: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
"""The types of JSON that are one type of Python each."""


class Unsupported(Exception):
    """A schema has what no type can express, or no docstring can hold; the text names where."""


def outputs() -> dict[str, str]:
    """Return the text of each module of the package."""
    modules = {f"{_module(edition)}.py": _types(edition) for edition in schemas.EDITIONS}
    return {name: _format(text) for name, text in {"__init__.py": _package(), **modules}.items()}


def _module(edition: str) -> str:
    return f"v{edition.replace('-', '_')}"


def _format(text: str) -> str:
    for job in ("check --quiet --fix-only --select=I", "format"):
        text = subprocess.run(
            [sys.executable, "-m", "ruff", *job.split(), "-"],
            input=text,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
    return text


def _package() -> str:
    """Return the package, which has the types of the default edition."""
    default = schemas.DEFAULT_EDITION
    lines = [f"`{_module(edition)}` has edition {edition}." for edition in schemas.EDITIONS]
    about = "\n".join(
        [
            *("The models of the API as TypedDicts; here those of the default edition.", ""),
            *lines,
            *("", "Written by docs/generate.py; change the schemas, then `make docs`."),
        ]
    )
    names = _exports(default)
    return (
        f'"""{about}\n"""\n\nfrom .{_module(default)} import ({", ".join(names)})\n\n'
        f"__all__ = {names}\n"
    )


def _types(edition: str) -> str:
    """Return the module with the types of an edition."""
    aliases = _aliases(edition)
    body = [f"{name}: TypeAlias = Literal{values}" for name, values in aliases.items()]
    for model in _in_order(edition):
        body += _class(edition, model, {tuple(values): name for name, values in aliases.items()})
    text = "\n".join(body)
    names = ("Any", "Literal", "NotRequired", "TypeAlias", "TypedDict")
    used = [name for name in names if re.search(rf"\b{name}\b", text)]
    return (
        f'"""The models of edition {edition} as TypedDicts.\n\n'
        "Written by docs/generate.py; change the schemas, then `make docs`.\n"
        '"""\n\n'
        "# No `from __future__ import annotations`: it hides from TypedDict what is required.\n"
        f"from typing import {', '.join(used)}\n\n__all__ = {_exports(edition)}\n\n{text}\n"
    )


def _exports(edition: str) -> list[str]:
    return sorted({*schemas.models(edition), *_aliases(edition)})


def _properties(edition: str, model: str) -> dict[str, Any]:
    """Return the properties of a model, inherited ones included."""
    schema = schemas.load(edition, model)
    properties: dict[str, Any] = {}
    for part in schema.get("allOf", ()):
        properties |= _properties(edition, _target(part))
    return properties | schema.get("properties", {})


def _target(schema: Mapping[str, Any]) -> str:
    reference: str = schema["$ref"]
    return reference.removesuffix(".json")


def _in_order(edition: str) -> list[str]:
    """Return the models of an edition, each after those that it refers to."""
    ordered: dict[str, None] = {}

    def add(model: str) -> None:
        for other in re.findall(r'"\$ref": "(\w+)\.json"', json.dumps(_properties(edition, model))):
            add(other)
        ordered[model] = None

    for model in schemas.models(edition):
        add(model)
    return list(ordered)


def _aliases(edition: str) -> dict[str, list[str]]:
    """Return the enumerations of an edition by name: that of the key, where it has one only."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for model in schemas.models(edition):
        for key, schema in _properties(edition, model).items():
            values = schema.get("enum") or schema.get("items", {}).get("enum")
            if values:
                found[key[0].upper() + key[1:]][model] = values
    aliases = {}
    for name, by_model in found.items():
        first, *others = by_model.values()
        if all(values == first for values in others):
            aliases[name] = first
        else:
            aliases |= {model + name: values for model, values in by_model.items()}
    return aliases


def _class(edition: str, model: str, aliases: Mapping[tuple[str, ...], str]) -> Iterator[str]:
    required = schema_tree(edition, model).required
    keys = {}
    for key, schema in _properties(edition, model).items():
        hint = _hint(f"{edition}/{model}/{key}", schema, aliases)
        keys[key] = hint if key in required or not required else f"NotRequired[{hint}]"
    # A keyword is no name in the body of a class, so those keys come from a base without one.
    reserved = {key: hint for key, hint in keys.items() if keyword.iskeyword(key)}
    base = "TypedDict"
    if reserved:
        base = f"_{model}Keywords"
        entries = ", ".join(f'"{key}": {hint}' for key, hint in reserved.items())
        yield f'{base} = TypedDict("{base}", {{{entries}}})'
    yield f"class {model}({base}{'' if required else ', total=False'}):"
    yield from _class_docstring(f"{edition}/{model}", schemas.load(edition, model)["description"])
    for key, hint in keys.items():
        if key not in reserved:
            yield f"{INDENT}{key}: {hint}"
            about = _properties(edition, model)[key]["description"]
            yield from _docstring(f"{edition}/{model}/{key}", about)


def _hint(place: str, schema: Mapping[str, Any], aliases: Mapping[tuple[str, ...], str]) -> str:
    """Return the type of what a schema describes.

    Lists and dictionaries, since that is what JSON is read as; and a text would be a `Sequence`
    of texts.
    """
    if "$ref" in schema:
        return _target(schema)
    if "enum" in schema:
        return aliases[tuple(schema["enum"])]
    types = schema.get("type", "any")
    if isinstance(types, list):
        return " | ".join(_hint(place, {**schema, "type": each}, aliases) for each in types)
    if types == "array":
        return f"list[{_hint(place, schema.get('items', {}), aliases)}]"
    if types == "object" and "properties" not in schema:
        values = schema.get("additionalProperties", True)
        return f"dict[str, {'Any' if values is True else _hint(place, values, aliases)}]"
    if types == "any":
        return "Any"
    if types not in TYPES:
        message = f"{place} has the type {types!r}, which docs/payload_types.py does not know"
        raise Unsupported(message)
    return TYPES[types]


def _class_docstring(place: str, description: str) -> Iterator[str]:
    """Yield a description as the docstring of a class, whose summary fits on one line."""
    for end in (". ", ": "):
        summary, _, rest = description.removesuffix(".").partition(end)
        if len(f"{INDENT}{QUOTES}{summary}.{QUOTES}") <= WIDTH:
            more = [f"{rest[0].upper()}{rest[1:]}."] if rest else []
            yield from _docstring(place, f"{summary}.", *more)
            return
    message = f"the first sentence of the description of {place} does not fit on one line"
    raise Unsupported(message)


def _docstring(place: str, *paragraphs: str) -> Iterator[str]:
    text = "\n\n".join(
        textwrap.fill(
            each,
            WIDTH - len(QUOTES),
            initial_indent=INDENT + QUOTES * (each == paragraphs[0]),
            subsequent_indent=INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for each in paragraphs
    )
    if "\\" in text or text.count('"') > len(QUOTES):
        message = f"the description of {place} has a character that a docstring would escape"
        raise Unsupported(message)
    yield text + (f"\n{INDENT}" if len(paragraphs) > 1 else "") + QUOTES
