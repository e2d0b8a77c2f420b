"""The random histories again, of one bot and of two, on a PostgreSQL that must come to the same."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from klingbot.store.backend.location import DatabaseUrl, Place
from tests.acceptance.test_two_bots_histories import TwoBots
from tests.both_databases.test_ledger_histories import Histories
from tests.support.ledger_bot import ledger_bots
from tests.support.postgres_server import PostgresServer

# SQLite's have many more: what is the same on both is proved there.
FEW = settings(max_examples=4, stateful_step_count=30, deadline=None, phases=[Phase.generate])


class OnPostgres(Histories):
    server: PostgresServer

    def new_place(self) -> Place:
        return DatabaseUrl(self.server.url("ledger"))

    def leave_place(self) -> None:
        self.server.wipe("ledger")


class TwoBotsOnPostgres(OnPostgres, TwoBots):
    pass


@pytest.mark.slow
def test_random_histories_come_to_the_same(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OnPostgres, "server", postgres, raising=False)
    run_state_machine_as_test(OnPostgres, settings=FEW)


@pytest.mark.slow
def test_two_bots_keep_one_ledger(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OnPostgres, "server", postgres, raising=False)
    with ledger_bots(2) as bots:
        run_state_machine_as_test(lambda: TwoBotsOnPostgres(bots), settings=FEW)
