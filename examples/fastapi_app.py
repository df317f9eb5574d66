"""A backend for frontends: takes session updates from shops and passes them on to Talon.One.

Run it with the address and the key of your Application:

    TALON_ONE_URL=https://yourcompany.europe-west1.talon.one TALON_ONE_KEY=... \
        uvicorn examples.fastapi_app:app

It needs fastapi, httpx and uvicorn. What `SessionGuard` refuses never reaches `forward`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request, Response

from talonschema.gateway import SessionGuard


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep connections to the API open as long as the app runs."""
    key = os.environ["TALON_ONE_KEY"]
    async with httpx.AsyncClient(
        base_url=os.environ["TALON_ONE_URL"], headers={"Authorization": f"ApiKey-v1 {key}"}
    ) as app.state.api:
        yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(
    SessionGuard,
    edition="2026-06",
    store=os.environ.get("SESSION_STORE", "sqlite:talonschema-sessions.db"),
)


async def forward(request: Request) -> Response:
    """Pass a call on a session on, and its answer back."""
    target = request.scope["raw_path"].decode("ascii")
    if request.url.query:
        target += f"?{request.url.query}"
    answer = await request.app.state.api.request(
        request.method,
        target,
        content=await request.body(),
        headers={"Content-Type": request.headers.get("content-type", "application/json")},
    )
    return Response(
        answer.content, answer.status_code, media_type=answer.headers.get("content-type")
    )


app.add_route("/v2/customer_sessions/{session:path}", forward, methods=["PUT", "POST"])
