"""Asking for videos: what one would cost, holding its cost, cancelling it while it waits."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.budgets import Standing, marks, project_scope, refusals, room, scopes_of
from klingbot.engine import alerting
from klingbot.engine.core import Engine
from klingbot.jobs import Job, JobState, Request, id_for
from klingbot.periods import PeriodKind, Periods
from klingbot.pricing import NotSold, Quote, affordable
from klingbot.pricing import quote as price
from klingbot.rules import Consent, enough, forbidden, wanted_consent
from klingbot.store import (
    Transaction,
    audit,
    budgets,
    gates,
    increases,
    jobs,
    ledger,
    part,
    projects,
    refusal_counts,
    rules,
)

DEFAULT_PROJECT = "default"


@dataclass(frozen=True, slots=True)
class Held:
    """The job's cost is held; `standings` are the budgets it touches, with the hold."""

    job: Job
    standings: tuple[Standing, ...]
    ahead: int
    """How many jobs wait before it."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The request was answered before; nothing changed."""

    job: Job


@dataclass(frozen=True, slots=True)
class BudgetExceeded:
    """Refused: these budgets, tightest first and as they stand without this job, would not hold it."""

    id: str
    """Names the refused request, so that its requester can ask for more."""
    wanted: Quote
    refused: tuple[Standing, ...]
    fits: tuple[Quote, ...]
    """What would still fit, nearest to what was wanted first."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Refused: Kling takes no jobs from this account just now, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job would cost, and the budgets it would touch, as they stand without it."""

    quote: Quote
    project: str
    standings: tuple[Standing, ...]
    refused: tuple[Standing, ...]
    fits: tuple[Quote, ...]
    wanted: Consent = Consent.NONE
    """Who would have to agree to it first."""
    forbidden: str | None = None
    """Which of the project's rules does not allow it, as a sentence."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Refused: the project's rules do not allow it, and `sentence` says which."""

    sentence: str


@dataclass(frozen=True, slots=True)
class NeedsConsent:
    """Not held yet: the project's rules want somebody to agree to its price first."""

    id: str
    """Names the request, so that it can be confirmed or approved."""
    quote: Quote
    project: str
    wanted: Consent


HoldOutcome = Held | Repeated | NotSold | BudgetExceeded | Stopped | Forbidden | NeedsConsent


def estimate(engine: Engine, request: Request) -> Estimate | NotSold:
    """What `hold` would say, spending nothing."""
    quote = price(engine.prices, request.wish)
    if isinstance(quote, NotSold):
        return quote
    reader, periods = engine.store.read(), engine.periods()
    project = _project(engine, request)
    allowed = rules.get(reader, project)
    standings = budgets.standings_of(reader, scopes_of(request.user_id, project), periods)
    refused = refusals((standing.with_held(quote.amount) for standing in standings), quote.amount)
    fits = affordable(engine.prices, quote, room(standings)) if refused else []
    wanted, barred = wanted_consent(allowed, quote), forbidden(allowed, quote)
    return Estimate(quote, project, tuple(standings), tuple(refused), tuple(fits), wanted, barred)


def hold(engine: Engine, request: Request, *, consent: Consent = Consent.NONE) -> HoldOutcome:
    """Holds the job's cost against every budget that applies, or says why not. All or nothing, and once per request.

    `consent`: who has agreed to its price.
    """
    quote = price(engine.prices, request.wish)
    if isinstance(quote, NotSold):
        return quote
    now = engine.clock()
    periods = engine.calendar.periods(now)
    job = _job(engine, request, quote, periods, now)
    if barred := _barred(engine, request, job, quote, consent):
        return barred
    with engine.store.write() as tx:
        outcome = _hold(tx, job, periods)
        if not isinstance(outcome, Held):
            tx.abandon()
    # What still fits takes longer to find than a hold: nobody else should wait for it.
    return _turned_away(engine, quote, request, job, outcome) if isinstance(outcome, list) else outcome


def _barred(
    engine: Engine, request: Request, job: Job, quote: Quote, consent: Consent
) -> Forbidden | NeedsConsent | Repeated | None:
    """What the project's rules say before anything is held."""
    allowed = rules.get(engine.store.read(), job.project)
    wanted = wanted_consent(allowed, quote)
    if sentence := forbidden(allowed, quote):
        return Forbidden(sentence)
    if enough(consent, wanted):
        return None
    if made := jobs.get(engine.store.read(), job.id):  # agreed to before, and delivered again
        return Repeated(made)
    with engine.store.write() as tx:
        increases.put_refused(tx, job.id, request, at=job.asked_at)
    return NeedsConsent(job.id, quote, job.project, wanted)


def _hold(tx: Transaction, job: Job, periods: Periods) -> Held | Repeated | Stopped | list[Standing]:
    """Standings alone mean that the hold breaks at least one of them."""
    if not jobs.insert(tx, job):
        return Repeated(_existing(tx, job.id))
    if (gate := gates.get(tx, gates.ACCOUNT)) and gate.closed(job.asked_at):
        return Stopped(gate.reason)
    ledger.hold(tx, job)
    standings = budgets.standings_of(tx, scopes_of(job.user_id, job.project), periods)
    if refusals(standings, job.quote):
        return standings
    # A hold only adds: below all of its thresholds a budget has nothing to announce and nothing to arm again.
    alerting.note_crossings(tx, [standing for standing in standings if marks(standing)], job.asked_at)
    return Held(job, tuple(standings), jobs.ahead_of(tx, job))


def hold_within(
    tx: Transaction, engine: Engine, request: Request
) -> Held | Repeated | NotSold | Stopped | list[Standing]:
    """`hold` as a part of a transaction that goes on whatever comes of it.

    Standings alone mean that it does not fit, and how the budgets would stand with it.
    """
    quote = price(engine.prices, request.wish)
    if isinstance(quote, NotSold):
        return quote
    now = engine.clock()
    periods = engine.calendar.periods(now)
    with part(tx) as attempt:
        outcome = _hold(attempt, _job(engine, request, quote, periods, now), periods)
        if not isinstance(outcome, Held):
            attempt.abandon()
    return outcome


def _turned_away(engine: Engine, quote: Quote, request: Request, job: Job, standings: list[Standing]) -> BudgetExceeded:
    """What the person hears and the budgets' channels too, of standings that the hold would have broken."""
    refused = refusals(standings, quote.amount)
    with engine.store.write() as tx:
        refusal_counts.count(tx, job)
        increases.put_refused(tx, job.id, request, at=job.asked_at)
        alerting.note_turned_away(tx, refused, job)
    left = room(standing.without(quote.amount) for standing in standings)
    fits = affordable(engine.prices, quote, left)
    return BudgetExceeded(job.id, quote, tuple(refused), tuple(fits))


@dataclass(frozen=True, slots=True)
class Cancelled:
    job: Job


@dataclass(frozen=True, slots=True)
class NoSuchJob:
    pass


@dataclass(frozen=True, slots=True)
class NotYours:
    job: Job


@dataclass(frozen=True, slots=True)
class MayBeAtKling:
    """It waits to be posted again after a lost reply: releasing it now might hide a charge."""

    job: Job


@dataclass(frozen=True, slots=True)
class TooLate:
    """Kling has it already, or it has ended; `job.state` says which."""

    job: Job


CancelOutcome = Cancelled | NoSuchJob | NotYours | MayBeAtKling | TooLate


def cancel(engine: Engine, job_id: str, *, user_id: str, is_admin: bool) -> CancelOutcome:
    """Releases a job that still waits. Kling itself has no cancel."""
    now = engine.clock()
    with engine.store.write() as tx:
        job = jobs.get(tx, job_id)
        if job is None:
            return NoSuchJob()
        if job.user_id != user_id and not is_admin:
            return NotYours(job)
        if job.state is JobState.HELD and job.tries:
            return MayBeAtKling(job)
        reason = f"cancelled by {user_id}"
        released = jobs.move(
            tx, job_id, [JobState.HELD], state=JobState.RELEASED, finished_at=now, response_url=None, reason=reason
        )
        if released is None:
            return TooLate(job)
        ledger.release(tx, released, at=now, reason=reason, author=user_id)
        alerting.note_crossings(tx, standings_with(tx, engine, released), now)
        return Cancelled(released)


def standings_with(tx: Transaction, engine: Engine, job: Job) -> list[Standing]:
    """How the budgets stand that this job counts for, in the periods that its money is kept in."""
    since = engine.calendar.since
    periods = Periods(
        since(PeriodKind.DAILY, job.day_start),
        since(PeriodKind.WEEKLY, job.week_start),
        since(PeriodKind.MONTHLY, job.month_start),
    )
    return budgets.standings_of(tx, scopes_of(job.user_id, job.project), periods)


def job_of(engine: Engine, job_id: str) -> Job | None:
    return jobs.get(engine.store.read(), job_id)


def project_of(engine: Engine, channel_id: str) -> str:
    """The project that a channel spends for."""
    return projects.of_channel(engine.store.read(), channel_id) or DEFAULT_PROJECT


def set_project(engine: Engine, channel_id: str, project: str, *, by: str) -> None:
    with engine.store.write() as tx:
        before = projects.of_channel(tx, channel_id) or DEFAULT_PROJECT
        projects.put(tx, channel_id, project)
        if before != project:
            what, at = f"project of #{channel_id}", engine.clock()
            audit.note(tx, at=at, by=by, what=what, subject=project_scope(project), before=before, after=project)


def _project(engine: Engine, request: Request) -> str:
    return request.project or project_of(engine, request.channel_id)


def _existing(tx: Transaction, job_id: str) -> Job:
    job = jobs.get(tx, job_id)
    assert job is not None
    return job


def _job(engine: Engine, request: Request, quote: Quote, periods: Periods, now: int) -> Job:
    return Job(
        id=id_for(request.request_id),
        state=JobState.HELD,
        user_id=request.user_id,
        project=_project(engine, request),
        channel_id=request.channel_id,
        response_url=request.response_url,
        prompt=request.prompt,
        negative=request.negative,
        image_url=request.image_url,
        model=quote.model.name,
        duration_seconds=quote.duration_seconds,
        resolution=quote.resolution,
        audio=quote.audio,
        aspect=quote.aspect,
        legacy_name=quote.model.legacy_name,
        new_name=quote.model.new_name,
        omni=quote.model.omni,
        price_list=quote.price_list,
        kling_units=engine.prices.kling_units,
        microusd_per_credit=quote.microusd_per_credit,
        quote=quote.amount,
        asked_at=now,
        day_start=periods.daily.start,
        week_start=periods.weekly.start,
        month_start=periods.monthly.start,
        due_at=now,
        thread_ts=request.thread_ts,
    )
