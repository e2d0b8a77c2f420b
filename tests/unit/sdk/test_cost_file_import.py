"""`import` takes over a cost_tracking.json: everything that is right in it, once, exactly, in its own periods."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import bot
from klingbot.domain.budgets import WORKSPACE, Budget, project_scope, user_scope
from klingbot.domain.money import Amount
from klingbot.domain.notifications import Crossed
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine
from klingbot.engine import budgets as engine_budgets
from klingbot.engine.budgets import Change
from klingbot.sdk.cost_file import CostFile, NotACostFileError, read
from klingbot.sdk.cost_file_import import TakenOver, take_over
from klingbot.store import budgets, jobs, open_store
from tests.support.ledger_checks import everything, hold, prove, queued, total

pytestmark = pytest.mark.both_databases

MARKETING = project_scope("marketing")


def a_record(job_id: str = "vid_1", **changes: Any) -> dict[str, Any]:
    """As the guide's tracker saves one."""
    return {
        "timestamp": "2026-11-23T09:30:00.123456",
        "job_id": job_id,
        "credits_used": 40,
        "cost_usd": 2.4,
        "model": "kling-pro",
        "duration": 10,
        "user_id": "U1",
        "project_id": "marketing",
    } | changes


def a_budget(**changes: Any) -> dict[str, Any]:
    return {"period": "monthly", "limit_credits": 10000, "limit_usd": 600.0, "alert_threshold": 0.9} | changes


def a_file(*records: Any, **budgets: Any) -> bytes:
    return json.dumps({"records": records, "budgets": budgets}, indent=2).encode()


def problems(*records: Any, **budgets: Any) -> tuple[str, ...]:
    return read(a_file(*records, **budgets)).problems


def test_records_and_budgets_are_taken_over(engine: Engine) -> None:
    taken = take_over(engine, a_file(a_record("a"), a_record("b"), marketing=a_budget()))
    assert taken == TakenOver(records=2, known_records=0, budgets=1, known_budgets=0, problems=())
    for scope in (MARKETING, user_scope("U1"), WORKSPACE):
        assert total(engine, scope, engine.periods().monthly).settled == Amount(80_000, 4_800_000)
    kept = budgets.get(engine.store.read(), MARKETING, PeriodKind.MONTHLY)
    assert kept == Budget(MARKETING, PeriodKind.MONTHLY, 10_000_000, 600_000_000, (90, 100), None)
    prove(engine.store)


@pytest.mark.parametrize(
    ("change", "limits", "thresholds"),
    [
        ({"limit_usd": None}, (10_000_000, None), (90, 100)),
        ({"limit_credits": None}, (None, 600_000_000), (90, 100)),
        ({"alert_threshold": None}, (10_000_000, 600_000_000), (80, 100)),
        ({"period": "Monthly"}, (10_000_000, 600_000_000), (90, 100)),
    ],
)
def test_a_limit_that_is_null_is_no_limit(
    engine: Engine, change: dict[str, Any], limits: tuple[int | None, int | None], thresholds: tuple[int, ...]
) -> None:
    assert take_over(engine, a_file(marketing=a_budget(**change))).problems == ()
    kept = budgets.get(engine.store.read(), MARKETING, PeriodKind.MONTHLY)
    assert kept is not None
    assert (kept.limit_millicredits, kept.limit_microusd, kept.thresholds) == (*limits, thresholds)


def test_a_limit_that_is_missing_is_no_limit_either() -> None:
    without = {"period": "monthly", "limit_credits": 500}
    found = read(a_file(marketing=without))
    assert [(change.limit_millicredits, change.limit_microusd) for change in found.budgets] == [(500_000, None)]
    assert problems(marketing={"period": "monthly"}, lab=a_budget(limit_usd=None, limit_credits=None)) == (
        "budget marketing: the budget of marketing needs a limit in credits, USD or both",
        "budget lab: the budget of lab needs a limit in credits, USD or both",
    )


def test_lists_that_are_null_are_empty_and_rows_that_are_null_are_named() -> None:
    assert read(b'{"records": null, "budgets": null}') == CostFile((), (), ())
    assert problems(None, a_record("a"), lab=None) == (
        "record 1: it is not an object",
        "budget lab: it is not an object",
    )


def test_taking_over_again_changes_nothing(engine: Engine) -> None:
    content = a_file(a_record("a"), marketing=a_budget())
    take_over(engine, content)
    before = everything(engine.store)
    assert take_over(engine, content) == TakenOver(0, 1, 0, 1, ())
    assert everything(engine.store) == before


def test_a_file_that_grew_brings_only_what_is_new(engine: Engine) -> None:
    take_over(engine, a_file(a_record("a")))
    assert take_over(engine, a_file(a_record("a"), a_record("b"))).records == 1
    assert total(engine, WORKSPACE, engine.periods().daily).settled == Amount(80_000, 4_800_000)


def test_a_record_lands_in_the_periods_of_its_own_time(engine: Engine) -> None:
    take_over(
        engine, a_file(a_record("a", timestamp="2026-03-31T23:59:59"), a_record("b", timestamp="2026-04-01T00:00:00"))
    )
    for moment in ("a", "b"):
        job = jobs.get(engine.store.read(), moment)
        assert job is not None
        for period in engine.calendar.periods(job.asked_at):
            expected = 80_000 if period.kind is PeriodKind.WEEKLY else 40_000
            assert total(engine, MARKETING, period).settled.millicredits == expected
    assert not total(engine, WORKSPACE, engine.periods().monthly).settled


@pytest.mark.parametrize(
    "timestamp",
    ["2026-11-23T12:00:00", "2026-11-23T12:00:00+00:00", "2026-11-23T12:00:00Z", "2026-11-23T21:00:00+09:00"],
)
def test_a_time_without_a_zone_is_utc(engine: Engine, timestamp: str) -> None:
    (spent,) = read(a_file(a_record(timestamp=timestamp))).spent
    assert spent.at == engine.clock()


def test_cost_and_credits_are_kept_as_recorded_and_not_priced_again(engine: Engine) -> None:
    take_over(engine, a_file(a_record("a", credits_used=7, cost_usd=0.123456, model="kling-v0-of-old")))
    job = jobs.get(engine.store.read(), "a")
    assert job is not None
    assert (job.settled, job.quote, job.model) == (Amount(7000, 123_456), Amount(7000, 123_456), "kling-v0-of-old")
    prove(engine.store)


def test_what_floats_did_to_a_cost_is_undone() -> None:
    wrong = 3 * 0.1
    assert wrong != 0.3
    (spent,) = read(a_file(a_record(cost_usd=wrong))).spent
    assert spent.amount.microusd == 300_000


def test_a_record_of_nobody_and_no_project_is_still_in_sight(engine: Engine) -> None:
    take_over(engine, a_file(a_record("a", user_id=None, project_id=None)))
    assert total(engine, project_scope("default"), engine.periods().daily).settled.millicredits == 40_000
    assert total(engine, user_scope("unattributed"), engine.periods().daily).settled.millicredits == 40_000


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"timestamp": "yesterday"}, "timestamp 'yesterday' is not an ISO 8601 time"),
        ({"timestamp": None}, "timestamp is missing"),
        ({"timestamp": "9999-12-31T23:00:00"}, "is not of this century"),
        ({"job_id": ""}, "job_id is missing"),
        ({"job_id": 7}, "job_id must be a text, got 7"),
        ({"job_id": "\ud800"}, "surrogates not allowed"),
        ({"credits_used": "40"}, "credits_used must be a number above zero, got '40'"),
        ({"credits_used": 0}, "credits_used must be a number above zero, got 0"),
        ({"credits_used": -40}, "credits_used must be a number above zero, got -40"),
        ({"credits_used": True}, "credits_used must be a number above zero, got True"),
        ({"credits_used": float("nan")}, "credits_used must be a number above zero, got NaN"),
        ({"credits_used": 10**30}, "credits_used must be a number above zero"),
        ({"credits_used": 0.0001}, "finer than the unit it is kept in"),
        ({"cost_usd": float("inf")}, "cost_usd must be a number above zero, got Infinity"),
        ({"cost_usd": None}, "cost_usd must be a number above zero, got None"),
        ({"cost_usd": 0.00000051}, "finer than the unit it is kept in"),
        ({"model": None}, "model is missing"),
        ({"duration": 2.5}, "duration must be a whole number of seconds, got 2.5"),
        ({"duration": "ten"}, "duration must be a whole number of seconds, got 'ten'"),
        ({"project_id": ["a"]}, "project_id must be a text"),
    ],
)
def test_what_is_wrong_with_a_record_is_told_and_the_others_are_kept(change: dict[str, Any], why: str) -> None:
    found = read(a_file(a_record("before"), a_record("wrong") | change, a_record("after")))
    assert [spent.job_id for spent in found.spent] == ["before", "after"]
    (problem,) = found.problems
    assert problem.startswith("record 2: ")
    assert why in problem


def test_a_record_that_is_no_object_and_one_without_anything_are_told() -> None:
    assert problems("vid_1", {}) == ("record 1: it is not an object", "record 2: job_id is missing")


def test_a_job_that_is_in_the_file_twice_counts_once_and_is_told() -> None:
    found = read(a_file(a_record("a"), a_record("a", cost_usd=9)))
    assert len(found.spent) == 1
    assert found.problems == ("record 2: job_id a is record 1's too, and a job counts once",)


@pytest.mark.parametrize(
    ("budget", "why"),
    [
        ("lots", "it is not an object"),
        (a_budget(period="yearly"), "period must be daily, weekly or monthly, got 'yearly'"),
        (a_budget(period=["monthly"]), "period must be daily"),
        (a_budget(limit_credits="many"), "limit_credits must be a number, got 'many'"),
        (a_budget(limit_usd=-1), "limit_usd must be from 0"),
        (a_budget(alert_threshold=80), "alert_threshold must be from 0 to 2"),
        (a_budget(limit_credits=float("inf"), limit_usd=float("inf")), "needs a limit"),
    ],
)
def test_what_is_wrong_with_a_budget_is_told_and_the_others_are_kept(budget: Any, why: str) -> None:
    found = read(a_file(wrong=budget, right=a_budget()))
    assert [change.scope for change in found.budgets] == [project_scope("right")]
    assert found.problems[0].startswith("budget wrong: ")
    assert why in found.problems[0]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"records": [\n  {"job_id": "a",\n}', "in line 3, column 1"),
        (b"", "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b'{"records": [' + b"9" * 5000 + b"]}", "it is not JSON"),
        (b"[]", "it must be an object"),
        (b'{"records": {}}', "records must be a list"),
        (b'{"budgets": []}', "budgets an object"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_where_and_why(content: bytes, why: str) -> None:
    with pytest.raises(NotACostFileError, match=why):
        read(content)


def test_an_empty_file_of_the_guides_is_no_problem() -> None:
    assert read(b'{"records": [], "budgets": {}}') == CostFile((), (), ())
    assert read(b"\xef\xbb\xbf{}") == CostFile((), (), ())


def test_a_budget_that_is_there_stays_as_it_is(engine: Engine) -> None:
    engine_budgets.set_budget(engine, Change(MARKETING, PeriodKind.MONTHLY, 1_000), by="UADMIN")
    assert take_over(engine, a_file(marketing=a_budget())).known_budgets == 1
    kept = budgets.get(engine.store.read(), MARKETING, PeriodKind.MONTHLY)
    assert kept is not None
    assert kept.limit_millicredits == 1_000


def test_a_job_of_the_bots_own_is_never_overwritten(engine: Engine) -> None:
    held = hold(engine, "the bot's")
    assert take_over(engine, a_file(a_record(held.id))).known_records == 1
    assert jobs.get(engine.store.read(), held.id) == held


def test_history_is_booked_over_a_limit_and_announced_once(engine: Engine) -> None:
    records = [a_record(f"r{n}") for n in range(300)]
    take_over(engine, a_file(*records, marketing=a_budget(limit_credits=100)))
    assert [each.marks for each in queued(engine.store, Crossed)] == [("90", "100", "over")]
    assert total(engine, MARKETING, engine.periods().monthly).settled.millicredits == 300 * 40_000


@pytest.mark.slow
@pytest.mark.backend("sqlite")
def test_ten_thousand_records_take_seconds_and_never_keep_the_bot_waiting(engine: Engine) -> None:
    content = a_file(
        *(a_record(f"r{n}", user_id=f"U{n % 20}", timestamp=f"2026-{1 + n % 12:02}-03T10:00:00") for n in range(10_000))
    )
    started = time.monotonic()
    assert take_over(engine, content).records == 10_000
    assert time.monotonic() - started < 90
    prove(engine.store)


def run(path: Path, folder: Path, **env: str) -> Result:
    return CliRunner().invoke(bot.cli, ["import", str(path)], env={"KLINGBOT_DB": str(folder / "bot.db"), **env})


def test_the_command_says_what_it_did_and_that_again_changed_nothing(tmp_path: Path) -> None:
    file = tmp_path / "cost_tracking.json"
    file.write_bytes(a_file(a_record("a"), marketing=a_budget()))
    first, second = run(file, tmp_path), run(file, tmp_path)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output == "cost_tracking.json: 1 record and 1 budget are new.\n"
    assert "1 record and 1 budget were there and stay as they are.\nNothing was changed." in second.output
    store = open_store(tmp_path / "bot.db")
    assert jobs.get(store.read(), "a") is not None
    store.close()


def test_the_command_exits_with_1_when_something_was_left_out(tmp_path: Path) -> None:
    file = tmp_path / "cost_tracking.json"
    file.write_bytes(a_file(a_record("a"), a_record("b", cost_usd=None)))
    result = run(file, tmp_path)
    assert result.exit_code == 1
    assert "1 record and 0 budgets are new." in result.output
    assert "  - record 2: cost_usd must be a number above zero, got None" in result.output


def test_the_commands_mistakes_end_in_sentences(tmp_path: Path) -> None:
    file = tmp_path / "cost_tracking.json"
    file.write_text("not json")
    broken = run(file, tmp_path)
    assert (broken.exit_code, "was not imported: it is not JSON" in broken.output) == (1, True)
    wrong = run(file, tmp_path, KLINGBOT_TIMEZONE="Mars/Olympus")
    assert (wrong.exit_code, "KLINGBOT_TIMEZONE" in wrong.output) == (2, True)
    missing = run(tmp_path / "none.json", tmp_path)
    assert (missing.exit_code, "does not exist" in missing.output) == (2, True)
    for result in (broken, wrong, missing):
        assert "Traceback" not in result.output
