"""Slash commands: from what a person typed to what they see of the bot's acknowledgement."""

import logging
import secrets
from collections import deque

from klingbot.sandbox.slack.content import Refused
from klingbot.sandbox.slack.delivery import Deliver, Failure, Payload
from klingbot.sandbox.slack.escaping import escape
from klingbot.sandbox.slack.responses import Responses
from klingbot.sandbox.slack.roster import APP_ID, SLACKBOT_ID, TEAM_DOMAIN
from klingbot.sandbox.slack.triggers import Triggers
from klingbot.sandbox.slack.workspace import Workspace
from klingbot.slack.manifest import Manifest

log = logging.getLogger(__name__)

UNKNOWN = (
    "{} is not a valid command. In Slack, all messages that start with the “/” character are interpreted "
    "as commands. If you want to send a message and have it appear in the channel, add a space before the “/”."
)
FAILED = '{} failed with the error "{}"'
"""Slack's own sentence, seen by whoever typed the command."""


class Commands:
    """Turns typed commands into deliveries. Used from the server's event loop only."""

    def __init__(
        self,
        workspace: Workspace,
        manifest: Manifest,
        responses: Responses,
        triggers: Triggers,
        url: str,
        deliver: Deliver,
    ) -> None:
        self._workspace = workspace
        self._manifest = manifest
        self._responses = responses
        self._triggers = triggers
        self._url = url
        self._deliver = deliver
        self._token = secrets.token_hex(12)
        self.sent: deque[Payload] = deque(maxlen=100)

    async def run(self, user: str, channel: str, typed: str) -> None:
        """Deliver one command and show the outcome."""
        name, _, text = typed.partition(" ")
        command = self._manifest.command(name)
        if command is None:
            self._whisper(channel, user, UNKNOWN.format(name))
            return
        text = escape(text.strip(), self._workspace) if command.get("should_escape") else text.strip()
        payload = self._payload(user, channel, name, text)
        self.sent.append(payload)
        await self.deliver(payload)

    async def deliver(self, payload: Payload) -> None:
        """Deliver a payload, and not only once if asked again: bots must survive repeated deliveries."""
        channel, user = payload["channel_id"], payload["user_id"]
        outcome = await self._deliver("slash_commands", payload)
        if isinstance(outcome, Failure):
            self._whisper(channel, user, FAILED.format(payload["command"], outcome.value))
            return
        ticket = payload["response_url"].rpartition("/")[2]
        refusal = self._responses.acknowledge(ticket, outcome.answer)
        if isinstance(refusal, Refused):
            log.warning("the acknowledgement was refused: %s %s", refusal.error, "; ".join(refusal.problems))
            self._whisper(channel, user, FAILED.format(payload["command"], refusal.error))

    def _payload(self, user: str, channel: str, command: str, text: str) -> Payload:
        return {
            "token": self._token,
            "team_id": self._workspace.people[user].team_id,
            "team_domain": TEAM_DOMAIN,
            "channel_id": channel,
            "channel_name": self._workspace.channels[channel].name_for_bots(),
            "user_id": user,
            "user_name": self._workspace.people[user].name,
            "command": command,
            "text": text,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": f"{self._url}/response/{self._responses.open(channel, user)}",
            "trigger_id": self._triggers.open(user),
        }

    def _whisper(self, channel: str, user: str, text: str) -> None:
        self._workspace.post(channel, SLACKBOT_ID, text, ephemeral_to=user)
