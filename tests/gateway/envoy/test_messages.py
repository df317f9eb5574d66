"""The messages of the gRPC face are Envoy's own, field by field, as xds-protos has them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from envoy.service.ext_proc.v3 import (
    external_processor_pb2 as official,
)
from google.protobuf.descriptor import FieldDescriptor

from talonschema.gateway import envoy_messages

REQUEST: Any = official.ProcessingRequest.DESCRIPTOR
RESPONSE: Any = official.ProcessingResponse.DESCRIPTOR
ENUM = FieldDescriptor.TYPE_ENUM


def pairs() -> dict[str, tuple[Any, Any]]:
    """Return each message that can be reached, ours and the official one, by our name."""
    found: dict[str, tuple[Any, Any]] = {}

    def visit(own: Any, theirs: Any) -> None:
        if found.setdefault(own.full_name, (own, theirs)) != (own, theirs):
            message = f"{own.name} stands for {theirs.full_name} and for another message"
            raise AssertionError(message)
        for field in own.fields:
            other = theirs.fields_by_name[field.name]
            if field.message_type and field.message_type.full_name not in found:
                visit(field.message_type, other.message_type)

    visit(envoy_messages.ProcessingRequest.DESCRIPTOR, REQUEST)
    visit(envoy_messages.ProcessingResponse.DESCRIPTOR, RESPONSE)
    return found


PAIRS = pairs()


def fields() -> Iterator[Any]:
    for own, theirs in PAIRS.values():
        for field in own.fields:
            yield pytest.param(
                field, theirs.fields_by_name.get(field.name), id=f"{own.name}.{field.name}"
            )


def test_each_message_is_compared() -> None:
    compared = {name.removeprefix(f"{envoy_messages.PACKAGE}.") for name in PAIRS}
    entries = {name for name in compared if name.endswith("Entry")}
    assert compared - entries == set(envoy_messages.MESSAGES)
    assert len(entries) == sum(
        field.kind == "map" for each in envoy_messages.MESSAGES.values() for field in each
    )


@pytest.mark.parametrize(("own", "theirs"), list(fields()))
def test_fields_are_the_official_ones(own: Any, theirs: Any) -> None:
    assert theirs is not None
    assert own.number == theirs.number
    assert own.is_repeated == theirs.is_repeated
    # An enumeration and an int32 are the same on the wire.
    expected = FieldDescriptor.TYPE_INT32 if theirs.type == ENUM else theirs.type
    assert own.type == expected
    own_oneof = own.containing_oneof.name if own.containing_oneof else None
    assert own_oneof == (theirs.containing_oneof.name if theirs.containing_oneof else None)
    if own.message_type:
        assert own.message_type.GetOptions().map_entry == theirs.message_type.GetOptions().map_entry


@pytest.mark.parametrize(
    "own", [envoy_messages.ProcessingRequest, envoy_messages.ProcessingResponse]
)
def test_all_cases_of_what_is_sent_are_known(own: Any) -> None:
    theirs = REQUEST if own is envoy_messages.ProcessingRequest else RESPONSE
    (oneof,) = own.DESCRIPTOR.oneofs
    assert {field.name for field in oneof.fields} == {
        field.name for field in theirs.oneofs_by_name[oneof.name].fields
    }


def test_enumerations_have_the_official_values() -> None:
    modes = REQUEST.fields_by_name["protocol_config"].message_type.fields_by_name
    values = modes["request_body_mode"].enum_type.values_by_name
    assert values["BUFFERED"].number == envoy_messages.BODY_BUFFERED
    assert values["BUFFERED_PARTIAL"].number == envoy_messages.BODY_BUFFERED_PARTIAL
    option = official.HeaderMutation.DESCRIPTOR.fields_by_name["set_headers"].message_type
    actions = option.fields_by_name["append_action"].enum_type.values_by_name
    action = actions["OVERWRITE_IF_EXISTS_OR_ADD"].number
    assert action == envoy_messages.OVERWRITE_IF_EXISTS_OR_ADD


def test_the_service_has_the_official_name() -> None:
    service = official.DESCRIPTOR.services_by_name["ExternalProcessor"]
    assert service.full_name == envoy_messages.SERVICE
    method = service.methods_by_name[envoy_messages.METHOD]
    assert (method.input_type, method.output_type) == (REQUEST, RESPONSE)


def test_what_one_writes_the_other_reads() -> None:
    sent = official.ProcessingRequest()
    sent.request_headers.headers.headers.add(key=":path", raw_value=b"/v2")
    sent.request_headers.end_of_stream = True
    sent.metadata_context.filter_metadata["filter"].update({"token": "t"})
    sent.attributes["filter"].update({"response.code": 200.0, "request.path": "/v2"})
    sent.protocol_config.request_body_mode = 2
    read = envoy_messages.ProcessingRequest.FromString(sent.SerializeToString())
    assert read.WhichOneof("request") == "request_headers"
    assert official.ProcessingRequest.FromString(read.SerializeToString()) == sent


def test_what_is_not_known_is_skipped() -> None:
    sent = official.ProcessingRequest(observability_mode=True)
    sent.metadata_context.typed_filter_metadata["filter"].type_url = "x"
    sent.attributes["filter"].update({"a": True, "b": None, "c": {"d": [1]}})
    sent.response_body.body = b"x"
    read = envoy_messages.ProcessingRequest.FromString(sent.SerializeToString())
    assert read.response_body.body == b"x"
    assert official.ProcessingRequest.FromString(read.SerializeToString()) == sent


def test_nothing_of_it_is_in_the_pool_that_others_share() -> None:
    script = """
from talonschema.gateway import envoy_messages as messages
from google.protobuf.descriptor_pool import Default
try:
    Default().FindMessageTypeByName(messages.PACKAGE + ".ProcessingRequest")
except KeyError:
    print("not there")
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "not there\n"), done.stderr
