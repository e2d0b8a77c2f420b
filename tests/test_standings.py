"""Which of a hold's budgets have anything to say: found from their rows alone, because nearly always none has."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from klingbot.budgets import marks
from klingbot.periods import Calendar
from klingbot.store.budgets import Standings

PERIODS = Calendar(ZoneInfo("UTC")).periods(1_790_000_000_000)

some = st.integers(0, 1_200)
limits = st.none() | some
totals = st.tuples(some, some, some, some) | st.just((None, None, None, None))


@given(st.sampled_from(["", "50", "80,100", "100,110"]), limits, limits, some, some, totals)
@example("80,100", 1_000, None, 0, 0, (0, 0, 800, 0))
@example("", 1_000, None, 0, 0, (1_001, 0, 0, 0))
@example("80", 0, None, 0, 0, (1, 0, 0, 0))
def test_every_budget_with_a_threshold_reached_or_its_limit_passed_is_notable(
    thresholds: str,
    credits: int | None,
    usd: int | None,
    more_credits: int,
    more_usd: int,
    total: tuple[int | None, ...],
) -> None:
    row = ("workspace", "daily", None, "", 1, 1, thresholds, credits, usd, more_credits, more_usd, *total)
    standings = Standings((row,), PERIODS)
    (standing,) = standings
    if marks(standing) or standing.exceeded:
        assert standings.notable() == [standing]


@given(some)
def test_a_budget_below_all_of_its_thresholds_is_not(held: int) -> None:
    row = ("workspace", "daily", None, "", 1, 1, "80,100", 1_501, None, 0, 0, held, 0, 0, 0)
    assert Standings((row,), PERIODS).notable() == []
