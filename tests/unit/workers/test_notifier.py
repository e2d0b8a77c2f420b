"""Every outbox message arrives, in order and where it should: against the sandbox's Slack, by a clock that is moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from klingbot import blocks, sandbox
from klingbot.domain.alert_history import ref_of
from klingbot.domain.budgets import WORKSPACE
from klingbot.domain.notifications import (
    Crossed,
    JobFailed,
    SubmittingResumed,
    TurnedAway,
    VideoReady,
    kind_of,
    to_json,
)
from klingbot.domain.periods import PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.domain.quiet_hours import QuietHours
from klingbot.engine import Engine, alert_mutes, budgets
from klingbot.engine import outbox as engine_outbox
from klingbot.engine.budgets import Change
from klingbot.engine.period_checks import watch
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.slack_faults import Fault
from klingbot.sandbox.slack.workspace import Message
from klingbot.slack.api.message_sender import Sender, patient_client
from klingbot.store import outbox, outbox_leases, quiet_channels
from klingbot.store.outbox import OutboxMessage
from klingbot.workers.notifier import LEASE_MS, Notifier
from tests.conftest import FakeClock
from tests.support.block_samples import credits, job, standing
from tests.support.ledger_checks import hold
from tests.support.live_bot import until

# What is decided here is the same on both backends: each statement runs on both, each decision on one.
pytestmark = [pytest.mark.backend("sqlite"), pytest.mark.both_databases]
ON_BOTH = pytest.mark.backend("sqlite", "postgres")

ALICE, BOB, CAROL = "U0ALICE001", "U0BOB00001", "U0CAROL001"
GENERAL, FINANCE, MARKETING, LOUNGE = "C0GENERAL1", "C0FINANCE1", "C0MARKETNG", "C0LOUNGE01"
"""Klingbot is not in the lounge."""
ALICES_DM, BOBS_DM, CAROLS_DM = "D0ALICE001", "D0BOB00001", "D0CAROL001"


@dataclass
class Post:
    """An outbox, and the Slack it is delivered to."""

    engine: Engine
    clock: FakeClock
    slack: Sandbox

    def put(self, key: str, **place: Any) -> None:
        """An alert that a budget with that name turned somebody away."""
        self.put_content(key, TurnedAway(standing(f"project:{key}"), credits(40), BOB), **place)

    def put_content(self, key: str, content: Any, **place: Any) -> None:
        with self.engine.store.write() as tx:
            outbox.put(tx, key, kind_of(content), to_json(content), at=self.clock(), **place)

    def notifier(self, alerts_channel: str | None = FINANCE, admins: tuple[str, ...] = (ALICE,)) -> Notifier:
        sender = Sender(patient_client(self.slack.bot_token, self.slack.slack_api_url))
        return Notifier(self.engine, sender, alerts_channel, lambda: admins)

    def deliver(self, seconds: int = 1, notifier: Notifier | None = None) -> None:
        """As the ticker does, once a second."""
        notifier = notifier or self.notifier()
        for _ in range(seconds):
            notifier.deliver()
            self.clock.tick(1)

    def row(self, key: str) -> OutboxMessage:
        with self.engine.store.write() as tx:
            found = outbox.find(tx, key)
        assert found is not None
        return found

    def seen(self, channel: str, by: str = ALICE) -> list[Message]:
        return self.slack.workspace.messages(channel, by)

    def said(self, channel: str, by: str = ALICE) -> list[str]:
        """Which keys were said there, by the budget that each message names."""
        return [m.text.split(": ")[1].split(" ")[0] for m in self.seen(channel, by)]

    def waiting(self) -> int:
        return outbox.counts(self.engine.store.read())["waiting"]

    def archive(self, channel: str) -> None:
        channels = self.slack.workspace.channels
        channels[channel] = replace(channels[channel], is_archived=True)


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    started = sandbox.start(posting_rate=False)
    yield started
    started.stop()


@pytest.fixture
def post(engine: Engine, clock: FakeClock, local: Sandbox) -> Iterator[Post]:
    channels = dict(local.workspace.channels)
    yield Post(engine, clock, local)
    local.faults.clear()
    local.workspace.channels.update(channels)
    for channel in channels:
        for message in [m for who in (ALICE, BOB, CAROL) for m in local.workspace.messages(channel, who)]:
            local.workspace.delete(channel, message.ts)


# Order and pace.


def test_messages_to_one_place_leave_in_their_order_one_a_second(post: Post) -> None:
    for key in ("one", "two", "three"):
        post.put(key, channel_id=GENERAL)
    said = []
    for _ in range(4):
        post.deliver()
        said.append(post.said(GENERAL))
    assert said == [["one"], ["one", "two"], ["one", "two", "three"], ["one", "two", "three"]]


def test_what_names_no_channel_keeps_its_place_among_what_names_the_default_one(post: Post) -> None:
    post.put("one", channel_id=FINANCE)
    post.put("two")
    post.put("three", channel_id=FINANCE)
    post.deliver()
    assert post.said(FINANCE) == ["one"]
    post.deliver(2)
    assert post.said(FINANCE) == ["one", "two", "three"]


def test_one_place_that_is_slow_does_not_hold_up_another(post: Post) -> None:
    post.put("one", channel_id=GENERAL)
    post.put("two", channel_id=GENERAL)
    post.put("elsewhere", channel_id=FINANCE)
    post.slack.faults.add("chat.postMessage", Fault("ratelimited", retry_after=30))
    post.deliver(29)
    assert (post.said(GENERAL), post.said(FINANCE)) == ([], ["elsewhere"])
    post.deliver(3)
    assert post.said(GENERAL) == ["one", "two"]


@pytest.mark.parametrize("kind", ["server_error", "hang_up", "slack_error"])
def test_trouble_that_passes_is_waited_out_longer_each_time(post: Post, kind: Any) -> None:
    post.put("one", channel_id=GENERAL)
    post.slack.faults.add("chat.postMessage", Fault(kind), times=3)
    tried = []
    for second in range(10):
        before = post.row("one").tries
        post.deliver()
        if post.row("one").tries > before:
            tried.append(second)
    assert tried == [0, 1, 3]
    assert post.said(GENERAL) == ["one"]


def test_a_call_that_slack_does_not_answer_in_time_is_made_again_though_slack_may_have_taken_it(post: Post) -> None:
    post.put("one", channel_id=GENERAL)
    post.slack.faults.add("chat.postMessage", Fault("delay", seconds=0.6))
    client = patient_client(post.slack.bot_token, post.slack.slack_api_url)
    client.timeout = 0.2  # type: ignore[assignment]
    hasty = Notifier(post.engine, Sender(client), FINANCE, tuple)
    hasty.deliver()
    assert post.row("one").problem == "Slack could not be reached (TimeoutError)"
    post.clock.tick(1)
    post.deliver()
    assert post.waiting() == 0
    until(lambda: post.said(GENERAL) == ["one", "one"], "the slow call has come through too")


# Leases.


def test_a_message_that_waits_its_turn_holds_no_lease_that_could_run_out(post: Post, clock: FakeClock) -> None:
    """Slack takes 30 seconds for each message, and a second bot comes by in the middle."""
    for channel in (GENERAL, FINANCE, MARKETING):
        post.put(channel, channel_id=channel)
    second = post.notifier()
    slow = post.notifier()
    send = slow.sender.send

    def slowly(*args: Any, **more: Any) -> Any:
        clock.tick(30)
        if not nested:
            nested.append(True)
            second.deliver()
        return send(*args, **more)

    nested: list[bool] = []
    object.__setattr__(slow.sender, "send", slowly)
    slow.deliver()
    for channel in (GENERAL, FINANCE, MARKETING):
        assert post.said(channel) == [channel]


def test_what_a_bot_died_over_is_sent_once_its_lease_has_run_out_and_counts_as_no_failure(
    post: Post, clock: FakeClock
) -> None:
    post.put("one", channel_id=GENERAL)
    with post.engine.store.write() as tx:
        outbox_leases.claim(tx, now=clock(), lease_until=clock() + LEASE_MS)
    post.deliver(40)
    assert post.said(GENERAL) == []
    post.deliver()
    assert post.said(GENERAL) == ["one"]
    assert post.row("one").tries == 0


def test_a_notifier_that_closes_leaves_the_rest_for_the_next_start(post: Post) -> None:
    post.put("one", channel_id=GENERAL)
    closed = post.notifier()
    closed.close()
    closed.deliver()
    assert post.waiting() == 1
    post.deliver()
    assert post.said(GENERAL) == ["one"]


# Where it goes.


def test_what_a_channel_does_not_take_goes_to_the_default_channel_and_says_why(post: Post) -> None:
    post.put("one", channel_id=LOUNGE)
    post.deliver()
    (message,) = post.seen(FINANCE)
    assert "This was meant for <#C0LOUNGE01>, which did not take it (not_in_channel)" in message.text


def test_what_no_channel_takes_is_told_each_admin_in_person(post: Post) -> None:
    post.archive(FINANCE)
    post.put("one", channel_id=LOUNGE)
    post.deliver(1, post.notifier(admins=(ALICE, BOB)))
    for direct, person in ((ALICES_DM, ALICE), (BOBS_DM, BOB)):
        (message,) = post.seen(direct, person)
        assert "This was meant for <#C0FINANCE1>, which did not take it (is_archived)" in message.text


def test_what_only_admins_should_hear_never_goes_to_a_channel(post: Post) -> None:
    post.put_content("one", SubmittingResumed("arrears"))
    post.deliver()
    assert [m.text for m in post.seen(ALICES_DM)] == [
        "✅ Kling takes jobs again\nIt had stopped because: arrears\nWaiting jobs go out now."
    ]
    assert post.seen(FINANCE) == []


def test_without_an_admin_to_tell_it_waits_and_is_told_once_there_is_one(post: Post) -> None:
    post.put_content("one", SubmittingResumed("arrears"))
    post.deliver(5, post.notifier(admins=()))
    assert (post.waiting(), post.row("one").problem) == (1, "there is no admin to tell")
    post.deliver(10)
    assert len(post.seen(ALICES_DM)) == 1


GONE = Fault("slack_error", error="user_disabled")
"""Slack's word for somebody whose account was deactivated (docs.slack.dev, conversations.open)."""


def test_what_cannot_be_told_to_its_person_is_told_to_the_admins_and_to_no_channel(post: Post) -> None:
    post.put_content("one", JobFailed(job(user_id=BOB, reason="Kling is full.")), user_id=BOB)
    post.slack.faults.add("conversations.open", GONE)
    post.deliver(1, post.notifier(admins=(ALICE, CAROL)))
    for direct, person in ((ALICES_DM, ALICE), (CAROLS_DM, CAROL)):
        (message,) = post.seen(direct, person)
        assert f"This was meant for <@{BOB}>, who cannot be told (user_disabled)" in message.text
    assert (post.seen(FINANCE), post.waiting()) == ([], 0)


@ON_BOTH
def test_an_admin_who_cannot_be_told_is_left_out_for_all_to_see_and_the_others_are_told_once(post: Post) -> None:
    post.put_content("one", SubmittingResumed("arrears"))
    notifier = post.notifier(admins=("U0GONE0001", ALICE))
    post.deliver(3, notifier)
    assert len(post.seen(ALICES_DM)) == 1
    (given_up,) = outbox_leases.last_failed(post.engine.store.read(), most=9)
    assert (given_up.user_id, given_up.problem) == ("U0GONE0001", "user_not_found")
    assert post.waiting() == 0


def test_a_message_for_somebody_who_is_gone_and_an_admin_goes_round_in_no_circle(post: Post) -> None:
    post.put_content("one", JobFailed(job(user_id="U0GONE0001")), user_id="U0GONE0001")
    post.deliver(5, post.notifier(admins=("U0GONE0001", ALICE)))
    assert len(post.seen(ALICES_DM)) == 1
    assert post.waiting() == 0


def test_the_only_admin_is_tried_again_and_given_up_once_there_is_another(post: Post) -> None:
    post.put_content("one", SubmittingResumed("arrears"))
    post.deliver(5, post.notifier(admins=("U0GONE0001",)))
    assert post.waiting() == 1
    post.deliver(10, post.notifier(admins=(ALICE,)))
    assert [each.user_id for each in outbox_leases.last_failed(post.engine.store.read(), most=9)] == ["U0GONE0001"]


def test_the_next_of_a_line_that_was_rerouted_comes_after_it_in_the_new_place(post: Post) -> None:
    post.put("one", channel_id=LOUNGE)
    post.put("two", channel_id=LOUNGE)
    post.put("three", channel_id=FINANCE)
    post.deliver(3)
    assert post.said(FINANCE) == ["one", "two", "three"]


def test_a_video_that_its_channel_does_not_take_comes_as_a_late_answer_that_asks_for_an_invitation(post: Post) -> None:
    ticket = post.slack.slack._responses.open(LOUNGE, BOB)
    place = {"channel_id": LOUNGE, "response_url": f"{post.slack.url}/response/{ticket}", "user_id": BOB}
    post.put_content("video", VideoReady(job(channel_id=LOUNGE), ()), **place)
    post.deliver()
    (message,) = post.seen(LOUNGE, CAROL)
    assert "Invite me (/invite @klingbot), or I cannot post here: not_in_channel" in message.text
    assert "another place" not in message.text


def test_a_video_that_neither_channel_nor_answer_takes_comes_by_direct_message(post: Post) -> None:
    place = {"channel_id": LOUNGE, "response_url": f"{post.slack.url}/response/gone", "user_id": BOB}
    post.put_content("video", VideoReady(job(channel_id=LOUNGE), ()), **place)
    post.deliver()
    (message,) = post.seen(BOBS_DM, BOB)
    assert "your video is ready" in message.text


# What cannot be said.


def test_one_message_that_cannot_be_rendered_is_set_aside_and_the_rest_flows(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for key in ("one", "broken", "three"):
        post.put(key, channel_id=GENERAL)
    render = blocks.render

    def rendered(content: Any, calendar: Any) -> Any:
        if content.standing.budget.scope == "project:broken":
            raise ZeroDivisionError
        return render(content, calendar)

    monkeypatch.setattr(blocks, "render", rendered)
    post.deliver(3)
    assert post.said(GENERAL) == ["one", "three"]
    assert (post.row("broken").state, post.row("broken").problem) == (
        "failed",
        "ZeroDivisionError on our side; the log has more",
    )
    assert "cannot be rendered" in caplog.text


@pytest.mark.parametrize("word", ["invalid_blocks", "msg_blocks_too_long"])
def test_a_message_that_slack_takes_nowhere_is_set_aside_and_not_sent_from_place_to_place(
    post: Post, word: str
) -> None:
    for key in ("broken", "two"):
        post.put(key, channel_id=GENERAL)
    post.slack.faults.add("chat.postMessage", Fault("slack_error", error=word))
    post.deliver(3)
    assert (post.said(GENERAL), post.seen(FINANCE), post.seen(ALICES_DM)) == (["two"], [], [])
    assert (post.row("broken").state, post.row("broken").problem) == ("failed", word)


def test_a_kind_that_this_version_does_not_know_is_set_aside(post: Post) -> None:
    with post.engine.store.write() as tx:
        outbox.put(tx, "one", "from the future", {}, at=post.clock(), channel_id=GENERAL)
    post.put("two", channel_id=GENERAL)
    post.deliver()
    assert post.said(GENERAL) == ["two"]
    assert outbox.counts(post.engine.store.read()) == {"waiting": 0, "failed": 1}


# Replies and edits.


def test_a_reply_comes_in_the_thread_of_what_it_answers(post: Post) -> None:
    post.put("root", channel_id=GENERAL)
    post.put("reply", channel_id=GENERAL, thread="root")
    post.put("reply to the reply", channel_id=GENERAL, thread="reply")
    post.deliver(3)
    root, *replies = post.seen(GENERAL)
    assert [reply.thread_ts for reply in replies] == [root.ts, root.ts]


def test_a_video_that_was_asked_for_in_a_thread_comes_to_that_thread(post: Post) -> None:
    asked = post.slack.workspace.post(GENERAL, BOB, "what about a fox?")
    post.put_content("video", VideoReady(job(), ()), channel_id=GENERAL, thread_ts=asked.ts)
    post.deliver()
    video = post.seen(GENERAL)[-1]
    assert "your video is ready" in video.text
    assert (video.thread_ts, video.broadcast) == (asked.ts, False)


def test_a_video_whose_thread_has_gone_comes_to_the_channel_and_one_that_may_not_come_there_to_its_owner(
    post: Post,
) -> None:
    for key, channel_id in (("gone", GENERAL), ("shut", LOUNGE)):
        post.put(key, channel_id=channel_id, user_id=BOB, thread_ts="1.000001")
    post.deliver(3)
    (video,) = post.seen(GENERAL)
    assert video.thread_ts is None
    (told,) = post.seen(BOBS_DM, BOB)
    assert "This was meant for <#C0LOUNGE01>" in told.text


def test_a_reply_follows_its_root_to_wherever_that_went(post: Post) -> None:
    post.put("root", channel_id=LOUNGE)
    post.put("waiting", channel_id=LOUNGE, thread="root")
    post.deliver(2)
    post.put("later", channel_id=GENERAL, thread="root")
    post.deliver()
    root, *replies = post.seen(FINANCE)
    assert post.said(FINANCE) == ["root", "waiting", "later"]
    assert [reply.thread_ts for reply in replies] == [root.ts, root.ts]
    assert post.seen(GENERAL) == []


def test_each_admin_gets_the_reply_in_the_thread_of_their_own_copy(post: Post) -> None:
    both = post.notifier(None, (ALICE, BOB))
    post.put("root")
    post.put("reply", thread="root")
    post.deliver(3, both)
    for direct, person in ((ALICES_DM, ALICE), (BOBS_DM, BOB)):
        root, reply = post.seen(direct, person)
        assert reply.thread_ts == root.ts


def test_a_reply_to_what_is_no_longer_there_is_a_message_of_its_own(post: Post) -> None:
    post.put("root", channel_id=GENERAL)
    post.put("reply", channel_id=GENERAL, thread="root")
    post.deliver()
    post.slack.workspace.delete(GENERAL, post.seen(GENERAL)[0].ts)
    post.deliver()
    (reply,) = post.seen(GENERAL)
    assert reply.thread_ts is None
    post.put("to nothing", channel_id=GENERAL, thread="never queued")
    post.deliver()
    assert post.said(GENERAL) == ["reply", "to"]


def test_a_replacement_edits_what_was_said(post: Post) -> None:
    post.put("old", channel_id=GENERAL)
    post.deliver()
    ts = post.seen(GENERAL)[0].ts
    post.put("new", channel_id=GENERAL, replaces="old")
    post.deliver()
    post.put("newer", channel_id=GENERAL, replaces="new")
    post.deliver()
    assert (post.said(GENERAL), post.seen(GENERAL)[0].ts) == (["newer"], ts)
    post.put("reply", channel_id=GENERAL, thread="newer")
    post.deliver()
    assert post.seen(GENERAL)[1].thread_ts == ts


def test_what_still_waits_is_said_in_its_new_form_only(post: Post) -> None:
    post.put("old", channel_id=GENERAL)
    post.put("new", channel_id=GENERAL, replaces="old")
    post.deliver(3)
    assert post.said(GENERAL) == ["new"]
    assert len(post.slack.calls.seen("chat.update")) == 0 or not post.seen(GENERAL)[0].edited
    assert post.waiting() == 0


def test_of_several_replacements_that_wait_only_the_newest_is_said(post: Post) -> None:
    post.put("old", channel_id=GENERAL)
    post.deliver()
    before = len(post.slack.calls.seen("chat.update"))
    for key in ("newer", "newest"):
        post.put(key, channel_id=GENERAL, replaces="old")
    post.deliver(3)
    assert post.said(GENERAL) == ["newest"]
    assert len(post.slack.calls.seen("chat.update")) == before + 1
    assert post.waiting() == 0


def test_what_is_on_its_way_when_a_replacement_comes_is_edited_afterwards(post: Post, clock: FakeClock) -> None:
    post.put("old", channel_id=GENERAL)
    racing = post.notifier()
    send = racing.sender.send

    def replaced_meanwhile(*args: Any, **more: Any) -> Any:
        post.put("new", channel_id=GENERAL, replaces="old")
        return send(*args, **more)

    object.__setattr__(racing.sender, "send", replaced_meanwhile)
    racing.deliver()
    assert post.said(GENERAL) == ["old"]
    post.deliver(2)
    assert post.said(GENERAL) == ["new"]


@ON_BOTH
def test_a_replacement_that_comes_after_the_lease_of_a_slow_holder_is_not_lost(post: Post, clock: FakeClock) -> None:
    """A suspended process, or another bot whose clock is ahead: the lease is over, and the message on its way."""
    post.put("old", channel_id=GENERAL)
    slow = post.notifier()
    send = slow.sender.send

    def replaced_much_later(*args: Any, **more: Any) -> Any:
        clock.tick(2 * LEASE_MS / 1000)
        post.put("new", channel_id=GENERAL, replaces="old")
        return send(*args, **more)

    object.__setattr__(slow.sender, "send", replaced_much_later)
    slow.deliver()
    post.deliver(3)
    assert post.said(GENERAL) == ["new"]
    assert post.waiting() == 0


def test_a_replacement_that_comes_after_the_lease_of_a_slow_edit_is_said_last(post: Post, clock: FakeClock) -> None:
    post.put("old", channel_id=GENERAL)
    post.deliver()
    post.put("new", channel_id=GENERAL, replaces="old")
    slow, other = post.notifier(), post.notifier()
    edit = slow.sender.edit

    def replaced_much_later(*args: Any, **more: Any) -> Any:
        clock.tick(2 * LEASE_MS / 1000)
        post.put("newest", channel_id=GENERAL, replaces="old")
        post.deliver(1, other)
        return edit(*args, **more)

    object.__setattr__(slow.sender, "edit", replaced_much_later)
    slow.deliver()
    post.deliver(3)
    assert post.said(GENERAL) == ["newest"]
    assert post.waiting() == 0


def test_what_a_bot_died_over_may_have_been_said_and_is_edited_after_it_is_said_again(
    post: Post, clock: FakeClock
) -> None:
    post.put("old", channel_id=GENERAL)
    with post.engine.store.write() as tx:
        outbox_leases.claim(tx, now=clock(), lease_until=clock() + LEASE_MS)
    clock.tick(2 * LEASE_MS / 1000)
    post.put("new", channel_id=GENERAL, replaces="old")
    before = len(post.slack.calls.seen("chat.update"))
    post.deliver(3)
    assert post.said(GENERAL) == ["new"]
    assert len(post.slack.calls.seen("chat.update")) == before + 1


def test_a_replacement_of_what_somebody_deleted_is_a_message_of_its_own(post: Post) -> None:
    post.put("old", channel_id=GENERAL)
    post.deliver()
    post.slack.workspace.delete(GENERAL, post.seen(GENERAL)[0].ts)
    post.put("new", channel_id=GENERAL, replaces="old")
    post.deliver()
    assert post.said(GENERAL) == ["new"]


def test_the_replacement_of_a_message_that_failed_is_said_in_its_stead(post: Post) -> None:
    with post.engine.store.write() as tx:
        outbox.put(tx, "old", "from the future", {}, at=post.clock(), channel_id=GENERAL)
    post.deliver()
    assert post.row("old").state == "failed"
    post.put("new", channel_id=GENERAL, replaces="old")
    post.deliver()
    assert post.said(GENERAL) == ["new"]


def test_admins_who_got_it_in_person_see_it_edited(post: Post) -> None:
    both = post.notifier(None, (ALICE, BOB))
    post.put("old")
    post.deliver(1, both)
    post.put("new", replaces="old")
    post.deliver(2, both)
    assert (post.said(ALICES_DM), post.said(BOBS_DM, BOB)) == (["new"], ["new"])


# A backlog.


@ON_BOTH
def test_alerts_that_had_to_wait_come_in_one_message_oldest_first(post: Post) -> None:
    post.slack.faults.add("chat.postMessage", Fault("ratelimited", retry_after=3600))
    for key in ("one", "two", "three"):
        post.put(key, channel_id=GENERAL)
        post.deliver()
    post.clock.tick(3600)
    post.deliver(3)
    (message,) = post.seen(GENERAL)
    assert message.text.startswith("3 alerts had to wait. Oldest first:")
    places = [message.text.index(f"turned away: {key} ") for key in ("one", "two", "three")]
    assert places == sorted(places)
    assert post.waiting() == 0
    post.put("reply", channel_id=GENERAL, thread="two")
    post.deliver()
    assert post.seen(GENERAL)[1].thread_ts == message.ts


def test_alerts_that_did_not_have_to_wait_come_one_by_one(post: Post) -> None:
    for n in range(50):
        post.put(f"n{n}", channel_id=GENERAL)
    post.deliver(50)
    assert len(post.seen(GENERAL)) == 50


@ON_BOTH
def test_a_backlog_that_is_too_long_for_one_message_takes_as_few_as_slack_allows(post: Post) -> None:
    for n in range(40):
        post.put(f"n{n}", channel_id=GENERAL)
    post.clock.tick(3600)
    post.deliver(10)
    heads = [m.text.split(" ")[0] for m in post.seen(GENERAL)]
    assert sum(map(int, heads)) == 40
    assert len(heads) <= 4


def test_every_finished_video_comes_in_a_message_of_its_own_however_long_it_waited(post: Post) -> None:
    for n in range(5):
        made = VideoReady(job(id=f"job{n}", video_url=f"https://v.example/{n}.mp4"), ())
        post.put_content(f"video {n}", made, channel_id=GENERAL)
    post.clock.tick(3600)
    post.deliver(5)
    assert [f"/{n}.mp4" in m.text for n, m in enumerate(post.seen(GENERAL))] == [True] * 5


def test_a_lone_alert_that_had_to_wait_is_a_message_like_any_other(post: Post) -> None:
    post.put("one", channel_id=GENERAL)
    post.clock.tick(3600)
    post.deliver()
    assert post.said(GENERAL) == ["one"]


def test_what_was_said_together_with_others_is_not_edited_over_them(post: Post) -> None:
    for key in ("one", "two"):
        post.put(key, channel_id=GENERAL)
    post.clock.tick(3600)
    post.deliver()
    post.put("new", channel_id=GENERAL, replaces="one")
    post.deliver(2)
    summary, new = post.seen(GENERAL)
    assert "turned away: one " in summary.text
    assert "turned away: new " in new.text


def test_one_of_a_backlog_that_cannot_be_rendered_does_not_keep_the_others(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("one", "broken", "three"):
        post.put(key, channel_id=GENERAL)
    render = blocks.render
    monkeypatch.setattr(blocks, "render", lambda c, cal: 1 / 0 if "broken" in str(c) else render(c, cal))
    post.clock.tick(3600)
    post.deliver()
    (message,) = post.seen(GENERAL)
    assert message.text.startswith("2 alerts had to wait.")
    assert post.row("broken").state == "failed"


# Quiet hours. The clock stands at Monday noon, UTC.

NIGHT = QuietHours(FINANCE, 22 * 60, 8 * 60, over_passes=False)


def quiet_at(post: Post, hours: QuietHours) -> None:
    with post.engine.store.write() as tx:
        quiet_channels.put(tx, hours, by=ALICE, at=post.clock())


@ON_BOTH
def test_what_happens_in_quiet_hours_is_said_in_one_summary_when_they_end(post: Post) -> None:
    quiet_at(post, NIGHT)
    post.clock.set(2026, 11, 23, 23)
    for key in ("one", "two", "three"):
        post.put(key)
        post.deliver(60)
    post.clock.set(2026, 11, 24, 7, 59, 59)
    post.deliver()
    assert post.seen(FINANCE) == []
    post.deliver(3)
    (message,) = post.seen(FINANCE)
    assert message.text.startswith("3 alerts had to wait.")
    assert post.waiting() == 0


def test_outside_of_quiet_hours_and_in_other_channels_nothing_is_held(post: Post) -> None:
    quiet_at(post, NIGHT)
    post.put("day")
    post.deliver()
    post.clock.set(2026, 11, 23, 23)
    post.put("night", channel_id=GENERAL)
    post.deliver()
    assert (post.said(FINANCE), post.said(GENERAL)) == (["day"], ["night"])


def test_a_finished_video_is_never_held(post: Post) -> None:
    quiet_at(post, NIGHT)
    post.clock.set(2026, 11, 23, 23)
    post.put("alert")
    post.put_content("video", VideoReady(job(), ()), channel_id=FINANCE, user_id=BOB)
    post.deliver(2)
    (message,) = post.seen(FINANCE)
    assert "your video is ready" in message.text


def test_with_an_exception_for_what_is_over_that_comes_through_and_the_rest_does_not(post: Post) -> None:
    quiet_at(post, replace(NIGHT, over_passes=True))
    post.clock.set(2026, 11, 23, 23)
    used_up, passed = standing("project:full", settled=40), standing("project:half", settled=32)
    post.put_content("passed", Crossed(passed, ("80",)))
    post.put_content("used up", Crossed(used_up, ("100",)))
    post.put("refused")
    post.deliver(3)
    texts = [m.text for m in post.seen(FINANCE)]
    assert ["full (monthly)" in texts[0], "refused (monthly)" in texts[1], len(texts)] == [True, True, 2]


def test_what_is_held_and_becomes_urgent_is_said_at_once(post: Post) -> None:
    quiet_at(post, replace(NIGHT, over_passes=True))
    post.clock.set(2026, 11, 23, 23)
    post.put_content("passed", Crossed(standing("project:half", settled=32), ("80",)))
    post.deliver()
    post.put_content("over", Crossed(standing("project:half", settled=40), ("100",)), replaces="passed")
    post.deliver(2)
    (message,) = post.seen(FINANCE)
    assert "Budget used up" in message.text


def test_an_edit_disturbs_nobody_and_is_made_at_once(post: Post) -> None:
    quiet_at(post, NIGHT)
    post.put("old")
    post.deliver()
    post.clock.set(2026, 11, 23, 23)
    post.put("new", replaces="old")
    post.deliver()
    assert post.said(FINANCE) == ["new"]


def test_an_edit_of_what_is_held_while_it_is_looked_at_is_held_too(post: Post, clock: FakeClock) -> None:
    quiet_at(post, NIGHT)
    post.clock.set(2026, 11, 24, 7, 59, 30)
    post.put("old")
    with post.engine.store.write() as tx:
        outbox_leases.route(tx, default=FINANCE, admins_only=())
        claimed = outbox_leases.claim(tx, now=clock(), lease_until=clock() + LEASE_MS)
    assert claimed is not None
    post.put("new", replaces="old")
    with post.engine.store.write() as tx:
        outbox_leases.hold(tx, claimed, until=clock() + 30_000)
    post.deliver(25)
    assert post.seen(FINANCE) == []
    post.deliver(10)
    assert post.said(FINANCE) == ["new"]
    assert post.waiting() == 0


def test_what_is_held_keeps_its_place_before_what_comes_after_quiet_hours(post: Post) -> None:
    quiet_at(post, NIGHT)
    post.clock.set(2026, 11, 24, 7, 59, 30)
    post.put("held")
    post.deliver(1)
    post.clock.set(2026, 11, 24, 8)
    post.put("later")
    post.deliver(3)
    assert post.said(FINANCE) == ["held", "later"]


# A test alert.


def run_test(post: Post, channel: str, notifier: Notifier | None = None, seconds: int = 3) -> list[str]:
    """What Alice, who asked in #general, is told; nobody else is."""
    url = f"{post.slack.url}/response/{post.slack.slack._responses.open(GENERAL, ALICE)}"
    engine_outbox.test(post.engine, channel, test="t1", by=ALICE, response_url=url)
    post.deliver(seconds, notifier)
    assert post.seen(GENERAL, BOB) == []
    return [m.text for m in post.seen(GENERAL) if m.ephemeral_to == ALICE]


def test_a_test_alert_says_to_whoever_asked_that_it_has_arrived(post: Post) -> None:
    assert run_test(post, FINANCE) == ["✅ The test alert has arrived in <#C0FINANCE1>."]
    assert [m.text.splitlines()[0] for m in post.seen(FINANCE)] == ["🧪 This is a test alert"]


def test_a_test_alert_that_went_elsewhere_says_why(post: Post) -> None:
    (told,) = run_test(post, LOUNGE)
    assert told.startswith("⚠️ <#C0LOUNGE01> did not take the test alert (not_in_channel), so it went to <#C0FINANCE1>.")


def test_a_test_alert_that_had_to_wait_says_so_once_it_arrives(post: Post) -> None:
    post.slack.faults.add("chat.postMessage", Fault("server_error"), times=2)
    assert run_test(post, FINANCE, seconds=6) == [
        "✅ The test alert has arrived in <#C0FINANCE1>. Slack took it after 2 failed attempts."
    ]


def test_a_test_alert_that_every_admin_gets_in_person_is_reported_once(post: Post) -> None:
    both = post.notifier(None, (ALICE, BOB))
    (told,) = run_test(post, LOUNGE, both)
    assert told.startswith("⚠️ <#C0LOUNGE01> did not take the test alert (not_in_channel), so it went to <#D0")
    assert len(post.seen(ALICES_DM)) == len(post.seen(BOBS_DM, BOB)) == 1


def test_the_outcome_of_a_test_comes_by_direct_message_when_the_command_is_long_past(post: Post) -> None:
    engine_outbox.test(post.engine, FINANCE, test="t1", by=ALICE, response_url=f"{post.slack.url}/response/gone")
    post.deliver(3)
    (told,) = post.seen(ALICES_DM)
    assert told.text.startswith("✅ The test alert has arrived in <#C0FINANCE1>.")


# Stories: the whole way from a hold to Slack.


def used_up_step_by_step(post: Post) -> None:
    change = Change(WORKSPACE, PeriodKind.MONTHLY, 40_000, thresholds=(25, 50, 100), channel_id=FINANCE)
    budgets.set_budget(post.engine, change, by=ALICE)
    for n in range(4):
        hold(post.engine, f"step {n}", Wish("kling-v1", 5))
        post.deliver(4)


def test_a_channel_sees_one_story_its_thread_and_what_concerns_everyone(post: Post) -> None:
    used_up_step_by_step(post)
    story, half, full = post.seen(FINANCE)
    assert story.text.startswith("🔴 Budget used up: workspace (monthly) is at 100.0%")
    assert [story.text.count(f"{share}% reached") for share in (25, 50, 100)] == [1, 1, 1]
    assert (half.thread_ts, half.broadcast) == (story.ts, False)
    assert (full.thread_ts, full.broadcast) == (story.ts, True)
    alert_mutes.acknowledge(post.engine, ref_of(budgets.standings(post.engine)[0]), by=BOB)
    post.deliver(2)
    assert f"✅ <@{BOB}> <!date^" in post.seen(FINANCE)[0].text


@ON_BOTH
def test_edits_of_a_story_that_somebody_deleted_are_left_out_and_replies_are_not(post: Post) -> None:
    budgets.set_budget(
        post.engine, Change(WORKSPACE, PeriodKind.MONTHLY, 40_000, thresholds=(25, 50), channel_id=FINANCE), by=ALICE
    )
    hold(post.engine, "first", Wish("kling-v1", 5))
    post.deliver(2)
    post.slack.workspace.delete(FINANCE, post.seen(FINANCE)[0].ts)
    for name in ("second", "third"):
        hold(post.engine, name, Wish("kling-v1", 5))
        watch(post.engine)
        post.deliver(6)
    [reply] = post.seen(FINANCE)
    assert reply.text.startswith("⚠️ Budget alert: workspace (monthly) has reached 50%")
    assert post.waiting() == 0
