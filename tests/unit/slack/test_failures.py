"""A database that fails amid a command: tried once more while there is time, then said in a sentence."""

from __future__ import annotations

import logging

import pytest

from klingbot.domain.ledger_faults import LedgerFault
from klingbot.slack.interactions import failures
from klingbot.store import NotKeptError, UncertainError


@pytest.mark.parametrize("trouble", [NotKeptError, UncertainError])
def test_what_was_lost_is_done_once_more(trouble: type[Exception]) -> None:
    outcomes = iter([trouble("lost"), "held"])

    def work() -> str:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert failures.again(work) == "held"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (UncertainError, NotKeptError, "look whether it went through"),
        (NotKeptError, NotKeptError, "Nothing was reserved or changed"),
        (NotKeptError, UncertainError, "look whether it went through"),
    ],
)
def test_nothing_was_held_is_said_only_if_that_is_true_of_both_tries(
    first: type[Exception], second: type[Exception], said: str
) -> None:
    troubles = iter([first("lost"), second("away")])

    def work() -> None:
        raise next(troubles)

    with pytest.raises((NotKeptError, UncertainError)) as error:
        failures.again(work)
    assert said in failures.noted(error.value).text


def test_what_took_too_long_is_not_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "AGAIN_WITHIN_SECONDS", -1)
    tries = []

    def work() -> None:
        tries.append(1)
        raise NotKeptError("silent")

    with pytest.raises(NotKeptError):
        failures.again(work)
    assert len(tries) == 1


def test_a_database_that_is_away_is_said_without_blame_or_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        said = failures.noted(NotKeptError("The database cannot be reached."))
    assert "Nothing was reserved or changed" in said.text
    assert [record.exc_info for record in caplog.records] == [None]


@pytest.mark.parametrize(
    ("fault", "said", "not_said"),
    [
        (LedgerFault.AWAY, "can't reach my database", "disk"),
        (LedgerFault.BUSY, "busy", "disk"),
        (LedgerFault.FULL, "disk with my database is full", "try again"),
        (LedgerFault.UNWRITABLE, "can't write to my database", "try again"),
    ],
)
def test_the_answer_names_the_fault_and_advises_a_second_try_only_where_it_may_help(
    fault: LedgerFault, said: str, not_said: str
) -> None:
    text = failures.noted(NotKeptError("from the driver", fault)).text
    assert said in text
    assert not_said not in text
    assert "Nothing was reserved or changed." in text


def test_who_cannot_be_told_what_was_kept_is_told_where_to_look() -> None:
    assert "/kling usage" in failures.noted(UncertainError("lost while it committed")).text
