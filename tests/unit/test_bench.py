"""The bench measures what it says: its history is one that the bot could have left, its floor does what a hold does."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from bench import ledgers
from bench.floor import BareHold, BarePostgresHold
from bench.measure import Contender, race, ratio
from bench.table import Row, Section, text
from klingbot.domain.budgets import WORKSPACE, Total
from klingbot.domain.money import Amount
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine
from klingbot.engine.usage import usage
from klingbot.store import ledger
from klingbot.store.backend.location import DatabaseUrl

pytestmark = pytest.mark.both_databases


def _workspace(engine: Engine) -> Total:
    return ledger.total(engine.store.read(), WORKSPACE, engine.periods().monthly)


def test_the_history_is_one_that_its_entries_prove(tmp_path: Path) -> None:
    with ledgers.ledger_with(40 * ledgers.YEARS * 365, tmp_path / "ledger", days=40) as engine:
        ledgers.prove(engine.store)
        assert engine.store.read().execute("SELECT count(*) FROM jobs").fetchone()[0] == 40 * 40
        by_user = usage(engine, WORKSPACE, PeriodKind.MONTHLY, "user").shares
        assert len(by_user) == 40, "each of a day's jobs is somebody else's"
        assert ledgers.USER in {share.name for share in by_user}
        ledgers.hold(engine)
        ledgers.prove(engine.store)


def test_the_floor_writes_what_a_hold_writes(tmp_path: Path) -> None:
    with ledgers.ledger_with(0, tmp_path / "ledger") as engine:
        ledgers.hold(engine)
        by_hold = _workspace(engine).held
        with closing(BareHold(tmp_path / "ledger" / "klingbot.db", engine.periods(), ledgers.now_ms())) as bare:
            bare()
        assert by_hold == Amount(40_000, 2_400_000)
        assert _workspace(engine).held == by_hold + by_hold
        ledgers.prove(engine.store)
        ledgers.release_all(engine)
        assert _workspace(engine) == Total()


@pytest.mark.backend("postgres")
def test_its_floor_on_postgresql_does_too_and_its_history_is_sound(engine: Engine, place: DatabaseUrl) -> None:
    with engine.store.write() as tx:
        ledgers.make_history(tx, 3, 2)
    before = _workspace(engine)
    with closing(BarePostgresHold(place.url, engine.periods(), engine.clock())) as bare:
        bare()
    assert _workspace(engine).held == before.held + Amount(40_000, 2_400_000)
    ledgers.prove(engine.store)


def test_a_race_tidies_after_each_round_and_forgets_the_warm_up() -> None:
    done: list[str] = []
    one = Contender("one", lambda: done.append("one"), lambda: done.append("tidied"))
    found = race([one, Contender("two", lambda: done.append("two"))], rounds=2, each=3, warm_up=1)
    assert done.count("one") == 9
    assert done.count("tidied") == 3
    assert [len(times) for times in found["one"].rounds] == [3, 3]
    assert ratio(found["one"], found["one"]).middle == 1


def test_a_missed_goal_is_marked_as_missed() -> None:
    rows = [Row("slow", "3 s", goal="< 2 s", reached=False), Row("quick", "1 s", goal="< 2 s", reached=True)]
    shown = text("a machine", [Section("Speed", rows)])
    assert "| slow | 3 s |  | < 2 s | **missed** |" in shown
    assert "| quick | 1 s |  | < 2 s | reached |" in shown
