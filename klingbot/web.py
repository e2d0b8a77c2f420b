"""The bot's own web server: for `/healthz` and `/metrics`, and for what Slack (in HTTP mode) and Kling post."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route


class PortError(OSError):
    """Nothing can listen there; the message says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A socket for uvicorn to serve on. Port 0 takes any free one; raises PortError when the port is taken.

    Its kind is spelt out because asyncio switches Nagle's algorithm off, which holds a reply back for 40 ms, only
    on sockets that say that they are TCP. Those of `create_server` do not.
    """
    try:
        listener = socket.create_server((host, port))
    except OSError as e:
        raise PortError(_unusable(host, port, e)) from e
    return socket.socket(listener.family, listener.type, socket.IPPROTO_TCP, fileno=listener.detach())


class WebServer:
    """uvicorn in a thread of its own."""

    def __init__(self, host: str, port: int, routes: Sequence[BaseRoute]) -> None:
        """Takes the port and serves at once. Raises PortError when the port is taken."""
        self._listener = listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        config = uvicorn.Config(
            Starlette(routes=routes), lifespan="off", access_log=False, log_config=None, timeout_graceful_shutdown=3
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, name="web", daemon=True
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)

    def close(self) -> None:
        """Answers what has been asked, then ends."""
        self._server.should_exit = True
        self._thread.join(5)


def _unusable(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is in use. Stop the program that has it, or choose another (PORT in the settings, --port for "
            "the sandbox)."
        )
    return f"it cannot listen on port {port} of {host}: {error.strerror}. Check HOST and PORT."


def health(trouble: Callable[[], str | None]) -> Route:
    """`/healthz`: 200 while the bot can do its work, 503 with the reason while it cannot."""

    async def answer(request: Request) -> JSONResponse:
        reason = trouble()
        if reason:
            return JSONResponse({"ready": False, "reason": reason}, status_code=503)
        return JSONResponse({"ready": True})

    return Route("/healthz", answer)
