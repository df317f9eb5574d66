"""Policy: what a team knows of its own Application, which no payload can tell."""

import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Self, cast, get_args

AttributeType = Literal[
    "string",
    "number",
    "boolean",
    "time",
    "location",
    "(list string)",
    "(list number)",
    "(list time)",
    "(list location)",
]
"""The attribute types of the Management API (``POST /v1/attributes``)."""

Scope = Literal["session", "item", "both"]
"""Where an additional cost may stand (Management API, ``POST /v1/additional_costs``)."""

ENTITIES = ("CustomerSession", "CartItem")
"""The entities whose attributes a session payload carries."""


class PolicyError(ValueError):
    """A policy has a wrong key or value, or its file can't be read; the text says which."""


class Attribute(NamedTuple):
    """A custom attribute as created in the Campaign Manager."""

    type: AttributeType
    allowed: frozenset[str | float] | None = None
    """The values a restricted attribute accepts; None if it accepts any."""


class Catalog(NamedTuple):
    """What exists in the account. A part that is None is not known, and is not judged."""

    attributes: Mapping[str, Mapping[str, Attribute]] | None = None
    """Attributes by entity (``CustomerSession``, ``CartItem``) and name."""
    additional_costs: Mapping[str, Scope] | None = None
    """Scope of each additional cost by name."""
    priced_skus: frozenset[str] | None = None
    """The SKUs that a catalog of the account gives a price."""


class _Fields(NamedTuple):
    cart_item_flattening: bool = True
    """Cart item flattening is on: quantities are limited, returns may be partial (2022-06)."""
    coupon_budget: bool = False
    """A coupon budget exists: a session closes with a coupon code."""
    referral_budget: bool = False
    """A referral budget exists: a session closes with a referral code."""
    identifier_budget: bool = False
    """A budget per unique identifier exists: a session closes with an identifier."""
    total_tolerance: Decimal = Decimal("0.005")
    """How far a total may be from what it adds up to, in the currency of the prices."""
    catalog: Catalog | None = None


class Policy(_Fields):
    """What to assume of the Application that payloads are sent to.

    `catalog` says what exists in the account. Raises `PolicyError` for a value of a wrong type.
    """

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Check the types, so that a mistake shows where it was made."""
        self = super().__new__(cls, *args, **kwargs)
        for name in ("cart_item_flattening", *BUDGETS.values()):
            if not isinstance(getattr(self, name), bool):
                message = f"{name} is {getattr(self, name)!r}; it takes true or false"
                raise PolicyError(message)
        if self.catalog is not None and not isinstance(self.catalog, Catalog):
            message = "catalog takes a Catalog; Policy.from_mapping builds one from plain data"
            raise PolicyError(message)
        return self._replace(total_tolerance=_tolerance(self.total_tolerance))

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Self:
        """Build a policy from the plain data of a TOML or JSON file.

        Raises `PolicyError`, which names the key that is wrong and what it takes.
        """
        data = _table(data, "the policy")
        _no_others(data, cls._fields, "the policy")
        given = dict(data)
        if "catalog" in given:
            given["catalog"] = _catalog(given["catalog"])
        return cls(**given)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a policy from a ``.toml`` or ``.json`` file.

        Raises `PolicyError`, which names the file and the key or place that is wrong.
        """
        try:
            return cls.from_mapping(_read(path))
        except PolicyError as error:
            message = f"{os.fspath(path)}: {error}"
            raise PolicyError(message) from None


BUDGETS = {
    "couponCodes": "coupon_budget",
    "referralCode": "referral_budget",
    "identifiers": "identifier_budget",
}
"""The property that pays into each budget, by the name of the field that declares it."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean ...?)`` for the known name closest to `name`, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _read(path: str | os.PathLike[str]) -> Any:
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as error:
        message = f"can't be read: {error.strerror or error}"
        raise PolicyError(message) from None
    try:
        text = raw.decode("utf-8-sig")
        if os.fspath(path).endswith(".json"):
            import json

            return json.loads(text, parse_float=Decimal)
        import tomllib

        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        message = f"is not {'JSON' if os.fspath(path).endswith('.json') else 'TOML'}: {error}"
        raise PolicyError(message) from None


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        message = f"{where} is not a table of keys and values"
        raise PolicyError(message)
    return value


def _no_others(data: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in data:
        if key not in known:
            message = f"{where} has no key {key!r}{suggestion(str(key), known)}"
            raise PolicyError(message)


def _choice(value: object, kind: Any, where: str) -> Any:
    choices = get_args(kind)
    if value not in choices:
        close = suggestion(str(value), choices)
        message = f"{where} is {value!r}{close}; it takes one of {', '.join(choices)}"
        raise PolicyError(message)
    return value


def _tolerance(value: object) -> Decimal:
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        tolerance = Decimal(str(value))
        if tolerance.is_finite() and tolerance >= 0:
            return tolerance
    message = f"total_tolerance is {value!r}; it takes a number, 0 or more"
    raise PolicyError(message)


def _catalog(value: object) -> Catalog:
    data = _table(value, "catalog")
    _no_others(data, Catalog._fields, "catalog")
    attributes = costs = skus = None
    if "attributes" in data:
        entities = _table(data["attributes"], "catalog.attributes")
        _no_others(entities, ENTITIES, "catalog.attributes")
        attributes = {
            entity: {
                name: _attribute(entry, f"catalog.attributes.{entity}.{name}")
                for name, entry in _table(entries, f"catalog.attributes.{entity}").items()
            }
            for entity, entries in entities.items()
        }
    if "additional_costs" in data:
        where = "catalog.additional_costs"
        costs = {
            name: cast("Scope", _choice(scope, Scope, f"{where}.{name}"))
            for name, scope in _table(data["additional_costs"], where).items()
        }
    if "priced_skus" in data:
        skus = frozenset(_list(data["priced_skus"], (str,), "catalog.priced_skus"))
    return Catalog(attributes=attributes, additional_costs=costs, priced_skus=skus)


def _attribute(value: object, where: str) -> Attribute:
    if isinstance(value, str):
        value = {"type": value}
    data = _table(value, where)
    _no_others(data, Attribute._fields, where)
    if "type" not in data:
        message = f"{where} has no type; it takes one of {', '.join(get_args(AttributeType))}"
        raise PolicyError(message)
    kind = cast("AttributeType", _choice(data["type"], AttributeType, f"{where}.type"))
    allowed = None
    if "allowed" in data:
        inner = (str,) if "number" not in kind else (int, float, Decimal)
        values = _list(data["allowed"], inner, f"{where}.allowed")
        allowed = frozenset(float(v) if isinstance(v, Decimal) else v for v in values)
    return Attribute(type=kind, allowed=allowed)


def _list(value: object, kind: Any, where: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        message = f"{where} is not a list"
        raise PolicyError(message)
    for index, each in enumerate(value):
        if not isinstance(each, kind) or isinstance(each, bool):
            names = " or ".join(one.__name__ for one in kind)
            message = f"{where}[{index}] is {each!r}; it takes {names}"
            raise PolicyError(message)
    return list(value)
