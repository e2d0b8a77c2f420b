"""An export is complete, exact, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import bot
from klingbot.domain import prices
from klingbot.domain.jobs import Request
from klingbot.domain.periods import Calendar
from klingbot.domain.pricing import Wish
from klingbot.engine import Engine, job_requests, kling_results, open_engine
from klingbot.engine.export import BYTE_ORDER_MARK, _cell, _shown, _write_csv, _write_jsonl, export, usage_csv
from klingbot.engine.hold_outcomes import Held
from klingbot.store import DatabaseError, snapshot
from klingbot.store.maintenance.export_rows import Listing, listing
from tests.support.block_samples import UTC, share, spend
from tests.support.ledger_checks import create, env_of, hold, settle, submit

pytestmark = pytest.mark.both_databases


def test_no_name_in_a_usage_csv_runs_as_a_formula() -> None:
    outcome = spend(share("=HYPERLINK()", 1), by="project")
    assert "'=HYPERLINK()" in usage_csv(outcome, {}, UTC)


def test_days_in_a_usage_csv_are_dates_in_the_bots_time_zone() -> None:
    calendar = Calendar(ZoneInfo("America/New_York"))
    midnight = calendar.midnight(date(2026, 11, 23))
    [row] = read_csv(usage_csv(spend(share(str(midnight), 1.5), by="day"), {}, calendar).splitlines())
    assert (row["name"], row["used_credits"], row["used_usd"]) == ("2026-11-23", "1.5", "0.09")


def exported(engine: Engine, what: str, shape: str) -> list[dict[str, Any]]:
    file = io.StringIO(newline="")
    export(engine.store.place, what, shape, file)
    file.seek(0)
    return list(read_csv(file)) if shape == "csv" else [json.loads(line) for line in file]


def read_csv(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Read the rows as Excel does: as UTF-8 because of the mark at the start."""
    text = "".join(line if line.endswith(("\n", "\r")) else f"{line}\n" for line in lines)
    assert text.startswith(BYTE_ORDER_MARK)
    return csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""))


@pytest.fixture
def spent(engine: Engine) -> Engine:
    """In Kling's units, where amounts are fractional: one job settled above its hold, one released, one waiting."""
    fractional = open_engine(engine.store, prices.load("kling-api", pack=100), engine.calendar, engine.clock)
    wish = Wish("kling-2.6", 5, "720p")
    settle(fractional, hold(fractional, "done", wish), units="1.525")
    kling_results.failed(fractional, submit(fractional, hold(fractional, "failed", wish)), "too dark")
    hold(fractional, "waiting", wish)
    return fractional


@pytest.mark.parametrize("shape", ["csv", "jsonl"])
def test_every_job_is_there_with_its_amounts_as_exact_decimals(spent: Engine, shape: str) -> None:
    rows = {row["state"]: row for row in exported(spent, "jobs", shape)}
    assert set(rows) == {"succeeded", "failed", "held"}
    done = rows["succeeded"]
    assert (done["quote_credits"], done["quote_usd"]) == ("1.5", "0.147")
    assert (done["settled_credits"], done["settled_usd"]) == ("1.525", "0.14945")
    assert done["usd_per_credit"] == "0.098"
    assert not rows["held"]["settled_credits"]


@pytest.mark.parametrize("shape", ["csv", "jsonl"])
def test_the_entries_add_up_to_what_was_spent(spent: Engine, shape: str) -> None:
    rows = exported(spent, "entries", shape)
    assert [row["kind"] for row in rows] == ["hold", "settle", "hold", "release", "hold"]
    assert sum(Decimal(row["settled_usd"]) for row in rows) == Decimal("0.14945")
    assert sum(Decimal(row["held_credits"]) for row in rows) == Decimal("1.5")
    assert rows[1]["held_credits"] == "-1.5"
    assert {row["project"] for row in rows} == {"marketing"}


def test_times_are_iso_8601_in_utc(spent: Engine) -> None:
    assert {row["asked_at"] for row in exported(spent, "jobs", "csv")} == {"2026-11-23T12:00:00.000Z"}
    assert {row["at"] for row in exported(spent, "entries", "jsonl")} == {"2026-11-23T12:00:00.000Z"}
    assert _shown("asked_at", 1_795_435_200_123) == "2026-11-23T12:00:00.123Z"


def ask(engine: Engine, prompt: str) -> None:
    create(engine.store, "=cmd()")
    outcome = job_requests.hold(
        engine, Request("r", "U1", "C1", prompt, Wish(), "=cmd()", response_url="https://secret/")
    )
    assert isinstance(outcome, Held)


_FORMULAS = ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", *"＝＋－＠﹢﹣﹦﹫−⁼"]


@pytest.mark.parametrize("start", [*_FORMULAS, "\u200b=", "\ufeff＝", "\u3000＋", "\u2028@", "\xad-"])
def test_no_cell_of_a_csv_is_a_formula(engine: Engine, start: str) -> None:
    ask(engine, f"{start}HYPERLINK(0)")
    (row,) = exported(engine, "jobs", "csv")
    assert row["prompt"] == f"'{start}HYPERLINK(0)"
    assert row["project"] == "'=cmd()"
    (row,) = exported(engine, "jobs", "jsonl")
    assert row["prompt"] == f"{start}HYPERLINK(0)"


def test_negative_amounts_stay_numbers() -> None:
    assert _cell(Decimal("-1.5")) == "-1.5"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@hypothesis_settings(max_examples=100, deadline=None)
def test_any_prompt_can_be_read_back(prompt: str) -> None:
    for write, read in ((_write_csv, read_csv), (_write_jsonl, lambda file: map(json.loads, file))):
        file = io.StringIO(newline="")
        write(Listing(("id", "prompt"), iter([("a", prompt), ("b", "after")])), file)
        file.seek(0)
        first, second = read(file)
        assert first["prompt"] in (prompt, f"'{prompt}")
        assert second == {"id": "b", "prompt": "after"}


def test_what_would_let_a_stranger_speak_in_slack_is_left_out(engine: Engine) -> None:
    ask(engine, "a fox")
    file = io.StringIO()
    export(engine.store.place, "jobs", "jsonl", file)
    assert "secret" not in file.getvalue()


@pytest.mark.parametrize("what", ["jobs", "entries"])
def test_an_empty_ledger_still_names_the_columns(engine: Engine, what: str) -> None:
    file = io.StringIO()
    export(engine.store.place, what, "csv", file)
    assert file.getvalue().startswith(f"{BYTE_ORDER_MARK}id,")
    assert file.getvalue().count("\n") == 1


def test_rows_are_read_as_they_are_written_and_what_comes_later_is_left_out(engine: Engine) -> None:
    hold(engine, "before")
    with snapshot(engine.store.place) as db:
        listed = listing(db, "jobs")
        hold(engine, "meanwhile")
        assert len(list(listed.rows)) == 1


def run(engine: Engine, *words: str) -> Any:
    return CliRunner().invoke(bot.cli, ["export", *words], env=env_of(engine.store.place))


def test_the_command_writes_to_a_file_or_to_the_standard_output(spent: Engine, tmp_path: Path) -> None:
    assert run(spent).stdout.splitlines()[0].startswith("\ufeffid,state,user_id")
    target = tmp_path / "entries.jsonl"
    exported = run(spent, "--format", "jsonl", "--what", "entries", str(target))
    assert (exported.exit_code, exported.stderr) == (0, f"Every one of the entries is in {target}.\n")
    assert len(target.read_text().splitlines()) == 5


def test_without_a_ledger_there_is_a_sentence_and_no_file(tmp_path: Path) -> None:
    env = {"KLINGBOT_DB": str(tmp_path / "none.db")}
    result = CliRunner().invoke(bot.cli, ["export", str(tmp_path / "jobs.csv")], env=env)
    assert (result.exit_code, "There is no database" in result.output) == (1, True)
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(DatabaseError):
        export(tmp_path / "none.db", "jobs", "csv", io.StringIO())
