"""One slow answer of Slack's delays its own message and no other: against the sandbox's Slack, over a slow wire."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from klingbot import sandbox
from klingbot.domain.notifications import TurnedAway, kind_of, to_json
from klingbot.engine import Engine
from klingbot.engine import clips as engine_clips
from klingbot.kling.clip_download import LIMITS as CLIP
from klingbot.sandbox import Sandbox
from klingbot.slack.api import clip_uploads, directory, message_sender, picture_uploads
from klingbot.slack.api.message_sender import Sender
from klingbot.slack.api.slack_client import SlackClient
from klingbot.store import digests, outbox, outbox_leases
from klingbot.workers import notifier as notifier_module
from klingbot.workers.notifier import AT_ONCE, Notifier
from tests.conftest import FakeClock
from tests.support.block_samples import credits, standing
from tests.support.live_bot import until
from tests.support.slow_wire import SlowWire, at_most, slow_wire

pytestmark = [pytest.mark.backend("sqlite", "postgres"), pytest.mark.both_databases]

ALICE, BOB, CAROL = "U0ALICE001", "U0BOB00001", "U0CAROL001"
GENERAL, FINANCE, MARKETING = "C0GENERAL1", "C0FINANCE1", "C0MARKETNG"
STORE_SECONDS = 2 * 2.2
"""How long a transaction waits for its turn, twice."""


class World:
    """An outbox whose messages go to the sandbox's Slack over a wire that can be slow."""

    def __init__(self, engine: Engine, clock: FakeClock, local: Sandbox, wire: SlowWire) -> None:
        self.engine, self.clock, self.local, self.wire = engine, clock, local, wire

    def put(self, key: str, **place: Any) -> None:
        content = TurnedAway(standing(f"project:{key}"), credits(40), BOB)
        with self.engine.store.write() as tx:
            outbox.put(tx, key, kind_of(content), to_json(content), at=self.clock(), **place)

    def notifier(self, seconds: float) -> Notifier:
        api_url = self.local.slack_api_url.replace(self.local.url, self.wire.url)
        client = SlackClient(self.local.bot_token, api_url, timeout=seconds)
        return Notifier(self.engine, Sender(client), FINANCE, lambda: (ALICE,))

    def sent(self, *keys: str) -> bool:
        db = self.engine.store.read()
        return all((found := outbox.find(db, key)) is not None and found.state == "sent" for key in keys)

    def tries(self, key: str) -> int:
        found = outbox.find(self.engine.store.read(), key)
        assert found is not None
        return found.tries


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    started = sandbox.start(posting_rate=False)
    yield started
    started.stop()


@pytest.fixture
def world(engine: Engine, clock: FakeClock, local: Sandbox) -> Iterator[World]:
    with slow_wire(local.url) as wire:
        yield World(engine, clock, local, wire)


@pytest.mark.slow
def test_six_messages_behind_a_slow_one_are_said_within_seconds(world: World) -> None:
    world.put("slow", channel_id=GENERAL)
    places = [{"channel_id": FINANCE}, {"channel_id": MARKETING}, *({"user_id": who} for who in (ALICE, BOB, CAROL))]
    keys = [f"m{number}" for number in range(len(places))]
    for key, place in zip(keys, places, strict=True):
        world.put(key, **place)
    world.put("second", channel_id=GENERAL)
    world.wire.slow = lambda request: GENERAL.encode() in request
    notifier = world.notifier(4.0)
    delivering = threading.Thread(target=notifier.deliver)
    delivering.start()
    until(lambda: world.sent(*keys), "the others are said", seconds=3)
    assert (world.sent("slow"), world.tries("slow")) == (False, 0), "the slow one is still on its way"
    delivering.join(30)
    notifier.finish()
    assert world.tries("slow") == 1
    assert not world.sent("second"), "its line keeps its order"


@pytest.mark.slow
def test_when_every_answer_is_slow_all_messages_are_tried_at_once(world: World) -> None:
    keys = [f"m{number}" for number in range(AT_ONCE - 1)]
    for key in keys:
        world.put(key, user_id=f"U0NOBODY{key}")
    world.wire.slow = lambda request: True
    notifier = world.notifier(5.0)
    delivering = threading.Thread(target=notifier.deliver)
    began = time.monotonic()
    delivering.start()
    until(lambda: world.wire.slowed >= len(keys), "each is on its way", seconds=AT_ONCE * 0.5 + 2)
    until(lambda: all(world.tries(key) for key in keys), "each was given up", seconds=AT_ONCE * 0.5 + 8)
    assert time.monotonic() - began < 15
    delivering.join(30)
    notifier.finish()


def test_nothing_else_of_a_line_is_claimed_while_one_is_on_its_way(world: World, clock: FakeClock) -> None:
    """An older message may join the line meanwhile: after quiet hours, from another place, or with its clip."""
    world.put("older", channel_id=FINANCE)
    world.put("newer", channel_id=GENERAL)
    with world.engine.store.write() as tx:
        older = outbox_leases.claim(tx, now=clock(), lease_until=clock() + 1)
        newer = outbox_leases.claim(tx, now=clock(), lease_until=clock() + 9_000)
        assert older is not None and newer is not None
        outbox_leases.reroute(tx, older, to=GENERAL, detour="it was archived")
        assert outbox_leases.claim(tx, now=clock(), lease_until=clock() + 9_000) is None
        outbox_leases.sent(tx, newer, at=clock(), to=GENERAL, ts="1.2")
        clock.tick(1)
        claimed = outbox_leases.claim(tx, now=clock(), lease_until=clock() + 9_000)
        assert claimed is not None and claimed.key == "older"


@pytest.mark.slow
def test_a_notifier_that_closes_waits_no_longer_than_the_calls_under_way(world: World) -> None:
    world.put("slow", channel_id=GENERAL)
    world.put("later", channel_id=GENERAL)
    world.wire.slow = lambda request: True
    notifier = world.notifier(1.5)
    delivering = threading.Thread(target=notifier.deliver)
    with at_most(4):
        delivering.start()
        until(lambda: world.wire.slowed > 0, "it is on its way", seconds=3)
        notifier.close()
        delivering.join()
        notifier.finish()


def test_a_lease_is_longer_than_all_that_is_done_under_it() -> None:
    saying = max(notifier_module.SAY_SECONDS + notifier_module.NOTE_SECONDS, directory.LIST_SECONDS)
    assert (saying + STORE_SECONDS) * 1000 <= notifier_module.LEASE_MS
    assert message_sender.SECONDS < notifier_module.SAY_SECONDS
    drawing = 5
    assert (picture_uploads.UPLOAD_SECONDS + directory.LIST_SECONDS + drawing + STORE_SECONDS) * 1000 < digests.LEASE_MS
    assert (CLIP.seconds + clip_uploads.LIMITS.seconds + STORE_SECONDS) * 1000 < engine_clips.LEASE_MS
