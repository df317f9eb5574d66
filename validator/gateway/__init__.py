"""The API gateway plugin, which judges session updates before they reach the API.

Names are imported on first use. With the memory and SQLite stores, `SessionGuard` and `Guard` need
only the package itself; everything else needs the extra ``gateway``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asgi import SessionGuard
    from .guard import Guard, Verdict
    from .lookup.settings import LookupSettings
    from .messages import Request, Response
    from .settings import Settings

_HOMES = {
    "Guard": "guard",
    "LookupSettings": "lookup.settings",
    "Request": "messages",
    "Response": "messages",
    "SessionGuard": "asgi",
    "Settings": "settings",
    "Verdict": "guard",
}

__all__ = ["Guard", "LookupSettings", "Request", "Response", "SessionGuard", "Settings", "Verdict"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
