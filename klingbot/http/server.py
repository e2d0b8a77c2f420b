"""The bot's own web server: for `/healthz` and `/metrics`, and for what Slack (in HTTP mode) and Kling post.

Anyone can reach it: what connections and requests may cost is bounded in `connection_limits` and `request_bodies`.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from klingbot.common.log_format import AtMost
from klingbot.http.connection_gate import Gate
from klingbot.http.connection_limits import BoundedProtocol, Connections, Room, descriptor_limit
from klingbot.http.paced_selector import new_event_loop
from klingbot.http.request_bodies import RequestLimits


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
    """uvicorn in a thread of its own, behind a gate."""

    def __init__(self, host: str, port: int, routes: Sequence[BaseRoute], *, descriptors: int | None = None) -> None:
        """Take the port and serve at once; with so many `descriptors`, or as many as the process may open.

        Raises PortError when the port is taken.
        """
        self._listener = listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        room = Room.within(descriptor_limit() if descriptors is None else descriptors)
        gate, connections = Gate(self._listener, room.gate), Connections(room.stage)
        self._server = _Server(routes, gate, connections, most_in_work=room.answers)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(self._server.serve(sockets=[self._listener]))

    def close(self) -> None:
        """Answers what has been asked, then ends."""
        self._server.should_exit = True
        self._thread.join(5)


class _Server(uvicorn.Server):
    """uvicorn's server, to which the gate gives its connections."""

    def __init__(self, routes: Sequence[BaseRoute], gate: Gate, connections: Connections, *, most_in_work: int) -> None:
        app = Starlette(routes=routes)
        app.router.redirect_slashes = False
        _log_sparingly()
        super().__init__(
            uvicorn.Config(
                RequestLimits(app, most_in_work),
                http=BoundedProtocol,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="error",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=3,
                callback_notify=self._sweep,
                timeout_notify=1,
            )
        )
        self._gate = gate
        self._connections = connections
        self._joining: set[asyncio.Task[object]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the gate, where uvicorn would open a server of asyncio's."""
        await self.lifespan.startup()
        self.servers = [self._gate]  # type: ignore[list-item]
        self._gate.open(self._admit)
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what came whole, and wait for nothing else."""
        self._connections.end()
        await super().shutdown(sockets)

    def _admit(self, connection: socket.socket, received: bytes) -> None:
        made = partial(self._protocol, received)
        joining = asyncio.get_running_loop().create_task(_join(made, connection))
        self._joining.add(joining)
        joining.add_done_callback(self._joining.discard)

    def _protocol(self, received: bytes) -> BoundedProtocol:
        return BoundedProtocol(
            self.config, self.server_state, self.lifespan.state, connections=self._connections, received=received
        )

    async def _sweep(self) -> None:
        self._gate.sweep()
        self._connections.sweep()


async def _join(made: Callable[[], BoundedProtocol], connection: socket.socket) -> None:
    try:
        await asyncio.get_running_loop().connect_accepted_socket(made, connection)
    except OSError:
        connection.close()


def _log_sparingly() -> None:
    """Limit the log lines that anyone can cause from outside, so that they do not fill the disk."""
    for name in ("uvicorn.error", "asyncio", "klingbot.http.connection_gate"):
        logger = logging.getLogger(name)
        if not any(isinstance(each, AtMost) for each in logger.filters):
            logger.addFilter(AtMost())


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
