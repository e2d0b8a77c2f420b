"""Once a night the ledger is proved and old prompts are forgotten, by one process, while everybody else goes on."""

from __future__ import annotations

import json
import threading
import time
from zoneinfo import ZoneInfo

import pytest

from klingbot import blocks, doctor
from klingbot.doctor import Finding, ledger_health
from klingbot.domain.notifications import Unsound, from_json
from klingbot.domain.periods import Calendar
from klingbot.engine import Engine, kling_results, open_engine
from klingbot.store import Database, open_store, outbox, periodic_jobs
from klingbot.store.backend.location import Place
from klingbot.store.maintenance import prompt_retention, totals_proof
from klingbot.workers import nightly
from klingbot.workers.nightly import Nightly, next_night
from tests.both_databases.test_query_plans import scans, traced
from tests.conftest import FakeClock
from tests.support.ledger_checks import hold, prove, queued, rows_of, settle, submit

pytestmark = pytest.mark.both_databases

DAY = 86_400
SECRET = "a fox in the snow"
"""The prompt of every job here."""


def carer(engine: Engine, path: Place, *, keep_prompts_days: int | None = None) -> Nightly:
    """It has planned its first round."""
    made = Nightly(engine, path, keep_prompts_days)
    made.nightly()
    return made


@pytest.fixture
def path(engine: Engine) -> Place:
    return engine.store.place


def spoil(engine: Engine) -> None:
    with engine.store.write() as tx:
        tx.execute("UPDATE totals SET settled_microusd = settled_microusd + 1 WHERE scope = 'workspace'")


def mend(engine: Engine) -> None:
    with engine.store.write() as tx:
        totals_proof.rebuild(tx)


def everything_said(engine: Engine) -> list[str]:
    return [content.what for content in queued(engine.store, Unsound)]


def test_the_night_is_four_o_clock_on_the_wall_also_when_the_clocks_change(clock: FakeClock) -> None:
    berlin = Calendar(ZoneInfo("Europe/Berlin"))
    nights = []
    clock.set(2026, 3, 27, 12)
    for _ in range(4):
        clock.at = next_night(berlin, clock.at)
        nights.append(berlin.local(clock.at).isoformat(timespec="minutes"))
    assert nights == ["2026-03-28T04:00+01:00", *(f"2026-03-{day}T04:00+02:00" for day in (29, 30, 31))]


def test_the_first_round_waits_for_the_night_and_then_comes_daily(
    engine: Engine, path: Place, clock: FakeClock
) -> None:
    night = carer(engine, path)
    hold(engine, "r1")
    spoil(engine)
    clock.tick(15 * 3600)
    night.nightly()
    assert everything_said(engine) == []
    clock.tick(3600)
    night.nightly()
    assert everything_said(engine) == ["totals"]
    mend(engine)
    clock.tick(DAY)
    night.nightly()
    spoil(engine)
    clock.tick(DAY - 3600)
    night.nightly()
    assert len(everything_said(engine)) == 1
    clock.tick(3600)
    night.nightly()
    assert len(everything_said(engine)) == 2


def test_a_finding_is_told_once_until_it_has_been_right_again(engine: Engine, path: Place, clock: FakeClock) -> None:
    night = carer(engine, path)
    hold(engine, "r1")
    spoil(engine)
    for _ in range(3):
        clock.tick(DAY)
        night.nightly()
    [told] = queued(engine.store, Unsound)
    said = blocks.render(told, engine.calendar).text
    assert "Something is wrong with Klingbot's ledger: totals" in said
    assert "3 not equal to what the entries add up to" in said
    assert "doctor --rebuild" in said


def test_a_sound_ledger_is_nobodys_news(engine: Engine, path: Place, clock: FakeClock) -> None:
    night = carer(engine, path)
    settle(engine, hold(engine, "r1"))
    before = outbox.counts(engine.store.read())
    clock.tick(DAY)
    night.nightly()
    assert outbox.counts(engine.store.read()) == before
    assert not periodic_jobs.due(engine.store.read(), nightly.NIGHTLY, clock.at)


def test_of_two_bots_one_makes_the_round(
    engine: Engine, path: Place, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = threading.Semaphore(0)

    def slowly(path: Place, now: int) -> list[Finding]:
        made.release()
        time.sleep(0.1)
        return []

    monkeypatch.setattr(doctor, "prove", slowly)
    other = open_engine(open_store(path), engine.prices, engine.calendar, clock)
    nights = [carer(engine, path), carer(other, path)]
    clock.tick(DAY)
    together = [threading.Thread(target=night.nightly) for night in nights for _ in range(3)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join(30)
    other.store.close()
    assert made.acquire(blocking=False)
    assert not made.acquire(blocking=False), "the round was made twice"


def test_a_round_that_was_killed_is_made_again(engine: Engine, path: Place, clock: FakeClock) -> None:
    night = carer(engine, path)
    hold(engine, "r1")
    spoil(engine)
    clock.tick(DAY)
    with engine.store.write() as tx:  # another process takes it, and is gone
        assert periodic_jobs.claim(
            tx, nightly.NIGHTLY, now=clock.at, lease_until=clock.at + nightly.LEASE_MS, first_at=0
        )
    night.nightly()
    assert everything_said(engine) == []
    clock.tick(nightly.LEASE_MS / 1000)
    night.nightly()
    assert everything_said(engine) == ["totals"]


def test_nobody_waits_for_the_check(engine: Engine, path: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def looking(db: Database, now: int) -> Finding:
        jobs = "SELECT count(*) FROM jobs"
        seen = db.execute(jobs).fetchone()[0]
        hold(engine, "meanwhile")
        assert db.execute(jobs).fetchone()[0] == seen, "it looks at one moment"
        return Finding(doctor.Health.OK, "nothing", "nothing")

    monkeypatch.setattr(ledger_health, "INVARIANTS", (looking,))
    assert doctor.prove(path, engine.clock()) == []
    assert engine.store.read().execute("SELECT count(*) FROM jobs").fetchone()[0] == 1


@pytest.fixture
def lived_in(engine: Engine, clock: FakeClock) -> Engine:
    """Old jobs that ended each way, an old one that has not, and a new one; everything is said but the last."""
    settle(engine, hold(engine, "old"))
    kling_results.failed(engine, submit(engine, hold(engine, "failed")), "too dark")
    hold(engine, "waiting")
    with engine.store.write() as tx:
        tx.execute("UPDATE outbox SET state = 'sent'")
    clock.tick(30 * DAY)
    settle(engine, hold(engine, "new"))
    clock.tick(DAY)
    return engine


def prompts(engine: Engine, table: str, column: str) -> int:
    sql = f"SELECT count(*) FROM {table} WHERE {column} LIKE '%{SECRET}%'"
    return int(engine.store.read().execute(sql).fetchone()[0])


def test_prompts_are_kept_for_ever_unless_told_otherwise(lived_in: Engine, path: Place, clock: FakeClock) -> None:
    night = carer(lived_in, path)
    clock.tick(9_999 * DAY)
    night.nightly()
    assert (prompts(lived_in, "jobs", "prompt"), prompts(lived_in, "outbox", "content")) == (4, 3)


@pytest.mark.parametrize("at_once", [1, 2, 200])
def test_old_prompts_go_and_nothing_else_does(
    lived_in: Engine, path: Place, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(nightly, "AT_ONCE", at_once)
    kept = [rows_of(lived_in.store.read(), table) for table in ("entries", "totals", "daily_spend")]
    night = carer(lived_in, path, keep_prompts_days=30)
    clock.tick(DAY)
    night.nightly()
    assert (prompts(lived_in, "jobs", "prompt"), prompts(lived_in, "outbox", "content")) == (2, 1)
    sql = "SELECT state, prompt, video_url FROM jobs ORDER BY asked_at, state"
    assert [tuple(row) for row in lived_in.store.read().execute(sql).fetchall()] == [
        ("failed", "", None),
        ("held", SECRET, None),
        ("succeeded", "", None),
        ("succeeded", SECRET, "https://kling.test/v.mp4"),
    ]
    assert [rows_of(lived_in.store.read(), table) for table in ("entries", "totals", "daily_spend")] == kept
    prove(lived_in.store)


def test_what_was_forgotten_can_still_be_shown(lived_in: Engine, path: Place, clock: FakeClock) -> None:
    night = carer(lived_in, path, keep_prompts_days=1)
    clock.tick(DAY)
    night.nightly()
    for row in lived_in.store.read().execute("SELECT kind, content FROM outbox").fetchall():
        content = from_json(row["kind"], json.loads(row["content"]))
        assert blocks.render(content, lived_in.calendar).text


def test_what_has_yet_to_be_said_keeps_its_words_until_then(lived_in: Engine, path: Place, clock: FakeClock) -> None:
    night = carer(lived_in, path, keep_prompts_days=1)
    clock.tick(9 * DAY)
    night.nightly()
    assert prompts(lived_in, "outbox", "content") == 1
    with lived_in.store.write() as tx:
        tx.execute("UPDATE outbox SET state = 'sent'")
    clock.tick(DAY)
    night.nightly()
    assert prompts(lived_in, "outbox", "content") == 0


@pytest.mark.backend("sqlite")
def test_forgetting_does_not_read_what_was_forgotten_before(lived_in: Engine, clock: FakeClock) -> None:
    def forget() -> None:
        with lived_in.store.write() as tx:
            prompt_retention.of_jobs(tx, before=clock.at, most=5)
            prompt_retention.of_messages(tx, before=clock.at, most=5)

    forget()
    for sql, params in traced(lived_in, forget).items():
        assert scans(lived_in, sql, params) == [], sql
