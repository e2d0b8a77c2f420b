"""The sandbox's face: the page, its state as JSON, its live stream of changes, and what people send."""

import asyncio
import base64
import json
import queue
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from klingbot.sandbox.page import interaction_routes, state
from klingbot.sandbox.page.json_bodies import Refusal, json_object, person_of
from klingbot.sandbox.page.reader import Reader
from klingbot.sandbox.slack.interactions import Interactions
from klingbot.sandbox.slack.roster import Channel, Person
from klingbot.sandbox.slack.views import Views
from klingbot.sandbox.slack.workspace import News, Showing, Workspace
from klingbot.slack.manifest import Manifest

Send = Callable[[str, str, str, str | None], None]
"""(user id, channel id, text, ts of the thread): takes what a person typed, at once."""
Share = Callable[[str, str, bytes, str, str, str | None], None]
"""(user id, channel id, content, file name, text, ts of the thread): takes a picture, at once."""

HEARTBEAT_SECONDS = 15.0
"""How often a quiet stream says that it is still there, so that nothing on the way closes it."""
RETRY_MILLISECONDS = 1000
"""How long the browser waits before it tries a lost stream again."""

_FILES = {file.name: file for file in (Path(__file__).parent / "static").iterdir() if file.is_file()}
_LOOK_SECONDS = 0.05
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def routes(
    workspace: Workspace, views: Views, send: Send, share: Share, manifest: Manifest, interactions: Interactions
) -> list[BaseRoute]:
    """The page's routes. What the manifest declares fills the menus."""
    page = _Page(workspace, views, send, share, manifest)
    return [
        Route("/", page.index),
        Route("/static/{name}", page.static),
        Route("/page/state", page.state),
        Route("/page/stream", page.stream),
        Route("/page/send", page.send_text, methods=["POST"]),
        *interaction_routes.routes(workspace, interactions),
    ]


@dataclass(frozen=True, slots=True)
class _Page:
    workspace: Workspace
    views: Views
    send: Send
    share: Share
    manifest: Manifest

    async def index(self, request: Request) -> Response:
        return FileResponse(_FILES["index.html"], headers=_HEADERS)

    async def static(self, request: Request) -> Response:
        file = _FILES.get(request.path_params["name"])
        if file is None:
            return Refusal(404, "unknown_file", "The page has no such file.").response()
        return FileResponse(file, headers=_HEADERS)

    async def state(self, request: Request) -> Response:
        person = self._viewer(request)
        if isinstance(person, Refusal):
            return person.response()
        reader, since = self._reader(person, request), request.query_params.get("since")
        return JSONResponse(state.state(self.workspace, reader, self.manifest, since))

    async def stream(self, request: Request) -> Response:
        person = self._viewer(request)
        if isinstance(person, Refusal):
            return person.response()
        changes = self._changes(self._reader(person, request))
        return StreamingResponse(changes, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def send_text(self, request: Request) -> Response:
        body = await json_object(request)
        if isinstance(body, Refusal):
            return body.response()
        person = person_of(self.workspace, body.get("as"))
        if isinstance(person, Refusal):
            return person.response()
        channel = self._channel(body.get("channel"), person)
        if isinstance(channel, Refusal):
            return channel.response()
        text, picture = body.get("text"), _picture(body)
        if not isinstance(text, str) or (not text.strip() and picture is None):
            return Refusal(400, "no_text", "There is nothing to send.").response()
        thread = body.get("thread")
        if thread is not None and not self.workspace.find(channel.id, str(thread)):
            return Refusal(404, "unknown_thread", "The message you reply to is not there any more.").response()
        if picture is None:
            await run_in_threadpool(self.send, person.id, channel.id, text, thread)
        else:
            await run_in_threadpool(self.share, person.id, channel.id, picture, str(body.get("name")), text, thread)
        return JSONResponse({"ok": True})

    def _viewer(self, request: Request) -> Person | Refusal:
        """Whom the request asks to be; the first person when it does not say."""
        first = next(person.id for person in self.workspace.people.values() if not person.is_bot)
        return person_of(self.workspace, request.query_params.get("as", first))

    def _reader(self, person: Person, request: Request) -> Reader:
        zone = request.query_params.get("tz")
        return state.reader(self.workspace, person, zone=zone, origin=str(request.base_url))

    def _channel(self, wanted: object, person: Person) -> Channel | Refusal:
        for channel in self.workspace.channels_of(person.id):
            if channel.id == wanted:
                return channel
        return Refusal(404, "unknown_channel", f"{person.real_name} sees no channel with the id {wanted!r}.")

    def _told(self, news: News, reader: Reader) -> dict[str, Any] | None:
        """What this person hears of it, if anything."""
        if isinstance(news, Showing):
            return state.showing(news, self.views, reader) if news.user == reader.id else None
        return state.change(news, reader) if self.workspace.sees(reader.id, news.message) else None

    async def _changes(self, reader: Reader) -> AsyncIterator[str]:
        """Server-Sent Events until the client leaves or the server hangs up, which cancels this.

        A SimpleQueue can only be waited for by a thread, which nothing can cancel: so look, and sleep.
        """
        source = self.workspace.subscribe()
        try:
            yield f"retry: {RETRY_MILLISECONDS}\n\n"
            beats_at = time.monotonic() + HEARTBEAT_SECONDS
            while True:
                for news in _drain(source):
                    if told := self._told(news, reader):
                        yield f"data: {json.dumps(told)}\n\n"
                if time.monotonic() >= beats_at:
                    beats_at += HEARTBEAT_SECONDS
                    yield ": still here\n\n"
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            self.workspace.unsubscribe(source)


def _drain(source: queue.SimpleQueue[News]) -> list[News]:
    return [source.get_nowait() for _ in range(source.qsize())]


def _picture(body: dict[str, Any]) -> bytes | None:
    """What is sent along in base64, if anything."""
    try:
        return base64.b64decode(body["picture"], validate=True) or None
    except (KeyError, TypeError, ValueError):
        return None
