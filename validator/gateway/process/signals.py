"""Signals that come before there is somebody to handle them."""

from __future__ import annotations

import signal


def hold_hangups(*, held: bool) -> None:
    """Have SIGHUP wait, and so in the processes that are started meanwhile, or let it come.

    Without a handler, it would end the process.
    """
    if hasattr(signal, "pthread_sigmask"):
        how = signal.SIG_BLOCK if held else signal.SIG_UNBLOCK
        signal.pthread_sigmask(how, {signal.SIGHUP})
