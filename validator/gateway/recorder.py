"""Recorder: the part of an answer that a guard learns from, taken as it is sent to the client."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from .guard import Guard
from .messages import Request, Response
from .outcome import MOST_LEARNED


class AnswerRecorder:
    """The answer to an admitted request, which is reported to the guard once."""

    def __init__(self, guard: Guard, request: Request, token: str | None) -> None:
        """Record the answer to `request`, which the guard admitted with `token`."""
        self._guard = guard
        self._request = request
        self._pieces: list[bytes] = []
        self.token = token
        """The token; None if there is nothing to learn, or the answer has been reported."""
        self.answer = Response(0)
        """The status and headers so far."""
        self.size = 0
        """Bytes of the body so far."""

    def keep(self, piece: bytes) -> None:
        """Add a piece of the body, which is dropped once it is too large to learn from."""
        self.size += len(piece)
        if self.size <= MOST_LEARNED:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    @property
    def body(self) -> bytes:
        """The part of the body that is kept."""
        return b"".join(self._pieces)

    def report_answer(self) -> Coroutine[Any, Any, None] | None:
        """Return a coroutine that reports the answer to the guard; None if it has no token."""
        return self._finish(self.answer._replace(body=self.body))

    def report_loss(self) -> Coroutine[Any, Any, None] | None:
        """Return a coroutine that reports the answer as lost; None if it has no token."""
        return self._finish(None)

    def _finish(self, answer: Response | None) -> Coroutine[Any, Any, None] | None:
        token, self.token = self.token, None
        if token is None:
            return None
        return self._guard.finish(token, self._request.method, self._request.target, answer)
