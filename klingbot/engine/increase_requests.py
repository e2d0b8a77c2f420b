"""Asking for more than a budget has left.

A refused request is kept under the id that its job would have. Once an increase is granted, that very request is held:
the same id, so that it is made once, however often and by whomever it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from klingbot.domain.budgets import project_scope
from klingbot.domain.increases import Increase, Lack, shortfall
from klingbot.domain.jobs import Request, id_for
from klingbot.domain.money import Amount
from klingbot.domain.periods import PeriodKind
from klingbot.domain.pricing import NotSold
from klingbot.domain.project_rules import Consent, enough
from klingbot.engine import alerts, job_requests
from klingbot.engine.budgets import standing_of
from klingbot.engine.core import Engine
from klingbot.engine.hold_outcomes import BudgetExceeded, HoldOutcome, NeedsConsent
from klingbot.store import budgets, increases
from klingbot.store.increases import Kept

EXPIRES_MS = 7 * 86_400_000
"""How long an increase waits for an approver, and a refused request to be asked for again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Approvers hear of these; one for each budget that is short."""

    increases: tuple[Increase, ...]


@dataclass(frozen=True, slots=True)
class AskedBefore:
    increase: Increase


@dataclass(frozen=True, slots=True)
class NothingRefused:
    """Nothing of that id was refused to this person lately."""


@dataclass(frozen=True, slots=True)
class NoBudget:
    """There is no such budget, so there is no limit to raise."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who asks, why, and for how long: `until` is the first day on which it no longer counts."""

    user_id: str
    reason: str
    until: date | None = None
    amounts: Mapping[tuple[str, PeriodKind], Amount] = field(default_factory=dict)
    """More than what a refused request lacks, by scope and period kind."""


def ask_for_refused(
    engine: Engine, refused_id: str, wanted: Wanted
) -> Asked | AskedBefore | NothingRefused | HoldOutcome:
    """Asks for what a refused request lacks: room in each budget that is short, or its project's approval.

    If it lacks nothing by now, it is simply held.
    """
    kept = _kept(engine, refused_id, wanted.user_id)
    if kept is None:
        return NothingRefused()
    outcome = job_requests.hold(engine, kept.request, consent=kept.consent)
    if not isinstance(outcome, BudgetExceeded | NeedsConsent):
        return outcome
    # A response_url lasts half an hour (Slack's docs); the answer to this may take days.
    lasting = replace(kept.request, response_url=None)
    asked = _ask(engine, [_increase_for(engine, refused_id, wanted, lack, lasting) for lack in _lacks(outcome)])
    # Where the budgets that were short were removed at this very moment, the video may fit by now.
    return job_requests.hold(engine, kept.request, consent=kept.consent) if isinstance(asked, NoBudget) else asked


def lacks(engine: Engine, refused_id: str, user_id: str) -> list[Lack] | NothingRefused:
    """What a refused request is short of just now, asking nobody."""
    kept = _kept(engine, refused_id, user_id)
    if kept is None:
        return NothingRefused()
    outcome = job_requests.estimate(engine, kept.request)
    if isinstance(outcome, NotSold):
        return []
    if not enough(kept.consent, outcome.wanted):
        return _lacks(NeedsConsent(refused_id, outcome.quote, outcome.project, outcome.wanted))
    return _lacks(BudgetExceeded(refused_id, outcome.quote, outcome.refused, outcome.fits))


def ask_for_amount(
    engine: Engine, request_id: str, wanted: Wanted, *, scope: str, kind: PeriodKind, amount: Amount
) -> Asked | AskedBefore | NoBudget:
    """Asks for a budget to be raised, without a video in mind."""
    if budgets.get(engine.store.read(), scope, kind) is None:
        return NoBudget()
    return _ask(engine, [_increase(engine, request_id, wanted, scope, kind, amount)])


def confirm(engine: Engine, refused_id: str, *, user_id: str) -> NothingRefused | HoldOutcome:
    """Whoever asked agrees to the price, which the project's rules want first."""
    kept = _kept(engine, refused_id, user_id)
    if kept is None:
        return NothingRefused()
    if not enough(kept.consent, Consent.CONFIRMED):
        with engine.store.write() as tx:
            increases.agree(tx, refused_id, Consent.CONFIRMED)
    return job_requests.hold(
        engine, kept.request, consent=max(kept.consent, Consent.CONFIRMED, key=list(Consent).index)
    )


def make_instead(
    engine: Engine, refused_id: str, *, user_id: str, model: str, duration_seconds: int, resolution: str, audio: bool
) -> NothingRefused | HoldOutcome:
    """Holds a refused request in a form that costs less. It is the same request still: it is made once."""
    kept = _kept(engine, refused_id, user_id)
    if kept is None:
        return NothingRefused()
    wish = replace(
        kept.request.wish, model=model, duration_seconds=duration_seconds, resolution=resolution, audio=audio
    )
    return job_requests.hold(engine, replace(kept.request, wish=wish), consent=kept.consent)


def refused_request(engine: Engine, refused_id: str, user_id: str) -> Request | None:
    """What was refused to this very person lately."""
    kept = _kept(engine, refused_id, user_id)
    return kept.request if kept else None


def increase_of(engine: Engine, increase_id: str) -> Increase | None:
    return increases.get(engine.store.read(), increase_id)


def pending(engine: Engine) -> list[Increase]:
    return increases.pending(engine.store.read())


def _kept(engine: Engine, refused_id: str, user_id: str) -> Kept | None:
    """What was refused to this very person."""
    kept = increases.refused(engine.store.read(), refused_id)
    return kept if kept and kept.request.user_id == user_id else None


def _lacks(outcome: BudgetExceeded | NeedsConsent) -> list[Lack]:
    if isinstance(outcome, NeedsConsent):
        return [Lack(project_scope(outcome.project), PeriodKind.MONTHLY, outcome.quote.amount, raises=False)]
    needed = outcome.wanted.amount
    return [Lack(short.budget.scope, short.budget.kind, shortfall(short, needed)) for short in outcome.refused]


def _increase_for(engine: Engine, refused_id: str, wanted: Wanted, lack: Lack, request: Request) -> Increase:
    """For what it lacks, or for more where more is wanted."""
    more = wanted.amounts.get((lack.scope, lack.kind)) if lack.raises else None
    amount = more if more and more.millicredits > lack.amount.millicredits else lack.amount
    name = f"{refused_id} {lack.scope} {lack.kind}"
    return _increase(engine, name, wanted, lack.scope, lack.kind, amount, request, raises=lack.raises)


def _increase(
    engine: Engine,
    name: str,
    wanted: Wanted,
    scope: str,
    kind: PeriodKind,
    amount: Amount,
    request: Request | None = None,
    *,
    raises: bool = True,
) -> Increase:
    """`name` again is the same increase."""
    now = engine.clock()
    return Increase(
        id=id_for(f"{name} {'raises' if raises else 'allows'}"),
        user_id=wanted.user_id,
        scope=scope,
        kind=kind,
        amount=amount,
        reason=wanted.reason,
        until=wanted.until,
        request=request,
        asked_at=now,
        expires_at=now + EXPIRES_MS,
        raises=raises,
    )


def _ask(engine: Engine, asked_for: list[Increase]) -> Asked | AskedBefore | NoBudget:
    with engine.store.write() as tx:
        possible = [each for each in asked_for if not each.raises or budgets.get(tx, each.scope, each.kind)]
        if not possible:
            return NoBudget()
        asked = tuple(increase for increase in possible if increases.put(tx, increase))
        for increase in asked:
            standing = standing_of(tx, engine, increase.scope, increase.kind)
            alerts.increase_asked(tx, replace(increase, request=None), standing)
        if asked:
            return Asked(asked)
        before = increases.get(tx, possible[0].id)
        assert before is not None
        return AskedBefore(before)
