"""The models of the API as TypedDicts; here those of the default edition.

`v2022_06` has edition 2022-06.
`v2026_06` has edition 2026-06.

Written by docs/generate.py; change the schemas, then `make docs`.
"""

from .v2022_06 import (
    AdditionalCost,
    APIError,
    CartItem,
    CustomerProfile,
    CustomerSessionV2,
    Effect,
    ErrorResponse,
    ErrorSource,
    Event,
    IntegrationCustomerSessionResponse,
    IntegrationRequest,
    IntegrationRequestResponseContent,
    IntegrationStateV2,
    Loyalty,
    NewCustomerSessionV2,
    NewReturn,
    Return,
    ReturnedCartItem,
    ReturnIntegrationRequest,
    ReturnIntegrationRequestResponseContent,
    State,
)

__all__ = [
    "APIError",
    "AdditionalCost",
    "CartItem",
    "CustomerProfile",
    "CustomerSessionV2",
    "Effect",
    "ErrorResponse",
    "ErrorSource",
    "Event",
    "IntegrationCustomerSessionResponse",
    "IntegrationRequest",
    "IntegrationRequestResponseContent",
    "IntegrationStateV2",
    "Loyalty",
    "NewCustomerSessionV2",
    "NewReturn",
    "Return",
    "ReturnIntegrationRequest",
    "ReturnIntegrationRequestResponseContent",
    "ReturnedCartItem",
    "State",
]
