"""Slack takes every form and every home, with the longest of everything in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import slackblocks

from klingbot.blocks import declines, home
from klingbot.blocks.message import Block
from klingbot.blocks.modals import budget_modals, digest_modals, generate_modal, increase_modals, write_off_modal
from klingbot.blocks.modals.budget_modals import Shown
from klingbot.blocks.modals.scope_fields import OTHER_PROJECT, PERSON
from klingbot.blocks.modals.view import Origin, View
from klingbot.domain import prices
from klingbot.domain.budgets import MOST_APPROVERS, UPGRADE, Budget, Standing, Total, Waiver
from klingbot.domain.digest_schedules import Schedule
from klingbot.domain.increases import Increase, Lack
from klingbot.domain.jobs import JobState, Request
from klingbot.domain.periods import PeriodKind
from klingbot.domain.pricing import PriceList, Wish
from klingbot.engine.budgets import Change, Seen, Weighed
from klingbot.engine.first_budget import Coverage
from klingbot.engine.hold_outcomes import BudgetExceeded, Estimate
from klingbot.engine.home import Home
from klingbot.engine.job_queue import Queue
from klingbot.engine.usage import Usage
from klingbot.sandbox.slack import view_limits
from klingbot.slack.features.budget_proposals import Proposal, written
from klingbot.store.daily_spend import Share
from tests.support import slackblocks_reading
from tests.support.block_samples import MOST, NOON, UTC, job, offer

LONG = "a*`_~<&>@here " * 200
CREDITS, KLING = prices.load("credits"), prices.load("kling-api")


def full(scope: str) -> Standing:
    budget = Budget(scope, PeriodKind.WEEKLY, 10**12, 10**14, tuple(range(1, 201, 7)), "C" + "9" * 19)
    return Standing(budget, UTC.period(PeriodKind.WEEKLY, NOON), Total(MOST, MOST))


NINE = tuple(full(f"project:{'n' * 39}{number}") for number in range(9))
WIDE = replace(
    KLING,
    models={
        f"{number:0149d}": replace(KLING.models["kling-3.0"], name=f"{number:0149d}", title=LONG)
        for number in range(150)
    },
    default_model=f"{1:0149d}",
)


def form(listed: PriceList, *, channel: str = "C0GENERAL1") -> View:
    fits = tuple(replace(offer(), duration_seconds=number) for number in (1, 2, 3))
    estimate = Estimate(replace(offer(), amount=MOST), "n" * 40, NINE, NINE, fits)
    prompt, address = LONG[:5_000], "https://x.com/" + "a" * 2_900
    url = "https://hooks.slack.com/commands/" + "a" * 120
    request = Request("r" * 40, "U" * 20, channel, prompt, Wish(negative=True), "n" * 40, prompt, address, url)
    return generate_modal.generate(request, estimate, listed, UTC, asks_where=not request.channel_id)


def budget_form(chosen: str | None = None) -> Shown:
    budget = replace(full(f"project:{'n' * 40}").budget, approvers=tuple(f"U{n:019d}" for n in range(MOST_APPROVERS)))
    stands = replace(full(""), budget=budget)
    now = Seen(budget.scope, budget.kind, budget, stands, stands.period, stands.total)
    projects = [f"{number:040d}" for number in range(200)]
    return Shown(chosen, PeriodKind.WEEKLY, None if chosen else now, projects, "m" * 400, LONG[:200] if chosen else "")


def raise_form() -> View:
    stands = budget_form().now
    assert stands and stands.standing and stands.budget
    weighed = Weighed(replace(stands.budget, limit_millicredits=1), stands.standing, True, stands.mark)
    change = Change(
        stands.scope, stands.kind, 10**12, 10**14, tuple(range(1, 37)), "C" + "9" * 19, stands.budget.approvers,
        forecast=False, spike=False, why='"' * budget_modals.LONGEST_WHY,
    )  # fmt: skip
    url = "https://hooks.slack.com/commands/" + "a" * 120
    return budget_modals.confirm(weighed, written(Proposal(change, stands.mark, url)), "C" * 20, change.why)


DIGEST = Schedule(f"project:{'n' * 40}", PeriodKind.WEEKLY, "C" * 20, 1439, date(2026, 11, 23), date(2026, 11, 16))
LONGEST = job(id="x" * 64, user_id="U" * 20, model="m" * 300, resolution=LONG, quote=MOST)
FORMS = {
    "credits": form(CREDITS),
    "kling-api": form(KLING),
    "no channel": form(KLING, channel=""),
    "wide": form(WIDE),
    "a budget": budget_modals.set_budget(budget_form(), UTC),
    "a person's budget": budget_modals.set_budget(budget_form(PERSON), UTC),
    "a project's budget": budget_modals.set_budget(budget_form(OTHER_PROJECT), UTC),
    "raise?": raise_form(),
    "remove": budget_modals.remove_budget(budget_form(), UTC),
    "a digest": digest_modals.set_digest(
        OTHER_PROJECT, PeriodKind.WEEKLY, budget_form(PERSON).projects, UTC, "m" * 400
    ),
    "a person's digest": digest_modals.set_digest(PERSON, PeriodKind.WEEKLY, [], UTC, "m" * 400),
    "change a digest": digest_modals.change(DIGEST, UTC, "C" * 20, "m" * 400),
    "turn a digest off": digest_modals.remove(DIGEST, UTC, None, "m" * 400),
    "refused": generate_modal.refused(LONG),
    "write off": write_off_modal.write_off(LONGEST, "https://hooks.slack.com/actions/" + "a" * 120),
}


@pytest.mark.parametrize("name", FORMS)
def test_slack_takes_every_form_with_the_longest_of_everything(name: str) -> None:
    given: dict[str, Any] = FORMS[name].payload()
    assert view_limits.problems(given, "modal") == []
    slackblocks.ModalView(  # raises past a limit of Slack's
        title=given["title"]["text"],
        submit=given["submit"]["text"] if "submit" in given else None,
        close=given["close"]["text"],
        blocks=[slackblocks_reading.block(block) for block in given["blocks"]],
        private_metadata=given["private_metadata"],
        callback_id=given["callback_id"],
    )


def crowded(*, is_admin: bool) -> list[Block]:
    """A home with the longest of everything, and more of it than is shown."""
    huge = job(
        prompt=LONG, project="n" * 40, model="m" * 300, resolution=LONG, quote=MOST, settled=MOST, reason=LONG,
        video_url="https://videos.example/" + "&*" * 300, user_id="U" * 20, id="x" * 64,
    )  # fmt: skip
    ended = tuple(replace(huge, state=state) for state in (JobState.SUCCEEDED, JobState.FAILED, JobState.RELEASED) * 2)
    shares = tuple(Share(LONG, 10**9, 10**9, Total(MOST, MOST)) for _ in range(200))
    spent = Usage("user:U1", NINE[0].period, Total(MOST, MOST), None, "project", shares)
    asked = Increase("x" * 64, "U" * 20, f"project:{'n' * 40}", PeriodKind.WEEKLY, MOST, LONG, None, None, NOON, NOON)
    queue = Queue(NOON, (huge,) * 10, (10**6,) * 10, ended)
    standings = tuple(full(f"project:{number:040d}") for number in range(200))
    return home.home(Home(standings, queue, spent, (asked,) * 50, is_admin), UTC)


EMPTY = home.home(
    Home((), Queue(NOON, (), (), ()), Usage("user:U1", NINE[0].period, Total(), None, "project", ()), (), False), UTC
)


@pytest.mark.parametrize("is_admin", [True, False])
@pytest.mark.parametrize("waiver", [None, Waiver("U" * 20, NOON), Waiver(UPGRADE, NOON)])
@pytest.mark.parametrize("budgets", [0, 1])
def test_slack_takes_every_home_that_warns(budgets: int, waiver: Waiver | None, *, is_admin: bool) -> None:
    spent = Usage("user:U1", NINE[0].period, Total(), None, "project", ())
    coverage = Coverage(budgets, waiver, tuple(f"{number:040d}" for number in range(200)))
    drawn = home.home(Home((), Queue(NOON, (), (), ()), spent, (), is_admin, coverage), UTC)
    assert view_limits.problems({"type": "home", "blocks": drawn}, "home") == []
    slackblocks.HomeTabView(blocks=[slackblocks_reading.block(block) for block in drawn])


@pytest.mark.parametrize(
    "blocks", [crowded(is_admin=True), crowded(is_admin=False), EMPTY], ids=["admin", "member", "empty"]
)
def test_slack_takes_every_home_with_200_budgets_and_the_longest_of_everything(blocks: list[Block]) -> None:
    assert view_limits.problems({"type": "home", "blocks": blocks}, "home") == []
    slackblocks.HomeTabView(blocks=[slackblocks_reading.block(block) for block in blocks])


def test_slack_takes_a_form_that_was_refused_for_nine_budgets_and_asks_for_each() -> None:
    fits = tuple(replace(offer(), duration_seconds=number) for number in (1, 2, 3))
    refusal = declines.budget_exceeded(BudgetExceeded("r" * 12, offer(), NINE, fits), UTC)
    origin = Origin("C" * 20, "https://hooks.slack.com/commands/" + "a" * 120, "1700000000.000100")
    request = Request("r" * 40, "U" * 20, origin.channel_id, LONG, Wish(), response_url=origin.response_url)
    lacks = [Lack(standing.budget.scope, standing.budget.kind, MOST) for standing in NINE]
    for shown in (
        generate_modal.not_made(refusal, request, "r" * 12),
        increase_modals.ask("r" * 64, lacks, "U" * 20, origin),
    ):
        assert view_limits.problems(shown.payload(), "modal") == []


def test_labels_name_nobody_by_their_id() -> None:
    for scope, whose in (
        ("user:U0BOB00001", "your own budget"),
        ("user:U0CAROL001", "a person's budget"),
        ("workspace", "the workspace"),
        ("project:marketing", "marketing"),
    ):
        asks = increase_modals.ask("r1", [Lack(scope, PeriodKind.WEEKLY, MOST)], "U0BOB00001", Origin())
        assert asks.blocks[1]["label"]["text"] == f"Credits more for {whose} (weekly)"
