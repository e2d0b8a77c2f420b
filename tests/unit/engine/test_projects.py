"""Which projects members may spend for: what opens and closes one, who may, and where; and mistyped names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from klingbot.domain.budgets import Total, project_scope, user_scope
from klingbot.domain.jobs import Request, id_for
from klingbot.domain.notifications import IncreaseClosed, PastProjects
from klingbot.domain.periods import PeriodKind
from klingbot.domain.project_access import ProjectState
from klingbot.domain.project_rules import Rules, in_words
from klingbot.engine import (
    Engine,
    budgets,
    increase_decisions,
    increase_requests,
    job_requests,
    open_engine,
    project_rules,
    projects,
    usage,
)
from klingbot.engine.budgets import Change
from klingbot.engine.hold_outcomes import BudgetExceeded, Estimate, Held, NeedsConsent, ProjectBarred, Repeated
from klingbot.engine.increase_requests import Asked, Wanted
from klingbot.engine.project_rules import RuleChange
from tests.support.ledger_checks import ask, hold, queued, total

pytestmark = pytest.mark.both_databases

ADMIN = "UADMIN"


def budget(engine: Engine, name: str) -> None:
    budgets.set_budget(engine, Change(project_scope(name), PeriodKind.MONTHLY, 90_000), by=ADMIN)


def rules(engine: Engine, name: str) -> None:
    project_rules.set_rules(engine, RuleChange(name, ceiling=90_000), by=ADMIN)


def channel(engine: Engine, name: str) -> None:
    projects.set_project(engine, "C9", name, by=ADMIN)


def new(engine: Engine, name: str) -> None:
    projects.decide(engine, name, is_open=True, by=ADMIN)


def close(engine: Engine, name: str) -> None:
    projects.decide(engine, name, is_open=False, by=ADMIN)


def barred(outcome: object) -> str:
    assert isinstance(outcome, ProjectBarred), outcome
    return outcome.sentence


def spent(engine: Engine, project: str) -> Total:
    return total(engine, project_scope(project), engine.periods().monthly)


every_way = pytest.mark.parametrize("make", [budget, rules, channel, new])


# Names.


@every_way
def test_a_project_is_known_once_it_has_a_budget_rules_or_a_channel_or_was_created(
    engine: Engine, make: Callable[[Engine, str], None]
) -> None:
    assert projects.meant_by(engine, "lab-one") is None
    make(engine, "lab-one")
    assert projects.meant_by(engine, "lab-on") == "lab-one"
    assert projects.meant_by(engine, "lab-one") is None


def test_a_name_that_resembles_none_is_a_new_project(engine: Engine) -> None:
    assert projects.meant_by(engine, "summer-launch") is None


def test_the_default_project_is_known_from_the_start(engine: Engine) -> None:
    assert projects.meant_by(engine, "default") is None
    assert projects.meant_by(engine, "defualt") == "default"


def test_a_person_is_no_project(engine: Engine) -> None:
    budgets.set_budget(engine, Change("user:lab-one", PeriodKind.MONTHLY, 90_000), by=ADMIN)
    assert projects.meant_by(engine, "lab-on") is None


# Open and closed.


@pytest.mark.parametrize(
    "name", ["zzz-9", "other", "marketting", "Marketing", "marketing ", "marketing\u200b", "m" * 300]
)
def test_nobody_spends_for_a_project_that_no_admin_has_created(engine: Engine, name: str) -> None:
    said = barred(job_requests.hold(engine, ask("r1", project=name)))
    assert said.startswith(f"There is no project {name} yet.") and "Only admins create projects." in said
    assert projects.listing(engine).opened == ("default", "marketing", "sales")
    assert spent(engine, name) == Total()
    estimate = job_requests.estimate(engine, ask("r1", project=name))
    assert isinstance(estimate, Estimate) and estimate.forbidden == said


def test_who_is_declined_in_one_project_gets_nothing_in_another(engine: Engine) -> None:
    budgets.set_budget(engine, Change(project_scope("marketing"), PeriodKind.MONTHLY, 10_000), by=ADMIN)
    close(engine, "default")
    assert isinstance(job_requests.hold(engine, ask("r1")), BudgetExceeded)
    for name in ("default", "other", "zzz-9"):
        assert isinstance(job_requests.hold(engine, ask(f"r {name}", project=name)), ProjectBarred), name


@every_way
def test_what_an_admin_sets_up_is_open(engine: Engine, make: Callable[[Engine, str], None]) -> None:
    make(engine, "lab")
    assert isinstance(job_requests.hold(engine, ask("r1", project="lab")), Held)


def test_a_project_stays_open_when_its_budget_is_removed(engine: Engine) -> None:
    budget(engine, "lab")
    budgets.remove_budget(engine, project_scope("lab"), PeriodKind.MONTHLY, by=ADMIN)
    assert isinstance(job_requests.hold(engine, ask("r1", project="lab")), Held)


@pytest.mark.parametrize("make", [budget, rules, channel])
def test_a_bot_of_the_version_before_sets_projects_up_too(engine: Engine, make: Callable[[Engine, str], None]) -> None:
    """It shares the ledger while one bot after the other is replaced, and knows nothing of open projects."""
    make(engine, "lab")
    with engine.store.write() as tx:
        tx.execute("DELETE FROM project_states WHERE project = 'lab'")
    assert "lab" in projects.listing(engine).opened
    assert isinstance(job_requests.hold(engine, ask("r1", project="lab")), Held)


@every_way
def test_a_closed_project_stays_closed_whatever_is_set_up_for_it(
    engine: Engine, make: Callable[[Engine, str], None]
) -> None:
    close(engine, "lab")
    if make is not new:
        make(engine, "lab")
        assert barred(job_requests.hold(engine, ask("r1", project="lab"))).startswith("The project lab is closed.")
    new(engine, "lab")
    assert isinstance(job_requests.hold(engine, ask("r1", project="lab")), Held)


def test_the_default_project_is_open_until_an_admin_closes_it(engine: Engine) -> None:
    assert isinstance(job_requests.hold(engine, ask("r1", project=None)), Held)
    close(engine, "default")
    said = barred(job_requests.hold(engine, ask("r2", project=None)))
    assert said.startswith("The project default is closed, and this channel spends for it. An admin can open it again.")
    assert said.endswith("You can use another project: marketing or sales.")
    assert isinstance(job_requests.hold(engine, ask("r1", project=None)), Repeated), (
        "the request of before, delivered again"
    )


def test_what_is_under_way_goes_on_when_its_project_is_closed(engine: Engine) -> None:
    job = hold(engine, "r1")
    outcome = projects.decide(engine, "marketing", is_open=False, by=ADMIN)
    assert (outcome.before, outcome.after, outcome.under_way) == (ProjectState.OPEN, ProjectState.CLOSED, 1)
    assert spent(engine, "marketing").held == job.quote


def test_an_admins_decisions_are_in_the_list_of_changes(engine: Engine) -> None:
    for is_open in (True, True, False):
        projects.decide(engine, "lab", is_open=is_open, by=ADMIN, why="spring")
    changes = [(c.by, c.what, c.before, c.after, c.why) for c in project_rules.changes(engine, project_scope("lab"))]
    assert changes == [
        (ADMIN, "project", "open", "closed", "spring"),
        (ADMIN, "project", "", "open", "spring"),
    ]


# What was asked for before the project was closed.


def test_no_approval_makes_a_video_for_a_project_that_is_closed_by_then(engine: Engine) -> None:
    budgets.set_budget(engine, Change(project_scope("marketing"), PeriodKind.MONTHLY, 10_000), by=ADMIN)
    refused = job_requests.hold(engine, ask("r1"))
    assert isinstance(refused, BudgetExceeded)
    asked = increase_requests.ask_for_refused(engine, refused.id, Wanted("U1", "launch"))
    assert isinstance(asked, Asked)
    close(engine, "marketing")
    closed = increase_decisions.grant(engine, asked.increases[0].id, by=ADMIN, is_admin=True)
    assert isinstance(closed, IncreaseClosed)
    assert closed.job is None and (closed.obstacle or "").startswith("The project marketing is closed.")
    assert spent(engine, "marketing") == Total()


def test_no_confirmed_price_and_no_cheaper_form_gets_around_a_closed_project(engine: Engine) -> None:
    project_rules.set_rules(engine, RuleChange("marketing", confirm_above=10_000), by=ADMIN)
    priced = job_requests.hold(engine, ask("r1"))
    assert isinstance(priced, NeedsConsent)
    close(engine, "marketing")
    assert isinstance(increase_requests.confirm(engine, priced.id, user_id="U1"), ProjectBarred)
    cheaper: dict[str, Any] = {"model": "kling-v1", "duration_seconds": 5, "resolution": "1080p", "audio": False}
    assert isinstance(increase_requests.make_instead(engine, priced.id, user_id="U1", **cheaper), ProjectBarred)
    assert isinstance(increase_requests.ask_for_refused(engine, priced.id, Wanted("U1", "please")), ProjectBarred)


# Who, and where.


def only(engine: Engine, **change: tuple[str, ...]) -> None:
    project_rules.set_rules(engine, RuleChange("marketing", **change), by=ADMIN)  # type: ignore[arg-type]


def test_only_the_people_that_the_rules_name_spend_for_a_project(engine: Engine) -> None:
    only(engine, people=("U1", "U2"))
    assert isinstance(job_requests.hold(engine, ask("r1", user_id="U1")), Held)
    said = barred(job_requests.hold(engine, ask("r2", user_id="U3")))
    assert said.startswith("Only @U1 and @U2 may spend for the project marketing.") and "ask an admin" in said
    only(engine, people=())
    assert isinstance(job_requests.hold(engine, ask("r2", user_id="U3")), Held)


def test_a_project_is_spent_for_only_in_the_channels_that_the_rules_name(engine: Engine) -> None:
    only(engine, channels=("C7", "C8"))
    said = barred(job_requests.hold(engine, ask("r1")))
    assert said.startswith("Videos for the project marketing are made in #C7 or #C8 only.")
    assert isinstance(job_requests.hold(engine, replace(ask("r1"), channel_id="C8")), Held)
    assert isinstance(job_requests.hold(engine, replace(ask("r2"), project="sales")), Held), (
        "other projects have their own"
    )


def test_an_approver_lets_nobody_in_whom_the_rules_keep_out(engine: Engine) -> None:
    project_rules.set_rules(engine, RuleChange("marketing", approve_above=10_000), by=ADMIN)
    priced = job_requests.hold(engine, ask("r1", user_id="U3"))
    assert isinstance(priced, NeedsConsent)
    asked = increase_requests.ask_for_refused(engine, priced.id, Wanted("U3", "launch"))
    assert isinstance(asked, Asked)
    only(engine, people=("U1",))
    closed = increase_decisions.grant(engine, asked.increases[0].id, by="U1", is_admin=True)
    assert isinstance(closed, IncreaseClosed) and closed.job is None
    assert (closed.obstacle or "").startswith("Only @U1 may spend for the project marketing.")


def test_who_and_where_are_rules_like_the_others(engine: Engine) -> None:
    only(engine, people=("U1",), channels=("C1", "C2"))
    expected = Rules("marketing", people=("U1",), channels=("C1", "C2"))
    assert project_rules.rules_of(engine, "marketing") == expected
    assert in_words(expected) == "only for @U1, only in #C1, #C2"
    newest = project_rules.changes(engine, project_scope("marketing"))[0]
    assert (newest.what, newest.after) == ("project rules", "only for @U1, only in #C1, #C2")
    project_rules.set_rules(engine, RuleChange("marketing", ceiling=50_000), by=ADMIN)
    assert project_rules.rules_of(engine, "marketing").people == ("U1",), "another rule leaves it alone"


# Projects of before.


def undecided(engine: Engine, *names: str) -> None:
    """As the upgrade leaves projects that were only ever spent for."""
    for name in names:
        hold(engine, f"past {name}", project=name)
    with engine.store.write() as tx:
        for name in names:
            tx.execute("UPDATE project_states SET is_open = NULL WHERE project = :name", {"name": name})


def test_the_admins_are_asked_once_about_projects_of_before(engine: Engine) -> None:
    open_engine(engine.store, engine.prices, engine.calendar, engine.clock)
    assert queued(engine.store, PastProjects) == [], "there are none"
    undecided(engine, "lab", "zzz-9")
    for _ in range(3):
        open_engine(engine.store, engine.prices, engine.calendar, engine.clock)
    assert queued(engine.store, PastProjects) == [PastProjects(("lab", "zzz-9"))]
    assert barred(job_requests.hold(engine, ask("r1", project="lab"))) == (
        "The project lab is not open yet. Since the upgrade, an admin has to open each project once."
        " Until then you can use default, marketing or sales."
    ), "there has been such a project for long"


def test_projects_of_before_are_opened_or_left_closed_all_at_once(engine: Engine) -> None:
    undecided(engine, "lab", "zzz-9", "old")
    new(engine, "old")
    assert projects.open_undecided(engine, by=ADMIN) == ["lab", "zzz-9"]
    assert projects.open_undecided(engine, by=ADMIN) == []
    assert projects.listing(engine).opened == ("default", "lab", "marketing", "old", "sales", "zzz-9")
    undecided(engine, "other")
    assert projects.close_undecided(engine, by=ADMIN) == ["other"]
    assert projects.listing(engine).closed == ("other",)


def test_what_was_spent_for_a_closed_project_is_still_shown(engine: Engine) -> None:
    hold(engine, "r1", project="lab")
    close(engine, "lab")
    shares = usage.usage(engine, user_scope("U1"), PeriodKind.MONTHLY, "project").shares
    assert [share.name for share in shares] == ["lab"]


# Scripts.


def test_a_script_asks_about_any_project(engine: Engine) -> None:
    script = replace(engine, any_project=True)
    estimate = job_requests.estimate(script, Request("", "script", "", "", ask("r1").wish, "never-seen"))
    assert isinstance(estimate, Estimate) and estimate.forbidden is None


def test_the_request_keeps_its_id(engine: Engine) -> None:
    """A request that was declined for its project is no job, and can be made once the project is open."""
    assert isinstance(job_requests.hold(engine, ask("r1", project="lab")), ProjectBarred)
    assert job_requests.job_of(engine, id_for("r1")) is None
    new(engine, "lab")
    assert isinstance(job_requests.hold(engine, ask("r1", project="lab")), Held)
