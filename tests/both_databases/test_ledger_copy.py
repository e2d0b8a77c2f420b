"""A ledger that is carried over arrives whole, goes on where it was, or does not move at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

import bot
from klingbot.domain.budgets import WORKSPACE
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets, job_requests, kling_results, open_engine
from klingbot.engine.budgets import Change
from klingbot.engine.hold_outcomes import Repeated
from klingbot.store import open_store, outbox
from klingbot.store.backend import metadata
from klingbot.store.backend.location import DatabaseUrl, Place
from klingbot.store.backend.opening import keeper
from klingbot.store.maintenance import ledger_copy
from klingbot.store.maintenance.ledger_copy import AT_ONCE, MoveError, move
from tests.support.ledger_checks import ask, hold, prove, rows_of, settle, submit
from tests.support.postgres_server import PostgresServer

pytestmark = pytest.mark.both_databases


@pytest.fixture
def lived_in(engine: Engine) -> Engine:
    """Jobs in every state, more than are copied at once, budgets, and messages that refer to later ones."""
    budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.MONTHLY, 10_000_000), by="UADMIN")
    for n in range(AT_ONCE + 5):
        hold(engine, f"waiting {n}", user_id=f"U{n % 7}")
    settle(engine, hold(engine, "done"))
    kling_results.failed(engine, submit(engine, hold(engine, "failed")), "too dark")
    submit(engine, hold(engine, "at Kling"))
    with engine.store.write() as tx:
        tx.execute("UPDATE outbox SET carried_by = (SELECT max(id) FROM outbox) WHERE id = 1")
    return engine


@pytest.fixture
def other(place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """An empty place of the other backend."""
    if isinstance(place, DatabaseUrl):
        yield tmp_path / "moved.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    server.run("CREATE DATABASE moved")
    yield DatabaseUrl(server.url("moved"))
    server.run("DROP DATABASE moved WITH (FORCE)")


def contents(place: Place) -> dict[str, list[tuple[object, ...]]]:
    with closing(open_store(place)) as store, store.view() as db:
        return {table: sorted(rows_of(db, table), key=repr) for table in keeper(place).tables(db)}


def test_every_row_arrives_and_the_source_stays(lived_in: Engine, place: Place, other: Place) -> None:
    before = contents(place)
    moved = move(place, other, now=lived_in.clock())
    assert moved == {table: len(rows) for table, rows in before.items()}
    assert moved["jobs"] == AT_ONCE + 8
    assert contents(other) == before == contents(place)


def test_the_ledger_goes_on_in_its_new_place(lived_in: Engine, place: Place, other: Place) -> None:
    move(place, other, now=lived_in.clock())
    with closing(open_store(other)) as store:
        engine = open_engine(store, lived_in.prices, lived_in.calendar, lived_in.clock)
        assert isinstance(job_requests.hold(engine, ask("done")), Repeated)
        settle(engine, hold(engine, "new"))
        prove(store)


def test_a_place_that_is_not_empty_is_refused(lived_in: Engine, place: Place, other: Place) -> None:
    with closing(open_store(other)) as store, store.write() as tx:
        metadata.put(tx, "calendar", "Europe/Berlin monday")
    before = contents(other)
    with pytest.raises(MoveError, match=r"is not empty \(there are rows in facts\)"):
        move(place, other, now=lived_in.clock())
    assert contents(other) == before


def test_a_ledger_that_a_bot_works_on_is_not_moved(lived_in: Engine, place: Place, other: Place) -> None:
    now = lived_in.clock()
    with lived_in.store.write() as tx:
        metadata.put(tx, metadata.LAST_BEAT, str(now - 19_000))
    with pytest.raises(MoveError, match="Stop every bot"):
        move(place, other, now=now)
    move(place, other, now=now + 2_000)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ("UPDATE totals SET settled_microusd = settled_microusd + 1", "the total of .* is off"),
        ("UPDATE daily_spend SET jobs = jobs + 1", "the daily spend is off"),
        ("UPDATE jobs SET state = 'failed' WHERE state = 'submitted'", "live jobs and holds do not match"),
    ],
)
def test_a_ledger_that_is_not_sound_is_not_kept(
    lived_in: Engine, place: Place, other: Place, spoilt: str, said: str
) -> None:
    with lived_in.store.write() as tx:
        tx.execute(spoilt)
    with pytest.raises(MoveError, match=said):
        move(place, other, now=lived_in.clock())
    assert not any(contents(other).values())


def test_a_row_that_arrives_otherwise_is_noticed(
    lived_in: Engine, place: Place, other: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbered = ledger_copy._numbered

    def misread(rows: list[tuple[object, ...]]) -> dict[str, object]:
        return numbered([tuple("a fox" if value == "a fox in the snow" else value for value in row) for row in rows])

    monkeypatch.setattr(ledger_copy, "_numbered", misread)
    with pytest.raises(MoveError, match="jobs has not arrived as it was"):
        move(place, other, now=lived_in.clock())
    assert not any(contents(other).values())


def test_what_waits_to_be_said_waits_there_too(lived_in: Engine, place: Place, other: Place) -> None:
    counted = outbox.counts(lived_in.store.read())
    move(place, other, now=lived_in.clock())
    with closing(open_store(other)) as store:
        assert outbox.counts(store.read()) == counted


def test_the_command_says_what_arrived_and_fails_without_a_traceback(
    lived_in: Engine, place: Place, other: Place
) -> None:
    def run() -> tuple[int, str]:
        words = [place.url if isinstance(place, DatabaseUrl) else str(place) for place in (lived_in.store.place, other)]
        result = CliRunner().invoke(bot.cli, ["move", "--from", words[0], "--to", words[1]])
        return result.exit_code, result.output

    code, said = run()
    assert (code, "108 jobs, 110 entries and" in said) == (0, True), said
    code, said = run()
    assert (code, "is not empty" in said, "Traceback" in said, "secret" in said) == (1, True, False, False)
    wrong = CliRunner().invoke(bot.cli, ["move", "--from", "mysql://root:hush@db/x", "--to", "x.db"])
    assert (wrong.exit_code, "--from must start with postgresql://" in wrong.output) == (1, True)
