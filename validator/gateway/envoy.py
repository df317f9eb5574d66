"""The gRPC face: Envoy's external processing, as observer alone or as gate and observer.

One service implements both; the first message of a stream shows which of them the filter uses. If
the filter sends requests, the service is a gate (`_Gate`); if it sends only answers, an observer
(`_Observer`). An observer identifies an exchange by the token from the HTTP gate, which Envoy keeps
in dynamic metadata.

Envoy holds each message back until the service has replied, and so the end of an answer until the
guard has learned from it: the next call of the client can't arrive earlier. Once there is nothing
more to learn, the service ends the stream, and Envoy proceeds without it.

Source: ``envoy/service/ext_proc/v3/external_processor.proto`` and the page on the HTTP filter
"External Processing" of Envoy's documentation.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine
from typing import Any, Final

import grpc
from grpc import aio

from .envoy_messages import (
    BODY_BUFFERED,
    BODY_BUFFERED_PARTIAL,
    METHOD,
    OVERWRITE_IF_EXISTS_OR_ADD,
    SERVICE,
    ProcessingRequest,
    ProcessingResponse,
)
from .guard import Guard
from .http import TOKEN
from .messages import Headers, Request, Response
from .recorder import AnswerRecorder

GATE: Final = "envoy.filters.http.ext_authz"
"""The namespace of the dynamic metadata in which Envoy keeps the reply of the HTTP gate."""
ATTRIBUTES: Final = "envoy.filters.http.ext_proc"
"""The namespace of the attributes that the filter sends."""

_SHORT: Final = 1 << 16
_GZIP_MAGIC: Final = b"\x1f\x8b"
_UNBUFFERED: Final = (
    "a gate can't judge bodies that it does not get:"
    " set processing_mode.request_body_mode of the ext_proc filter to BUFFERED"
)
_MISSING: Final = (
    "an observer can't learn without {}: name it in response_attributes of the ext_proc filter"
)

_log = logging.getLogger(__name__)


def _reply(kind: str) -> bytes:
    return bytes(ProcessingResponse(**{kind: {}}).SerializeToString())


_GO_ON: Final = {
    kind: _reply(kind)
    for kind in (
        "request_headers",
        "request_body",
        "request_trailers",
        "response_headers",
        "response_body",
        "response_trailers",
    )
}
"""The serialised replies that change nothing."""


class ExternalProcessor:
    """The service, which has `guard` judge requests and reports answers to it."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints: set[str] = set()

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the handler to be added to a server."""
        process: Any = grpc.stream_stream_rpc_method_handler(
            self._process, request_deserializer=ProcessingRequest.FromString
        )
        return grpc.method_handlers_generic_handler(SERVICE, {METHOD: process})

    async def drain(self) -> None:
        """Wait until each answer is reported to the guard."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _process(self, _: Any, context: aio.ServicerContext[Any, bytes]) -> None:
        protocol: _Gate | _Observer | None = None
        try:
            while protocol is None or not protocol.done:
                message = await context.read()
                if message is aio.EOF:
                    break
                kind: str = message.WhichOneof("request")
                if protocol is None:
                    made = _Gate if kind == "request_headers" else _Observer
                    protocol = made(self._guard, self._tasks)
                reply = await protocol.reply(kind, message)
                if reply is not None:
                    await context.write(reply)
        except _Misconfigured as error:
            if str(error) not in self._complaints:
                # Each request has the same fault; it is logged once.
                self._complaints.add(str(error))
                _log.error("%s", error, extra={"fields": {"event": "misconfigured"}})
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        finally:
            if protocol is not None:
                protocol.close()


class _Misconfigured(Exception):
    """Raised for a filter whose messages can't be judged; the text says what to change."""


class _Answer:
    """The answer to a request, as received from the filter."""

    def __init__(
        self, recorder: AnswerRecorder, back: Headers, tasks: set[asyncio.Task[None]]
    ) -> None:
        self._recorder = recorder
        self._back = back
        """The headers to be added to the answer."""
        self._tasks = tasks

    @property
    def done(self) -> bool:
        """Whether there is nothing more to learn or to add."""
        return self._recorder.token is None and not self._back

    async def reply(self, kind: str, message: Any) -> bytes:
        """Process a message about the answer; return the reply."""
        if kind == "response_headers":
            return await self._on_headers(message.response_headers)
        if kind == "response_body":
            piece, first = message.response_body, not self._recorder.size
            self._recorder.keep(piece.body)
            # Envoy sends the end of most answers as a separate, empty piece. A whole JSON object
            # needs no more pieces, and not waiting for that one saves the client some time.
            if not (piece.end_of_stream or (first and _is_object(piece.body))):
                return _GO_ON[kind]
        await self._learn()
        return _GO_ON[kind]

    def close(self) -> None:
        """Release the exchange; an answer that has not arrived is reported as lost."""
        self._report(self._recorder.report_loss())

    async def _on_headers(self, message: Any) -> bytes:
        headers = _headers(message)
        status = next((value for name, value in headers if name == ":status"), "")
        self._recorder.answer = Response(int(status) if status.isdecimal() else 0, headers)
        back, self._back = self._back, ()
        if message.end_of_stream:
            await self._learn()
        if not back:
            return _GO_ON["response_headers"]
        mutation = _mutation(back)
        return bytes(
            ProcessingResponse(
                response_headers={"response": {"header_mutation": mutation}}
            ).SerializeToString()
        )

    async def _learn(self) -> None:
        self._back = ()
        answer = self._recorder.answer
        if not answer.headers and self._recorder.body.startswith(_GZIP_MAGIC):
            # Without the headers, compression is recognised by the body.
            self._recorder.answer = answer._replace(headers=(("content-encoding", "gzip"),))
        task = self._report(self._recorder.report_answer())
        if task is not None:
            await asyncio.shield(task)

    def _report(self, report: Coroutine[Any, Any, None] | None) -> asyncio.Task[None] | None:
        """Report to the guard in a task that survives the cancellation of the stream."""
        if report is None:
            return None
        task = asyncio.create_task(report)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Gate:
    """An exchange of a filter that sends requests: the request is judged, the answer learned."""

    def __init__(self, guard: Guard, tasks: set[asyncio.Task[None]]) -> None:
        self._guard = guard
        self._tasks = tasks
        self._request = Request("", "")
        self._partial = False
        """Whether Envoy truncated the body because it exceeded its buffer."""
        self._answer: _Answer | None = None
        """The answer; None until the request is admitted."""
        self._ended = False

    @property
    def done(self) -> bool:
        """Whether there is nothing more to send."""
        return self._ended or (self._answer is not None and self._answer.done)

    async def reply(self, kind: str, message: Any) -> bytes:
        """Process a message; return the reply."""
        if kind == "request_headers":
            return await self._on_request(message)
        if kind == "request_body":
            truncated = self._partial and not message.request_body.end_of_stream
            return await self._judge(kind, message.request_body.body, truncated=truncated)
        if kind == "request_trailers":
            return _GO_ON[kind]
        if self._answer is None:
            # Another filter has answered the request in place of the API.
            self._ended = True
            return _GO_ON[kind]
        return await self._answer.reply(kind, message)

    def close(self) -> None:
        """Release the exchange."""
        if self._answer is not None:
            self._answer.close()

    async def _on_request(self, message: Any) -> bytes:
        headers = _headers(message.request_headers)
        pseudo = dict(headers)
        self._request = Request(
            pseudo.get(":method", ""),
            pseudo.get(":path", ""),
            tuple(header for header in headers if not header[0].startswith(":")),
        )
        if message.request_headers.end_of_stream or not self._guard.concerns(self._request):
            return await self._judge("request_headers", b"")
        if message.HasField("protocol_config"):
            mode = message.protocol_config.request_body_mode
            if mode not in {BODY_BUFFERED, BODY_BUFFERED_PARTIAL}:
                raise _Misconfigured(_UNBUFFERED)
            self._partial = mode == BODY_BUFFERED_PARTIAL
        return _GO_ON["request_headers"]

    async def _judge(self, kind: str, body: bytes, *, truncated: bool = False) -> bytes:
        verdict = await self._guard.begin(self._request._replace(body=body, truncated=truncated))
        if verdict.refusal is not None:
            self._ended = True
            return _refusal(verdict.refusal)
        recorder = AnswerRecorder(self._guard, self._request, verdict.token)
        self._answer = _Answer(recorder, verdict.headers, self._tasks)
        return _GO_ON[kind]


class _Observer:
    """An exchange of a filter that sends only answers, behind an HTTP gate."""

    def __init__(self, guard: Guard, tasks: set[asyncio.Task[None]]) -> None:
        self._guard = guard
        self._tasks = tasks
        self._answer: _Answer | None = None
        """The answer; None before the first message."""

    @property
    def done(self) -> bool:
        """Whether there is nothing more to send."""
        return self._answer is not None and self._answer.done

    async def reply(self, kind: str, message: Any) -> bytes | None:
        """Process a message; return the reply, or None to end the stream without one."""
        if self._answer is None:
            self._answer = _Answer(self._recorder(kind, message), (), self._tasks)
            if self._answer.done:
                return None
        return await self._answer.reply(kind, message)

    def close(self) -> None:
        """Release the exchange."""
        if self._answer is not None:
            self._answer.close()

    def _recorder(self, kind: str, message: Any) -> AnswerRecorder:
        """Return a recorder for the exchange whose token the HTTP gate left in the metadata."""
        left = message.metadata_context.filter_metadata
        if GATE not in left or TOKEN not in left[GATE].fields:
            return AnswerRecorder(self._guard, Request("", ""), None)
        attributes = (
            message.attributes[ATTRIBUTES].fields if ATTRIBUTES in message.attributes else {}
        )
        for name in ("request.method", "request.path", "response.code"):
            if name not in attributes and (kind, name) != ("response_headers", "response.code"):
                raise _Misconfigured(_MISSING.format(name))
        method, path = (
            attributes[name].string_value for name in ("request.method", "request.path")
        )
        token = left[GATE].fields[TOKEN].string_value
        recorder = AnswerRecorder(self._guard, Request(method, path), token)
        if "response.code" in attributes:
            recorder.answer = Response(int(attributes["response.code"].number_value))
        return recorder


def _is_object(text: bytes) -> bool:
    """Return True if a short text is a complete JSON object."""
    if len(text) > _SHORT or not text.rstrip().endswith(b"}"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _headers(message: Any) -> Headers:
    return tuple(
        (each.key, each.raw_value.decode("latin-1") or each.value)
        for each in message.headers.headers
    )


def _mutation(headers: Headers) -> dict[str, Any]:
    return {
        "set_headers": [
            {
                "header": {"key": name, "raw_value": value.encode("latin-1")},
                "append_action": OVERWRITE_IF_EXISTS_OR_ADD,
            }
            for name, value in headers
        ]
    }


def _refusal(refusal: Response) -> bytes:
    headers = tuple(each for each in refusal.headers if each[0] != "content-length")
    response = ProcessingResponse(
        immediate_response={
            "status": {"code": refusal.status},
            "headers": _mutation(headers),
            "body": refusal.body,
            "details": "talonschema",
        }
    )
    return bytes(response.SerializeToString())


def server(guard: Guard) -> tuple[aio.Server, ExternalProcessor]:
    """Return a server, which is not started and has no port yet, and its service."""
    service = ExternalProcessor(guard)
    options = [
        # Envoy decides on the size of a piece: it sends everything that it has buffered at once.
        ("grpc.max_receive_message_length", -1),
        # Processes that share a port get whole connections, and Envoy opens only a few.
        ("grpc.so_reuseport", 0),
    ]
    made = aio.server(options=options)
    made.add_generic_rpc_handlers((service.handler(),))
    return made, service
