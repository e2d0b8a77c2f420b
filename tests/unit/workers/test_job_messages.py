"""A job's one message from the hold to the clip, and the clip's way to Slack, by a clock that is moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from klingbot import sandbox
from klingbot.domain.jobs import Job, Request
from klingbot.domain.notifications import VideoReady
from klingbot.domain.pricing import Wish
from klingbot.engine import (
    Engine,
    cancellation,
    clips,
    job_message_updates,
    job_queue,
    job_requests,
    kling_results,
    stuck_jobs,
)
from klingbot.engine.hold_outcomes import Held
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.slack_faults import Fault
from klingbot.sandbox.slack.workspace import Message
from klingbot.slack.api.clip_uploads import ClipUploads
from klingbot.slack.api.message_sender import Sender, patient_client
from klingbot.store import jobs, outbox
from klingbot.workers import alert_routing
from klingbot.workers.clip_uploader import ClipUploader
from klingbot.workers.notifier import Notifier
from tests.conftest import FakeClock
from tests.support.ledger_checks import queued

pytestmark = [pytest.mark.backend("sqlite"), pytest.mark.both_databases]
both_backends = pytest.mark.backend("sqlite", "postgres")

ALICE, BOB, CAROL = "U0ALICE001", "U0BOB00001", "U0CAROL001"
GENERAL, LOUNGE, BOBS_DM = "C0GENERAL1", "C0LOUNGE01", "D0BOB00001"
"""Klingbot is not in the lounge."""
CALLED = {ALICE: "alice", BOB: "bob", CAROL: "CC"}
PROMPT = "a fox in the snow"
LINK = "Kling keeps it for 30 days"


@dataclass
class House:
    """A bot's errands about messages, run by hand, and the Slack and Kling that it talks to."""

    engine: Engine
    clock: FakeClock
    local: Sandbox
    asked: int = field(default=0)

    def __post_init__(self) -> None:
        client = patient_client(self.local.bot_token, self.local.slack_api_url)
        self.notifier = Notifier(self.engine, Sender(client), None, lambda: [ALICE])
        self.uploader = ClipUploader(self.engine, ClipUploads(client), self.local.kling_api_url)

    def hold(self, user_id: str = BOB, channel_id: str = GENERAL, **more: Any) -> Job:
        self.asked += 1
        request = Request(f"r{self.asked}", user_id, channel_id, PROMPT, Wish("kling-pro", 5), **more)
        outcome = job_requests.hold(self.engine, request)
        assert isinstance(outcome, Held)
        self.clock.tick(0.001)  # the line is in the order of asking
        return outcome.job

    def submit(self, job: Job) -> Job:
        posting = kling_results.submitting(self.engine, job, "/text-to-video/kling-3.0", due_at=0)
        assert posting is not None
        taken = kling_results.submitted(self.engine, posting, f"task-{job.id}", due_at=0)
        assert taken is not None
        return taken

    def make(self, job: Job, clip: str = "wide-5/fox.mp4") -> Job:
        url = clip if "://" in clip else f"{self.local.kling_api_url}/results/{clip}"
        done = kling_results.succeeded(self.engine, self.submit(job), units=None, video_url=url)
        assert done is not None
        return done

    def tell(self, seconds: int = 5) -> None:
        """What the ticker does about messages in that time, without carrying clips."""
        for _ in range(seconds):
            job_message_updates.show(self.engine, lambda: CALLED)
            self.notifier.deliver()
            self.clock.tick(1)

    def carry_and_tell(self, seconds: int = 5) -> None:
        for _ in range(seconds):
            job_message_updates.show(self.engine, lambda: CALLED)
            self.uploader.carry()
            self.notifier.deliver()
            self.clock.tick(1)

    def seen(self, channel: str = GENERAL) -> list[Message]:
        return [m for m in self.local.workspace.messages(channel, BOB) if m.user == self.local.workspace.bot_user_id]

    def message(self) -> Message:
        """The only one in the channel itself."""
        [message] = [m for m in self.seen() if not m.thread_ts]
        return message

    def replies(self) -> list[Message]:
        return [m for m in self.seen() if m.thread_ts]

    def calls(self, method: str) -> int:
        return len(self.local.slack.calls.seen(method))

    def unsaid(self) -> int:
        return outbox.counts(self.engine.store.read())["waiting"]


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    started = sandbox.start(posting_rate=False)
    yield started
    started.stop()


@pytest.fixture
def house(engine: Engine, clock: FakeClock, local: Sandbox) -> Iterator[House]:
    yield House(engine, clock, local)
    local.faults.clear()
    for channel in local.workspace.channels:
        for message in [m for who in CALLED for m in local.workspace.messages(channel, who)]:
            local.workspace.delete(channel, message.ts)


def buttons(message: Message) -> list[str]:
    elements = [each for block in message.blocks if block["type"] == "actions" for each in block["elements"]]
    return [each["text"]["text"] for each in elements]


# One message, which moves.


@both_backends
def test_one_message_moves_from_waiting_to_the_video(house: House) -> None:
    job = house.hold()
    house.tell()
    first = house.message()
    assert "bob asked for a video: kling-pro, 5 s, 1080p\n⏳ Waits for its turn at Kling, next in line" in first.text
    assert "held 20 credits ($1.20) · project default" in first.text
    assert buttons(first) == ["Cancel", "Details"]

    taken = house.submit(job)
    house.tell()
    assert "|Being made at Kling since " in house.message().text
    assert buttons(house.message()) == ["Details"]

    kling_results.succeeded(
        house.engine, taken, units=None, video_url=f"{house.local.kling_api_url}/results/wide-5/x.mp4"
    )
    house.carry_and_tell()
    last = house.message()
    assert (last.ts, last.text.splitlines()[:2]) == (first.ts, ["🎬 bob's video is ready", f"> {PROMPT}"])
    assert "charged 20 credits ($1.20)" in last.text
    assert buttons(last) == ["Again", "Vary", "Details"]


def test_nobody_is_called_by_a_message_that_only_moves(house: House) -> None:
    job = house.hold()
    house.tell()
    house.make(job)
    house.tell()
    assert "<@" not in house.message().text


def test_a_person_whom_slack_does_not_name_just_now_is_mentioned(house: House) -> None:
    house.hold()
    job_message_updates.show(house.engine, dict)
    house.notifier.deliver()
    assert f"<@{BOB}> asked for a video" in house.message().text


@both_backends
def test_places_in_line_are_told_as_the_line_moves(house: House) -> None:
    before = [house.hold(channel_id=BOBS_DM) for _ in range(2)]
    house.hold()
    house.tell()
    assert "2 jobs ahead of it" in house.message().text
    house.submit(before[0])
    house.tell(8)
    assert "1 job ahead of it" in house.message().text
    house.submit(before[1])
    house.tell(8)
    assert "next in line" in house.message().text


def test_places_far_back_are_told_in_tens(house: House) -> None:
    for _ in range(23):
        house.hold(channel_id="")  # by scripts
    house.hold()
    house.tell()
    assert "20 or more jobs ahead of it" in house.message().text


def test_what_happens_within_a_few_seconds_is_one_edit(house: House) -> None:
    job = house.hold()
    house.tell(1)
    house.submit(job)
    before = house.calls("chat.update")
    house.tell(2)
    assert "next in line" in house.message().text
    house.tell(2)
    assert "Being made" in house.message().text
    assert house.calls("chat.update") == before + 1


def test_a_job_that_is_done_before_anything_was_said_is_said_once(house: House) -> None:
    house.make(house.hold())
    house.tell()
    assert "bob's video is ready" in house.message().text


def test_how_a_job_stands_keeps_no_alert_waiting(house: House) -> None:
    for _ in range(30):
        house.hold()
    house.tell(4)
    with house.engine.store.write() as tx:
        outbox.put(
            tx,
            "alert",
            "alert test",
            {"test": "t", "user_id": BOB, "response_url": None},
            at=house.clock(),
            channel_id=GENERAL,
        )
    house.tell(3)
    assert any("This is a test alert" in m.text for m in house.seen())
    assert len(house.seen()) < 10


def test_what_was_asked_for_by_a_script_is_told_nowhere(house: House) -> None:
    house.make(house.hold(channel_id=""))
    house.carry_and_tell()
    assert house.unsaid() == 0
    assert all(not house.seen(channel) for channel in house.local.workspace.channels)


def test_in_direct_messages_it_is_the_same(house: House) -> None:
    house.make(house.hold(channel_id=BOBS_DM))
    house.carry_and_tell()
    message, reply = house.seen(BOBS_DM)
    assert "bob's video is ready" in message.text
    assert reply.thread_ts == message.ts
    assert reply.files


def test_what_was_asked_for_in_a_thread_stays_there(house: House) -> None:
    asked = house.local.workspace.post(GENERAL, BOB, "what about a fox?")
    house.make(house.hold(thread_ts=asked.ts))
    house.carry_and_tell()
    message, reply = house.replies()
    assert (message.thread_ts, reply.thread_ts) == (asked.ts, asked.ts)
    assert "bob's video is ready" in message.text
    assert reply.files


def test_where_klingbot_is_not_nothing_moves_and_the_video_comes_all_the_same(house: House) -> None:
    job = house.hold(channel_id=LOUNGE)
    house.tell()
    tried = house.calls("chat.postMessage")
    taken = house.submit(job)
    house.tell(10)
    assert house.calls("chat.postMessage") == tried, "a place that refused is left alone"
    kling_results.succeeded(
        house.engine, taken, units=None, video_url=f"{house.local.kling_api_url}/results/wide-5/x.mp4"
    )
    house.carry_and_tell(8)
    assert house.seen(LOUNGE) == []
    [told] = house.seen(BOBS_DM)
    assert f"<@{BOB}>, your video is ready" in told.text
    assert LINK in told.text
    assert house.unsaid() == 0


# How it ends without a video.


def test_a_failure_ends_the_message_and_only_the_requester_hears_why(house: House) -> None:
    job = house.hold()
    house.tell()
    kling_results.failed(house.engine, house.submit(job), "Kling's moderation refused the prompt.")
    house.tell()
    said = house.message().text
    assert "bob's video was not made; they have been told why" in said
    assert "Nothing was charged; the hold of 20 credits ($1.20) was given back." in said
    assert "moderation" not in said
    assert PROMPT not in said
    assert buttons(house.message()) == ["Details"]
    [told] = house.seen(BOBS_DM)
    assert "moderation" in told.text


@pytest.mark.parametrize(("by", "said"), [(BOB, "bob cancelled their video"), (ALICE, "alice cancelled bob's video")])
def test_a_cancelled_job_says_who_cancelled_it(house: House, by: str, said: str) -> None:
    job = house.hold()
    house.tell()
    cancellation.cancel(house.engine, job.id, user_id=by, is_admin=by == ALICE)
    house.tell()
    assert said in house.message().text
    assert buttons(house.message()) == ["Details"]


def test_all_that_waits_given_up_by_an_admin_says_so(house: House) -> None:
    house.hold()
    house.tell()
    job_queue.cancel_waiting(house.engine, by=ALICE)
    house.tell()
    assert "alice cancelled bob's video" in house.message().text


@both_backends
def test_a_written_off_job_says_that_nobody_waits_for_it(house: House) -> None:
    job = house.hold()
    house.submit(job)
    house.tell()
    house.clock.tick(86_400)
    stuck_jobs.show_stuck(house.engine, after_ms=3_600_000)
    stuck_jobs.write_off(house.engine, job.id, by=ALICE, reason="lost")
    house.tell()
    assert "Written off" in house.message().text
    assert "held" not in house.message().text


def test_what_nobody_saw_waiting_is_not_said_to_have_failed(house: House) -> None:
    kling_results.failed(house.engine, house.submit(house.hold()), "refused")
    house.tell()
    assert house.seen() == []
    assert len(house.seen(BOBS_DM)) == 1


def test_a_job_that_waits_to_be_sent_again_cannot_be_cancelled_there(house: House) -> None:
    job = house.hold()
    posting = kling_results.submitting(house.engine, job, "/v1/videos/text2video", due_at=0)
    assert posting is not None
    kling_results.held_again(house.engine, posting)
    house.tell()
    assert buttons(house.message()) == ["Details"]


# The clip.


def test_the_clip_comes_into_the_thread_and_calls_its_requester(house: House) -> None:
    job = house.hold()
    house.make(job)
    house.carry_and_tell()
    [reply] = house.replies()
    assert reply.thread_ts == house.message().ts
    assert reply.text == f"🎬 <@{BOB}>, your video is ready · charged 20 credits ($1.20)"
    [file] = reply.files
    assert (file["title"], file["name"], file["mimetype"]) == (PROMPT, f"kling-{job.id}.mp4", "video/mp4")
    assert f"<{file['permalink']}|Watch the video>" in house.message().text
    assert LINK not in house.message().text


def test_kling_link_stands_in_the_message_until_the_clip_is_there(house: House) -> None:
    house.make(house.hold())
    house.tell()
    assert LINK in house.message().text
    assert house.replies() == []
    house.carry_and_tell()
    assert LINK not in house.message().text


@pytest.mark.parametrize("refusal", ["missing_scope", "file_uploads_disabled"])
def test_where_slack_takes_no_clip_klings_link_comes_at_once(house: House, refusal: str) -> None:
    house.make(house.hold())
    house.local.faults.add("files.getUploadURLExternal", Fault("slack_error", error=refusal))
    house.carry_and_tell(4)
    [reply] = house.replies()
    assert f"<@{BOB}>, your video is ready" in reply.text
    assert LINK in reply.text
    assert house.unsaid() == 0


def test_a_clip_that_slack_has_and_does_not_share_is_linked_at_kling(house: House) -> None:
    house.make(house.hold())
    house.local.faults.add("files.completeUploadExternal", Fault("slack_error", error="file_update_failed"))
    house.carry_and_tell(5)
    [reply] = house.replies()
    assert LINK in reply.text
    assert LINK in house.message().text


def test_an_upload_that_fails_for_a_while_is_tried_again(house: House) -> None:
    house.make(house.hold())
    house.local.faults.add("files.getUploadURLExternal", Fault("server_error"))
    house.local.faults.add("files.getUploadURLExternal", Fault("hang_up"))
    house.carry_and_tell(10)
    [reply] = house.replies()
    assert reply.files


def test_an_upload_that_goes_on_failing_costs_the_announcement_a_few_minutes_and_no_more(house: House) -> None:
    house.make(house.hold())
    house.local.faults.add("files.getUploadURLExternal", Fault("server_error"), times=20)
    house.carry_and_tell(clips.PATIENCE_MS // 1000)
    [reply] = house.replies()
    assert LINK in reply.text
    assert house.unsaid() == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x.mp4", "https://127.0.0.1/x.mp4", "file:///etc/passwd"])
def test_an_address_that_is_not_klings_is_not_followed_and_its_link_comes_as_it_is(house: House, url: str) -> None:
    house.make(house.hold(), url)
    house.carry_and_tell()
    [reply] = house.replies()
    assert "your video is ready" in reply.text
    assert not reply.files


def test_a_clip_that_kling_does_not_give_out_is_linked(house: House) -> None:
    house.make(house.hold(), "no-such-clip/x.mp4")
    house.carry_and_tell()
    [reply] = house.replies()
    assert LINK in reply.text


def test_a_share_whose_answer_was_lost_is_not_shared_twice(house: House) -> None:
    house.make(house.hold())
    house.local.faults.add("files.completeUploadExternal", Fault("lose_reply"))
    house.carry_and_tell(8)
    [reply] = house.replies()
    assert reply.files
    assert LINK not in house.message().text


def test_a_message_that_somebody_deleted_costs_no_announcement(house: House) -> None:
    job = house.hold()
    house.tell()
    house.local.workspace.delete(GENERAL, house.message().ts)
    house.make(job)
    house.carry_and_tell(8)
    assert f"<@{BOB}>, your video is ready" in house.message().text
    assert house.unsaid() == 0


# Killed between any two steps.


def test_without_anybody_to_carry_clips_the_announcement_goes_out_at_its_deadline(house: House) -> None:
    house.make(house.hold())
    house.tell(clips.PATIENCE_MS // 1000 - 2)
    assert house.replies() == []
    house.tell(6)
    [reply] = house.replies()
    assert LINK in reply.text
    house.carry_and_tell()
    assert len(house.replies()) == 1, "a clip that comes too late is not announced again"


def test_a_clip_whose_bearer_was_killed_is_taken_up_by_another(house: House) -> None:
    house.make(house.hold())
    assert clips.claim(house.engine, most=5)  # and killed
    house.carry_and_tell(3)
    assert house.replies() == []
    house.clock.tick(clips.LEASE_MS / 1000)
    house.carry_and_tell(5)
    assert len(house.replies()) == 1
    assert queued(house.engine.store, VideoReady)


def test_a_bot_that_leaves_puts_the_clip_back_and_the_next_one_takes_it_up_at_once(house: House) -> None:
    house.make(house.hold())
    [clip] = clips.claim(house.engine, most=5)
    house.uploader.close()
    house.uploader._carry(clip)
    House(house.engine, house.clock, house.local).carry_and_tell(5)
    [reply] = house.replies()
    assert reply.files


def test_killed_after_the_upload_the_clip_is_shared_by_whoever_comes_next(house: House) -> None:
    house.make(house.hold())
    house.uploader.carry()  # noted, and killed before anything was said
    house.tell()
    [reply] = house.replies()
    assert reply.files


def test_killed_after_the_share_it_is_found_shared(house: House) -> None:
    house.make(house.hold())
    house.tell(2)
    house.uploader.carry()
    house.clock.tick(2)
    claimed = house.notifier._claim()  # gives the announcement its place
    house.notifier._deliver(claimed)
    [announcement] = house.notifier._claim()
    said = house.notifier._ready(announcement)
    assert said is not None
    # Shared, and killed before the note.
    alert_routing.say(house.engine.store.read(), house.notifier.sender, [announcement], said)
    assert len(house.replies()) == 1
    house.clock.tick(120)
    house.tell(8)
    assert len(house.replies()) == 1
    assert LINK not in house.message().text


@both_backends
def test_two_processes_show_and_carry_each_job_once(house: House) -> None:
    other = House(house.engine, house.clock, house.local)
    for n in range(3):
        house.make(replace(house, asked=10 * n).hold())
    for _ in range(12):
        for each in (house, other):
            job_message_updates.show(each.engine, lambda: CALLED)
            each.uploader.carry()
            each.notifier.deliver()
        house.clock.tick(1)
    assert len([m for m in house.seen() if not m.thread_ts]) == 3
    assert len(house.replies()) == 3
    assert jobs.to_show(house.engine.store.read(), house.clock(), most=5) == []
