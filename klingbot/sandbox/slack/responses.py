"""Answers to a command or a click: the acknowledgement, and what comes later through the response_url.

Neither needs the bot to be in the channel. A response_url may be used 5 times within 30 minutes, and shows its
answer to the caller alone unless told otherwise (Slack's docs, handling user interaction).
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from klingbot.sandbox.slack import content
from klingbot.sandbox.slack.content import Content, Refused, flag
from klingbot.sandbox.slack.workspace import Message, Workspace

USES = 5
LIFETIME_SECONDS = 30 * 60
EXPIRED = Refused("expired_url")
USED = Refused("used_url")


@dataclass(slots=True)
class _Ticket:
    channel: str
    user: str
    ends: float
    uses: int = 0
    original: Message | None = None


class Responses:
    """The response_urls that have been given out. Used from the server's event loop only."""

    def __init__(self, workspace: Workspace, clock: Callable[[], float] = time.monotonic) -> None:
        self._workspace = workspace
        self._clock = clock
        self._tickets: dict[str, _Ticket] = {}

    def open(self, channel: str, user: str, original: Message | None = None) -> str:
        """A new ticket: the last part of a response_url. `original`: the message that was clicked."""
        ticket = secrets.token_urlsafe(18)
        self._tickets[ticket] = _Ticket(channel, user, self._clock() + LIFETIME_SECONDS, original=original)
        return ticket

    def acknowledge(self, ticket: str, answer: dict[str, Any] | str | None) -> Refused | None:
        """Show what the bot put into its acknowledgement; an empty one shows nothing."""
        if not answer:
            return None
        return self._answer(self._tickets[ticket], answer if isinstance(answer, dict) else {"text": answer})

    def use(self, ticket: str, answer: dict[str, Any]) -> Refused | None:
        """Show what was posted to a response_url, or say why not."""
        found = self._tickets.get(ticket)
        if found is None or self._clock() > found.ends:
            return EXPIRED
        if found.uses == USES:
            return USED
        found.uses += 1
        return self._answer(found, answer)

    async def endpoint(self, request: Request) -> Response:
        """`/response/<ticket>`: the other end of a response_url."""
        try:
            answer = await request.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            return PlainTextResponse("invalid_payload", status_code=400)
        refusal = self.use(request.path_params["ticket"], answer)
        if refusal is None:
            return PlainTextResponse("ok")
        return PlainTextResponse(refusal.error, status_code=404 if refusal in (EXPIRED, USED) else 400)

    def _answer(self, ticket: _Ticket, answer: dict[str, Any]) -> Refused | None:
        if flag(answer, "delete_original", default=False) and ticket.original is not None:
            self._workspace.delete(ticket.original.channel, ticket.original.ts)
            ticket.original = None
            return None
        said = content.read(answer, self._workspace.files)
        if isinstance(said, Refused):
            return said
        if flag(answer, "replace_original", default=False) and self._replace(ticket.original, said):
            return None
        message = self._workspace.post(
            ticket.channel,
            self._workspace.bot_user_id,
            said.text,
            blocks=said.blocks,
            ephemeral_to=None if answer.get("response_type") == "in_channel" else ticket.user,
            thread_ts=answer.get("thread_ts"),
            unfurl=said.unfurl,
        )
        ticket.original = ticket.original or message
        return None

    def _replace(self, original: Message | None, said: Content) -> bool:
        if original is None:
            return False
        changed = self._workspace.update(original.channel, original.ts, text=said.text, blocks=said.blocks)
        return changed is not None
