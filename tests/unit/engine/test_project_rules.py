"""What a project allows: models, a ceiling, and above what somebody has to agree first. And who changed it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klingbot.domain import prices
from klingbot.domain.budgets import project_scope
from klingbot.domain.jobs import id_for
from klingbot.domain.notifications import IncreaseClosed
from klingbot.domain.periods import PeriodKind
from klingbot.domain.pricing import Quote, Wish, quote
from klingbot.domain.project_rules import Consent, Rules, enough, forbidden, in_words, wanted_consent
from klingbot.engine import (
    Engine,
    budgets,
    increase_decisions,
    increase_requests,
    job_requests,
    project_rules,
    projects,
)
from klingbot.engine.budgets import Change
from klingbot.engine.hold_outcomes import BudgetExceeded, Estimate, Forbidden, Held, NeedsConsent, Repeated
from klingbot.engine.increase_requests import Asked, NothingRefused, Wanted
from klingbot.engine.project_rules import RuleChange, RulesSet, UnknownModels
from klingbot.store import Store, jobs
from tests.support.ledger_checks import ask, prove

pytestmark = pytest.mark.both_databases

MARKETING = project_scope("marketing")
WHY = Wanted("U1", "launch")


@pytest.fixture(autouse=True)
def proved(store: Store) -> Iterator[None]:
    yield
    prove(store)


def forty(model: str = "kling-pro") -> Quote:
    """40 credits with kling-pro, 20 with the others."""
    priced = quote(prices.load("credits"), Wish(model, 10))
    assert isinstance(priced, Quote)
    return priced


def rule(engine: Engine, **rules: object) -> None:
    outcome = project_rules.set_rules(engine, RuleChange("marketing", **rules), by="UADMIN")  # type: ignore[arg-type]
    assert isinstance(outcome, RulesSet)


def made(engine: Engine, job_id: str = id_for("r1")) -> bool:
    return jobs.get(engine.store.read(), job_id) is not None


# Pure.


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (Rules("m"), None),
        (Rules("m", models=("kling-pro", "kling-v1")), None),
        (Rules("m", models=("kling-v1",)), "The project m makes videos only with kling-v1, not with kling-pro."),
        (Rules("m", ceiling=40_000), None),
        (
            Rules("m", ceiling=39_999),
            "One video for the project m may cost up to 39.999 credits; this one costs 40 credits ($2.40). Make it "
            "shorter, or choose a cheaper model.",
        ),
    ],
)
def test_what_a_project_does_not_allow_is_said(rules: Rules, sentence: str | None) -> None:
    assert forbidden(rules, forty()) == sentence


@pytest.mark.parametrize(
    ("confirm", "approve", "wanted"),
    [
        (None, None, Consent.NONE),
        (40_000, None, Consent.NONE),
        (39_999, None, Consent.CONFIRMED),
        (None, 39_999, Consent.APPROVED),
        (10_000, 39_999, Consent.APPROVED),
        (10_000, 40_000, Consent.CONFIRMED),
    ],
)
def test_only_what_costs_more_than_a_rule_names_needs_consent(
    confirm: int | None, approve: int | None, wanted: Consent
) -> None:
    assert wanted_consent(Rules("m", confirm_above=confirm, approve_above=approve), forty()) is wanted


def test_an_approval_is_more_than_a_confirmation() -> None:
    assert [[enough(given, wanted) for wanted in Consent] for given in Consent] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_rules_read_as_a_sentence() -> None:
    assert in_words(Rules("m", ("kling-v1", "kling-pro"), 100_000, 20_000, 40_000)) == (
        "only kling-v1, kling-pro, at most 100 credits a video, asked again above 20 credits, approved first above "
        "40 credits"
    )
    assert in_words(Rules("m")) == ""


# In the ledger.


def test_without_rules_nothing_is_asked(engine: Engine) -> None:
    assert isinstance(job_requests.hold(engine, ask("r1")), Held)


def test_a_model_that_the_project_does_not_allow_is_refused_before_anything_is_held(engine: Engine) -> None:
    rule(engine, models=("kling-v1",))
    assert isinstance(job_requests.hold(engine, ask("r1")), Forbidden)
    estimate = job_requests.estimate(engine, ask("r1"))
    assert isinstance(estimate, Estimate)
    assert estimate.forbidden == "The project marketing makes videos only with kling-v1, not with kling-pro."
    assert isinstance(job_requests.hold(engine, ask("r2", project="sales")), Held), (
        "other projects have their own rules"
    )
    assert not made(engine)


def test_a_dear_video_is_held_once_its_price_is_confirmed(engine: Engine) -> None:
    rule(engine, confirm_above=20_000)
    estimate = job_requests.estimate(engine, ask("r1"))
    assert isinstance(estimate, Estimate)
    assert estimate.wanted is Consent.CONFIRMED
    outcome = job_requests.hold(engine, ask("r1"))
    assert isinstance(outcome, NeedsConsent)
    assert not made(engine)
    assert increase_requests.confirm(engine, outcome.id, user_id="U2") == NothingRefused(), "only whoever asked"
    assert isinstance(increase_requests.confirm(engine, outcome.id, user_id="U1"), Held)
    assert isinstance(increase_requests.confirm(engine, outcome.id, user_id="U1"), Repeated), "a second press"
    assert isinstance(job_requests.hold(engine, ask("r1")), Repeated), "the command delivered again"


def test_a_confirmed_video_that_does_not_fit_can_still_be_asked_for(engine: Engine) -> None:
    rule(engine, confirm_above=20_000)
    budgets.set_budget(engine, Change(MARKETING, PeriodKind.MONTHLY, 30_000), by="UADMIN")
    outcome = job_requests.hold(engine, ask("r1"))
    assert isinstance(outcome, NeedsConsent)
    assert isinstance(increase_requests.confirm(engine, outcome.id, user_id="U1"), BudgetExceeded)
    assert isinstance(increase_requests.ask_for_refused(engine, outcome.id, WHY), Asked)


def test_the_price_that_is_confirmed_is_the_price_that_is_held(engine: Engine) -> None:
    budgets.set_budget(engine, Change(MARKETING, PeriodKind.MONTHLY, 30_000), by="UADMIN")
    outcome = job_requests.hold(engine, ask("r1"))
    assert isinstance(outcome, BudgetExceeded)
    rule(engine, confirm_above=10_000)
    [cheaper] = [each for each in outcome.fits if each.amount.millicredits == 20_000 and each.model.name == "kling-v1"]
    as_offered = {"model": "kling-v1", "duration_seconds": 10, "resolution": cheaper.resolution, "audio": False}
    shown = increase_requests.make_instead(engine, outcome.id, user_id="U1", **as_offered)  # type: ignore[arg-type]
    assert isinstance(shown, NeedsConsent)
    budgets.set_budget(engine, Change(MARKETING, PeriodKind.MONTHLY, 100_000), by="UADMIN")
    held = increase_requests.confirm(engine, outcome.id, user_id="U1")
    assert isinstance(held, Held)
    assert held.job.quote == shown.quote.amount


def test_a_very_dear_video_is_made_once_it_is_approved(engine: Engine) -> None:
    rule(engine, approve_above=20_000)
    outcome = job_requests.hold(engine, ask("r1"))
    assert isinstance(outcome, NeedsConsent)
    assert isinstance(increase_requests.confirm(engine, outcome.id, user_id="U1"), NeedsConsent), "that is not enough"
    asked = increase_requests.ask_for_refused(engine, outcome.id, WHY)
    assert isinstance(asked, Asked)
    [increase] = asked.increases
    assert (increase.raises, increase.amount.millicredits, increase.scope) == (False, 40_000, MARKETING)
    closed = increase_decisions.grant(engine, increase.id, by="UBOSS", is_admin=True)
    assert isinstance(closed, IncreaseClosed)
    assert (closed.grant, closed.job is not None) == (None, True)
    assert made(engine)


def test_an_approved_video_that_does_not_fit_is_asked_for_next(engine: Engine) -> None:
    rule(engine, approve_above=20_000)
    budgets.set_budget(engine, Change(MARKETING, PeriodKind.MONTHLY, 30_000), by="UADMIN")
    outcome = job_requests.hold(engine, ask("r1"))
    assert isinstance(outcome, NeedsConsent)
    for raises in (False, True):
        asked = increase_requests.ask_for_refused(engine, outcome.id, WHY)
        assert isinstance(asked, Asked)
        assert [increase.raises for increase in asked.increases] == [raises]
        closed = increase_decisions.grant(engine, asked.increases[0].id, by="UBOSS", is_admin=True)
        assert isinstance(closed, IncreaseClosed)
        assert bool(closed.job) is raises
    assert made(engine)


def test_a_model_that_is_not_sold_cannot_be_allowed(engine: Engine) -> None:
    outcome = project_rules.set_rules(engine, RuleChange("marketing", models=("kling-v1", "kling-v9")), by="UADMIN")
    assert outcome == UnknownModels(("kling-v9",))


def test_a_rule_is_changed_alone_and_taken_away(engine: Engine) -> None:
    rule(engine, ceiling=100_000, confirm_above=20_000)
    rule(engine, confirm_above=0, models=("kling-v1",))
    assert project_rules.rules_of(engine, "marketing") == Rules("marketing", ("kling-v1",), 100_000)


# Who changed it.


def test_every_change_of_the_rules_of_money_is_in_the_list_newest_first(engine: Engine) -> None:
    change = Change(MARKETING, PeriodKind.MONTHLY, 30_000)
    for _ in range(2):  # the second changes nothing
        budgets.set_budget(engine, change, by="UALICE")
    budgets.set_budget(engine, Change(MARKETING, PeriodKind.MONTHLY, 50_000), by="UALICE")
    rule(engine, ceiling=100_000)
    budgets.remove_budget(engine, MARKETING, PeriodKind.MONTHLY, by="UBOB")
    projects.set_project(engine, "C1", "sales", by="UALICE")
    alerts = "alerts at 80%, 100%"
    assert [(c.by, c.what, c.subject, c.before, c.after) for c in project_rules.changes(engine, None)] == [
        ("UALICE", "project of #C1", "project:sales", "default", "sales"),
        ("UBOB", "monthly budget", MARKETING, f"50 credits, {alerts}", ""),
        ("UADMIN", "project rules", MARKETING, "", "at most 100 credits a video"),
        ("UALICE", "monthly budget", MARKETING, f"30 credits, {alerts}", f"50 credits, {alerts}"),
        ("UALICE", "monthly budget", MARKETING, "", f"30 credits, {alerts}"),
    ]
    assert len(project_rules.changes(engine, MARKETING)) == 4


def test_a_decision_about_an_increase_is_in_the_list_with_its_reason(engine: Engine) -> None:
    budgets.set_budget(engine, Change(MARKETING, PeriodKind.MONTHLY, 30_000), by="UALICE")
    outcome = job_requests.hold(engine, ask("r1"))
    assert isinstance(outcome, BudgetExceeded)
    asked = increase_requests.ask_for_refused(engine, outcome.id, WHY)
    assert isinstance(asked, Asked)
    increase_decisions.deny(engine, asked.increases[0].id, by="UBOSS", is_admin=True, remark="next month")
    newest = project_rules.changes(engine, MARKETING)[0]
    assert (newest.by, newest.what, newest.before, newest.after, newest.why) == (
        "UBOSS", "increase", "10 credits ($0.60) more asked by @U1", "denied", "next month",
    )  # fmt: skip
