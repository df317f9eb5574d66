"""Envoy messages: the subset of Envoy's external processing protocol that the service uses.

The descriptors are built at import, in a separate pool and package. This avoids generated code,
which is tied to a version of protobuf, and conflicts with Envoy's own messages if they are
installed. The wire format has the numbers and types of fields, but not the names of messages.

Source of names and numbers: ``envoy/service/ext_proc/v3/external_processor.proto`` and its imports.
Fields that the service neither reads nor sets are left out, since readers skip unknown fields.
Enumerations are declared as int32, which has the same encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE: Final = "talonschema.gateway"
SERVICE: Final = "envoy.service.ext_proc.v3.ExternalProcessor"
METHOD: Final = "Process"

BODY_BUFFERED: Final = 2
BODY_BUFFERED_PARTIAL: Final = 3
"""Values of ``ProcessingMode.BodySendMode``."""

OVERWRITE_IF_EXISTS_OR_ADD: Final = 2
"""A value of ``HeaderValueOption.HeaderAppendAction``."""


class Field(NamedTuple):
    """A field of a message."""

    number: int
    name: str
    type: str
    """A scalar type, or the name of a message of this module."""
    kind: str = ""
    """``repeated``, ``map`` (with string keys), or the name of the oneof that it belongs to."""


MESSAGES: Final[dict[str, tuple[Field, ...]]] = {
    "ProcessingRequest": (
        Field(2, "request_headers", "HttpHeaders", "request"),
        Field(3, "response_headers", "HttpHeaders", "request"),
        Field(4, "request_body", "HttpBody", "request"),
        Field(5, "response_body", "HttpBody", "request"),
        Field(6, "request_trailers", "HttpTrailers", "request"),
        Field(7, "response_trailers", "HttpTrailers", "request"),
        Field(8, "metadata_context", "Metadata"),
        Field(9, "attributes", "Struct", "map"),
        Field(11, "protocol_config", "ProtocolConfiguration"),
    ),
    "HttpHeaders": (
        Field(1, "headers", "HeaderMap"),
        Field(3, "end_of_stream", "bool"),
    ),
    "HttpBody": (
        Field(1, "body", "bytes"),
        Field(2, "end_of_stream", "bool"),
    ),
    "HttpTrailers": (Field(1, "trailers", "HeaderMap"),),
    "HeaderMap": (Field(1, "headers", "HeaderValue", "repeated"),),
    "HeaderValue": (
        Field(1, "key", "string"),
        Field(2, "value", "string"),
        Field(3, "raw_value", "bytes"),
    ),
    "ProtocolConfiguration": (
        Field(1, "request_body_mode", "int32"),
        Field(2, "response_body_mode", "int32"),
    ),
    "Metadata": (Field(1, "filter_metadata", "Struct", "map"),),
    "Struct": (Field(1, "fields", "Value", "map"),),
    "Value": (
        Field(2, "number_value", "double", "kind"),
        Field(3, "string_value", "string", "kind"),
    ),
    "ProcessingResponse": (
        Field(1, "request_headers", "HeadersResponse", "response"),
        Field(2, "response_headers", "HeadersResponse", "response"),
        Field(3, "request_body", "BodyResponse", "response"),
        Field(4, "response_body", "BodyResponse", "response"),
        Field(5, "request_trailers", "TrailersResponse", "response"),
        Field(6, "response_trailers", "TrailersResponse", "response"),
        Field(7, "immediate_response", "ImmediateResponse", "response"),
    ),
    "HeadersResponse": (Field(1, "response", "CommonResponse"),),
    "BodyResponse": (Field(1, "response", "CommonResponse"),),
    "TrailersResponse": (Field(1, "header_mutation", "HeaderMutation"),),
    "CommonResponse": (Field(2, "header_mutation", "HeaderMutation"),),
    "HeaderMutation": (Field(1, "set_headers", "HeaderValueOption", "repeated"),),
    "HeaderValueOption": (
        Field(1, "header", "HeaderValue"),
        Field(3, "append_action", "int32"),
    ),
    "ImmediateResponse": (
        Field(1, "status", "HttpStatus"),
        Field(2, "headers", "HeaderMutation"),
        Field(3, "body", "bytes"),
        Field(5, "details", "string"),
    ),
    "HttpStatus": (Field(1, "code", "int32"),),
}

_SCALARS: Final = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "string": FieldDescriptorProto.TYPE_STRING,
}
_ENTRY: Final = (Field(1, "key", "string"), Field(2, "value", ""))
"""The fields of a map entry; a map is encoded as a list of entries."""


def _message_classes() -> Iterator[tuple[str, Any]]:
    """Yield the name and class of each message."""
    file = FileDescriptorProto(name="talonschema/gateway.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        _fill(file.message_type.add(name=name), fields)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    for name in MESSAGES:
        yield name, GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))


def _fill(message: DescriptorProto, fields: tuple[Field, ...]) -> None:
    oneofs = list(dict.fromkeys(f.kind for f in fields if f.kind not in {"", "map", "repeated"}))
    for name in oneofs:
        message.oneof_decl.add(name=name)
    for field in fields:
        many = field.kind in {"map", "repeated"}
        added = message.field.add(
            name=field.name,
            number=field.number,
            label=FieldDescriptorProto.LABEL_REPEATED
            if many
            else FieldDescriptorProto.LABEL_OPTIONAL,
        )
        if field.kind in oneofs:
            added.oneof_index = oneofs.index(field.kind)
        if field.type in _SCALARS:
            added.type = _SCALARS[field.type]
            continue
        added.type = FieldDescriptorProto.TYPE_MESSAGE
        added.type_name = f".{PACKAGE}.{field.type}"
        if field.kind == "map":
            name = "".join(part.capitalize() for part in field.name.split("_")) + "Entry"
            entry = message.nested_type.add(name=name)
            entry.options.map_entry = True
            _fill(entry, (_ENTRY[0], _ENTRY[1]._replace(type=field.type)))
            added.type_name = f".{PACKAGE}.{message.name}.{name}"


_CLASSES: Final[dict[str, Any]] = dict(_message_classes())

ProcessingRequest: Final = _CLASSES["ProcessingRequest"]
ProcessingResponse: Final = _CLASSES["ProcessingResponse"]
