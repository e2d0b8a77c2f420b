"""`/status`: which work is overdue. `/healthz` is about this process, and a restart helps there; here it may not."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from klingbot.engine import Engine
from klingbot.engine.overdue import find
from klingbot.store import DatabaseError

STALLED_SECONDS = 3_600
"""How long one run of a periodic task may last before it is named; a long backlog of messages is one run."""


def route(engine: Engine, stalled: Callable[[float], list[str]]) -> Route:
    """Answer 200 while nothing is overdue, else 503 with the list. `stalled`: tasks that have run for so long."""

    def status(request: Request) -> JSONResponse:
        try:
            found, now = find(engine), engine.clock()
        except DatabaseError:  # its message names the server, and is in the log
            return JSONResponse({"overdue": [], "stalled": [], "reason": "the ledger cannot be read"}, status_code=503)
        overdue = [
            {"kind": each.kind, "count": each.count, "late_seconds": max(0, now - each.since) // 1000} for each in found
        ]
        names = stalled(STALLED_SECONDS)
        return JSONResponse({"overdue": overdue, "stalled": names}, status_code=503 if overdue or names else 200)

    return Route("/status", status)
