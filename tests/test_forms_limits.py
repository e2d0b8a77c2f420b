"""Slack takes every form, with the longest of everything in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import slackblocks
import slackblocks_reading
from block_samples import MOST, NOON, UTC, job, offer

from klingbot import prices
from klingbot.blocks import forms
from klingbot.blocks.view import View
from klingbot.budgets import Budget, Standing, Total
from klingbot.engine.asking import BudgetExceeded, Estimate
from klingbot.jobs import Request
from klingbot.periods import PeriodKind
from klingbot.pricing import PriceList, Wish
from klingbot.sandbox.slack import view_limits

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
    prompt, address = LONG[: forms.LONGEST_PROMPT], "https://x.com/" + "a" * 2_900
    url = "https://hooks.slack.com/commands/" + "a" * 120
    request = Request("r" * 40, "U" * 20, channel, prompt, Wish(negative=True), "n" * 40, prompt, address, url)
    return forms.generate(request, estimate, listed, UTC)


FORMS = {"credits": form(CREDITS), "kling-api": form(KLING), "no channel": form(KLING, channel=""), "wide": form(WIDE)}


@pytest.mark.parametrize("name", FORMS)
def test_slack_takes_every_form_with_the_longest_of_everything(name: str) -> None:
    given: dict[str, Any] = FORMS[name].payload()
    assert view_limits.problems(given, "modal") == []
    slackblocks.ModalView(  # raises past a limit of Slack's
        title=given["title"]["text"],
        submit=given["submit"]["text"],
        close=given["close"]["text"],
        blocks=[slackblocks_reading.block(block) for block in given["blocks"]],
        private_metadata=given["private_metadata"],
        callback_id=given["callback_id"],
    )


def test_what_is_said_below_a_field_names_nobody_by_their_id() -> None:
    for scope, whose in (("user:U0BOB00001", "your own budget"), ("workspace", "the workspace's budget")):
        said = forms.over_budget(BudgetExceeded("r1", offer(), (full(scope),), ()))
        assert said.startswith(f"This does not fit into {whose} (weekly): ")
    assert job().user_id not in said
