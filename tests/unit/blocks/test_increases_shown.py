"""For how long a raise counts is said in words that are true whenever they are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from klingbot import blocks
from klingbot.blocks import home, increases
from klingbot.blocks.message import Block
from klingbot.blocks.modals import increase_modals
from klingbot.blocks.modals.view import Origin
from klingbot.domain.increases import Grant, Increase, IncreaseState
from klingbot.domain.notifications import IncreaseAsked, IncreaseClosed
from klingbot.domain.periods import PeriodKind
from klingbot.engine.home import Home
from klingbot.engine.job_queue import Queue
from tests.support.block_samples import NOON, UTC, credits, spend, standing

MARKETING = "project:marketing"


def wanted(kind: PeriodKind = PeriodKind.MONTHLY, until: date | None = None, *, raises: bool = True) -> Increase:
    return Increase("r1", "U0BOB00001", MARKETING, kind, credits(40), "launch", until, None, NOON, NOON, raises)


ONCE = (
    (PeriodKind.DAILY, "counts for the day it is approved in"),
    (PeriodKind.WEEKLY, "counts for the week it is approved in"),
    (PeriodKind.MONTHLY, "counts for the month it is approved in"),
)


@pytest.mark.parametrize(("kind", "sentence"), ONCE)
def test_a_question_that_waits_for_days_does_not_speak_of_this_period(kind: PeriodKind, sentence: str) -> None:
    said = blocks.render(IncreaseAsked(wanted(kind), standing(kind=kind)), UTC).text
    assert f" · {sentence} · " in said
    assert "this" not in said


def test_a_question_says_how_long_a_raise_of_several_periods_counts() -> None:
    eight_months = wanted(until=date(2027, 7, 1))
    assert (
        " · counts for the month it is approved in and each later one that begins before 1 July 2027 · "
        in blocks.render(IncreaseAsked(eight_months, standing()), UTC).text
    )


@pytest.mark.parametrize(
    ("until", "sentence"),
    [
        (None, "counts for the month it is approved in"),
        (date(2027, 7, 1), "counts for the month it is approved in and each later one that begins before 1 July 2027"),
    ],
)
def test_wherever_a_request_is_shown_eight_months_do_not_look_like_one(until: date | None, sentence: str) -> None:
    increase = wanted(until=until)
    assert f": “launch” · {sentence}\n" in increases.listing([increase], UTC).text
    assert f"more for marketing (monthly) · {sentence}\n" in increases.were_asked([increase]).text
    assert f"*\n> launch\n{sentence}" in "\n".join(block["text"]["text"] for block in at_home(increase))
    assert increase_modals.approve(increase, Origin()).blocks[0]["text"]["text"].endswith(f" (monthly)\n{sentence}")


def at_home(increase: Increase) -> list[Block]:
    """The sections on the home of somebody who can decide it."""
    content = Home((), Queue(NOON, (), (), ()), spend(), (increase,), is_admin=True)
    return [block for block in home.home(content, UTC) if block["type"] == "section"]


def test_a_video_to_be_allowed_is_not_called_a_raise_on_the_home() -> None:
    assert at_home(wanted(raises=False))[0]["text"]["text"] == (
        "<@U0BOB00001> asks for *a video of 40 credits ($2.40) in marketing*\n> launch"
    )


def test_nothing_counts_for_any_time_where_no_limit_is_raised() -> None:
    allowed = wanted(raises=False)
    for said in (blocks.render(IncreaseAsked(allowed, None), UTC), increases.listing([allowed], UTC)):
        assert "counts" not in said.text


@pytest.mark.parametrize(
    ("kind", "first", "sentence"),
    [
        (PeriodKind.DAILY, date(2026, 11, 23), "for 23 November 2026."),
        (PeriodKind.WEEKLY, date(2026, 11, 23), "for the week of 23 November 2026."),
        (PeriodKind.MONTHLY, date(2026, 11, 1), "for November 2026."),
    ],
)
def test_an_answer_names_the_period_that_was_raised(kind: PeriodKind, first: date, sentence: str) -> None:
    given = Grant(
        "r1", "U0BOB00001", MARKETING, kind, credits(40), first, first + timedelta(days=1), "U0ALICE001", NOON
    )
    closed = replace(wanted(kind), state=IncreaseState.GRANTED, decided_by="U0ALICE001")
    assert (
        f"The limit is raised by 40 credits ($2.40) {sentence}"
        in blocks.render(IncreaseClosed(closed, given), UTC).text
    )
