"""Kling's envelope around every answer, and its way of reading a request."""

from __future__ import annotations

import json
import uuid
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from klingbot.sandbox.kling.refusals import Refusal
from klingbot.sandbox.kling.task_requests import Fields, invalid


def answer(data: Fields | list[Fields]) -> Response:
    """A yes, with what was asked for."""
    body = {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": data}
    # In ASCII: a test may order a text that no encoding has, or a number that is none.
    return Response(json.dumps(body), media_type="application/json")


def refusal(why: Refusal) -> Response:
    """A no."""
    body = {"code": why.code, "message": why.message, "request_id": str(uuid.uuid4())}
    return JSONResponse(body, why.http_status)


async def on_refusal(request: Request, error: Exception) -> Response:
    """Starlette's hook for a Refusal raised anywhere."""
    assert isinstance(error, Refusal)
    return refusal(error)


async def on_no_route(request: Request, error: Exception) -> Response:
    """Starlette's hook for a path or a method that Kling does not have."""
    assert isinstance(error, HTTPException)
    return refusal(Refusal(1202 if error.status_code == 405 else 1203))


async def json_object(request: Request) -> Fields:
    """The request's body. Raises Refusal unless it is a JSON object and says so."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refusal(1200, "Content-Type must be application/json")
    try:
        body: Any = json.loads(await request.body())
    except ValueError:
        raise Refusal(1200, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(1200, "the body is not a JSON object")
    return body


def listed(request: Request, parameter: str) -> list[str]:
    """A comma list in the query string; empty when it is not there."""
    return [each for each in request.query_params.get(parameter, "").split(",") if each]


def number(request: Request, parameter: str, default: int, allowed: range) -> int:
    """A whole number in the query string. Raises Refusal."""
    value = request.query_params.get(parameter, str(default))
    if not value.isdecimal() or int(value) not in allowed:
        raise invalid(parameter, value)
    return int(value)
