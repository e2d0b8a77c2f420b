"""Access to the pages for operators, which name people and budgets: with `Authorization: Bearer TOKEN` alone.

Being on the same machine is no proof: behind a proxy there, every client is.
"""

from __future__ import annotations

import hmac
import inspect
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

VARIABLE = "KLINGBOT_METRICS_TOKEN"
_CLOSED = f"This page is closed: set {VARIABLE} for the bot and send it as “Authorization: Bearer …”.\n"
_WRONG = f"This page wants “Authorization: Bearer …” with the bot's {VARIABLE}.\n"


def protected(token: str | None, route: Route) -> Route:
    """Return the same route for requests that carry the token. Without a token nobody is served."""
    endpoint = route.endpoint

    async def answer(request: Request) -> Response:
        if token is None:
            return PlainTextResponse(_CLOSED, status_code=403)
        if not _carries(request, token):
            return PlainTextResponse(_WRONG, status_code=401, headers={"WWW-Authenticate": "Bearer"})
        return await _call(endpoint, request)

    return Route(route.path, answer, methods=sorted(route.methods or ()))


def _carries(request: Request, token: str) -> bool:
    sent = request.headers.getlist("authorization")
    scheme, _, given = (sent[0] if len(sent) == 1 else "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


async def _call(endpoint: Any, request: Request) -> Response:
    if inspect.iscoroutinefunction(endpoint):
        answered: Response = await endpoint(request)
        return answered
    return await run_in_threadpool(endpoint, request)
