"""A sandbox, and a real Bolt app connected to it."""

from collections.abc import Iterator

import pytest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from klingbot import sandbox as local
from klingbot.sandbox import Sandbox
from tests.sandbox.bolt_bot import Bot, web_client


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A fresh one, with no bot connected and no posting rate."""
    running = local.start(posting_rate=False)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    """For tests that neither change it for others nor mind what others have said."""
    running = local.start(posting_rate=False)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def shared_client(shared_sandbox: Sandbox) -> WebClient:
    return web_client(shared_sandbox)


@pytest.fixture
def client(sandbox: Sandbox) -> WebClient:
    return web_client(sandbox)


@pytest.fixture(scope="session")
def connected() -> Iterator[Bot]:
    """One for all tests: connecting and closing take their time."""
    running = local.start(posting_rate=False)
    bot = Bot(running, web_client(running))
    handler = SocketModeHandler(bot.app, running.app_token)
    handler.connect()
    yield bot
    # The client closes at once when its server has hung up, and otherwise waits seconds for a last message.
    handler.client.auto_reconnect_enabled = False
    running.stop()
    handler.close()


@pytest.fixture
def bot(connected: Bot) -> Bot:
    """The connected bot, as if nothing had happened yet."""
    connected.quiet()
    return connected
