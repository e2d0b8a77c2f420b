"""`POST /kling/callback`: Kling says that something happened to a task, and the bot asks what.

A callback is a hint. It may be lost, late, repeated or out of order, so it books nothing: it makes the job due to be
asked about now. Without any, every verdict still comes by asking.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from klingbot.common.log_format import AtMost
from klingbot.engine import Engine, kling_results
from klingbot.kling import callback_signature

log = logging.getLogger(__name__)
log.addFilter(AtMost())  # anyone can cause what is logged here

PATH = "/kling/callback"
MOST_BYTES = 262_144
"""Anyone may post here, so no longer body is looked at; Kling's are a few kilobytes."""


@dataclass(frozen=True, slots=True)
class Callbacks:
    engine: Engine
    secret: str
    refused: Callable[[str], None]
    """Counts one that was refused, by a word for why."""

    @property
    def routes(self) -> list[Route]:
        return [Route(PATH, self._hear, methods=["POST"])]

    async def _hear(self, request: Request) -> Response:
        body = await request.body()
        heard = None if len(body) > MOST_BYTES else callback_signature.read(self.secret, body, request.headers)
        if heard is None:
            self.refused("signature")
            log.warning("a callback without a good signature was refused")
            return PlainTextResponse("the signature is not good", status_code=401)
        if heard.job_id is not None:
            await run_in_threadpool(kling_results.hinted, self.engine, heard.job_id)
        return PlainTextResponse("ok")
