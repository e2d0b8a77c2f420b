"""Asking for videos: what one would cost, and holding its cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

from klingbot.common.typo_suggestions import resembled
from klingbot.domain import project_access
from klingbot.domain.budgets import Standing, refusals, scopes_of
from klingbot.domain.jobs import Job, JobState, Request, id_for
from klingbot.domain.pricing import NotSold, Quote
from klingbot.domain.pricing import quote as price
from klingbot.domain.project_access import ProjectState, not_for
from klingbot.domain.project_rules import Consent, Rules, enough, forbidden, wanted_consent
from klingbot.domain.request_limits import faults
from klingbot.domain.what_fits import affordable, room
from klingbot.engine import alerts
from klingbot.engine.core import Engine
from klingbot.engine.hold_outcomes import (
    BudgetExceeded,
    Estimate,
    Forbidden,
    Held,
    HoldOutcome,
    NeedsConsent,
    NoBudgetYet,
    ProjectBarred,
    Repeated,
    Stopped,
)
from klingbot.store import (
    Database,
    Transaction,
    budgets,
    declined_counts,
    first_budget_choice,
    hold_context,
    increases,
    jobs,
    known_projects,
    ledger,
    part,
    project_rules,
)
from klingbot.store.hold_context import Terms


@dataclass(frozen=True, slots=True)
class Exceeding:
    """A hold that breaks at least one budget, and how all that it touches would stand with it."""

    job: Job
    standings: list[Standing]


Tried = Held | Repeated | Stopped | NoBudgetYet | Forbidden | ProjectBarred | NeedsConsent | Exceeding
"""What comes of a request that is sold."""


def estimate(engine: Engine, request: Request) -> Estimate | NotSold:
    """What `hold` would say, spending nothing."""
    quote = price(engine.prices, request.wish)
    if isinstance(quote, NotSold):
        return quote
    reader, periods = engine.store.read(), engine.periods()
    project = request.project or known_projects.of_channel(reader, request.channel_id)
    allowed = project_rules.get(reader, project)
    shut = None if engine.any_project else _project_barred(reader, request, allowed)
    standings = budgets.standings_of(reader, scopes_of(request.user_id, project), periods)
    refused = refusals((standing.with_held(quote.amount) for standing in standings), quote.amount)
    fits = affordable(engine.prices, quote, room(standings)) if refused else []
    wanted, barred = wanted_consent(allowed, quote), shut.sentence if shut else forbidden(allowed, quote)
    closed = engine.requires_budget and not first_budget_choice.is_met(reader)
    return Estimate(quote, project, tuple(standings), tuple(refused), tuple(fits), wanted, barred, closed)


def acceptable(engine: Engine, request: Request) -> Quote | NotSold:
    """Return the price of the request, or why it is not made: the list does not sell it, or Kling would refuse it."""
    quote = price(engine.prices, request.wish)
    if isinstance(quote, NotSold):
        return quote
    fault = faults(engine.prices, quote.model, request).first
    return NotSold(fault) if fault else quote


def hold(engine: Engine, request: Request, *, consent: Consent = Consent.NONE) -> HoldOutcome:
    """Holds the job's cost against every budget that applies, or says why not. All or nothing, and once per request.

    `consent`: who has agreed to its price.
    """
    quote = acceptable(engine, request)
    if isinstance(quote, NotSold):
        return quote
    with engine.store.write() as tx:
        outcome = _try(tx, engine, request, quote, consent)
        if not isinstance(outcome, Held | NeedsConsent):
            tx.abandon()
    if isinstance(outcome, NoBudgetYet):
        _keep(engine, request, outcome.id)
    # What still fits takes longer to find than a hold: nobody else should wait for it.
    return _turned_away(engine, request, quote, outcome) if isinstance(outcome, Exceeding) else outcome


def hold_within(tx: Transaction, engine: Engine, request: Request, *, consent: Consent) -> Tried | NotSold:
    """`hold` as a part of a transaction that goes on whatever comes of it."""
    quote = acceptable(engine, request)
    if isinstance(quote, NotSold):
        return quote
    with part(tx) as attempt:
        outcome = _try(attempt, engine, request, quote, consent)
        if not isinstance(outcome, Held):
            attempt.abandon()
    return outcome


def _try(tx: Transaction, engine: Engine, request: Request, quote: Quote, consent: Consent) -> Tried:
    """What it comes to. Whatever is not held has left something in the transaction, to be abandoned."""
    now = engine.clock()
    met = hold_context.of(tx, request, engine.calendar, now=now)
    job = _job(engine, request, quote, met, now)
    if engine.requires_budget and not met.requirement_met:
        made = jobs.get(tx, job.id)  # held while there was a budget, and delivered again
        return Repeated(made) if made else NoBudgetYet(job.id, job.user_id)
    return (
        _shut(tx, engine, request, job, met)
        or _barred(tx, request, job, quote, consent, met.rules)
        or _hold(tx, job, met)
    )


def _shut(tx: Transaction, engine: Engine, request: Request, job: Job, met: Terms) -> ProjectBarred | Repeated | None:
    """Return why this person may not spend for the project here."""
    if engine.any_project or (met.is_open and not_for(met.rules, job.user_id, job.channel_id) is None):
        return None
    if made := jobs.get(tx, job.id):  # held while the project was open, and delivered again
        return Repeated(made)
    return _project_barred(tx, request, met.rules)


def _project_barred(db: Database, request: Request, allowed: Rules) -> ProjectBarred | None:
    project, state = allowed.project, known_projects.state(db, allowed.project)
    if state is ProjectState.OPEN:
        sentence = not_for(allowed, request.user_id, request.channel_id)
        return ProjectBarred(sentence, project, request.user_id, can_be_opened=False) if sentence else None
    opened = known_projects.opened(db)
    match state:
        case ProjectState.CLOSED:
            sentence = project_access.closed(project, opened, is_channels=request.project is None)
        case ProjectState.UNDECIDED:
            sentence = project_access.undecided(project, opened)
        case ProjectState.UNKNOWN:
            sentence = project_access.unknown(project, opened, resembled(project, opened))
    return ProjectBarred(sentence, project, request.user_id, can_be_opened=True)


def _barred(
    tx: Transaction, request: Request, job: Job, quote: Quote, consent: Consent, allowed: Rules
) -> Forbidden | NeedsConsent | Repeated | None:
    """What the project's rules say before anything is held."""
    wanted = wanted_consent(allowed, quote)
    if sentence := forbidden(allowed, quote):
        return Forbidden(sentence)
    if enough(consent, wanted):
        return None
    if made := jobs.get(tx, job.id):  # agreed to before, and delivered again
        return Repeated(made)
    increases.put_priced(tx, job.id, _for_its_project(request, job), at=job.asked_at)
    return NeedsConsent(job.id, quote, job.project, wanted)


def _hold(tx: Transaction, job: Job, met: Terms) -> Held | Repeated | Stopped | Exceeding:
    if not jobs.insert(tx, job):
        return Repeated(_existing(tx, job.id))
    if met.stopped is not None:
        return Stopped(met.stopped)
    ledger.hold(tx, job)
    scopes = scopes_of(job.user_id, job.project)
    fullest = budgets.fullest_of(tx, scopes, met.periods, granted=met.granted)
    # A hold only adds: below all of its thresholds a budget has nothing to announce and nothing to arm again.
    if fullest.notable:
        if refusals(fullest.notable, job.quote):
            return Exceeding(job, budgets.standings_of(tx, scopes, met.periods))
        alerts.note_crossings(tx, fullest.notable, job.asked_at)
    return Held(job, fullest.tightest, met.ahead)


def _keep(engine: Engine, request: Request, declined_id: str) -> None:
    """Keep what was declined before its cost was looked at. Digests count only what a budget declined."""
    with engine.store.write() as tx:
        project = request.project or known_projects.of_channel(tx, request.channel_id)
        increases.put_priced(tx, declined_id, replace(request, project=project), at=engine.clock())


def _turned_away(engine: Engine, request: Request, quote: Quote, found: Exceeding) -> BudgetExceeded:
    """What the person hears, and the budgets' channels too."""
    job, refused = found.job, refusals(found.standings, quote.amount)
    with engine.store.write() as tx:
        if increases.put_refused(tx, job.id, _for_its_project(request, job), at=job.asked_at):
            declined_counts.count(tx, job)
        alerts.note_turned_away(tx, refused, job)
    left = room(standing.without(quote.amount) for standing in found.standings)
    fits = affordable(engine.prices, quote, left)
    return BudgetExceeded(job.id, quote, tuple(refused), tuple(fits))


def _for_its_project(request: Request, job: Job) -> Request:
    """The request as it is kept: for that project, also if the channel should spend for another one later."""
    return replace(request, project=job.project)


def job_of(engine: Engine, job_id: str) -> Job | None:
    return jobs.get(engine.store.read(), job_id)


def _existing(tx: Transaction, job_id: str) -> Job:
    job = jobs.get(tx, job_id)
    assert job is not None
    return job


def _job(engine: Engine, request: Request, quote: Quote, met: Terms, now: int) -> Job:
    return Job(
        id=id_for(request.request_id),
        state=JobState.HELD,
        user_id=request.user_id,
        project=met.project,
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
        day_start=met.periods.daily.start,
        week_start=met.periods.weekly.start,
        month_start=met.periods.monthly.start,
        due_at=now,
        thread_ts=request.thread_ts,
    )
