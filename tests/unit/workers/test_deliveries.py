"""Long deliveries under bad conditions: Slack away, a process that dies at any step, two processes on one ledger."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from threading import Barrier, Thread
from typing import Any

import pytest

from klingbot.domain.notifications import JobFailed, VideoReady
from klingbot.engine import Engine
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.slack_faults import Fault
from klingbot.sandbox.slack.workspace import Message
from klingbot.slack.api.message_sender import Sender, patient_client
from klingbot.store import NotKeptError, UncertainError, open_store, outbox_leases
from klingbot.workers import notifier
from klingbot.workers.notifier import LEASE_MS, Notifier
from tests.conftest import FakeClock
from tests.support.block_samples import job
from tests.unit.workers.test_notifier import ALICE, BOB, BOBS_DM, FINANCE, GENERAL, MARKETING, Post, local, post

pytestmark = pytest.mark.both_databases

__all__ = ["local", "post"]

HOUR = 3600
STALLED = 0.3
AWAY = (
    *(Fault("ratelimited", retry_after=seconds) for seconds in (1, 7, 30)),
    Fault("server_error"),
    Fault("hang_up"),
    Fault("stall", seconds=STALLED),
    Fault("slack_error", error="internal_error"),
)


def put_video(post: Post, key: str, channel: str) -> None:
    made = VideoReady(job(id=key, video_url=f"https://v.example/{key}.mp4"), ())
    post.put_content(key, made, channel_id=channel, user_id=BOB)


def videos(post: Post, channel: str) -> list[str]:
    return [m.text.split("https://v.example/")[1].split(".mp4")[0] for m in post.seen(channel)]


def words_of(message: Message) -> str:
    """All sections of a message: its `text` is cut where it would be too long."""
    return "\n".join(block["text"]["text"] for block in message.blocks if block["type"] == "section")


def hasty(post: Post) -> Notifier:
    """It does not wait long for an answer, so that a test does not."""
    client = patient_client(post.slack.bot_token, post.slack.slack_api_url)
    client.timeout = STALLED / 3  # type: ignore[assignment]
    return Notifier(post.engine, Sender(client), FINANCE, lambda: (ALICE,))


@pytest.mark.slow
@pytest.mark.backend("sqlite")
def test_what_is_queued_while_slack_is_away_for_an_hour_is_all_delivered_and_nothing_twice(post: Post) -> None:
    dice, notifier = random.Random(20_261_124), hasty(post)
    put: dict[str, list[str]] = {GENERAL: [], MARKETING: []}
    failures, alerts = [], []
    for second in range(HOUR):
        if second % 60 == 0:
            number = f"n{second:04}"
            channel = dice.choice((GENERAL, MARKETING))
            put_video(post, number, channel)
            put[channel].append(number)
            post.put_content(f"failed {number}", JobFailed(job(id=number)), user_id=BOB)
            failures.append(number)
            post.put(f"a{number}")
            alerts.append(f"a{number}")
        post.slack.faults.clear()
        for _ in range(5):
            post.slack.faults.add("*", dice.choice(AWAY))
        post.deliver(1, notifier)
    assert [post.seen(GENERAL), post.seen(MARKETING), post.seen(FINANCE), post.seen(BOBS_DM, BOB)] == [[]] * 4

    post.slack.faults.clear()
    for _ in range(15 * 60):
        if not post.waiting():
            break
        post.deliver()
    assert post.waiting() == 0
    assert {channel: videos(post, channel) for channel in put} == put
    assert [m.text.split("job ")[-1] for m in post.seen(BOBS_DM, BOB)] == failures
    said = "\n".join(words_of(m) for m in post.seen(FINANCE))
    assert [said.count(f"turned away: {alert} ") for alert in alerts] == [1] * len(alerts)
    assert len(post.seen(FINANCE)) <= 5, "a backlog of alerts is said together"


def test_only_a_message_whose_reply_was_lost_is_said_again(post: Post) -> None:
    for n in range(6):
        put_video(post, f"n{n}", GENERAL)
    post.deliver(2)
    post.slack.faults.add("chat.postMessage", Fault("lose_reply"))
    post.deliver(6)
    assert videos(post, GENERAL) == ["n0", "n1", "n2", "n2", "n3", "n4", "n5"]


@pytest.mark.slow
@pytest.mark.backend("sqlite")
def test_a_thousand_messages_leave_in_order_at_slacks_pace(post: Post) -> None:
    keys = [f"n{n:04}" for n in range(1000)]
    for key in keys:
        put_video(post, key, GENERAL)
    notifier = post.notifier()
    for _ in range(2000):  # the clock moves by half a second
        before = len(post.slack.workspace._messages[GENERAL])
        notifier.deliver()
        assert len(post.slack.workspace._messages[GENERAL]) <= before + 1
        post.clock.tick(0.5)
    assert videos(post, GENERAL) == keys
    assert post.waiting() == 0


class KilledError(BaseException):
    """Not an Exception: nothing in the bot may handle it, as nothing handles kill -9."""


class Steps:
    """Lets the process die before its nth step, or never."""

    def __init__(self, last: int) -> None:
        self.left = last

    def step(self) -> None:
        if self.left == 0:
            raise KilledError
        self.left -= 1

    def notifier(self, post: Post) -> Notifier:
        """Every transaction and every call to Slack begins with a step and ends with one."""
        mortal = post.notifier()
        store, send = post.engine.store, mortal.sender.send

        def sending(*args: Any, **more: Any) -> Any:
            self.step()
            outcome = send(*args, **more)
            self.step()
            return outcome

        class Mortal:
            read = staticmethod(store.read)

            @staticmethod
            @contextmanager
            def write() -> Iterator[Any]:
                self.step()
                with store.write() as tx:
                    yield tx
                    self.step()  # dies before the commit, which is then rolled back
                self.step()

        object.__setattr__(mortal.sender, "send", sending)
        return replace(mortal, engine=replace(post.engine, store=Mortal()))  # type: ignore[arg-type]


@pytest.mark.parametrize("last", range(17))
@pytest.mark.parametrize("channel", [GENERAL, "C0LOUNGE01"])
def test_dying_between_any_two_steps_of_a_delivery_loses_nothing(post: Post, last: int, channel: str) -> None:
    """In the lounge a delivery has more steps: it is rerouted to the default channel."""
    post.put("one", channel_id=channel)
    steps = Steps(last)
    try:
        steps.notifier(post).deliver()
        assert last >= 8, "a delivery has eight steps at least"
    except KilledError:
        pass
    said_before = len(post.seen(GENERAL) + post.seen(FINANCE))
    noted = post.waiting() == 0
    post.deliver(LEASE_MS // 1000 + 2)
    said = len(post.seen(GENERAL) + post.seen(FINANCE))
    assert said == (1 if noted else said_before + 1)
    assert post.waiting() == 0


def test_what_is_said_while_the_database_is_lost_is_noted_when_it_is_back_and_not_said_again(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, troubles = outbox_leases.sent, [NotKeptError("away"), UncertainError("lost"), NotKeptError("away")]

    def lost(*args: Any, **more: Any) -> None:
        note(*args, **more)
        if troubles:
            raise troubles.pop()

    monkeypatch.setattr(outbox_leases, "sent", lost)
    monkeypatch.setattr(notifier, "NOTE_AGAIN_SECONDS", 0)
    post.put("one")
    post.deliver(LEASE_MS // 1000 + 2)
    assert (post.waiting(), len(post.seen(FINANCE)), troubles) == (0, 1, [])


def test_a_bot_that_stops_does_not_wait_for_the_database(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = post.notifier()

    def lost(*_: Any, **__: Any) -> None:
        stopping.close()
        raise NotKeptError("away")

    monkeypatch.setattr(outbox_leases, "sent", lost)
    post.put("one")
    with pytest.raises(NotKeptError):
        stopping.deliver()


@pytest.mark.slow
def test_two_notifiers_on_one_ledger_send_each_message_once_and_in_order(
    post: Post, engine: Engine, clock: FakeClock
) -> None:
    put = {channel: [f"{channel[:4]}{n:02}".lower() for n in range(25)] for channel in (GENERAL, MARKETING, FINANCE)}
    for channel, keys in put.items():
        for key in keys:
            put_video(post, key, channel)
    meet = Barrier(2, action=lambda: clock.tick(1))

    def run(notifier: Notifier) -> Callable[[], None]:
        def rounds() -> None:
            for _ in range(30):
                meet.wait(30)
                notifier.deliver()

        return rounds

    with closing(open_store(engine.store.place)) as other:  # type: ignore[attr-defined]
        second = replace(post.notifier(), engine=replace(engine, store=other))
        threads = [Thread(target=run(notifier)) for notifier in (post.notifier(), second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert {channel: videos(post, channel) for channel in put} == put
    assert Counter(post.row(key).state for keys in put.values() for key in keys) == {"sent": 75}


def test_the_sandbox_takes_no_message_that_it_stalls_over(local: Sandbox, post: Post) -> None:
    local.faults.add("chat.postMessage", Fault("stall", seconds=STALLED))
    put_video(post, "n1", GENERAL)
    hasty(post).deliver()
    assert (post.row("n1").problem, videos(post, GENERAL)) == ("Slack could not be reached (TimeoutError)", [])
