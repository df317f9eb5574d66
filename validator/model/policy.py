"""Policy: knowledge about an Application that payloads do not show."""

import os
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Literal, NamedTuple, Self, cast, get_args

from ..findings.pointer import Path
from .policy_data import (
    PolicyError,
    choice,
    format_value,
    list_of,
    load_file,
    location,
    no_others,
    table,
)

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
    "any",
]
"""The attribute types of the Management API (``POST /v1/attributes``), and one for all others."""

Scope = Literal["session", "item", "both"]
"""The place of an additional cost (Management API, ``POST /v1/additional_costs``)."""

ENTITIES = ("CustomerSession", "CartItem")
"""The entities whose attributes are in the payload of a session."""


class Attribute(NamedTuple):
    """A custom attribute as created in the Campaign Manager."""

    type: AttributeType
    allowed: frozenset[str | float] | None = None
    """The values that a restricted attribute accepts; None if it accepts any."""


class Catalog(NamedTuple):
    """The entities of an account. A part that is None is unknown, and is not checked."""

    attributes: Mapping[str, Mapping[str, Attribute]] | None = None
    """Attributes by entity (``CustomerSession``, ``CartItem``) and name."""
    additional_costs: Mapping[str, Scope] | None = None
    """Scope of each additional cost by name."""
    priced_skus: frozenset[str] | None = None
    """The SKUs that have a price in a catalog of the account."""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Catalog":
        """Read a catalog from a ``.toml`` or ``.json`` file, as ``catalog build`` writes it.

        It has the keys that ``catalog`` has in a policy. Raises `PolicyError`.
        """
        return load_file(path, lambda data: _catalog(data, ()))


_TOLERANCE = Decimal("0.005")


class _Fields(NamedTuple):
    cart_item_flattening: bool = True
    """Whether cart item flattening is on: quantities have a limit, and returns may be partial
    (2022-06)."""
    coupon_budget: bool = False
    """Whether there is a coupon budget: a session closes with a coupon code."""
    referral_budget: bool = False
    """Whether there is a referral budget: a session closes with a referral code."""
    identifier_budget: bool = False
    """Whether there is a budget per unique identifier: a session closes with an identifier."""
    total_tolerance: Decimal = _TOLERANCE
    """The greatest accepted deviation of a total from its sum, in the currency of the prices."""
    catalog: Catalog | None = None


class Policy(_Fields):
    """The assumptions about the Application that payloads are sent to.

    `catalog` has the entities of the account. Raises `PolicyError` for a value of a wrong type.
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        cart_item_flattening: bool = True,
        coupon_budget: bool = False,
        referral_budget: bool = False,
        identifier_budget: bool = False,
        total_tolerance: Decimal = _TOLERANCE,
        catalog: Catalog | None = None,
    ) -> Self:
        """Validate the types, so that a mistake is reported where it was made."""
        budgets = (coupon_budget, referral_budget, identifier_budget)
        self = super().__new__(cls, cart_item_flattening, *budgets, total_tolerance, catalog)
        for name in (
            "cart_item_flattening",
            "coupon_budget",
            "referral_budget",
            "identifier_budget",
        ):
            if not isinstance(getattr(self, name), bool):
                message = f"{name} is {format_value(getattr(self, name))}; expected true or false"
                raise PolicyError(message, name)
        if self.catalog is not None and not isinstance(self.catalog, Catalog):
            message = "catalog must be a Catalog; Policy.from_mapping builds one from plain data"
            raise PolicyError(message, "catalog")
        return self._replace(
            total_tolerance=_tolerance(self.total_tolerance),
            catalog=None if self.catalog is None else _validate_catalog(self.catalog),
        )

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]:
        """Return the fields as keywords for copies and pickles."""
        return (), self._asdict()

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Self:
        """Build a policy from the plain data of a TOML or JSON file.

        ``catalog`` may be the path of its file; see `Catalog.load`. Raises `PolicyError`, which
        names the faulty key and what it takes.
        """
        data = table(data, ())
        no_others(data, cls._fields, ())
        given = dict(data)
        if isinstance(given.get("catalog"), str):
            try:
                given["catalog"] = Catalog.load(given["catalog"])
            except PolicyError as error:
                raise PolicyError(f"catalog: {error}", "catalog") from None
        elif "catalog" in given:
            given["catalog"] = _catalog(given["catalog"], ("catalog",))
        return cls(**given)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a policy from a ``.toml`` or ``.json`` file.

        The path of a catalog is relative to the folder of the file. Raises `PolicyError`, which
        names the file, the faulty key or place and, for TOML, the line.
        """
        folder = os.path.dirname(os.fspath(path))

        def build(data: Any) -> Any:
            if isinstance(data, dict) and isinstance(data.get("catalog"), str):
                data = {**data, "catalog": os.path.join(folder, data["catalog"])}
            return cls.from_mapping(data)

        policy: Self = load_file(path, build)
        return policy

    def with_catalog(self, catalog: Catalog) -> Self:
        """Return the policy with the known parts of `catalog` in place of its own."""
        own = self.catalog or Catalog()
        known: dict[str, Any] = {
            name: value
            for name, value in zip(catalog._fields, catalog, strict=True)
            if value is not None
        }
        return self._replace(catalog=own._replace(**known))


def _tolerance(value: object) -> Decimal:
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        tolerance = Decimal(str(value) if isinstance(value, float) else value)
        if tolerance.is_finite() and tolerance >= 0:
            return tolerance
    message = f"total_tolerance is {format_value(value)}; expected a number of at least 0"
    raise PolicyError(message, "total_tolerance")


def _catalog(value: object, keys: Path) -> Catalog:
    data = table(value, keys, "the catalog")
    if not data:
        raise PolicyError(
            f"{location(keys) or 'the catalog'} is empty, so it would check nothing; expected"
            f" one or more of {', '.join(Catalog._fields)}",
            *keys,
        )
    if "data" in data and not keys:
        raise PolicyError(
            "is an export of the Management API; 'talonschema catalog build' makes a catalog of it"
        )
    no_others(data, Catalog._fields, keys, "the catalog")
    attributes = costs = skus = None
    if "attributes" in data:
        below = (*keys, "attributes")
        entities = table(data["attributes"], below)
        no_others(entities, ENTITIES, below)
        attributes = {
            entity: {
                name: _attribute(entry, (*below, entity, name))
                for name, entry in table(entries, (*below, entity)).items()
            }
            for entity, entries in entities.items()
        }
    if "additional_costs" in data:
        below = (*keys, "additional_costs")
        costs = {
            name: cast("Scope", choice(scope, Scope, (*below, name)))
            for name, scope in table(data["additional_costs"], below).items()
        }
    if "priced_skus" in data:
        skus = frozenset(list_of(data["priced_skus"], (str,), (*keys, "priced_skus")))
    return Catalog(attributes=attributes, additional_costs=costs, priced_skus=skus)


def _validate_catalog(catalog: Catalog) -> Catalog:
    """Return a catalog built in code, validated as plain data is; raises `PolicyError`."""
    data: dict[str, Any] = {
        name: value
        for name, value in zip(catalog._fields, catalog, strict=True)
        if value is not None
    }
    if not data:
        return catalog
    if isinstance(data.get("priced_skus"), (set, frozenset)):
        data["priced_skus"] = sorted(data["priced_skus"], key=str)
    return _catalog(data, ("catalog",))


def _attribute(value: object, keys: Path) -> Attribute:
    if isinstance(value, str):
        value = {"type": value}
    if isinstance(value, Attribute):
        allowed: Any = value.allowed
        if isinstance(allowed, (set, frozenset)):
            allowed = sorted(allowed, key=str)
        value = {"type": value.type, **({} if allowed is None else {"allowed": allowed})}
    data = table(value, keys)
    no_others(data, Attribute._fields, keys)
    if "type" not in data:
        message = (
            f"{location(keys)} has no type; expected one of {', '.join(get_args(AttributeType))}"
        )
        raise PolicyError(message, *keys)
    kind = cast("AttributeType", choice(data["type"], AttributeType, (*keys, "type")))
    allowed = None
    if "allowed" in data:
        inner = (str,) if "number" not in kind else (int, float, Decimal)
        values = list_of(data["allowed"], inner, (*keys, "allowed"))
        for index, each in enumerate(values):
            if not isinstance(each, str) and not _is_double(each):
                message = f"{location((*keys, 'allowed', index))} is outside the range of a double"
                raise PolicyError(message, *keys, "allowed", index)
        allowed = frozenset(float(v) if isinstance(v, Decimal) else v for v in values)
    return Attribute(type=kind, allowed=allowed)


def _is_double(number: float | Decimal) -> bool:
    try:
        return isfinite(float(number))
    except (OverflowError, ValueError):
        return False
