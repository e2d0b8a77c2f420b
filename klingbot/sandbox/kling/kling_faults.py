"""Trouble to order: what the local Kling does wrong with its next calls, so that a test can watch the bot cope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from klingbot.sandbox.kling.http import refusal
from klingbot.sandbox.kling.refusals import ANSWERS, Refusal

_CALLS = ("create", "query")
_ENDINGS = ("answer", "drop", "garbage", "code")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one call."""

    on: Literal["create", "query"]
    ending: Literal["answer", "drop", "garbage", "code"] = "answer"
    """The true answer, a connection that breaks, something that is not Kling's JSON, or `code`."""
    taken: bool = False
    """Whether a create is taken all the same, so that only its reply goes wrong. The true answer always means so."""
    code: int = 5000
    delay_seconds: float = 0.0
    """Before the ending, after the task was taken."""

    def __post_init__(self) -> None:
        if self.on not in _CALLS or self.ending not in _ENDINGS or self.code not in ANSWERS:
            raise ValueError(f"a fault is on {_CALLS}, ends in {_ENDINGS}, and has one of Kling's codes: {self}")

    @property
    def spares_the_task(self) -> bool:
        return self.taken or self.ending == "answer"

    def end(self, answer: Response | None) -> Response:
        """The reply that goes out in place of the true answer."""
        if self.ending == "drop":
            return BrokenReply()
        if self.ending == "garbage":
            return PlainTextResponse("<html><h1>502 Bad Gateway</h1></html>", 502)
        return answer if answer and self.ending == "answer" else refusal(Refusal(self.code))


class Faults:
    """The faults still to come, each for one call, in the order they were asked for."""

    def __init__(self) -> None:
        self._coming: list[Fault] = []

    def add(self, fault: Fault, times: int = 1) -> None:
        self._coming += [fault] * times

    def add_json(self, order: dict[str, Any]) -> None:
        """The fields of a Fault, and `times`. Raises TypeError or ValueError for anything else."""
        fields = dict(order)
        times = int(fields.pop("times", 1))
        self.add(Fault(**fields), times)

    def clear(self) -> None:
        self._coming.clear()

    def next(self, on: str) -> Fault | None:
        """Take the next fault of such a call off the list."""
        for index, fault in enumerate(self._coming):
            if fault.on == on:
                return self._coming.pop(index)
        return None


class BrokenReply(Response):
    """A reply that promises a body and never sends one: the server then breaks the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
