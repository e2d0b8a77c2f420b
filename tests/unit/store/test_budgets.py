"""Which of its budgets a hold has to look at: the database finds them, and finds what the pure rules would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klingbot.domain.budgets import WORKSPACE, Budget, Standing, marks, project_scope, user_scope
from klingbot.domain.periods import Period, PeriodKind
from klingbot.engine import Engine
from klingbot.store import Transaction, budgets

pytestmark = pytest.mark.both_databases

SCOPES = (user_scope("U1"), project_scope("marketing"), WORKSPACE)
KEYS = [(scope, kind) for scope in SCOPES for kind in PeriodKind]

some = st.integers(0, 1_200)
limit = st.integers(1, 1_200)
limits = st.tuples(limit, limit) | st.tuples(limit, st.none()) | st.tuples(st.none(), limit)
thresholds = st.sampled_from([(), (50,), (80, 100), (100, 110)])
one = st.tuples(thresholds, limits, st.none() | st.tuples(some, some, some, some), st.none() | st.tuples(some, some))


def keep(tx: Transaction, scope: str, period: Period, drawn: Sequence[Any]) -> None:
    """A budget, what its period has come to, and what was granted for it."""
    alerts, (credits, usd), total, more = drawn
    budgets.put(tx, Budget(scope, period.kind, credits, usd, alerts), by="UADMIN", at=0)
    keys = {"scope": scope, "kind": period.kind, "start": period.start, "day": period.first_day.isoformat()}
    if total is not None:
        sums = dict(zip("abcd", total, strict=True))
        tx.execute("INSERT INTO totals VALUES (:scope, :kind, :start, :a, :b, :c, :d)", keys | sums)
    if more is not None:
        increase = keys | {"id": f"{scope} {period.kind}", "a": more[0], "b": more[1]}
        of = ":id, 'U1', :scope, :kind, :a, :b"
        tx.execute(f"INSERT INTO increases VALUES ({of}, '', NULL, NULL, 'granted', 0, 0, 0, 'U2', '', 1, 0)", increase)
        tx.execute(f"INSERT INTO grants VALUES ({of}, :day, '2030-01-01', 'U2', 0, 0)", increase)


def by_key(standings: Sequence[Standing]) -> set[tuple[str, str]]:
    return {(standing.budget.scope, standing.budget.kind) for standing in standings}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.dictionaries(st.sampled_from(KEYS), one), st.booleans())
def test_a_hold_looks_at_each_budget_that_has_something_to_say_and_at_the_fullest(
    engine: Engine, drawn: dict[tuple[str, PeriodKind], Any], granted: bool
) -> None:
    periods = engine.periods()
    with engine.store.write() as tx:
        for (scope, kind), each in drawn.items():
            keep(tx, scope, periods.of(kind), each if granted else (*each[:3], None))
        standings = budgets.standings_of(tx, SCOPES, periods)
        found = budgets.fullest_of(tx, SCOPES, periods, granted=granted)
        tx.abandon()
    assert by_key(found.notable) == by_key([each for each in standings if marks(each) or each.exceeded or each.used_up])
    assert all(each in standings for each in found.notable)
    fullest = max((each.permille for each in standings), default=None)
    assert (found.tightest and found.tightest.permille) == fullest
    assert found.tightest is None or found.tightest in standings
