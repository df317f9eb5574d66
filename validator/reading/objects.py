"""Objects: the wire form of models of SDKs, pydantic models and dataclasses.

They are recognised by the documented methods and attributes of their types, so none of these
libraries is imported. Only the type is inspected, since an instance of Mock has every attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

Encoding: TypeAlias = Literal["none", "sdk", "classic"]
"""The encoder of the values of an object: that of the rest of the payload, or the client of an SDK,
which encodes more types than JSON encoders do."""


class Pydantic(Protocol):
    """A pydantic model, such as those of talon-one-sdk."""

    @property
    def model_dump(self) -> Callable[..., Any]:
        """The method that returns its fields as a dict."""


class Classic(Protocol):
    """A model of talon_one."""

    openapi_types: ClassVar[Any]
    attribute_map: ClassVar[Any]


class Dataclass(Protocol):
    """An instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class Form(NamedTuple):
    """The conversion of an object to its content."""

    content: Callable[[Any], Any]
    """The function that returns a dict without None, or another value that the object represents;
    raises any exception of its methods."""
    encoding: Encoding | None
    """The encoding of its values; None for that of the surrounding container."""


def form(kind: type, *, wire: bool) -> Form | None:
    """Return the form of objects of a type, in wire names or Python names; None for other types."""
    if hasattr(kind, "model_fields") and callable(getattr(kind, "model_dump", None)):
        if callable(getattr(kind, "to_dict", None)):
            return Form(_sdk_on_wire if wire else _sdk_in_python, "sdk")
        return Form(_pydantic_on_wire if wire else _pydantic_in_python, "sdk")
    if isinstance(getattr(kind, "attribute_map", None), Mapping) and isinstance(
        getattr(kind, "openapi_types", None), Mapping
    ):
        return Form(_classic_on_wire if wire else _classic_in_python, "classic")
    if isinstance(getattr(kind, "__dataclass_fields__", None), dict):
        return Form(_dataclass, None)
    return None


def text(value: Any, kind: type, encoding: Encoding) -> str | None:
    """Return the string that an encoder writes for a value, None if it does not support it.

    Source: `ApiClient.sanitize_for_serialization` of talon-one-sdk 26 and of talon_one.
    """
    from datetime import date
    from decimal import Decimal
    from uuid import UUID

    if encoding == "none":
        return None
    if issubclass(kind, date):
        return str.__str__(value.isoformat())
    if encoding == "sdk" and issubclass(kind, (Decimal, UUID)):
        return str.__str__(str(value))
    return None


def _sdk_on_wire(value: Any) -> Any:
    return _or_fields(value.to_dict, value, wire=True)


def _sdk_in_python(value: Any) -> Any:
    return _or_fields(lambda: value.model_dump(by_alias=False, exclude_none=True), value)


def _pydantic_on_wire(value: Any) -> Any:
    def dump() -> Any:
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)

    return _or_fields(dump, value, wire=True)


def _pydantic_in_python(value: Any) -> Any:
    def dump() -> Any:
        return value.model_dump(mode="json", by_alias=False, exclude_none=True)

    return _or_fields(dump, value)


def _or_fields(dump: Callable[[], Any], value: Any, *, wire: bool = False) -> Any:
    """Return the dump of a model, or its fields if that fails, so that the cause is reported."""
    try:
        return dump()
    except Exception:  # noqa: BLE001 - from the value of a field, or a custom serializer
        return {
            (wire and (field.serialization_alias or field.alias)) or name: held
            for name, field in type(value).model_fields.items()
            if (held := getattr(value, name)) is not None
        }


def _classic_on_wire(value: Any) -> dict[Any, Any]:
    names = type(value).attribute_map
    return {names[name]: held for name, held in _classic(value)}


def _classic_in_python(value: Any) -> dict[Any, Any]:
    return dict(_classic(value))


def _classic(value: Any) -> Iterator[tuple[str, Any]]:
    for name in type(value).openapi_types:
        held = getattr(value, name)
        if held is not None:
            yield name, held


def _dataclass(value: Any) -> dict[str, Any]:
    from dataclasses import fields

    names = [field.name for field in fields(value)]
    return {name: held for name in names if (held := getattr(value, name)) is not None}
