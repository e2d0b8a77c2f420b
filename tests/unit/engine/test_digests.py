"""What a digest is made of, and that each is queued once, whoever looks and however often."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from klingbot.blocks import digests as blocks
from klingbot.domain import charts, prices
from klingbot.domain.budgets import WORKSPACE, Total, project_scope, user_scope
from klingbot.domain.digests import Day, Digest, Spender, change_permille, chart, dearest_day, spenders
from klingbot.domain.money import NOTHING, Amount
from klingbot.domain.notifications import DigestReady
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.engine import (
    Engine,
    budgets,
    digests,
    hold_outcomes,
    increase_requests,
    job_requests,
    kling_results,
    open_engine,
)
from klingbot.engine.budgets import Change
from klingbot.engine.digest_figures import figures, last
from klingbot.engine.increase_requests import Wanted
from klingbot.store import Store, open_store
from klingbot.store.backend.location import Place
from klingbot.store.digests import LEASE_MS
from tests.conftest import FakeClock, run_without_limit
from tests.support.ledger_checks import ask, hold, queued, settle, submit
from tests.unit.engine.test_increases import granted, increase_for, refused

pytestmark = pytest.mark.both_databases

ROOT = Path(__file__).parents[3]
MARKETING = project_scope("marketing")
FORTY = Amount(40_000, 2_400_000)
WEEKLY, DAILY, MONTHLY = PeriodKind.WEEKLY, PeriodKind.DAILY, PeriodKind.MONTHLY


def times(amount: Amount, number: int) -> Amount:
    return Amount(amount.millicredits * number, amount.microusd * number)


@pytest.fixture
def week(engine: Engine, clock: FakeClock) -> Engine:
    """The week of 16 November 2026: four videos of 40 credits, one of 20; one failed, two refused. Before it, one.

    It is now Monday the 23rd, at noon.
    """
    clock.set(2026, 11, 12, 10)
    settle(engine, hold(engine, "week before"))
    clock.set(2026, 11, 16, 0)
    settle(engine, hold(engine, "monday", user_id="U1"))
    clock.set(2026, 11, 18, 10)
    settle(engine, hold(engine, "wednesday 1", user_id="U2"))
    settle(engine, hold(engine, "wednesday 2", user_id="U2", project="sales"))
    settle(engine, hold(engine, "wednesday 3", Wish("kling-v1.5", 10), user_id="U2"))
    kling_results.failed(engine, submit(engine, hold(engine, "failed", user_id="U1")), "too dark")
    clock.set(2026, 11, 22, 23, 59)
    settle(engine, hold(engine, "sunday", user_id="U3"))
    budgets.set_budget(engine, Change(user_scope("U9"), MONTHLY, 1_000), by="UADMIN")
    for n in range(2):
        assert isinstance(job_requests.hold(engine, ask(f"refused {n}", user_id="U9")), hold_outcomes.BudgetExceeded)
    clock.set(2026, 11, 23, 12)
    settle(engine, hold(engine, "this week"))
    return engine


def test_a_week_is_told_from_its_first_instant_to_its_last(week: Engine) -> None:
    digest = last(week, WORKSPACE, WEEKLY)
    assert digest.period.first_day == date(2026, 11, 16)
    assert digest.total.settled == Amount(180_000, 10_800_000)
    assert (digest.jobs, digest.failed) == (6, 1)
    assert digest.before == FORTY
    assert change_permille(digest) == 3500


def test_who_and_what_spent_it_is_told_dearest_first(week: Engine) -> None:
    digest = last(week, WORKSPACE, WEEKLY)
    assert digest.people.top == (
        Spender("U2", Amount(100_000, 6_000_000), 3),
        Spender("U1", FORTY, 2),
        Spender("U3", FORTY, 1),
    )
    assert [(each.name, each.amount) for each in digest.projects.top] == [
        ("marketing", Amount(140_000, 8_400_000)),
        ("sales", FORTY),
    ]
    assert [each.name for each in digest.models.top] == ["kling-pro", "kling-v1.5"]


def test_every_breakdown_and_the_days_add_up_to_the_total(week: Engine) -> None:
    for scope in (WORKSPACE, MARKETING, user_scope("U2")):
        digest = last(week, scope, WEEKLY)
        whole = digest.total.settled
        for found in (digest.people, digest.projects, digest.models):
            assert sum((each.amount for each in found.top), found.rest) == whole
        assert sum((day.amount for day in digest.days), NOTHING) == whole


def test_shares_of_a_whole_are_rounded_half_up(week: Engine) -> None:
    spent = [Spender(f"U{n}", Amount(n * 1000, n * 60_000), 1) for n in (80, 70, 20)]
    digest = replace(
        last(week, WORKSPACE, WEEKLY), people=spenders(spent), total=Total(settled=Amount(170_000, 10_200_000))
    )
    said = blocks.digest(digest, week.calendar).text
    shares = re.findall(r"^• <@U(\d+)>: .*, ([\d.]+%) · 1 job$", said, re.MULTILINE)
    assert shares == [("80", "47.1%"), ("70", "41.2%"), ("20", "11.8%")]


def test_the_many_who_spent_little_are_told_together(engine: Engine, clock: FakeClock) -> None:
    for n in range(9):
        settle(engine, hold(engine, f"job {n}", user_id=f"U{n}"))
    clock.tick(7 * 86_400)
    people = last(engine, WORKSPACE, WEEKLY).people
    assert [each.name for each in people.top] == ["U0", "U1", "U2", "U3", "U4"]
    assert (people.others, people.rest) == (4, times(FORTY, 4))


def test_each_day_of_the_week_is_there_and_the_dearest_is_known(week: Engine) -> None:
    digest = last(week, WORKSPACE, WEEKLY)
    assert [day.date.day for day in digest.days] == [16, 17, 18, 19, 20, 21, 22]
    assert [day.amount.microusd for day in digest.days] == [2_400_000, 0, 6_000_000, 0, 0, 0, 2_400_000]
    assert dearest_day(digest) == Day(date(2026, 11, 18), Amount(100_000, 6_000_000))
    assert [day.amount.microusd for day in digest.days_before] == [0, 0, 0, 2_400_000, 0, 0, 0]


def test_a_daily_digest_shows_its_day_after_those_before_it(week: Engine) -> None:
    digest = last(week, WORKSPACE, DAILY)
    assert [day.date.day for day in digest.days] == [*range(9, 23)]
    assert digest.total.settled == digest.days[-1].amount == FORTY
    assert dearest_day(digest) is None


def test_what_was_refused_is_counted_for_everybody_it_concerns(week: Engine) -> None:
    for scope, jobs in ((WORKSPACE, 2), (MARKETING, 2), (user_scope("U9"), 2), (user_scope("U1"), 0)):
        refused = last(week, scope, WEEKLY).refused
        assert (refused.jobs, refused.amount) == (jobs, times(FORTY, jobs))


def test_a_video_refused_again_and_again_is_one_refusal(engine: Engine, clock: FakeClock) -> None:
    budgets.set_budget(engine, Change(MARKETING, DAILY, 30_000), by="UADMIN")
    for _ in range(2):  # delivered twice
        outcome = job_requests.hold(engine, ask("r1"))
    assert isinstance(outcome, hold_outcomes.BudgetExceeded)
    increase_requests.ask_for_refused(engine, outcome.id, Wanted("U1", "launch"))
    clock.tick(86_400)
    assert last(engine, MARKETING, DAILY).refused.jobs == 1


def test_the_dearest_videos_are_told_without_their_prompts(week: Engine) -> None:
    digest = last(week, MARKETING, WEEKLY)
    assert [each.amount for each in digest.dearest] == [FORTY] * 3
    assert {each.project for each in digest.dearest} == {"marketing"}
    assert "fox" not in repr(digest)


def test_a_budget_of_the_same_kind_is_judged_at_the_periods_end(week: Engine) -> None:
    budgets.set_budget(week, Change(MARKETING, WEEKLY, 200_000), by="UADMIN")
    budgets.set_budget(week, Change(MARKETING, MONTHLY, 1_000_000), by="UADMIN")
    digest = last(week, MARKETING, WEEKLY)
    assert digest.budget and digest.budget.percent == "70.0%"
    assert {each.standing.percent for each in digest.headings} == {"20.0%", "22.0%"}, "how they stand now"


def test_what_was_granted_for_the_period_is_in_its_limit(engine: Engine, clock: FakeClock) -> None:
    clock.set(2026, 11, 18, 10)
    budgets.set_budget(engine, Change(MARKETING, WEEKLY, 40_000), by="UADMIN")
    settle(engine, hold(engine, "fits"))
    granted(engine, increase_for(engine, refused(engine)).id)
    clock.set(2026, 11, 23, 12)
    digest = last(engine, MARKETING, WEEKLY)
    assert digest.budget and digest.budget.budget.limit_millicredits == 80_000
    [now] = digest.headings
    assert now.standing.budget.limit_millicredits == 40_000


def test_a_budget_that_will_not_last_says_when_it_ends(engine: Engine, clock: FakeClock) -> None:
    clock.set(2026, 11, 12, 10)
    for day in range(10):
        settle(engine, hold(engine, f"job {day}"))
        clock.tick(86_400)
    budgets.set_budget(engine, Change(MARKETING, MONTHLY, 440_000), by="UADMIN")
    [heading] = last(engine, MARKETING, WEEKLY).headings
    assert heading.ends_at is not None
    assert engine.clock() < heading.ends_at < heading.standing.period.end


def test_a_period_in_which_nothing_happened_is_empty(engine: Engine) -> None:
    assert last(engine, WORKSPACE, MONTHLY).is_empty
    assert chart(last(engine, WORKSPACE, MONTHLY)) is None


def test_figures_are_of_one_moment(week: Engine) -> None:
    """What is settled while they are read is in none of them."""
    with week.store.view() as db:
        before = db.execute("SELECT count(*) AS n FROM jobs").fetchone()["n"]
        with ThreadPoolExecutor(1) as pool:
            pool.submit(hold, week, "meanwhile").result()
        assert db.execute("SELECT count(*) AS n FROM jobs").fetchone()["n"] == before
    assert week.store.read().execute("SELECT count(*) AS n FROM jobs").fetchone()["n"] == before + 1


def test_days_kept_under_another_time_zone_stay_the_days_they_were(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path / "moved.db")
    run_without_limit(store)
    tokyo = open_engine(store, prices.load("credits"), Calendar(ZoneInfo("Asia/Tokyo")), clock)
    clock.set(2026, 10, 12, 3)  # noon in Tokyo
    settle(tokyo, hold(tokyo, "tokyo"))
    clock.set(2026, 11, 23, 12)
    new_york = open_engine(store, prices.load("credits"), Calendar(ZoneInfo("America/New_York")), clock)

    digest = figures(new_york, WORKSPACE, new_york.calendar.period(MONTHLY, clock() - 40 * 86_400_000))

    assert [day.date.day for day in digest.days if day.amount] == [12]
    assert digest.total.settled == FORTY
    store.close()


# --- told once


def wanting(engine: Engine, kind: PeriodKind = DAILY, scope: str = MARKETING, minute: int | None = None) -> None:
    digests.want(engine, scope, kind, "C1", minute, by="UADMIN")


def tell_all(engine: Engine) -> list[Digest]:
    """What a bot does about what is due, without pictures."""
    told = []
    for due in digests.due(engine):
        if digests.claim(engine, due):
            digest = figures(engine, due.schedule.scope, due.period)
            if digests.tell(engine, due, digest, None):
                told.append(digest)
    return told


def test_a_new_digest_says_nothing_until_its_period_has_ended(engine: Engine, clock: FakeClock) -> None:
    wanting(engine)
    assert tell_all(engine) == []
    clock.set(2026, 11, 24, 8, 59)
    assert tell_all(engine) == []
    clock.set(2026, 11, 24, 9)
    [digest] = tell_all(engine)
    assert digest.period.first_day == date(2026, 11, 23)
    [message] = queued(engine.store, DigestReady)
    assert message == DigestReady(digest, due_at=None, missed=0, picture=None)


def test_a_digest_that_is_set_before_its_time_comes_on_the_same_day(engine: Engine, clock: FakeClock) -> None:
    wanting(engine, minute=13 * 60)
    clock.set(2026, 11, 23, 13)
    [digest] = tell_all(engine)
    assert digest.period.first_day == date(2026, 11, 22)


def test_another_time_moves_a_digest_and_repeats_none(engine: Engine, clock: FakeClock) -> None:
    wanting(engine)
    clock.set(2026, 11, 24, 9)
    assert len(tell_all(engine)) == 1
    wanting(engine, minute=17 * 60)
    clock.set(2026, 11, 24, 17)
    assert tell_all(engine) == []
    clock.set(2026, 11, 25, 17)
    assert [digest.period.first_day.day for digest in tell_all(engine)] == [24]


def test_without_a_time_a_digest_keeps_the_one_it_had(engine: Engine) -> None:
    wanting(engine, minute=17 * 60)
    wanting(engine)
    [schedule] = digests.wanted(engine)
    assert schedule.minute == 17 * 60


def test_turned_off_and_on_again_a_digest_is_not_repeated(engine: Engine, clock: FakeClock) -> None:
    wanting(engine)
    clock.set(2026, 11, 24, 9)
    assert len(tell_all(engine)) == 1
    assert len(digests.unwant(engine, MARKETING, None, by="UADMIN")) == 1
    wanting(engine, minute=10 * 60)
    clock.set(2026, 11, 24, 10)
    assert tell_all(engine) == []


def test_off_in_one_channel_leaves_the_others(engine: Engine) -> None:
    for place in ("C1", "C2", None):
        digests.want(engine, MARKETING, DAILY, place, None, by="UADMIN")
    assert [each.channel_id for each in digests.unwant(engine, MARKETING, "C1", by="UADMIN")] == ["C1"]
    assert [each.channel_id for each in digests.unwant(engine, MARKETING, "", by="UADMIN")] == [None]
    assert [each.channel_id for each in digests.wanted(engine)] == ["C2"]


def test_two_bots_that_see_the_same_digest_come_due_queue_it_once(engine: Engine, clock: FakeClock) -> None:
    other = open_store(engine.store.place)  # type: ignore[attr-defined]
    both = [engine, replace(engine, store=other)]
    for kind in PeriodKind:
        wanting(engine, kind)
    for day in range(1, 15):
        clock.set(2026, 12, day, 9)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: tell_all(both[n % 2]), range(16)))
    told = [message.digest.period for message in queued(engine.store, DigestReady)]
    assert len(told) == len(set(told)) == 14 + 3 + 1
    other.close()


def tell_as_another_process(place: Place, at: int) -> int:
    store = open_store(place)
    told = tell_all(open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), FakeClock(at)))
    store.close()
    return len(told)


@pytest.mark.slow
def test_two_processes_that_start_at_the_same_instant_tell_it_once(
    engine: Engine, place: Place, clock: FakeClock
) -> None:
    for scope in (WORKSPACE, MARKETING, user_scope("U1")):
        wanting(engine, scope=scope)
    clock.set(2026, 11, 24, 9)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        told = list(pool.map(tell_as_another_process, [place] * 8, [clock()] * 8))
    assert sum(told) == len(queued(engine.store, DigestReady)) == 3


def test_whoever_comes_second_with_the_same_digest_queues_nothing(engine: Engine, clock: FakeClock) -> None:
    """As when a lease ended while its chart was still being drawn."""
    wanting(engine)
    clock.set(2026, 11, 24, 9)
    [due] = digests.due(engine)
    digest = figures(engine, MARKETING, due.period)
    assert digests.tell(engine, due, digest, "F1")
    assert not digests.tell(engine, due, digest, "F2")
    assert [message.picture for message in queued(engine.store, DigestReady)] == ["F1"]


def test_a_claimer_that_died_leaves_its_digest_to_the_next(engine: Engine, clock: FakeClock) -> None:
    wanting(engine)
    clock.set(2026, 11, 24, 9)
    [due] = digests.due(engine)
    assert digests.claim(engine, due)
    assert not digests.claim(engine, due)
    assert tell_all(engine) == []
    clock.tick(LEASE_MS / 1000 + 1)
    assert len(tell_all(engine)) == 1


def test_a_lease_that_was_taken_by_a_clock_ahead_keeps_nobody_waiting(engine: Engine, clock: FakeClock) -> None:
    wanting(engine)
    clock.set(2027, 11, 24, 9)
    [due] = digests.due(engine)
    assert digests.claim(engine, due)
    clock.set(2026, 11, 24, 9)
    [due] = digests.due(engine)
    assert digests.claim(engine, due)


def test_a_clock_that_jumps_back_and_forth_repeats_and_skips_nothing(engine: Engine, clock: FakeClock) -> None:
    wanting(engine)
    for day, hour in ((24, 9), (23, 12), (25, 9), (24, 8), (24, 10), (26, 9), (20, 9), (27, 9)):
        clock.set(2026, 11, day, hour)
        tell_all(engine)
    told = [message.digest.period.first_day.day for message in queued(engine.store, DigestReady)]
    assert told == [23, 24, 25, 26]


def test_what_was_missed_is_counted_and_the_last_one_comes_late(engine: Engine, clock: FakeClock) -> None:
    wanting(engine)
    clock.set(2026, 11, 27, 11)
    [digest] = tell_all(engine)
    assert digest.period.first_day == date(2026, 11, 26)
    [message] = queued(engine.store, DigestReady)
    assert message.missed == 3
    assert engine.calendar.local(message.due_at).strftime("%d %H:%M") == "27 09:00"


def test_a_digest_says_the_same_however_late_it_leaves(engine: Engine, clock: FakeClock) -> None:
    """Its figures are kept with it; what is settled later is in the next one's comparison."""
    job = submit(engine, hold(engine, "slow"))
    wanting(engine)
    clock.set(2026, 11, 24, 9)
    [digest] = tell_all(engine)
    kling_results.succeeded(engine, job, units=None, video_url="https://kling.test/v.mp4")
    [message] = queued(engine.store, DigestReady)
    assert message.digest == digest
    assert (digest.total.settled, digest.total.held) == (NOTHING, FORTY)


# --- the chart


def test_a_chart_measures_days_against_the_budget_spread_evenly(week: Engine) -> None:
    budgets.set_budget(week, Change(MARKETING, WEEKLY, limit_microusd=14_000_000), by="UADMIN")
    drawn = chart(last(week, MARKETING, WEEKLY))
    assert drawn and (drawn.in_usd, drawn.line) == (True, 2_000_000)
    assert drawn.line_label == "weekly budget, spread evenly: $2.00 a day"
    assert [bar.value for bar in drawn.bars] == [2_400_000, 0, 3_600_000, 0, 0, 0, 2_400_000]
    assert [bar.before for bar in drawn.bars] == [0, 0, 0, 2_400_000, 0, 0, 0]


def test_without_a_budget_of_its_length_the_next_longer_one_gives_the_line(week: Engine) -> None:
    budgets.set_budget(week, Change(MARKETING, MONTHLY, 300_000), by="UADMIN")
    drawn = chart(last(week, MARKETING, WEEKLY))
    assert drawn and (drawn.in_usd, drawn.line) == (False, 10_000)
    assert drawn.line_label == "monthly budget, spread evenly: 10 credits a day"


@pytest.mark.parametrize(
    ("kind", "ends", "days"),
    [(DAILY, date(2026, 3, 1), 28), (WEEKLY, date(2026, 3, 2), 31), (DAILY, date(2026, 5, 1), 30)],
    ids=["28 February", "the week that ends on 1 March", "30 April"],
)
def test_a_longer_budget_is_spread_over_the_month_that_the_digest_is_about(
    engine: Engine, clock: FakeClock, kind: PeriodKind, ends: date, days: int
) -> None:
    budgets.set_budget(engine, Change(MARKETING, MONTHLY, 28 * 30 * 31 * 1000), by="UADMIN")
    clock.at = engine.calendar.instant(ends - timedelta(days=1), 600)
    settle(engine, hold(engine, "r1"))
    clock.at = engine.calendar.instant(ends, 540)
    drawn = chart(last(engine, MARKETING, kind))
    assert drawn and drawn.line == 28 * 30 * 31 * 1000 // days


def test_a_shorter_budget_is_no_measure_of_a_longer_period(week: Engine) -> None:
    budgets.set_budget(week, Change(MARKETING, DAILY, 300_000), by="UADMIN")
    drawn = chart(last(week, MARKETING, WEEKLY))
    assert drawn and drawn.line is None


def test_a_daily_chart_is_about_its_last_bar(week: Engine) -> None:
    budgets.set_budget(week, Change(MARKETING, DAILY, 50_000), by="UADMIN")
    drawn = chart(last(week, MARKETING, DAILY))
    assert drawn and (len(drawn.bars), drawn.marked, drawn.line) == (14, 1, 50_000)
    assert drawn.line_label == "daily budget: 50 credits"
    assert charts.alt(drawn).endswith("Sun 22 Nov 40; daily budget: 50 credits")


@pytest.mark.backend("sqlite")
@pytest.mark.parametrize("kind", list(PeriodKind))
@pytest.mark.parametrize("limit", [None, 1_000, 10**12])
def test_every_chart_is_drawn(week: Engine, kind: PeriodKind, limit: int | None) -> None:
    if limit:
        budgets.set_budget(week, Change(WORKSPACE, kind, limit, limit * 100), by="UADMIN")
    digest = last(week, WORKSPACE, kind)
    drawn = chart(replace(digest, days=tuple(replace(day, amount=Amount(10**12, 10**14)) for day in digest.days)))
    assert drawn
    picture = charts.draw(drawn)
    width, height = struct.unpack(">II", picture[16:24])
    assert picture.startswith(b"\x89PNG") and width > 1_000 and height > 500
    assert len(charts.alt(drawn)) < 2_000


def test_nothing_but_a_drawing_loads_matplotlib() -> None:
    """It takes half a second, and a bot without digests never needs it."""
    loaded = "import sys, bot; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, check=False).returncode == 0


# --- a year


@pytest.mark.slow
@pytest.mark.backend("sqlite")
def test_a_year_of_daily_and_monthly_digests_is_each_about_the_right_days(store: Store, clock: FakeClock) -> None:
    """Lord Howe moves its clocks by half an hour. Each day has one job, at another time of day, of a known price."""
    engine = open_engine(store, prices.load("credits"), Calendar(ZoneInfo("Australia/Lord_Howe")), clock)
    first, costs = date(2026, 1, 1), {}
    clock.at = engine.calendar.instant(first, 0)
    for kind in (DAILY, MONTHLY):
        wanting(engine, kind, WORKSPACE)
    told: list[Digest] = []
    for day in (first + timedelta(days=n) for n in range(366)):
        clock.at = engine.calendar.instant(day, 540)
        told += tell_all(engine)
        begin, end = engine.calendar.midnight(day), engine.calendar.midnight(day + timedelta(days=1))
        clock.at = max(begin + (end - begin - 1) * (day.toordinal() % 11) // 10, begin)
        job = hold(engine, f"{day}", Wish("kling-v1.5", 5 if day.day % 2 else 10))
        settle(engine, job)
        costs[day] = job.quote

    days = [digest for digest in told if digest.period.kind is DAILY and digest.period.first_day >= first]
    months = [digest for digest in told if digest.period.kind is MONTHLY and digest.period.first_day >= first]
    assert [digest.period.first_day for digest in days] == [first + timedelta(days=n) for n in range(365)]
    assert all(digest.total.settled == costs[digest.period.first_day] and digest.jobs == 1 for digest in days)
    assert [digest.period.first_day.month for digest in months] == [*range(1, 13)]
    for digest in months:
        month = [cost for day, cost in costs.items() if (day.year, day.month) == (2026, digest.period.first_day.month)]
        assert digest.total.settled == sum(month, NOTHING)
        assert [day.amount for day in digest.days] == month
