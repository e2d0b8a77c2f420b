"""The same on PostgreSQL, beside SQLite and beside PostgreSQL's own floor: a hold, as history grows, writers together.

A server of the bench's own, on this machine and durable (`fsync` on), so the way over a network is not in the figures.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, closing
from functools import partial
from pathlib import Path

from bench import ledgers, writers
from bench.floor import BarePostgresHold
from bench.measure import Contender, Timed, race, ratio
from bench.table import Row, Section, seconds
from klingbot.engine import Engine
from klingbot.store import open_store
from klingbot.store.backend.location import DatabaseUrl
from tests.support.postgres_server import NoServerError, PostgresServer, postgres_server

_EACH = 20


def section(folder: Path, sizes: list[int], rounds: int, seconds_each: float, repeats: int) -> Section:
    title = "A hold on PostgreSQL (nine budgets), and writers together"
    try:
        with postgres_server(fsync="on") as server:
            held = _holds(server, folder, sizes, rounds)
            together = writers.rows(partial(_new_place, server), seconds_each, repeats)
            return Section(title, held + together)
    except NoServerError:
        return Section(title, [Row("PostgreSQL", "skipped: `pip install -r requirements-dev.txt` brings a server")])


def _holds(server: PostgresServer, folder: Path, sizes: list[int], rounds: int) -> list[Row]:
    with ExitStack() as stack:
        on_sqlite = stack.enter_context(ledgers.ledger_with(0, folder / "sqlite"))
        engines = {size: stack.enter_context(_ledger_with(server, size)) for size in (0, *sizes)}
        for engine in (on_sqlite, *engines.values()):
            ledgers.nine_budgets(engine)
        bare = BarePostgresHold(server.url("after_0"), on_sqlite.periods(), ledgers.now_ms())
        stack.enter_context(closing(bare))
        contenders = [_contender(f"{size}", engine) for size, engine in engines.items()]
        contenders += [Contender("bare", bare, contenders[0].tidy), _contender("sqlite", on_sqlite)]
        found = race(contenders, rounds=rounds, each=_EACH, warm_up=5)
    return [
        Row("with nothing behind it", _times(found["0"]), f"{ratio(found['0'], found['sqlite'])} of SQLite's"),
        Row(
            "beside its floor",
            _times(found["0"]),
            f"{ratio(found['0'], found['bare'])} of bare {_times(found['bare'])}",
        ),
        *(_after(size, found) for size in sizes),
    ]


def _after(size: int, found: dict[str, Timed]) -> Row:
    grown = ratio(found[f"{size}"], found["0"])
    return Row(f"with {size:,} jobs behind it", _times(found[f"{size}"]), str(grown), "≤ 1.2×", grown.middle <= 1.2)


def _contender(name: str, engine: Engine) -> Contender:
    return Contender(name, partial(ledgers.hold, engine), partial(ledgers.release_all, engine))


def _ledger_with(server: PostgresServer, past_jobs: int) -> AbstractContextManager[Engine]:
    place = _new_place(server, f"after_{past_jobs}")
    if past_jobs:
        days = ledgers.YEARS * 365
        with closing(open_store(place)) as store, store.write(patient=True) as tx:
            ledgers.make_history(tx, max(1, past_jobs // days), days)
        server.run("VACUUM ANALYZE", f"after_{past_jobs}")
    return ledgers.ledger_at(place)


def _new_place(server: PostgresServer, name: str) -> DatabaseUrl:
    server.run(f'CREATE DATABASE "{name}"')
    return DatabaseUrl(server.url(name))


def _times(timed: Timed) -> str:
    return f"{seconds(timed.p50)} (p99 {seconds(timed.p99)})"
