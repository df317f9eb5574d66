"""The states that a store holds for possible, read as gateways do: by a request."""

from __future__ import annotations

from typing import Final

from talonschema.gateway.store import Intent, Key, Store

_PROBE: Final = Intent(frozenset(), None, certain=frozenset({"open"}))
"""No state permits it, and it is in doubt where none is known: it leaves no trace."""


async def states_of(store: Store, key: Key, *, strict_new: bool = False) -> frozenset[str]:
    """Return the states that a session may be in; empty if that is not known.

    Strictly, a session that is not known is new; else one that may be new counts as not known.
    """
    admission = await store.begin(key, _PROBE._replace(strict_new=strict_new))
    assert not admission.may_pass
    return admission.states
