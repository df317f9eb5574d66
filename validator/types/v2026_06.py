"""The models of edition 2026-06 as TypedDicts.

Written by docs/generate.py; change the schemas, then `make docs`.
"""

# No `from __future__ import annotations`: it hides from TypedDict what is required.
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

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
    "ExperimentVariantAllocation",
    "IntegrationCustomerSessionResponse",
    "IntegrationRequest",
    "IntegrationRequestResponseContent",
    "IntegrationStateV2",
    "Loyalty",
    "NewCustomerSessionV2",
    "NewReturn",
    "PriceDetail",
    "Product",
    "ReopenResponse",
    "Return",
    "ReturnIntegrationRequest",
    "ReturnIntegrationRequestResponseContent",
    "ReturnedCartItem",
    "State",
]

State: TypeAlias = Literal["open", "closed", "partially_returned", "cancelled"]
IntegrationRequestResponseContent: TypeAlias = Literal[
    "customerSession",
    "customerProfile",
    "coupons",
    "triggeredCampaigns",
    "referral",
    "loyalty",
    "event",
    "awardedGiveaways",
    "ruleFailureReasons",
    "previousReturns",
    "campaignEligibility",
    "achievements",
]
ReturnIntegrationRequestResponseContent: TypeAlias = Literal[
    "customerSession",
    "customerProfile",
    "coupons",
    "triggeredCampaigns",
    "referral",
    "loyalty",
    "event",
    "previousReturns",
]


class ErrorSource(TypedDict, total=False):
    """Where the fault lies.

    The API fills exactly one of `pointer`, `parameter` and `line`.
    """

    pointer: str
    """JSON Pointer to the faulty place in the payload."""
    parameter: str
    """Name of the faulty query parameter."""
    line: str
    """Line of the uploaded file that the fault is in, as a string."""
    resource: str
    """The resource that the fault is about."""


class APIError(TypedDict):
    """One fault that the API found in a request."""

    title: str
    """The fault in a word or two: a keyword such as `enum` for a fault of form, otherwise a
    phrase."""
    details: NotRequired[str]
    """The fault in a sentence."""
    source: ErrorSource
    """Where the fault lies."""


class AdditionalCost(TypedDict):
    """A fee on top of the goods, such as shipping or gift wrapping.

    The key it stands under in `additionalCosts` names the cost; that name has to be set up in
    Talon.One before it is used.
    """

    price: float
    """Amount of the fee. The schema sets no lower bound, so a negative amount passes."""


class Product(TypedDict):
    """The product that a cart item belongs to."""

    name: str
    """Name of the product; no limit on its length in this edition."""


class PriceDetail(TypedDict, total=False):
    """One of the prices that a cart item can have, and its price adjustment if there is one.

    Set by Talon.One; every property may be missing.
    """

    price: float
    """Price of one unit under this price type."""
    adjustmentContextId: str
    """Identifier of the context that the price adjustment was made for."""
    adjustmentReferenceId: str
    """UUID of the price adjustment behind this price."""
    adjustmentEffectiveFrom: str
    """Moment (RFC 3339) from which the price adjustment holds."""
    adjustmentEffectiveUntil: str
    """Moment (RFC 3339) up to which the price adjustment holds."""


class CartItem(TypedDict):
    """One line of the cart.

    Its quantity may be more than 1; where effects apply to single units, Talon.One does the
    splitting itself. Requests need `sku` and `quantity`; name and price are optional in this
    edition.
    """

    name: NotRequired[str]
    """Name of the goods as a person reads it. May be left out or empty in this edition."""
    sku: str
    """Stock keeping unit that identifies the goods. Must not be empty. Several lines of a cart
    may carry the same one."""
    quantity: int
    """How many units the line holds, at least 1."""
    returnedQuantity: NotRequired[int]
    """Units of the line that have come back so far. Set by Talon.One: leave it out of requests."""
    remainingQuantity: NotRequired[int]
    """Units of the line that have not been returned. Set by Talon.One: leave it out of requests."""
    price: NotRequired[float]
    """Price of one unit. May be left out only if a catalog knows the SKU. The schema sets no
    lower bound: 0 and negative prices pass."""
    category: NotRequired[str]
    """Category the goods belong to, spelt with a small `c`; may be empty."""
    product: NotRequired[Product]
    """Product that the item belongs to."""
    weight: NotRequired[float]
    """Weight of the item in grams, as a JSON number, not a string."""
    height: NotRequired[float]
    """Height of the item in millimetres, as a JSON number, not a string."""
    width: NotRequired[float]
    """Width of the item in millimetres, as a JSON number, not a string."""
    length: NotRequired[float]
    """Length of the item in millimetres, as a JSON number, not a string."""
    position: NotRequired[float]
    """Place of the line in the cart, counted from 0. Set by Talon.One: leave it out of requests."""
    attributes: NotRequired[dict[str, Any]]
    """Custom attributes of the line, by name. Each has to exist in Talon.One as a cart item
    attribute; an unknown name makes the API refuse the request. Those that an update does not
    repeat are removed."""
    additionalCosts: NotRequired[dict[str, AdditionalCost]]
    """Fees that belong to this line, by the name of the cost."""
    catalogItemID: NotRequired[int]
    """Internal number of the catalog item that the SKU was matched with. Set by Talon.One: leave
    it out of requests."""
    selectedPriceType: NotRequired[str]
    """Which of the price types in `prices` was applied to the line. Set by Talon.One: leave it
    out of requests."""
    adjustmentReferenceId: NotRequired[str]
    """UUID of the price adjustment that gave the line its price. Set by Talon.One: leave it out
    of requests."""
    adjustmentEffectiveFrom: NotRequired[str]
    """Moment (RFC 3339) from which that price adjustment holds. Set by Talon.One: leave it out
    of requests."""
    adjustmentEffectiveUntil: NotRequired[str]
    """Moment (RFC 3339) up to which that price adjustment holds. Set by Talon.One: leave it out
    of requests."""
    prices: NotRequired[dict[str, PriceDetail]]
    """All prices known for the line, by price type. Set by Talon.One: leave it out of requests."""


class CustomerProfile(TypedDict):
    """The customer behind a session, as the API answers it.

    Only the core of it is described here; more properties may come with it.
    """

    id: int
    """Internal number of the profile."""
    created: str
    """Moment the profile was created (RFC 3339)."""
    integrationId: str
    """Your own identifier of the customer, the `profileId` of sessions; at most 1000 characters."""
    attributes: dict[str, Any]
    """Custom attributes of the customer, by name."""
    accountId: int
    """Number of the Talon.One account that owns the profile."""
    closedSessions: int
    """How many closed sessions the customer has."""
    totalSales: float
    """What the customer has spent so far."""
    loyaltyMemberships: NotRequired[list[dict[str, Any]] | None]
    """No longer filled: always null."""
    lastActivity: str
    """Moment of the last event from the customer (RFC 3339)."""


class ExperimentVariantAllocation(TypedDict):
    """The variant of one experiment that the session takes part in.

    Mind the spelling: both keys end in a capital `ID`.
    """

    experimentID: int
    """Number of the experiment."""
    variantID: int
    """Number of the variant within that experiment."""


class CustomerSessionV2(TypedDict):
    """A customer session as the API answers it.

    What your shop sent, plus the identifiers, times and totals that Talon.One sets itself. All
    totals are before discounts.
    """

    profileId: str
    """Your own identifier of the customer. Empty or missing when a session begins means an
    anonymous customer; a guest identifier is the better choice."""
    storeIntegrationId: NotRequired[str]
    """Your own identifier of the store where the session takes place, 1 to 1000 characters."""
    evaluableCampaignIds: NotRequired[list[int]]
    """Numbers of the only campaigns to evaluate; meant for dry requests."""
    couponCodes: NotRequired[list[str]]
    """Coupon codes the customer has entered, each at most 100 characters. An update without this
    property keeps the codes of the one before; an empty list discards them."""
    referralCode: NotRequired[str]
    """Referral code the customer has entered, at most 100 characters; may be empty. The empty
    string discards the code of the session."""
    loyaltyCards: NotRequired[list[str]]
    """Identifier of the loyalty card in use: a list, but of one entry at most."""
    state: State
    """Where the session stands. A session starts as `open` or `closed`; only a closed one can
    have items returned, and `cancelled` is final. Most SDKs send `open` when the caller sets
    nothing. Written with two `l` and an underscore, unlike in prose."""
    cartItems: list[CartItem]
    """The lines of the cart, at most 1000. When sent they replace the whole cart; an empty list
    empties it. The lines may hold 10000 units in total."""
    experimentVariantAllocations: NotRequired[list[ExperimentVariantAllocation]]
    """The experiments the session takes part in, each with its variant."""
    additionalCosts: NotRequired[dict[str, AdditionalCost]]
    """Fees on the session as a whole, by the name of the cost. The names have to be set up in
    Talon.One first."""
    identifiers: NotRequired[list[str]]
    """Up to five values that distinguish one customer from another, to limit how often a
    promotion can be used. Better hashed than in the clear."""
    attributes: dict[str, Any]
    """Custom attributes of the session, by name. Each has to exist in Talon.One as a session
    attribute: an unknown name makes the API refuse the request."""
    id: int
    """Internal number of the session."""
    created: str
    """Moment the session was created (RFC 3339)."""
    integrationId: str
    """Your own identifier of the session, the one in the URL of the request; at most 1000
    characters."""
    applicationId: int
    """Number of the Application that the session belongs to."""
    firstSession: bool
    """Whether this is the first session of the customer; always true for an anonymous one."""
    updateCount: int
    """How often the session has been updated; 1 when it is created."""
    total: float
    """Sum of the cart and all additional costs, before any discount."""
    cartItemTotal: float
    """Sum of the cart's lines, before any discount."""
    additionalCostTotal: float
    """Sum of the additional costs of the session, before any discount; 0 without any."""
    cartItemAdditionalCostTotal: float
    """Sum of the additional costs of the single lines, before any discount."""
    updated: str
    """Moment of the last change to the session (RFC 3339)."""


class Effect(TypedDict):
    """One decision of a rule, for your shop to carry out.

    Only the core of it is described here; more properties may come with it.
    """

    campaignId: int
    """Number of the campaign the effect comes from."""
    rulesetId: int
    """Number of the ruleset that was active in the campaign."""
    ruleIndex: int
    """Place of the rule in its ruleset."""
    ruleName: str
    """Name of the rule; may be empty."""
    effectType: str
    """Kind of the effect; it decides which keys `props` has."""
    triggeredByCoupon: NotRequired[int]
    """Number of the coupon that led to the effect, if one did."""
    props: dict[str, Any]
    """Details of the effect. The keys depend on `effectType` and are not checked."""


class ErrorResponse(TypedDict):
    """Body of a response that refuses a request.

    400 for invalid data or a change of state that is not allowed, 401 for a bad key, 409 for
    updates of one session at the same time.
    """

    message: str
    """What went wrong, in one sentence."""
    errors: NotRequired[list[Any]]
    """The single faults, if the API names any: each an `APIError` in a response with status 400;
    the entries of a 409 have no declared type."""
    StatusCode: NotRequired[int]
    """HTTP status, repeated in the body of some responses."""
    RequestUUID: NotRequired[str]
    """Identifier of the request, in responses that come from the edge of the network."""


class Event(TypedDict):
    """The event that an update was recorded as, as the API answers it.

    Only the core of it is described here; more properties may come with it.
    """

    id: int
    """Internal number of the event."""
    created: str
    """Moment the event was recorded (RFC 3339)."""
    applicationId: int
    """Number of the Application the event belongs to."""
    type: str
    """Name of the event; not empty."""
    attributes: dict[str, Any]
    """Custom attributes of the event, by name."""
    effects: list[Any]
    """What the rules decided on the event; the entries are not checked."""
    ledgerEntries: NotRequired[list[Any]]
    """Loyalty bookings that the event led to; the entries are not checked."""


class IntegrationCustomerSessionResponse(TypedDict, total=False):
    """Response to reading a session: `GET /v2/customer_sessions/{customerSessionId}`."""

    customerSession: CustomerSessionV2
    """The session as it is stored."""
    effects: list[Effect]
    """What the rules decided at the last update."""


class NewCustomerSessionV2(TypedDict, total=False):
    """A customer session as your shop sends it.

    Every property is optional, and an update changes only the properties it contains, so closing
    a session takes no more than its `state`. Follows the Integration API OpenAPI 3.1 (2026-06).
    """

    profileId: str
    """Your own identifier of the customer. Empty or missing when a session begins means an
    anonymous customer; a guest identifier is the better choice."""
    storeIntegrationId: str
    """Your own identifier of the store where the session takes place, 1 to 1000 characters."""
    evaluableCampaignIds: list[int]
    """Numbers of the only campaigns to evaluate; meant for dry requests."""
    couponCodes: list[str]
    """Coupon codes the customer has entered, each at most 100 characters. An update without this
    property keeps the codes of the one before; an empty list discards them."""
    referralCode: str
    """Referral code the customer has entered, at most 100 characters; may be empty. The empty
    string discards the code of the session."""
    loyaltyCards: list[str]
    """Identifier of the loyalty card in use: a list, but of one entry at most."""
    state: State
    """Where the session stands. A session starts as `open` or `closed`; only a closed one can
    have items returned, and `cancelled` is final. Most SDKs send `open` when the caller sets
    nothing. Written with two `l` and an underscore, unlike in prose."""
    cartItems: list[CartItem]
    """The lines of the cart, at most 1000. When sent they replace the whole cart; an empty list
    empties it. The lines may hold 10000 units in total."""
    experimentVariantAllocations: list[ExperimentVariantAllocation]
    """The experiments the session takes part in, each with its variant."""
    additionalCosts: dict[str, AdditionalCost]
    """Fees on the session as a whole, by the name of the cost. The names have to be set up in
    Talon.One first."""
    identifiers: list[str]
    """Up to five values that distinguish one customer from another, to limit how often a
    promotion can be used. Better hashed than in the clear."""
    attributes: dict[str, Any]
    """Custom attributes of the session, by name. Each has to exist in Talon.One as a session
    attribute: an unknown name makes the API refuse the request."""


class IntegrationRequest(TypedDict):
    """Body of a request to create or update a session.

    `PUT /v2/customer_sessions/{customerSessionId}`. The session goes under `customerSession`,
    never at the top.
    """

    customerSession: NewCustomerSessionV2
    """The session to create or update."""
    responseContent: NotRequired[list[IntegrationRequestResponseContent]]
    """Which entities the response is to contain besides the effects; without it, the effects are
    all you get back. `campaignEligibility` is for dry requests only."""


class Loyalty(TypedDict):
    """What the customer has in the loyalty programs, as the API answers it.

    More properties may come with it.
    """

    programs: dict[str, Any]
    """The loyalty programs, by key; what is in each is not checked."""


class ReturnedCartItem(TypedDict, total=False):
    """One line of the cart that is given back, whole or in part.

    The line is named by `position` or by `sku`.
    """

    position: int
    """Place of the line in the session's `cartItems`, counted from 0. May be left out if `sku`
    is given."""
    quantity: int
    """How many units of the line come back; without it, the whole line."""
    sku: str
    """SKU of the goods that come back, instead of the position of their line. Must not be empty."""


class Return(TypedDict):
    """A return as the API answers it.

    More properties may come with it.
    """

    id: int
    """Internal number of the return."""
    created: str
    """Moment the return was recorded (RFC 3339)."""
    applicationId: int
    """Number of the Application the return belongs to."""
    accountId: int
    """Number of the Talon.One account the return belongs to."""
    returnedCartItems: list[ReturnedCartItem]
    """The lines that were given back."""
    eventId: int
    """Number of the event the return was recorded as."""
    sessionId: int
    """Internal number of the session."""
    sessionIntegrationId: str
    """Your own identifier of the session, at most 1000 characters."""
    profileId: NotRequired[int]
    """Internal number of the customer profile: an integer here, unlike the `profileId` of a
    session."""
    profileIntegrationId: NotRequired[str]
    """Your own identifier of the customer, at most 1000 characters."""
    createdBy: NotRequired[Any]
    """Who asked for the return; its form is not checked."""


_IntegrationStateV2Keywords = TypedDict(
    "_IntegrationStateV2Keywords", {"return": NotRequired[Return]}
)


class IntegrationStateV2(_IntegrationStateV2Keywords):
    """Response to a session update or a return.

    Effects, created coupons and created referrals are always there; the rest comes only if the
    request's `responseContent` asks for it.
    """

    effects: list[Effect]
    """What the rules decided."""
    createdCoupons: list[dict[str, Any]]
    """Coupons that the request led to; empty if none."""
    createdReferrals: list[dict[str, Any]]
    """Referrals that the request led to; empty if none."""
    customerSession: NotRequired[CustomerSessionV2]
    """The session after the request, if asked for."""
    customerProfile: NotRequired[CustomerProfile]
    """The customer, if asked for."""
    event: NotRequired[Event]
    """The event the request was recorded as, if asked for."""
    loyalty: NotRequired[Loyalty]
    """The customer's loyalty programs, if asked for."""
    referral: NotRequired[dict[str, Any]]
    """The referral in use, if asked for; its keys are not checked."""
    coupons: NotRequired[list[dict[str, Any]]]
    """The coupons in use, if asked for; their keys are not checked."""
    triggeredCampaigns: NotRequired[list[dict[str, Any]]]
    """The campaigns whose rules took effect, if asked for; their keys are not checked."""
    ruleFailureReasons: NotRequired[list[dict[str, Any]]]
    """Why rules did not take effect, if asked for; always there for sandbox Applications. The
    keys are not checked."""
    awardedGiveaways: NotRequired[list[dict[str, Any]]]
    """The giveaways awarded, if asked for; their keys are not checked."""
    previousReturns: NotRequired[list[Return]]
    """Earlier returns of the session, if asked for."""
    campaignEligibility: NotRequired[Any]
    """Which campaigns the session qualifies for, if a dry request asked for it; its form is not
    checked."""
    achievements: NotRequired[Any]
    """The customer's achievements, if asked for; their form is not checked."""
    advancedEvent: NotRequired[Any]
    """Details of an advanced event; their form is not checked."""


class NewReturn(TypedDict):
    """The goods to take back, as your shop sends them."""

    returnedCartItems: list[ReturnedCartItem]
    """The lines that are given back."""


class ReopenResponse(TypedDict):
    """Response to reopening a closed session.

    `PUT /v2/customer_sessions/{customerSessionId}/reopen`, a request without a body.
    """

    effects: list[Effect]
    """What the rules decided."""


_ReturnIntegrationRequestKeywords = TypedDict(
    "_ReturnIntegrationRequestKeywords", {"return": NewReturn}
)


class ReturnIntegrationRequest(_ReturnIntegrationRequestKeywords):
    """Body of a request to take back goods of a closed session.

    `POST /v2/customer_sessions/{customerSessionId}/returns`.
    """

    responseContent: NotRequired[list[ReturnIntegrationRequestResponseContent]]
    """Which entities the response is to contain besides the effects. Shorter than the list for
    session updates."""
