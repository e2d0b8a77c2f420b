"""What `/metrics` and `/healthz` say, over HTTP, and that asking stays cheap however long the history."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from slack_sdk.errors import SlackApiError

from klingbot import sandbox
from klingbot.common.counters import Meters
from klingbot.domain.budgets import WORKSPACE, project_scope
from klingbot.domain.ledger_faults import LedgerFault
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets, kling_results
from klingbot.engine.budgets import Change
from klingbot.http import prometheus
from klingbot.http import server as http_server
from klingbot.http.server import WebServer, listen
from klingbot.kling import ApiKey, KlingClient
from klingbot.slack.api.directory import quick_client
from klingbot.store import NotKeptError, open_store
from klingbot.workers.heartbeat import PATIENCE_SECONDS, Heartbeat
from tests.both_databases.test_query_plans import scans, traced
from tests.conftest import FakeClock
from tests.support.ledger_checks import hold, settle, submit
from tests.support.live_bot import BOB, OPERATOR, live_bot, until
from tests.support.postgres_server import PostgresServer

pytestmark = pytest.mark.both_databases


class Seconds:
    """A stopwatch that is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def meters() -> Meters:
    return Meters()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def heartbeat(engine: Engine, seconds: Seconds) -> Heartbeat:
    return Heartbeat(engine, seconds)


@pytest.fixture
def url(engine: Engine, meters: Meters, heartbeat: Heartbeat) -> Iterator[str]:
    server = WebServer("127.0.0.1", 0, [http_server.health(heartbeat.trouble), prometheus.route(engine, meters)])
    yield f"http://127.0.0.1:{server.port}"
    server.close()


def scrape(url: str) -> dict[str, float]:
    """Every sample, as `name{values of its labels, by label}`, read with Prometheus's own parser."""
    answered = requests.get(f"{url}/metrics", headers=OPERATOR, timeout=30)
    assert answered.status_code == 200
    assert answered.headers["content-type"].startswith("text/plain; version=")
    samples = (sample for family in text_string_to_metric_families(answered.text) for sample in family.samples)
    return {
        sample.name + (f"{{{','.join(sample.labels.values())}}}" if sample.labels else ""): sample.value
        for sample in samples
    }


def test_jobs_and_holds_are_told_as_they_stand(engine: Engine, url: str) -> None:
    settle(engine, hold(engine, "done"))
    kling_results.failed(engine, submit(engine, hold(engine, "failed")), "too dark")
    submit(engine, hold(engine, "at Kling"))
    hold(engine, "waits")
    said = scrape(url)
    assert {name: value for name, value in said.items() if name.startswith("klingbot_jobs")} == {
        "klingbot_jobs{held}": 1,
        "klingbot_jobs{submitting}": 0,
        "klingbot_jobs{submitted}": 1,
        "klingbot_jobs_ended_total{succeeded}": 1,
        "klingbot_jobs_ended_total{failed}": 1,
        "klingbot_jobs_ended_total{released}": 0,
    }
    assert (said["klingbot_held_credits"], said["klingbot_held_usd"]) == (80, 4.8)


def test_jobs_that_ended_are_counted_once_and_only_since_the_start(engine: Engine, meters: Meters) -> None:
    settle(engine, hold(engine, "long ago"))
    server = WebServer("127.0.0.1", 0, [prometheus.route(engine, meters)])
    url, name = f"http://127.0.0.1:{server.port}", "klingbot_jobs_ended_total{succeeded}"
    try:
        assert scrape(url)[name] == 0
        settle(engine, hold(engine, "r1"))
        assert [scrape(url)[name] for _ in range(2)] == [1, 1]
        settle(engine, hold(engine, "r2"))
        assert scrape(url)[name] == 2
    finally:
        server.close()


def test_budgets_are_told_by_scope_and_period_with_the_limits_they_have(engine: Engine, url: str) -> None:
    budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.MONTHLY, 100_000), by="U1")
    budgets.set_budget(engine, Change(project_scope("marketing"), PeriodKind.DAILY, None, 5_500_000), by="U1")
    settle(engine, hold(engine, "r1"))
    hold(engine, "r2")
    assert {name: value for name, value in scrape(url).items() if name.startswith("klingbot_budget")} == {
        "klingbot_budget_committed_credits{monthly,workspace}": 80,
        "klingbot_budget_committed_credits{daily,project:marketing}": 80,
        "klingbot_budget_committed_usd{monthly,workspace}": 4.8,
        "klingbot_budget_committed_usd{daily,project:marketing}": 4.8,
        "klingbot_budget_limit_credits{monthly,workspace}": 100,
        "klingbot_budget_limit_usd{daily,project:marketing}": 5.5,
    }


def test_what_waits_to_be_said_and_what_was_given_up(engine: Engine, url: str, clock: FakeClock) -> None:
    settle(engine, hold(engine, "r1"))
    clock.tick(90)
    settle(engine, hold(engine, "r2"))
    kling_results.failed(engine, submit(engine, hold(engine, "r3")), "too dark")
    with engine.store.write() as tx:
        tx.execute("UPDATE outbox SET state = 'failed' WHERE kind = 'job failed'")
    said = scrape(url)
    assert said["klingbot_outbox_waiting"] == 2
    assert said["klingbot_outbox_oldest_seconds"] == 90
    assert said["klingbot_outbox_failed"] == 1


def test_a_closed_gate_is_told_by_its_name(engine: Engine, url: str) -> None:
    assert not [name for name in scrape(url) if "gate" in name]
    kling_results.stopped(engine, code=1102, reason="no units left")
    kling_results.busy(engine, "kling-pro", code=1303, reason="busy")
    said = scrape(url)
    assert (said["klingbot_gate_closed{account}"], said["klingbot_gate_closed{kling-pro}"]) == (1, 1)


def test_answers_are_a_histogram(url: str, meters: Meters) -> None:
    for took in (0.001, 0.01, 0.02, 2.5, 9):
        meters.answers.took(took)
    said = scrape(url)
    bounds = ("0.005", "0.01", "0.025", "3.0", "+Inf")
    at_most = {bound: said[f"klingbot_answer_seconds_bucket{{{bound}}}"] for bound in bounds}
    assert at_most == {"0.005": 1, "0.01": 2, "0.025": 3, "3.0": 4, "+Inf": 5}
    assert said["klingbot_answer_seconds_count"] == 5
    assert said["klingbot_answer_seconds_sum"] == pytest.approx(11.531)


def test_errors_of_slack_and_kling_are_told_by_their_own_words(url: str, meters: Meters) -> None:
    with listen("127.0.0.1", 0) as nobody:
        refusing = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    kling = KlingClient(refusing, ApiKey("k"), met=meters.kling.met)
    kling.look_up("/v1/videos/text2video", job_ids=["a"])
    local = sandbox.start()
    try:
        wrong = KlingClient(local.kling_api_url, ApiKey("wrong"), met=meters.kling.met)
        wrong.look_up("/text-to-video/kling-2.6", job_ids=["a"])
        client = quick_client("xoxb-wrong", local.slack_api_url, meters.slack.met)
        with pytest.raises(SlackApiError):
            client.auth_test()
    finally:
        local.stop()
    with pytest.raises(OSError):
        client.auth_test()
    errors = {name: value for name, value in scrape(url).items() if "errors" in name}
    assert errors == {
        "klingbot_kling_errors_total{unreachable}": 1,
        "klingbot_kling_errors_total{1002}": 1,
        "klingbot_slack_errors_total{invalid_auth}": 1,
        "klingbot_slack_errors_total{unreachable}": 1,
    }


@pytest.mark.backend("sqlite")
def test_a_scrape_reads_no_history(engine: Engine, meters: Meters) -> None:
    for n in range(30):
        settle(engine, hold(engine, f"done {n}", user_id=f"U{n % 3}"))
    hold(engine, "waits")
    collector = prometheus.Metrics(engine, meters)
    statements = traced(engine, lambda: list(collector.collect()))
    assert len(statements) >= 6
    for sql, params in statements.items():
        assert scans(engine, sql, params) == [], sql


# Health.


def healthy(url: str) -> tuple[int, str | None]:
    answered = requests.get(f"{url}/healthz", timeout=30)
    return answered.status_code, answered.json().get("reason")


def test_a_bot_whose_heart_beats_is_well(url: str, heartbeat: Heartbeat, seconds: Seconds) -> None:
    assert healthy(url) == (200, None)
    seconds.now = PATIENCE_SECONDS - 1
    heartbeat.beat()
    seconds.now += PATIENCE_SECONDS - 1
    assert healthy(url) == (200, None)


def test_a_clock_that_has_stopped_is_told(url: str, seconds: Seconds) -> None:
    seconds.now = 31
    assert healthy(url) == (503, "nothing has run by the clock for 31 s")


def test_a_ledger_that_stays_locked_is_told(url: str, engine: Engine, heartbeat: Heartbeat, seconds: Seconds) -> None:
    other = open_store(engine.store.place)
    with other.write() as tx:  # another process, which does not let go
        tx.execute("DELETE FROM facts WHERE 1 = 0")
        beating = threading.Thread(target=heartbeat.beat)
        beating.start()
        until(lambda: heartbeat._beating, "the bot wants to write")
        seconds.now = 40
        assert healthy(url) == (503, "the ledger has been locked for 40 s")
    beating.join(30)
    assert healthy(url) == (200, None)
    other.close()


def test_a_full_disk_is_told_until_there_is_room_again(
    url: str, engine: Engine, heartbeat: Heartbeat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full() -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as disk:
        disk.setattr(type(engine.store), "write", lambda store: full())
        heartbeat.beat()
        heartbeat.beat()
        assert healthy(url) == (503, "the ledger cannot be written: database or disk is full")
    heartbeat.beat()
    assert healthy(url) == (200, None)
    told = [record.levelname for record in caplog.records if record.name == "klingbot.workers.heartbeat"]
    assert told.count("ERROR") == 1


@pytest.mark.backend("postgres")
def test_where_the_database_is_that_is_away_stands_in_the_log_alone(
    url: str, heartbeat: Heartbeat, postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    heartbeat.beat()
    postgres.stop()
    try:
        heartbeat.beat()
    finally:
        postgres.start()
    assert healthy(url) == (503, "the ledger cannot be written: its database is away")
    assert f"127.0.0.1:{postgres.port}/ledger cannot be reached" in caplog.text
    heartbeat.beat()
    assert healthy(url) == (200, None)


@pytest.mark.parametrize(
    ("fault", "said"),
    [(LedgerFault.BUSY, "busy"), (LedgerFault.FULL, "disk is full"), (LedgerFault.UNWRITABLE, "only")],
)
def test_the_reason_that_nothing_can_be_written_is_the_real_one(
    engine: Engine, clock: FakeClock, fault: LedgerFault, said: str
) -> None:
    class Failing:
        def write(self) -> None:
            raise NotKeptError("secret address", fault)

    beating = Heartbeat(replace(engine, store=Failing()))  # type: ignore[arg-type]
    beating.beat()
    reason = beating.trouble()
    assert reason and said in reason
    assert "secret" not in reason


@pytest.mark.slow
def test_the_real_bot_tells_both_and_no_prompt(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        local = sandbox.start(kling_seconds=0.2)
        stack.callback(local.stop)
        bot = stack.enter_context(live_bot(local, tmp_path, "bot", HOST="127.0.0.1", PORT=str(port)))
        bot.wait_until_ready()
        assert healthy(url) == (200, None)
        local.send(BOB, "C0GENERAL1", "/kling generate a fox in snow")
        ended = "klingbot_jobs_ended_total{succeeded}"
        until(lambda: scrape(url)[ended] == 1, "the job has ended")
        assert scrape(url)["klingbot_answer_seconds_count"] == 1
        assert "fox" not in requests.get(f"{url}/metrics", headers=OPERATOR, timeout=30).text
        refused = requests.get(f"{url}/metrics", timeout=30)
        assert (refused.status_code, "klingbot_" in refused.text) == (401, False)
