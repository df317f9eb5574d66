"""talonschema: check Talon.One customer sessions before they cost an order.

Names are imported on first use, so that importing the package is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import check, codes, explain, is_valid, validate
    from .checking.report import InvalidPayload, Report
    from .findings.code import Code, Severity
    from .findings.finding import Finding
    from .history import Update, replay
    from .model.policy import Attribute, Catalog, Policy
    from .model.policy_data import PolicyError
    from .model.states import NEW
    from .validator import Validator

    __version__: str

_HOMES = {
    "NEW": "model.states",
    "Attribute": "model.policy",
    "Catalog": "model.policy",
    "Code": "findings.code",
    "Finding": "findings.finding",
    "InvalidPayload": "checking.report",
    "Policy": "model.policy",
    "PolicyError": "model.policy_data",
    "Report": "checking.report",
    "Severity": "findings.code",
    "Update": "history",
    "Validator": "validator",
    "check": "api",
    "codes": "api",
    "explain": "api",
    "is_valid": "api",
    "replay": "history",
    "validate": "api",
}

__all__ = [
    "NEW",
    "Attribute",
    "Catalog",
    "Code",
    "Finding",
    "InvalidPayload",
    "Policy",
    "PolicyError",
    "Report",
    "Severity",
    "Update",
    "Validator",
    "check",
    "codes",
    "explain",
    "is_valid",
    "replay",
    "validate",
]


# A type checker would apply its type to all names, even misspelt ones.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("talonschema")
        if name not in _HOMES:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
