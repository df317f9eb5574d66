"""The smallest application that takes session updates: alone, and with `SessionGuard`."""

from __future__ import annotations

from typing import Any

from talonschema.gateway import SessionGuard

ANSWER = b'{"effects": [], "createdCoupons": [], "createdReferrals": []}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Read the body, and answer."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


guarded = SessionGuard(app, store="sqlite:guarded.db")
