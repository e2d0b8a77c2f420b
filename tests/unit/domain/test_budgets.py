"""How a budget stands, what it refuses, and which crossings are in force."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klingbot.domain.budgets import (
    DEFAULT_THRESHOLDS,
    OVER,
    WORKSPACE,
    Budget,
    Standing,
    Total,
    marks,
    project_scope,
    refusals,
    scopes_of,
    user_scope,
)
from klingbot.domain.money import Amount
from klingbot.domain.periods import Period, PeriodKind
from klingbot.domain.what_fits import room

NOVEMBER = Period(PeriodKind.MONTHLY, 1_793_491_200_000, 1_796_083_200_000, date(2026, 11, 1))


def standing(
    credits: int | None,
    usd: int | None,
    *,
    held: tuple[int, int] = (0, 0),
    settled: tuple[int, int] = (0, 0),
    scope: str = WORKSPACE,
    thresholds: tuple[int, ...] = DEFAULT_THRESHOLDS,
) -> Standing:
    """In milli-credits and micro-USD throughout."""
    budget = Budget(scope, PeriodKind.MONTHLY, credits, usd, thresholds)
    return Standing(budget, NOVEMBER, Total(Amount(*held), Amount(*settled)))


@pytest.mark.parametrize(
    ("credits", "usd", "held", "settled", "percent"),
    [
        # What is held counts like what is settled.
        (1000, None, (0, 0), (0, 0), "0.0%"),
        (1000, None, (800, 0), (0, 0), "80.0%"),
        (1000, None, (0, 0), (800, 0), "80.0%"),
        (1000, None, (300, 0), (500, 0), "80.0%"),
        # A tenth of a percent is shown only when it is reached.
        (1000, None, (804, 0), (0, 0), "80.4%"),
        (10_000, None, (7999, 0), (0, 0), "79.9%"),
        (10_000, None, (8000, 0), (0, 0), "80.0%"),
        (10_000, None, (9999, 0), (0, 0), "99.9%"),
        (3, None, (1, 0), (0, 0), "33.3%"),
        (10**12, None, (8 * 10**11 - 1, 0), (0, 0), "79.9%"),
        # The currency nearer to its limit decides.
        (1000, 1000, (100, 900), (0, 0), "90.0%"),
        (1000, 1000, (900, 100), (0, 0), "90.0%"),
        (None, 1000, (900, 100), (0, 0), "10.0%"),
        (1000, None, (100, 900), (0, 0), "10.0%"),
        # Kling may charge more than was held.
        (1000, None, (0, 0), (1001, 0), "100.1%"),
        (1000, None, (0, 0), (12_345, 0), "1,234.5%"),
    ],
)
def test_a_standing_shows_what_is_committed_of_its_limit(
    credits: int | None, usd: int | None, held: tuple[int, int], settled: tuple[int, int], percent: str
) -> None:
    assert standing(credits, usd, held=held, settled=settled).percent == percent


@given(st.integers(1, 10**15), st.integers(0, 10**16), st.integers(1, 1000))
def test_no_percentage_is_ever_shown_before_it_is_reached(limit: int, committed: int, permille: int) -> None:
    shown = standing(limit, None, held=(committed, 0)).permille
    assert (shown >= permille) == (committed * 1000 >= limit * permille)


@pytest.mark.parametrize(
    ("credits", "usd", "committed", "exceeded", "used_up", "left"),
    [
        (1000, None, (999, 0), False, False, (1, None)),
        (1000, None, (1000, 0), False, True, (0, None)),
        (1000, None, (1001, 0), True, True, (0, None)),
        (None, 1000, (10**9, 1000), False, True, (None, 0)),
        (None, 1000, (0, 1001), True, True, (None, 0)),
        (1000, 1000, (999, 1001), True, True, (1, 0)),
        (1000, 1000, (400, 250), False, False, (600, 750)),
    ],
)
def test_a_budget_may_be_used_to_the_last_bit_and_no_further(
    credits: int | None,
    usd: int | None,
    committed: tuple[int, int],
    exceeded: bool,
    used_up: bool,
    left: tuple[int | None, int | None],
) -> None:
    it = standing(credits, usd, held=committed)
    assert (it.exceeded, it.used_up) == (exceeded, used_up)
    assert (it.left_millicredits, it.left_microusd) == left


NEEDED = Amount(100, 10)


@pytest.mark.parametrize(
    ("credits", "usd", "with_the_hold", "refused"),
    [
        (1000, None, (1000, 0), False),
        (1000, None, (1001, 0), True),
        (None, 500, (0, 500), False),
        (None, 500, (0, 501), True),
        (1000, 500, (1000, 501), True),
        (1000, 500, (1001, 500), True),
        (1000, 500, (1000, 500), False),
    ],
)
def test_a_hold_is_refused_only_when_it_would_break_a_limit(
    credits: int | None, usd: int | None, with_the_hold: tuple[int, int], refused: bool
) -> None:
    assert bool(refusals([standing(credits, usd, held=with_the_hold)], NEEDED)) == refused


def test_a_refusal_shows_the_budget_as_it_stood_before() -> None:
    [refused] = refusals([standing(1000, None, held=(1050, 105))], NEEDED)
    assert refused.total.held == Amount(950, 95)
    assert refused.percent == "95.0%"


def test_the_fullest_budget_is_named_first() -> None:
    roomy = standing(1000, None, held=(1010, 0), scope="project:roomy")
    tight = standing(500, None, held=(599, 0), scope="project:tight")
    fine = standing(9000, None, held=(1010, 0))
    assert [s.budget.scope for s in refusals([roomy, tight, fine], NEEDED)] == ["project:tight", "project:roomy"]


def test_a_budget_broken_before_refuses_everything() -> None:
    [refused] = refusals([standing(1000, None, settled=(1500, 0), held=(100, 10))], NEEDED)
    assert refused.exceeded


def test_room_is_the_least_that_any_budget_leaves_in_each_currency() -> None:
    found = room([standing(1000, None, held=(400, 0)), standing(5000, 300, held=(400, 100)), standing(None, 900)])
    assert found == Amount(600, 200)


def test_a_broken_budget_leaves_no_room_rather_than_less_than_none() -> None:
    assert room([standing(1000, 1000, settled=(5000, 10))]) == Amount(0, 990)


def test_without_budgets_everything_fits() -> None:
    assert room([]).millicredits >= 10**15
    assert room([]).microusd >= 10**15


AMOUNTS = st.builds(Amount, st.integers(0, 10**6), st.integers(0, 10**6))
LIMITS = st.one_of(st.none(), st.integers(1, 10**6))
STANDINGS = st.builds(
    lambda credits, usd, held, settled: Standing(
        Budget(WORKSPACE, PeriodKind.MONTHLY, credits, usd), NOVEMBER, Total(held, settled)
    ),
    LIMITS,
    LIMITS,
    AMOUNTS,
    AMOUNTS,
)


@given(st.lists(STANDINGS, max_size=5), AMOUNTS)
def test_what_room_says_fits_is_exactly_what_is_not_refused(before: list[Standing], needed: Amount) -> None:
    assume(not any(s.exceeded for s in before))
    left = room(before)
    fits = needed.millicredits <= left.millicredits and needed.microusd <= left.microusd
    assert fits == (not refusals([s.with_held(needed) for s in before], needed))


@given(STANDINGS, AMOUNTS)
def test_taking_a_hold_back_undoes_it(before: Standing, needed: Amount) -> None:
    assert before.with_held(needed).without(needed) == before


@pytest.mark.parametrize(
    ("committed", "thresholds", "in_force"),
    [
        (0, (80, 100), set()),
        (799, (80, 100), set()),
        (800, (80, 100), {"80"}),
        (999, (80, 100), {"80"}),
        (1000, (80, 100), {"80", "100"}),
        (1001, (80, 100), {"80", "100", OVER}),
        (1001, (), {OVER}),
        (1000, (), set()),
        (505, (50, 75, 90), {"50"}),
        (1200, (120,), {"120", OVER}),
        (1199, (120,), {OVER}),
        (1, (1,), set()),
        (10, (1,), {"1"}),
    ],
)
def test_thresholds_are_crossed_when_reached_and_the_limit_when_passed(
    committed: int, thresholds: tuple[int, ...], in_force: set[str]
) -> None:
    assert marks(standing(1000, None, held=(committed, 0), thresholds=thresholds)) == in_force


def test_usd_crosses_thresholds_too() -> None:
    assert marks(standing(10**9, 1000, held=(1, 850))) == {"80"}


def test_a_job_counts_for_its_person_its_project_and_last_the_workspace() -> None:
    assert scopes_of("U1", "marketing") == (user_scope("U1"), project_scope("marketing"), WORKSPACE)
