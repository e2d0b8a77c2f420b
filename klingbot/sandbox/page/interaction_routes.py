"""What people do on the page besides typing: press, choose, submit, close. Each answers when the bot has."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from klingbot.sandbox.page.json_bodies import Refusal, json_object, person_of
from klingbot.sandbox.slack.content import Refused
from klingbot.sandbox.slack.delivery import Failure
from klingbot.sandbox.slack.interactions import Interactions, Mistakes
from klingbot.sandbox.slack.payloads import NothingToPressError
from klingbot.sandbox.slack.workspace import Workspace

Outcome = Mistakes | Failure | Refused | None
Act = Callable[[str, dict[str, Any]], Awaitable[Outcome]]
"""(user id, the request's body)."""

NOTHING_THERE = Refusal(404, "nothing_to_press", "This is not there any more.")


def routes(workspace: Workspace, interactions: Interactions) -> list[BaseRoute]:
    acts = _Acts(interactions)

    def route(path: str, act: Act) -> Route:
        async def endpoint(request: Request) -> Response:
            body = await json_object(request)
            if isinstance(body, Refusal):
                return body.response()
            person = person_of(workspace, body.get("as"))
            if isinstance(person, Refusal):
                return person.response()
            try:
                return _response(await act(person.id, body))
            except NothingToPressError:
                return NOTHING_THERE.response()

        return Route(path, endpoint, methods=["POST"])

    return [
        route("/page/click", acts.click),
        route("/page/act", acts.act),
        route("/page/submit", acts.submit),
        route("/page/close", acts.close),
        route("/page/shortcut", acts.shortcut),
        route("/page/home", acts.home),
    ]


@dataclass(frozen=True, slots=True)
class _Acts:
    interactions: Interactions

    async def click(self, user: str, body: dict[str, Any]) -> Outcome:
        channel, ts, action_id, block_id = _words(body, "channel", "ts", "action_id", "block_id")
        return await self.interactions.click(user, channel, ts, action_id, block_id, body.get("value"))

    async def act(self, user: str, body: dict[str, Any]) -> Outcome:
        view_id, action_id, block_id = _words(body, "view", "action_id", "block_id")
        return await self.interactions.act(user, view_id, action_id, block_id, body.get("value"), _typed(body))

    async def submit(self, user: str, body: dict[str, Any]) -> Outcome:
        return await self.interactions.submit(user, str(body.get("view")), _typed(body))

    async def close(self, user: str, body: dict[str, Any]) -> Outcome:
        await self.interactions.close(user, str(body.get("view")), everything=bool(body.get("everything")))
        return None

    async def shortcut(self, user: str, body: dict[str, Any]) -> Outcome:
        channel, ts, callback_id = _words(body, "channel", "ts", "callback_id")
        if "ts" in body:
            return await self.interactions.message_shortcut(user, channel, ts, callback_id)
        return await self.interactions.shortcut(user, callback_id)

    async def home(self, user: str, body: dict[str, Any]) -> Outcome:
        return await self.interactions.open_home(user)


def _words(body: dict[str, Any], *names: str) -> list[str]:
    return [str(body.get(name)) for name in names]


def _typed(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    typed = body.get("values")
    return typed if isinstance(typed, dict) else {}


def _response(outcome: Outcome) -> Response:
    if isinstance(outcome, Failure):
        return Refusal(502, outcome.value, f"Klingbot did not respond ({outcome.value}).").response()
    if isinstance(outcome, Refused):
        said = "; ".join([outcome.error, *outcome.problems])
        return Refusal(502, outcome.error, f"We had some trouble connecting. Try again? ({said})").response()
    return JSONResponse({"ok": not outcome, "mistakes": outcome or {}})
