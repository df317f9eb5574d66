"""Catalog builder: a catalog from listings of the Management API.

``GET /v1/attributes`` and ``GET /v1/additional_costs`` return pages with ``totalResultSize`` and
``data``. Source: the Management API's OpenAPI files of 2026 (getAttributes, getAdditionalCosts),
and of 2022, the models Attribute and AccountAdditionalCost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from ..findings.pointer import Path, to_pointer
from .policy import ENTITIES, AttributeType, Scope

ExportKind: TypeAlias = Literal["attributes", "additional_costs"]

NAMES: Mapping[ExportKind, str] = {
    "attributes": "attributes",
    "additional_costs": "additional costs",
}
_SCOPES = get_args(Scope)
_TYPES = get_args(AttributeType)
_UNKNOWN_TYPE = "any"
_ANYWHERE = "both"


class ListingError(ValueError):
    """Raised for an export that is not an answer of the Management API; the text has its place."""

    def __init__(self, file: str, place: Path, message: str) -> None:
        pointer = to_pointer(place)
        super().__init__(f"{file}: {pointer} {message}" if pointer else f"{file}: {message}")


class ManagementExport(NamedTuple):
    """The parsed content of a file: a page, a list of pages, or a bare list."""

    file: str
    value: Any
    kind: ExportKind | None = None
    """The kind of its entries; None to derive it from them."""


class BuiltCatalog(NamedTuple):
    """The catalog built from exports."""

    catalog: dict[str, Any]
    """The catalog as in a policy, sorted."""
    notes: list[str]
    """Notes on parts that were left out or can't be used, with reasons."""


class _Page(NamedTuple):
    file: str
    place: Path
    kind: ExportKind
    entries: list[Any]
    total: int | None
    more: bool
    """Whether the page says that more pages follow."""


def build(exports: list[ManagementExport]) -> BuiltCatalog:
    """Return the catalog for a policy; raises `ListingError`."""
    pages = [page for export in exports for page in _pages(export)]
    catalog: dict[str, Any] = {}
    notes: list[str] = []
    for kind, make in _MAKERS.items():
        own = [page for page in pages if page.kind == kind]
        if own:
            _complete(own)
            catalog[kind] = make(own, notes)
        else:
            notes.append(f"no list of {NAMES[kind]} was given, so they are not checked")
    return BuiltCatalog(catalog, notes)


def _pages(export: ManagementExport) -> Iterator[_Page]:
    value = export.value
    whole = isinstance(value, dict) or not _are_pages(value)
    for place, page in [((), value)] if whole else [((i,), page) for i, page in enumerate(value)]:
        total: Any = None
        more = False
        entries, inner = page, place
        if isinstance(page, dict):
            if "data" not in page:
                message = page.get("message")
                found = f": {message!r}" if isinstance(message, str) else " under data"
                raise ListingError(export.file, place, f"is not a response with a list{found}")
            # An empty list may be null.
            entries, inner = page["data"] or [], (*place, "data")
            total, more = page.get("totalResultSize"), page.get("hasMore") is True
        if not isinstance(entries, list):
            raise ListingError(export.file, inner, "is not a list")
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise ListingError(export.file, (*inner, index), "is not an object")
        kind = _kind(export, inner, entries)
        total = total if isinstance(total, int) else None
        yield _Page(export.file, inner, kind, entries, total, more)


def _are_pages(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(each, dict) and "data" in each for each in value
    )


def _kind(export: ManagementExport, place: Path, entries: list[Any]) -> ExportKind:
    """Return the kind of the entries of a page, by keys that only this kind has."""
    kind = export.kind
    for index, entry in enumerate(entries):
        own: ExportKind
        if "entity" in entry:
            own = "attributes"
        elif export.kind == "additional_costs" or entry.get("type", _SCOPES[0]) in _SCOPES:
            own = "additional_costs"
        else:
            message = (
                "is neither an attribute, which has an entity, nor an additional cost, whose type"
                f" is one of {', '.join(_SCOPES)}"
            )
            raise ListingError(export.file, (*place, index), message)
        kind = kind or own
        if kind != own:
            message = f"is one of the {NAMES[own]}, but in a list of {NAMES[kind]}"
            raise ListingError(export.file, (*place, index), message)
    if kind is None:
        message = (
            "is empty, so its kind can't be detected: pass it with --attributes or"
            " --additional-costs"
        )
        raise ListingError(export.file, place, message)
    return kind


def _complete(pages: list[_Page]) -> None:
    """Raise `ListingError` for missing pages, since their entries would seem not to exist.

    Pages of one list have the same total, so they are grouped by it.
    """
    totals: dict[int | None, list[_Page]] = {}
    for page in pages:
        totals.setdefault(page.total, []).append(page)
    for total, own in totals.items():
        have, last = sum(len(page.entries) for page in own), own[-1]
        lacking = all(page.more for page in own) if total is None else have < total
        if lacking:
            of = "" if total is None else f" of {total}"
            message = (
                f"is incomplete: there are {have}{of} {NAMES[last.kind]}; get the next page with"
                f" skip={have}, and pass all pages"
            )
            raise ListingError(last.file, last.place, message)


def _attributes(pages: list[_Page], notes: list[str]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    others: dict[str, int] = {}
    seen: dict[tuple[str, str], tuple[_Page, int]] = {}
    for page in pages:
        entities = set()
        for index in range(len(page.entries)):
            entity, name = (_text(page, index, key) for key in ("entity", "name"))
            entities.add(entity)
            if entity not in ENTITIES:
                others[entity] = others.get(entity, 0) + 1
                continue
            before = seen.setdefault((entity, name), (page, index))
            if before != (page, index):
                _same(page, index, before, ("type", *_LIMITS))
                continue
            about = f"{entity} attribute {name!r}"
            found.setdefault(entity, {})[name] = _attribute(page, index, about, notes)
        if len(entities) > 1:
            # The list is not filtered by entity, so missing attributes do not exist.
            for entity in ENTITIES:
                found.setdefault(entity, {})
    for entity, count in sorted(others.items()):
        notes.append(f"left out: {count} of {entity}, which sessions do not contain")
    notes += (
        f"no attribute of {entity} is in the exports, so none is checked"
        for entity in ENTITIES
        if entity not in found
    )
    return {entity: dict(sorted(found[entity].items())) for entity in sorted(found)}


_LIMITS = ("restrictedBySuggestions", "hasAllowedList", "suggestions")


def _attribute(page: _Page, index: int, about: str, notes: list[str]) -> Any:
    entry = page.entries[index]
    kind = _text(page, index, "type")
    if kind not in _TYPES:
        notes.append(f"{about} has the type {kind!r}, which is unknown: any value is accepted")
        return _UNKNOWN_TYPE
    if entry.get("restrictedBySuggestions") is not True:
        return kind
    if entry.get("hasAllowedList") is True:
        notes.append(f"{about} has an allowed list, which exports lack: any value is accepted")
        return kind
    allowed = _allowed_values(entry.get("suggestions"), kind)
    if allowed is None:
        notes.append(f"{about} is limited to values that can't be compared: any value is accepted")
        return kind
    return {"type": kind, "allowed": allowed}


def _allowed_values(suggestions: Any, kind: str) -> list[Any] | None:
    """Return the values of suggestions, which are strings; None if they can't be compared."""
    if not isinstance(suggestions, list) or not suggestions:
        return None
    if not all(isinstance(each, str) for each in suggestions):
        return None
    if kind in ("string", "(list string)"):
        return sorted(set(suggestions))
    if kind not in ("number", "(list number)"):
        return None
    try:
        numbers = {float(each) for each in suggestions}
    except ValueError:
        return None
    if not all(abs(each) < float("inf") for each in numbers):
        return None
    return [int(each) if each.is_integer() else each for each in sorted(numbers)]


def _costs(pages: list[_Page], notes: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen: dict[str, tuple[_Page, int]] = {}
    for page in pages:
        for index, entry in enumerate(page.entries):
            name = _text(page, index, "name")
            before = seen.setdefault(name, (page, index))
            if before != (page, index):
                _same(page, index, before, ("type",))
                continue
            # The default in the OpenAPI files.
            scope = entry.get("type", _SCOPES[0])
            if scope not in _SCOPES:
                about = f"additional cost {name!r} has the type {scope!r}, which is unknown"
                notes.append(f"{about}: it is accepted on sessions and items")
                scope = _ANYWHERE
            found[name] = scope
    return dict(sorted(found.items()))


_MAKERS: dict[ExportKind, Callable[[list[_Page], list[str]], dict[str, Any]]] = {
    "attributes": _attributes,
    "additional_costs": _costs,
}


def _text(page: _Page, index: int, key: str) -> str:
    value = page.entries[index].get(key)
    if not isinstance(value, str) or not value:
        place = (*page.place, index)
        if key not in page.entries[index]:
            raise ListingError(page.file, place, f"has no {key}")
        raise ListingError(page.file, (*place, key), "is not a non-empty string")
    return value


def _same(page: _Page, index: int, before: tuple[_Page, int], keys: tuple[str, ...]) -> None:
    """Raise `ListingError` if an entry occurs twice with different data."""
    first, at = before
    one, other = page.entries[index], first.entries[at]
    if any(one.get(key) != other.get(key) for key in keys):
        there = f"{first.file}: {to_pointer((*first.place, at))}"
        message = f"has different data for {one['name']!r} than {there}: repeat the exports"
        raise ListingError(page.file, (*page.place, index), message)
