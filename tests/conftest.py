"""What most tests stand on: a clock that is told the time, an empty ledger, and an engine over both."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings

from klingbot.domain import prices
from klingbot.domain.budgets import Waiver
from klingbot.domain.periods import Calendar
from klingbot.engine import Engine, open_engine
from klingbot.store import Store, first_budget_choice, open_store
from klingbot.store.backend.location import DatabaseUrl, Place
from tests.support.ledger_checks import create
from tests.support.postgres_server import NoServerError, PostgresServer, postgres_server

# A busy machine is no bug.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for a process, a page or a disk."""
    return (os.cpu_count() or 1) + 1


@dataclass
class FakeClock:
    """A clock that stands still until it is set. `at` is UTC epoch milliseconds."""

    at: int

    def __call__(self) -> int:
        return self.at

    def set(self, *moment: int) -> None:
        """To a UTC moment, as `datetime` takes it: `clock.set(2026, 11, 23, 12)`."""
        self.at = round(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]

    def tick(self, seconds: float) -> None:
        self.at += round(seconds * 1000)


@pytest.fixture
def clock() -> FakeClock:
    """Monday, 23 November 2026, noon UTC."""
    fake = FakeClock(0)
    fake.set(2026, 11, 23, 12)
    return fake


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of the ledger on the databases that they are marked with; without a mark, on SQLite."""
    if "place" not in metafunc.fixturenames:
        return
    one = metafunc.definition.get_closest_marker("backend")
    both = metafunc.definition.get_closest_marker("both_databases")
    backends = one.args if one else ("sqlite", "postgres") if both else ("sqlite",)
    metafunc.parametrize("place", backends, indirect=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server with the database `ledger`, which is wiped after each test: to make one takes much longer."""
    try:
        with postgres_server() as server:
            server.run("CREATE DATABASE ledger")
            yield server
    except NoServerError as e:
        pytest.skip(str(e))


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where an empty ledger is, or may be made."""
    if request.param == "sqlite":
        yield tmp_path / "klingbot.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    yield DatabaseUrl(server.url("ledger"))
    server.wipe("ledger")


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has been through every migration; to copy it takes a twentieth of the time to make it."""
    path = tmp_path_factory.mktemp("empty") / "klingbot.db"
    open_store(path).close()
    return path


@pytest.fixture
def store(new_store: Store) -> Store:
    """An empty ledger whose admin chose to run without a limit: most tests are about something else than budgets."""
    run_without_limit(new_store)
    return new_store


@pytest.fixture
def new_store(place: Place, empty_ledger: Path) -> Iterator[Store]:
    """An empty ledger with the projects that most tests spend for: nothing can be held before a first budget."""
    if isinstance(place, Path):
        shutil.copy(empty_ledger, place)
    opened = open_store(place)
    create(opened, "marketing", "sales")
    yield opened
    opened.close()


def run_without_limit(store: Store) -> None:
    """Record an admin's choice that videos may be made although there is no budget."""
    with store.write() as tx:
        first_budget_choice.waive(tx, Waiver("U0ADMIN", 0))


@pytest.fixture
def engine(store: Store, clock: FakeClock) -> Engine:
    """The price list `credits`, a calendar in UTC with weeks from Monday."""
    return open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), clock)


@pytest.fixture
def new_engine(new_store: Store, clock: FakeClock) -> Engine:
    """The same on a ledger as the product makes it: nothing can be held before a first budget."""
    return open_engine(new_store, prices.load("credits"), Calendar(ZoneInfo("UTC")), clock)
