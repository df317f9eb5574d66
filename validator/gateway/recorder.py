"""Recorder: an answer on its way to the client, up to what a guard learns from."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from .guard import Guard
from .messages import Request, Response
from .outcome import MOST_LEARNED


class AnswerRecorder:
    """Records the answer to an admitted request, for the guard to learn from it once."""

    def __init__(self, guard: Guard, request: Request, token: str | None) -> None:
        """Record the answer to `request`, which the guard admitted with `token`."""
        self._guard = guard
        self._request = request
        self._pieces: list[bytes] = []
        self.token = token
        """None if there is nothing to learn, or it is learned."""
        self.answer = Response(0)
        """The status and headers so far."""
        self.size = 0
        """Bytes of the body so far."""

    def keep(self, piece: bytes) -> None:
        """Add a piece of the body; of a body that is too large to learn from, nothing is kept."""
        self.size += len(piece)
        if self.size <= MOST_LEARNED:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    @property
    def body(self) -> bytes:
        """The body as far as it is kept."""
        return b"".join(self._pieces)

    def report_answer(self) -> Coroutine[Any, Any, None] | None:
        """Return a call that reports the answer to the guard; None if there is none to report."""
        return self._finish(self.answer._replace(body=self.body))

    def report_loss(self) -> Coroutine[Any, Any, None] | None:
        """Return a call that reports the answer as lost; None if there is none to report."""
        return self._finish(None)

    def _finish(self, answer: Response | None) -> Coroutine[Any, Any, None] | None:
        token, self.token = self.token, None
        if token is None:
            return None
        return self._guard.finish(token, self._request.method, self._request.target, answer)
