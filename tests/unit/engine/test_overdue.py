"""Work that is late: found by kind, shown at `/status` and in the metrics, and told to the admins once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from klingbot import blocks
from klingbot.blocks import outbox as delivery_blocks
from klingbot.common.counters import Meters
from klingbot.doctor.ledger_health import check
from klingbot.domain import prices
from klingbot.domain.budgets import WORKSPACE
from klingbot.domain.jobs import Job, JobState
from klingbot.domain.notifications import SubmittingResumed, WorkOverdue, kind_of_type
from klingbot.domain.overdue_work import LATE_MS, Overdue, OverdueKind
from klingbot.domain.periods import PeriodKind
from klingbot.domain.quiet_hours import QuietHours
from klingbot.engine import Engine, digests, increase_requests, kling_results, period_checks
from klingbot.engine import outbox as engine_outbox
from klingbot.engine.overdue import OVER_MS, find, watch
from klingbot.http import prometheus, status_page
from klingbot.http import server as http_server
from klingbot.http.operator_access import protected
from klingbot.http.server import WebServer
from klingbot.kling import Action, Rejected, Unreachable
from klingbot.store import circuit_breakers, jobs, outbox, outbox_leases, periodic_jobs, quiet_channels, wanted_clips
from klingbot.workers.heartbeat import Heartbeat
from klingbot.workers.kling_poller import KlingPoller
from klingbot.workers.notifier import ADMINS_ONLY
from tests.both_databases.test_query_plans import ask_for_more, scans, traced
from tests.conftest import FakeClock
from tests.support.ledger_checks import hold, queued, slack_takes_everything, submit
from tests.unit.workers.test_submitter import ScriptedKling

pytestmark = pytest.mark.both_databases

MINUTE, HOUR, DAY = 60, 3_600, 86_400
BAD_LOOK_UP = Rejected(1200, "invalid request", Action.REFUSE, "Kling refuses the look-up.", "r")


def kinds(engine: Engine) -> set[str]:
    return {str(each.kind) for each in find(engine)}


def say(engine: Engine, key: str, **place: Any) -> None:
    with engine.store.write() as tx:
        outbox.put(tx, key, kind_of_type(SubmittingResumed), {"reason": ""}, at=engine.clock(), **place)


def late(seconds: float, kind: OverdueKind) -> float:
    return LATE_MS[kind] / 1000 + seconds


# What is overdue.


def waits_for_kling(engine: Engine) -> None:
    hold(engine, "r1")


def waits_to_be_looked_up(engine: Engine) -> None:
    kling_results.submitting(engine, hold(engine, "r1"), "/v1/x", due_at=engine.clock())


def waits_to_be_asked_about(engine: Engine) -> None:
    kling_results.hinted(engine, submit(engine, hold(engine, "r1")).id)


def waits_to_be_said(engine: Engine) -> None:
    say(engine, "m1", channel_id="C1")


def waits_to_be_uploaded(engine: Engine) -> None:
    job = hold(engine, "r1")
    with engine.store.write() as tx:
        wanted_clips.want(tx, job.id, "no announcement", at=engine.clock(), until=engine.clock())


def runs_every_night(engine: Engine) -> None:
    with engine.store.write() as tx:
        periodic_jobs.claim(tx, "nightly", now=0, lease_until=0, first_at=engine.clock())


def is_compared_every_day(engine: Engine) -> None:
    with engine.store.write() as tx:
        periodic_jobs.claim(tx, "reconcile", now=0, lease_until=0, first_at=engine.clock())


SITUATIONS: dict[OverdueKind, Callable[[Engine], object]] = {
    OverdueKind.SUBMISSION: waits_for_kling,
    OverdueKind.LOST_REPLY: waits_to_be_looked_up,
    OverdueKind.POLL: waits_to_be_asked_about,
    OverdueKind.CLIP: waits_to_be_uploaded,
    OverdueKind.MESSAGE: waits_to_be_said,
    OverdueKind.NIGHTLY: runs_every_night,
    OverdueKind.RECONCILIATION: is_compared_every_day,
}


@pytest.fixture
def in_units(engine: Engine) -> Engine:
    """With a price list whose bill can be compared."""
    return replace(engine, prices=replace(prices.load("credits"), kling_units=True))


@pytest.mark.parametrize("kind", SITUATIONS)
def test_work_is_overdue_from_its_own_minute_on(in_units: Engine, clock: FakeClock, kind: OverdueKind) -> None:
    SITUATIONS[kind](in_units)
    due_at = clock()
    clock.tick(late(-1, kind))
    assert str(kind) not in kinds(in_units)
    clock.tick(1)
    [found] = [each for each in find(in_units) if each.kind is kind]
    assert (found.count, found.since) == (1, due_at)


def test_nothing_is_overdue_in_an_empty_ledger(in_units: Engine, clock: FakeClock) -> None:
    assert find(in_units) == []
    clock.tick(400 * DAY)
    assert find(in_units) == []


def test_the_oldest_of_several_is_named(engine: Engine, clock: FakeClock) -> None:
    first = clock()
    hold(engine, "r1")
    clock.tick(MINUTE)
    hold(engine, "r2")
    clock.tick(late(0, OverdueKind.SUBMISSION))
    hold(engine, "r3")
    [found] = [each for each in find(engine) if each.kind is OverdueKind.SUBMISSION]
    assert (found.count, found.since) == (2, first)


@pytest.mark.parametrize("name", ["kling-pro", "account"])
@pytest.mark.parametrize("opens_in", [-5 * MINUTE, 30, None], ids=["opened lately", "opens soon", "waits for an admin"])
def test_a_job_that_kling_would_not_take_is_not_overdue(
    engine: Engine, clock: FakeClock, name: str, opens_in: int | None
) -> None:
    hold(engine, "r1")
    clock.tick(30 * MINUTE)
    with engine.store.write() as tx:
        opens_at = None if opens_in is None else clock() + opens_in * 1000
        circuit_breakers.close(tx, name, opens_at=opens_at, code=1303, reason="busy", at=clock())
    assert OverdueKind.SUBMISSION not in kinds(engine)


def test_a_long_line_before_a_busy_kling_is_not_overdue_while_it_takes_one_after_the_other(
    engine: Engine, clock: FakeClock
) -> None:
    """Each job that is taken opens the gate, and the next one closes it again."""
    taken = hold(engine, "first")
    hold(engine, "last")
    for _ in range(20):
        clock.tick(5 * MINUTE)
        kling_results.busy(engine, "kling-pro", code=1303, reason="busy")
        kling_results.flowing(engine, taken)
        assert "submission" not in kinds(engine)
    submit(engine, taken)
    clock.tick(11 * MINUTE)
    assert "submission" in kinds(engine), "Kling is not busy any more, and nobody sends it anything"


def test_another_models_line_hides_nothing(engine: Engine, clock: FakeClock) -> None:
    hold(engine, "r1")
    clock.tick(11 * MINUTE)
    kling_results.busy(engine, "kling-standard", code=1303, reason="busy")
    assert "submission" in kinds(engine)


def test_a_gate_that_came_due_and_that_nobody_tries_hides_nothing(engine: Engine, clock: FakeClock) -> None:
    hold(engine, "r1")
    kling_results.stopped(engine, code=1102, reason="no units left")
    clock.tick(DAY)
    assert "submission" in kinds(engine)


def poller(engine: Engine, *answers: object) -> KlingPoller:
    kling: Any = ScriptedKling(look_ups=list(answers))
    return KlingPoller(engine, kling, poll_ms=5_000)


def again(engine: Engine, job: Job) -> Job:
    found = jobs.get(engine.store.read(), job.id)
    assert found
    return found


@pytest.mark.parametrize("answer", [BAD_LOOK_UP, Unreachable("down")], ids=["refused", "away"])
def test_a_job_about_which_kling_is_asked_in_vain_is_overdue(engine: Engine, clock: FakeClock, answer: object) -> None:
    """Each attempt is in time, so that its next one is too; and still nothing is settled."""
    job = submit(engine, hold(engine, "r1"))
    for _ in range(12):
        poller(engine, answer).ask([again(engine, job)])
        clock.tick(MINUTE)
    assert kinds(engine) == {"answer"}
    kling: Any = ScriptedKling()
    kling.take(job.id)
    task = kling.tasks.pop(f"t-{job.id}")
    kling.tasks[f"task-{job.id}"] = replace(task, task_id=f"task-{job.id}")
    KlingPoller(engine, kling, poll_ms=5_000).ask([again(engine, job)])
    assert kinds(engine) == set()


def test_a_job_that_kling_leaves_out_of_its_answers_is_overdue(engine: Engine, clock: FakeClock) -> None:
    job = submit(engine, hold(engine, "r1"))
    for _ in range(12):
        poller(engine).ask([again(engine, job)])
        clock.tick(MINUTE)
    assert kinds(engine) == {"answer"}


def test_a_refused_account_is_told_by_its_own_alert(engine: Engine, clock: FakeClock) -> None:
    refused = Rejected(1102, "balance", Action.FREEZE, "No units left.", "r")
    job = submit(engine, hold(engine, "r1"))
    hold(engine, "waits")
    slack_takes_everything(engine.store)
    for _ in range(30):
        poller(engine, refused).ask([again(engine, job)])
        clock.tick(MINUTE)
    assert kinds(engine) == set()


def test_a_job_that_was_written_off_and_is_asked_about_is_not_overdue(engine: Engine, clock: FakeClock) -> None:
    job = submit(engine, hold(engine, "r1"))
    poller(engine, Unreachable("down")).ask([job])
    with engine.store.write() as tx:
        jobs.move(tx, job.id, [JobState.SUBMITTED], written_off_at=clock(), due_at=clock() + DAY * 1000)
    clock.tick(HOUR)
    assert kinds(engine) == set()


def test_a_message_in_quiet_hours_is_not_late_until_they_are_over(engine: Engine, clock: FakeClock) -> None:
    say(engine, "m1", channel_id="C1")
    with engine.store.write() as tx:
        quiet_channels.put(tx, QuietHours("C1", 0, 1439, False), by="UADMIN", at=clock())
        message = outbox.find(tx, "m1")
        assert message
        outbox_leases.hold(tx, message, until=clock() + 8 * HOUR * 1000)
    clock.tick(8 * HOUR)
    assert "message" not in kinds(engine)
    with engine.store.write() as tx:
        outbox_leases.wake(tx, "C1", at=clock())
    assert "message" not in kinds(engine), "it could not be sent before"
    clock.tick(15 * MINUTE)
    assert "message" in kinds(engine)


def test_a_message_that_slack_refuses_again_and_again_is_late(engine: Engine, clock: FakeClock) -> None:
    say(engine, "m1", channel_id="C1")
    for _ in range(16):
        with engine.store.write() as tx:
            message = outbox.find(tx, "m1")
            assert message
            outbox_leases.again(tx, message, due_at=clock() + 60_000, problem="ratelimited")
        clock.tick(MINUTE)
    assert "message" in kinds(engine)


def test_a_message_that_an_admin_puts_back_is_late_from_then_on(engine: Engine, clock: FakeClock) -> None:
    say(engine, "m1", channel_id="C1")
    with engine.store.write() as tx:
        message = outbox.find(tx, "m1")
        assert message
        outbox_leases.failed(tx, message, problem="is_archived")
    clock.tick(DAY)
    assert "message" not in kinds(engine)
    engine_outbox.retry(engine)
    assert "message" not in kinds(engine)
    clock.tick(15 * MINUTE)
    assert "message" in kinds(engine)


def test_a_digest_is_late_an_hour_after_its_time(engine: Engine, clock: FakeClock) -> None:
    digests.want(engine, WORKSPACE, PeriodKind.DAILY, "C1", 9 * 60, by="UADMIN")
    clock.set(2026, 11, 24, 9, 59, 59)
    assert "digest" not in kinds(engine)
    clock.tick(1)
    assert "digest" in kinds(engine)
    digests.want(engine, WORKSPACE, PeriodKind.DAILY, "C1", 8 * 60, by="UADMIN")
    assert "digest" not in kinds(engine), "its time was changed just now"


def test_a_request_that_should_have_expired_is_late(engine: Engine, clock: FakeClock) -> None:
    ask_for_more(engine)
    clock.tick(increase_requests.EXPIRES_MS / 1000 + HOUR - 1)
    assert "increase request" not in kinds(engine)
    clock.tick(1)
    assert "increase request" in kinds(engine)


def test_a_new_day_that_nobody_notices_is_late(engine: Engine, clock: FakeClock) -> None:
    period_checks.watch(engine)
    clock.set(2026, 11, 24, 0, 59, 59)
    assert "period check" not in kinds(engine)
    clock.tick(1)
    assert "period check" in kinds(engine)
    period_checks.watch(engine)
    assert "period check" not in kinds(engine)


def test_a_check_that_is_under_way_is_not_late(engine: Engine, clock: FakeClock) -> None:
    runs_every_night(engine)
    clock.tick(3 * DAY)
    assert "nightly check" in kinds(engine)
    with engine.store.write() as tx:
        periodic_jobs.claim(tx, "nightly", now=clock(), lease_until=clock() + 1, first_at=0)
    assert "nightly check" not in kinds(engine)


def test_a_bill_that_cannot_be_compared_is_not_late(engine: Engine, clock: FakeClock) -> None:
    is_compared_every_day(engine)
    clock.tick(3 * DAY)
    assert "reconciliation" not in kinds(engine)


@pytest.mark.backend("sqlite")
def test_to_look_reads_no_history(in_units: Engine) -> None:
    hold(in_units, "r1")
    runs_every_night(in_units)
    statements = traced(in_units, lambda: find(in_units))
    assert len(statements) >= 10
    for sql, params in statements.items():
        assert scans(in_units, sql, params) == [], sql


# The admins hear of it.


def told(engine: Engine) -> list[WorkOverdue]:
    return queued(engine.store, WorkOverdue)


def look(engine: Engine, clock: FakeClock, minutes: int = 1) -> None:
    for _ in range(minutes):
        watch(engine)
        clock.tick(MINUTE)


def test_the_admins_hear_of_it_once_however_long_it_lasts(engine: Engine, clock: FakeClock) -> None:
    slack_takes_everything(engine.store)
    hold(engine, "r1")
    look(engine, clock, 10)
    assert told(engine) == []
    look(engine, clock, 600)
    [said] = told(engine)
    assert [(each.kind, each.count) for each in said.items] == [(OverdueKind.SUBMISSION, 1)]


def test_work_that_is_done_by_the_next_look_is_not_told(engine: Engine, clock: FakeClock) -> None:
    """As after a start: everything is late, and done within seconds."""
    job = hold(engine, "r1")
    clock.tick(DAY)
    watch(engine)
    submit(engine, job)
    kling_results.failed(engine, job, "too dark")
    look(engine, clock, 5)
    assert told(engine) == []


def test_what_becomes_overdue_later_is_added_to_the_same_message_and_so_is_its_end(
    engine: Engine, clock: FakeClock
) -> None:
    job = hold(engine, "r1")
    look(engine, clock, 14)
    with engine.store.write() as tx:
        tx.execute("UPDATE outbox SET state = 'sent', sent_ts = '1.2', sent_to = 'D1'")
    [first] = [row["key"] for row in engine.store.read().execute("SELECT key FROM outbox WHERE kind = 'work overdue'")]
    say(engine, "m1", channel_id="C1")
    look(engine, clock, 30)
    assert [len(each.items) for each in told(engine)] == [1, 2]
    with engine.store.write() as tx:
        tx.execute("UPDATE outbox SET state = 'sent'")
    kling_results.failed(engine, submit(engine, job), "too dark")
    with engine.store.write() as tx:
        tx.execute("UPDATE outbox SET state = 'sent'")
    look(engine, clock, OVER_MS // 60_000 + 2)
    assert [len(each.items) for each in told(engine)] == [1, 2, 0]
    rows = engine.store.read().execute("SELECT replaces_key FROM outbox WHERE kind = 'work overdue' ORDER BY id")
    assert [row["replaces_key"] for row in rows.fetchall()] == [None, first, first]


def test_trouble_that_comes_and_goes_is_one_message(engine: Engine, clock: FakeClock) -> None:
    slack_takes_everything(engine.store)
    for n in range(6):
        job = hold(engine, f"r{n}")
        look(engine, clock, 13)
        kling_results.failed(engine, submit(engine, job), "too dark")
        look(engine, clock, 2)
    assert len(told(engine)) == 1


def test_two_bots_tell_it_once(engine: Engine, clock: FakeClock) -> None:
    slack_takes_everything(engine.store)
    hold(engine, "r1")
    for _ in range(30):
        watch(engine)
        watch(engine)
        clock.tick(MINUTE)
    assert len(told(engine)) == 1


def test_a_clock_that_was_ahead_keeps_no_later_trouble_secret(engine: Engine, clock: FakeClock) -> None:
    job = hold(engine, "r1")
    clock.tick(40 * DAY)
    watch(engine)
    clock.tick(-40 * DAY)
    look(engine, clock, 14)
    assert len(told(engine)) == 1
    assert again(engine, job).state is JobState.HELD


def test_it_is_for_the_admins_alone_and_reads_like_a_colleague(engine: Engine, clock: FakeClock) -> None:
    assert kind_of_type(WorkOverdue) in ADMINS_ONLY
    hold(engine, "r1")
    clock.tick(12 * MINUTE)
    said = blocks.render(WorkOverdue(tuple(find(engine)), clock()), engine.calendar).text
    assert said.startswith("⏰ Some work is overdue")
    assert "1 video has not been sent to Kling, which takes jobs, for 12 min" in said
    over = blocks.render(WorkOverdue((), clock()), engine.calendar).text
    assert over.startswith("✅ Nothing is overdue any more")


def test_every_kind_has_words_of_its_own(engine: Engine, clock: FakeClock) -> None:
    items = tuple(Overdue(kind, n, 0) for n, kind in enumerate(OverdueKind, 1))
    shown = blocks.render(WorkOverdue(items, 3 * DAY * 1000), engine.calendar)
    assert str(shown.blocks).count("• ") == len(OverdueKind)


def test_admins_see_it_beside_the_alerts_and_doctor_names_it(engine: Engine, clock: FakeClock) -> None:
    hold(engine, "r1")
    clock.tick(HOUR)
    assert "has not been sent to Kling" in delivery_blocks.unsaid(engine_outbox.unsaid(engine), engine.calendar).text
    [found] = [each for each in check(engine.store.place, clock()) if each.what == "overdue"]
    assert "submission (1, 60 min late)" in found.said


# What operators see.

TOKEN = "an operator's token"
STALLED: list[str] = []


@pytest.fixture
def url(engine: Engine) -> Iterator[str]:
    heartbeat = Heartbeat(engine)
    pages = [status_page.route(engine, lambda seconds: STALLED), prometheus.route(engine, Meters())]
    server = WebServer(
        "127.0.0.1", 0, [http_server.health(heartbeat.trouble), *(protected(TOKEN, page) for page in pages)]
    )
    yield f"http://127.0.0.1:{server.port}"
    server.close()
    STALLED.clear()


def get(url: str, token: str = TOKEN) -> requests.Response:
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def test_status_is_200_while_nothing_is_overdue_and_503_with_a_list_else(
    url: str, engine: Engine, clock: FakeClock
) -> None:
    answered = get(f"{url}/status")
    assert (answered.status_code, answered.json()) == (200, {"overdue": [], "stalled": []})
    hold(engine, "r1", user_id="UBOB", project="secret-launch")
    clock.tick(11 * MINUTE)
    answered = get(f"{url}/status")
    assert answered.status_code == 503
    assert answered.json()["overdue"] == [{"kind": "submission", "count": 1, "late_seconds": 660}]
    assert "UBOB" not in answered.text and "secret-launch" not in answered.text and "fox" not in answered.text
    assert requests.get(f"{url}/healthz", timeout=30).status_code == 200, "a restart would not help"


def test_status_names_a_task_whose_run_does_not_end(url: str) -> None:
    STALLED.append("deliver")
    answered = get(f"{url}/status")
    assert (answered.status_code, answered.json()["stalled"]) == (503, ["deliver"])


def test_status_is_for_operators(url: str) -> None:
    assert get(f"{url}/status", "wrong").status_code == 401
    assert requests.get(f"{url}/status", timeout=30).status_code == 401


def test_overdue_work_is_a_metric_by_kind(url: str, engine: Engine, clock: FakeClock) -> None:
    hold(engine, "r1")
    clock.tick(11 * MINUTE)
    families = list(text_string_to_metric_families(get(f"{url}/metrics").text))
    counts = {s.labels["kind"]: s.value for f in families for s in f.samples if s.name == "klingbot_overdue"}
    ages = {s.labels["kind"]: s.value for f in families for s in f.samples if s.name == "klingbot_overdue_seconds"}
    assert counts == {str(kind): float(kind is OverdueKind.SUBMISSION) for kind in OverdueKind}
    assert ages["submission"] == 660
