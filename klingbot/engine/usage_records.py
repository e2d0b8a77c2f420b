"""Booking usage that has already happened: it is true, so it is booked, whatever the budgets say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from klingbot.domain.jobs import DEFAULT_PROJECT, Job, JobState
from klingbot.domain.money import MILLICREDITS, Amount
from klingbot.domain.periods import Calendar
from klingbot.engine import alerts
from klingbot.engine.core import Engine
from klingbot.store import Transaction, budgets, jobs, ledger
from klingbot.store.maintenance import calendar_change as store_calendar

UNATTRIBUTED = "unattributed"
"""The user of what nobody put a name to."""


@dataclass(frozen=True, slots=True)
class Spent:
    """A video that was made and paid for without the bot. `at` is UTC epoch milliseconds."""

    job_id: str
    at: int
    model: str
    duration_seconds: int
    amount: Amount
    project: str = DEFAULT_PROJECT
    user_id: str = UNATTRIBUTED
    price_list: str = "as recorded"


def record(engine: Engine, spent: Iterable[Spent], *, by: str) -> int:
    """Books each as a hold that is settled at once, in the periods of its own time; how many were new.

    A job id that the ledger knows is left as it is: recording twice counts once. Amounts must be above zero.
    """
    now = engine.clock()
    with engine.store.write(patient=True) as tx:
        calendar = store_calendar.kept(tx) or engine.calendar
        new = sum(_book(tx, _job(calendar, each), each, at=now, by=by) for each in spent)
        if new:
            alerts.note_crossings(tx, budgets.standings(tx, calendar.periods(now)), now)
        else:
            tx.abandon()
    return new


def _book(tx: Transaction, job: Job, spent: Spent, *, at: int, by: str) -> bool:
    if not jobs.insert(tx, job):
        return False
    ledger.hold(tx, job)
    amounts = {"settled_millicredits": spent.amount.millicredits, "settled_microusd": spent.amount.microusd}
    jobs.move(tx, job.id, [JobState.HELD], state=JobState.SUCCEEDED, finished_at=spent.at, **amounts)
    ledger.settle(tx, job, spent.amount, at=at, author=by, reason="recorded after the fact")
    return True


def _job(calendar: Calendar, spent: Spent) -> Job:
    periods = calendar.periods(spent.at)
    return Job(
        id=spent.job_id,
        state=JobState.HELD,
        user_id=spent.user_id,
        project=spent.project,
        channel_id="",
        response_url=None,
        prompt="",
        negative=None,
        image_url=None,
        model=spent.model,
        duration_seconds=spent.duration_seconds,
        resolution="",
        audio=False,
        aspect="",
        legacy_name=None,
        new_name=None,
        omni=False,
        price_list=spent.price_list,
        kling_units=False,
        microusd_per_credit=spent.amount.microusd * MILLICREDITS // spent.amount.millicredits,
        quote=spent.amount,
        asked_at=spent.at,
        day_start=periods.daily.start,
        week_start=periods.weekly.start,
        month_start=periods.monthly.start,
        due_at=spent.at,
    )
