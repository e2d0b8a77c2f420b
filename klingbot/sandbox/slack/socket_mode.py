"""The Socket Mode hub: the bots' websockets, and each envelope to exactly one of them.

Lives on the server's event loop; nothing here may be called from another thread.
"""

import asyncio
import contextlib
import logging
import random
import secrets
import uuid
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from klingbot.sandbox.slack.delivery import ACK_SECONDS, Acked, Failure, Kind, Payload, Retry
from klingbot.sandbox.slack.roster import APP_ID

log = logging.getLogger(__name__)

CONNECT_SECONDS = 1.0
"""A bot that is just reconnecting gets this long before its command is given up."""

LEAVE_SECONDS = 0.1
"""Between asking a bot to reconnect and closing its old connection; Slack gives some seconds."""


_REASONS = {Failure.TIMED_OUT: "timeout", Failure.UNREACHED: "connection_failed"}


class SocketModeHub:
    """The open connections of the app."""

    def __init__(self) -> None:
        self._tickets: set[str] = set()
        self._connections: list[WebSocket] = []
        self._connected = asyncio.Event()
        self._unacked: dict[str, asyncio.Future[Any]] = {}

    def ticket(self) -> str:
        """Leave to connect, once."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    async def endpoint(self, websocket: WebSocket) -> None:
        """One bot's connection, from its hello to its end."""
        ticket = websocket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await websocket.close(code=1008)
            return
        self._tickets.remove(ticket)
        await websocket.accept()
        try:
            await websocket.send_json(self._hello())
            self._connections.append(websocket)
            self._connected.set()
            while True:
                self._note_ack(await websocket.receive_json())
        except WebSocketDisconnect:
            log.debug("a bot hung up")
        finally:
            self._leave(websocket)

    async def deliver(self, kind: Kind, payload: Payload, retry: Retry | None = None) -> Acked | Failure:
        """Send a command or a click to one connection and wait for its acknowledgement."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._connected.wait()
        except TimeoutError:
            return Failure.UNREACHED
        envelope = str(uuid.uuid4())
        acked = asyncio.get_running_loop().create_future()
        self._unacked[envelope] = acked
        try:
            async with asyncio.timeout(ACK_SECONDS):
                await random.choice(self._connections).send_json(
                    {
                        "envelope_id": envelope,
                        "type": kind,
                        "payload": payload,
                        "accepts_response_payload": kind == "slash_commands"
                        or payload.get("type") == "view_submission",
                        **(_attempt(retry) if kind == "events_api" else {}),
                    }
                )
                return Acked(await acked)
        except TimeoutError:
            return Failure.TIMED_OUT
        except (WebSocketDisconnect, RuntimeError):  # it hung up as we sent
            return Failure.UNREACHED
        finally:
            del self._unacked[envelope]

    async def ask_to_reconnect(self) -> None:
        """Tell every bot to open a fresh connection and close the old one, as Slack does every few hours."""
        leaving, self._connections = self._connections, []
        self._connected.clear()
        for websocket in leaving:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it left by itself
                await websocket.send_json({"type": "disconnect", "reason": "refresh_requested"})
                await asyncio.sleep(LEAVE_SECONDS)
                await websocket.close()

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._connections) + 1,
            "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": "sandbox", "approximate_connection_time": 18060},
        }

    def _note_ack(self, message: dict[str, Any]) -> None:
        acked = self._unacked.get(message.get("envelope_id", ""))
        if acked is None or acked.done():
            log.debug("an acknowledgement came too late or twice: %s", message.get("envelope_id"))
            return
        acked.set_result(message.get("payload"))

    def _leave(self, websocket: WebSocket) -> None:
        if websocket in self._connections:
            self._connections.remove(websocket)
        if not self._connections:
            self._connected.clear()


def _attempt(retry: Retry | None) -> dict[str, Any]:
    """What Slack says with each event (Slack's docs, Socket Mode)."""
    if retry is None:
        return {"retry_attempt": 0, "retry_reason": ""}
    return {"retry_attempt": retry.attempt, "retry_reason": _REASONS[retry.why]}
