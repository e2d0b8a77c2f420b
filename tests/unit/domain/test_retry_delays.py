"""When what failed is tried again: pauses that grow gently, and Slack's and Kling's own wishes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, pairwise

import pytest

from klingbot.domain import retry_delays
from klingbot.domain.jobs import JobState
from klingbot.engine import Engine, clips
from klingbot.kling import KlingClient
from klingbot.sandbox.slack.slack_faults import Fault
from klingbot.store import circuit_breakers, wanted_clips
from klingbot.workers.submitter import Submitter
from tests.conftest import FakeClock
from tests.unit.workers.test_notifier import FINANCE, GENERAL, Post, local, post
from tests.unit.workers.test_submitter import BUSY, ScriptedKling, ask, now

pytestmark = pytest.mark.both_databases

__all__ = ["local", "post"]

SQLITE = pytest.mark.backend("sqlite")


@pytest.mark.parametrize(
    ("tries", "seconds"),
    [(0, 1), (1, 2), (2, 4), (3, 8), (4, 15), (5, 15), (20, 15), (42, 15), (43, 60), (44, 60), (10_000, 60)],
)
def test_the_pause_after_trouble_that_passes(tries: int, seconds: int) -> None:
    assert retry_delays.after_passing_trouble(tries) == seconds * 1000


@pytest.mark.parametrize(("tries", "seconds"), [(0, 1), (1, 2), (5, 32), (9, 512), (10, 600), (10_000, 600)])
def test_the_pause_where_nobody_can_be_told(tries: int, seconds: int) -> None:
    assert retry_delays.after_no_place(tries) == seconds * 1000


def test_no_trouble_of_up_to_ten_minutes_is_outlasted_by_more_than_fifteen_seconds() -> None:
    tried_at = list(accumulate(retry_delays.after_passing_trouble(tries) for tries in range(60)))
    in_time = [(earlier, later) for earlier, later in pairwise([0, *tried_at]) if earlier < 600_000]
    assert max(later - earlier for earlier, later in in_time) <= 15_000
    assert in_time[-1][1] >= 600_000


@SQLITE
@pytest.mark.parametrize("away", [30, 60, 61, 75, 120])
def test_an_alert_leaves_soon_after_slack_works_again(post: Post, away: int) -> None:
    post.put("one", channel_id=GENERAL)
    post.slack.faults.add("chat.postMessage", Fault("server_error"), times=1000)
    post.deliver(away)
    post.slack.faults.clear()
    waited = 0
    while not post.said(GENERAL):
        post.deliver()
        waited += 1
    assert waited <= 16


@SQLITE
def test_a_limit_of_slacks_is_waited_for_and_counts_as_no_failure(post: Post) -> None:
    post.put("one", channel_id=GENERAL)
    post.slack.faults.add("chat.postMessage", Fault("ratelimited", retry_after=7), times=6)
    post.slack.faults.add("chat.postMessage", Fault("server_error"))
    tried = []
    for second in range(60):
        calls = len(post.slack.calls.seen("chat.postMessage"))
        post.deliver()
        if len(post.slack.calls.seen("chat.postMessage")) > calls:
            tried.append(second)
        if post.said(GENERAL):
            break
    assert tried == [0, 7, 14, 21, 28, 35, 42, 43], "and the failure after six limits is the first"
    assert post.row("one").tries == 1


@SQLITE
def test_a_limit_between_failures_does_not_lengthen_the_pauses(post: Post) -> None:
    post.put("one", channel_id=FINANCE)
    for fault in (Fault("server_error"), Fault("ratelimited", retry_after=3), Fault("server_error")):
        post.slack.faults.add("chat.postMessage", fault)
    tried = []
    for second in range(30):
        before = len(post.slack.calls.seen("chat.postMessage"))
        post.deliver()
        if len(post.slack.calls.seen("chat.postMessage")) > before:
            tried.append(second)
    assert tried == [0, 1, 4, 6]


@pytest.fixture
def kling() -> ScriptedKling:
    return ScriptedKling()


@pytest.fixture
def submitter(engine: Engine, kling: ScriptedKling) -> Iterator[Submitter]:
    client: KlingClient = kling  # type: ignore[assignment]
    made = Submitter(engine, client, api_key=True, poll_ms=5_000)
    yield made
    made.finish()


def test_a_busy_kling_is_tried_after_1_2_4_8_and_then_every_15_seconds(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job, waits = ask(engine), []
    for _ in range(8):
        kling.creates = [BUSY]
        submitter.submit()
        gate = circuit_breakers.get(engine.store.read(), job.model)
        assert gate is not None and gate.opens_at is not None
        waits.append((gate.opens_at - clock.at) // 1000)
        clock.at = gate.opens_at
    assert waits == [1, 2, 4, 8, 15, 15, 15, 15]
    submitter.submit()
    assert now(engine, job).state is JobState.SUBMITTED


def test_the_time_that_kling_names_is_waited_for_and_lengthens_no_later_wait(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job, waits = ask(engine), []
    for ending in (replace(BUSY, retry_after_ms=7_000), replace(BUSY, retry_after_ms=7_000), BUSY, BUSY):
        kling.creates = [ending]
        submitter.submit()
        gate = circuit_breakers.get(engine.store.read(), job.model)
        assert gate is not None and gate.opens_at is not None
        waits.append((gate.opens_at - clock.at) // 1000)
        clock.at = gate.opens_at
    assert waits == [7, 7, 1, 2]


@SQLITE
@pytest.mark.parametrize("counts", [True, False])
def test_a_clip_that_does_not_go_up_is_tried_again_with_pauses_that_stay_short(
    counts: bool, engine: Engine, clock: FakeClock
) -> None:
    job, pauses, begun = ask(engine), [], clock.at
    with engine.store.write() as tx:
        wanted_clips.want(tx, job.id, clips.announcement_of(job.id), at=clock.at, until=clock.at + 10**6)
    while due := clips.claim(engine, most=1):
        [clip] = due
        if not clips.failed(engine, clip, counts=counts):
            break
        row = engine.store.read().execute("SELECT due_at FROM clips").fetchone()
        pauses.append((row["due_at"] - clock.at) // 1000)
        clock.at = row["due_at"]
    assert pauses[:6] == ([2, 4, 8, 15, 15, 15] if counts else [2] * 6)
    assert clock.at - begun > clips.PATIENCE_MS - 16_000, "it was tried until its announcement had to go out"
