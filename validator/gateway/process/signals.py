"""Signals: those that arrive before a handler is installed."""

from __future__ import annotations

import signal


def hold_hangups(*, held: bool) -> None:
    """Block SIGHUP, also for processes that are started meanwhile, or unblock it.

    Without a handler, it would end the process.
    """
    if hasattr(signal, "pthread_sigmask"):
        how = signal.SIG_BLOCK if held else signal.SIG_UNBLOCK
        signal.pthread_sigmask(how, {signal.SIGHUP})
