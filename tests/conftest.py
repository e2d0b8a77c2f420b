"""What most tests stand on: a clock that is told the time, an empty ledger, and an engine over both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings

from klingbot import prices
from klingbot.engine import Engine, open_engine
from klingbot.periods import Calendar
from klingbot.store import Store, open_store

# A busy machine is no bug.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty ledger in a file of its own."""
    opened = open_store(tmp_path / "klingbot.db")
    yield opened
    opened.close()


@pytest.fixture
def engine(store: Store, clock: FakeClock) -> Engine:
    """The price list `credits`, a calendar in UTC with weeks from Monday."""
    return open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), clock)
