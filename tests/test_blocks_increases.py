"""For how long a raise counts is said in words that are true whenever they are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from block_samples import NOON, UTC, credits, standing

from klingbot import blocks
from klingbot.increases import Grant, Increase, IncreaseState
from klingbot.outbox import IncreaseAsked, IncreaseClosed
from klingbot.periods import PeriodKind

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


def test_nothing_counts_for_any_time_where_no_limit_is_raised() -> None:
    assert "counts" not in blocks.render(IncreaseAsked(wanted(raises=False), None), UTC).text


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
