"""Calls to the Web API: who calls, with which scopes, which method, and which faults were ordered."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from klingbot.sandbox.slack import chat, people_methods, uploads, view_methods
from klingbot.sandbox.slack.calls import Calls
from klingbot.sandbox.slack.reply_checks import Args, Method, Reply, Slack, error, ok, ratelimited, word
from klingbot.sandbox.slack.slack_faults import Fault, Faults


@dataclass(frozen=True, slots=True)
class Tokens:
    """The two tokens this sandbox accepts."""

    bot: str
    app: str


Needs = Callable[[Slack, Args], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One method: what does it, which token opens it, and which scopes it needs (Slack's docs, per method)."""

    method: Method
    token: Literal["bot", "app", None] = "bot"
    needs: Needs = lambda slack, args: ()


def _always(*scopes: str) -> Needs:
    return lambda slack, args: scopes


def _for_types(slack: Slack, args: Args) -> tuple[str, ...]:
    types = people_methods.wanted_types(args)
    return tuple(people_methods.SCOPE_OF_TYPE[kind] for kind in types if kind in people_methods.SCOPE_OF_TYPE)


def _for_channel(slack: Slack, args: Args) -> tuple[str, ...]:
    channel = slack.workspace.channels.get(word(args, "channel"))
    return (people_methods.SCOPE_OF_TYPE[people_methods.type_of(channel)],) if channel else ("channels:read",)


def _for_people(slack: Slack, args: Args) -> tuple[str, ...]:
    return ("mpim:write",) if "," in word(args, "users") else ("im:write",)


def _open_connection(slack: Slack, args: Args) -> Reply:
    return ok(url=slack.open_socket())


METHODS = {
    "api.test": Entry(people_methods.api_test, token=None),
    "auth.test": Entry(people_methods.auth_test),
    "apps.connections.open": Entry(_open_connection, token="app"),
    "users.info": Entry(people_methods.users_info, needs=_always("users:read")),
    "users.list": Entry(people_methods.users_list, needs=_always("users:read")),
    "conversations.list": Entry(people_methods.conversations_list, needs=_for_types),
    "conversations.info": Entry(people_methods.conversations_info, needs=_for_channel),
    "conversations.open": Entry(people_methods.conversations_open, needs=_for_people),
    "chat.postMessage": Entry(chat.post_message, needs=_always("chat:write")),
    "chat.postEphemeral": Entry(chat.post_ephemeral, needs=_always("chat:write")),
    "chat.update": Entry(chat.update, needs=_always("chat:write")),
    "chat.delete": Entry(chat.delete, needs=_always("chat:write")),
    "chat.getPermalink": Entry(chat.get_permalink),
    "views.open": Entry(view_methods.open_view),
    "views.push": Entry(view_methods.open_view),
    "views.update": Entry(view_methods.update),
    "views.publish": Entry(view_methods.publish),
    "files.getUploadURLExternal": Entry(uploads.get_upload_url, needs=_always("files:write")),
    "files.completeUploadExternal": Entry(uploads.complete_upload, needs=_always("files:write")),
    "files.info": Entry(uploads.info, needs=_always("files:read")),
}


class WebApi:
    """`/api/<method>`."""

    def __init__(self, slack: Slack, tokens: Tokens, faults: Faults, calls: Calls) -> None:
        self._slack = slack
        self._tokens = tokens
        self._faults = faults
        self._calls = calls

    async def endpoint(self, request: Request) -> Response:
        """Answer one call, or fail as asked."""
        name = request.path_params["method"]
        args = await _args(request)
        self._calls.note(name, word(args, "channel") if isinstance(args, dict) else "")
        match self._faults.take(name):
            case Fault("hang_up"):
                return _hang_up(request)
            case Fault("stall", seconds=seconds):
                await asyncio.sleep(seconds)
                return _hang_up(request)
            case Fault("lose_reply"):
                self._answer(name, args, request)
                return _hang_up(request)
            case Fault("server_error"):
                return Response("internal server error", status_code=500)
            case Fault("ratelimited", retry_after=seconds):
                return _response(ratelimited(seconds), self._slack)
            case Fault("slack_error", error=ordered):
                return _response(error(ordered), self._slack)
            case Fault("delay", seconds=seconds):
                await asyncio.sleep(seconds)
        return _response(self._answer(name, args, request), self._slack)

    def _answer(self, name: str, args: Args | Reply, request: Request) -> Reply:
        if isinstance(args, Reply):
            return args
        entry = METHODS.get(name)
        if entry is None:
            return error("unknown_method", req_method=name)
        if entry.token and (problem := self._token_problem(entry.token, args, request)):
            return error(problem)
        for scope in entry.needs(self._slack, args):
            if scope not in self._slack.scopes:
                return error("missing_scope", needed=scope, provided=",".join(self._slack.scopes))
        return entry.method(self._slack, args)

    def _token_problem(self, kind: Literal["bot", "app"], args: Args, request: Request) -> str | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ") or word(args, "token")
        if not token:
            return "not_authed"
        if token not in (self._tokens.bot, self._tokens.app):
            return "invalid_auth"
        wanted = self._tokens.bot if kind == "bot" else self._tokens.app
        return None if token == wanted else "not_allowed_token_type"


async def _args(request: Request) -> Args | Reply:
    """What the call says, as JSON, as a form or in its address; some callers send a JSON type and no body."""
    body = await request.body()
    asked: dict[str, Any] = dict(request.query_params)
    if not body:
        return asked
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/x-www-form-urlencoded":
        return asked | dict(parse_qsl(body.decode(), keep_blank_values=True))
    if kind != "application/json":
        return error("invalid_post_type")
    try:
        given = json.loads(body)
    except ValueError:
        return error("invalid_json")
    return asked | given if isinstance(given, dict) else error("json_not_object")


def _response(reply: Reply, slack: Slack) -> Response:
    headers = {"x-oauth-scopes": ",".join(slack.scopes), **reply.headers}
    return JSONResponse(reply.body, reply.status, headers)


def _hang_up(request: Request) -> Response:
    """Cut the connection. The response is what the framework wants to hear; nobody receives it."""
    request.state.transport.abort()
    return Response()
