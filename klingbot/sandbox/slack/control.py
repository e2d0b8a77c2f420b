"""Routes for tests that run in another process: order faults and look at the calls."""

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from klingbot.sandbox.slack.calls import Calls
from klingbot.sandbox.slack.slack_faults import KINDS, Fault, Faults


def routes(faults: Faults, calls: Calls) -> list[Route]:
    async def order_fault(request: Request) -> Response:
        ordered: dict[str, Any] = await request.json()
        if ordered.get("kind") not in KINDS:
            return JSONResponse({"error": f"kind must be one of {', '.join(KINDS)}"}, status_code=400)
        method, times = ordered.pop("method", "*"), ordered.pop("times", 1)
        try:
            faults.add(method, Fault(**ordered), times)
        except TypeError as problem:
            return JSONResponse({"error": str(problem)}, status_code=400)
        return Response(status_code=204)

    async def clear_faults(request: Request) -> Response:
        faults.clear()
        return Response(status_code=204)

    async def list_calls(request: Request) -> Response:
        seen = calls.seen(request.query_params.get("method"))
        return JSONResponse({"calls": [asdict(call) for call in seen]})

    return [
        Route("/control/faults", order_fault, methods=["POST"]),
        Route("/control/faults", clear_faults, methods=["DELETE"]),
        Route("/control/calls", list_calls),
    ]
