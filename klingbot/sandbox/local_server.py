"""The sandbox's web server: loopback only, its own page only, in its own thread with its own event loop.

The bot may live in the same process, but never on this loop: a listener that calls the Web API would wait for
the very loop it is blocking.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from klingbot.http.server import listen

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
STOP_SECONDS = 2.0
_T = TypeVar("_T")


class OwnPageOnly:
    """Refuses what a page from elsewhere sends: browsers name the sender's origin, bots have none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            if headers.get("origin", own := f"http://{headers.get('host')}") != own:
                await PlainTextResponse("not from this page", status_code=403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _guarded(routes: Sequence[BaseRoute]) -> Starlette:
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"], www_redirect=False)
    return Starlette(routes=routes, middleware=[hosts, Middleware(OwnPageOnly)])


def _ending_quietly(app: ASGIApp) -> ASGIApp:
    """A request that is cut off because the server stops is not worth a traceback."""

    async def ending(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return ending


class _Protocol(H11Protocol):
    """Shows each request its transport, so that a fault can hang up."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class LocalServer:
    """uvicorn on a loopback port of its own. The port is taken at once, the routes come with `start`."""

    def __init__(self, port: int) -> None:
        """Port 0 takes any free one. Raises PortError when the port is taken."""
        self._listener = listen(LOOPBACK, port)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._loop = asyncio.new_event_loop()

    def start(self, routes: Sequence[BaseRoute]) -> None:
        """Serve, from now until `stop`. Raises RuntimeError when the server does not come up."""
        config = uvicorn.Config(
            _ending_quietly(_guarded(routes)),
            http=_Protocol,
            ws="websockets-sansio",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the sandbox's server did not start")
            time.sleep(0.005)

    def submit(self, work: Coroutine[Any, Any, _T]) -> "concurrent.futures.Future[_T]":
        """Run something on the server's loop. A failure that nobody waits for is logged."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        future.add_done_callback(_log_failure)
        return future

    def stop(self) -> None:
        """Hang up on everyone and end, within STOP_SECONDS even when streams are open."""
        if not self._thread.is_alive():
            return
        self._server.should_exit = self._server.force_exit = True
        self._loop.call_soon_threadsafe(self._hang_up)
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve(sockets=[self._listener]))

    def _hang_up(self) -> None:
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()


def _log_failure(future: "concurrent.futures.Future[Any]") -> None:
    if not future.cancelled() and (failure := future.exception()):
        log.error("a delivery failed", exc_info=failure)
