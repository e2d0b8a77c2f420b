"""What `python bot.py sandbox` does: sample data that can be played, a quick end, and a next time that goes on."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

import bot
from klingbot import app
from klingbot.domain.jobs import Request
from klingbot.domain.periods import PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.engine import Engine, budgets, hold_outcomes, job_requests
from klingbot.http.server import listen
from klingbot.sandbox import Sandbox, launcher, sample
from klingbot.sandbox.slack.roster import ALICE, BOB
from klingbot.store import DatabaseError
from tests.conftest import FakeClock, run_without_limit
from tests.sandbox.bolt_bot import eventually, seen

MARKETING = "C0MARKETNG"
BOT = Path(bot.__file__)


@contextmanager
def playing(folder: Path, port: int, kling_seconds: float) -> Iterator[Sandbox]:
    """A sandbox with the bot in it, as `bot.py sandbox` runs them."""
    sandbox = launcher.open_sandbox(port, folder=folder, kling_seconds=kling_seconds)
    stopping = threading.Event()
    settings = launcher.settings_for(sandbox, {}, folder=folder)
    unlimited = {"prepare": lambda engine: run_without_limit(engine.store)}
    running = threading.Thread(target=app.run, args=(settings, stopping), kwargs=unlimited)
    running.start()
    try:
        yield sandbox
    finally:
        stopping.set()
        running.join(30)
        sandbox.stop()
        assert not running.is_alive()


def a_free_port() -> int:
    with listen("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


def test_every_sample_video_plays(sandbox: Sandbox, engine: Engine) -> None:
    sample.fill(engine, sandbox.workspace, results_url=f"{sandbox.kling_api_url}/results")
    urls = [row["video_url"] for row in engine.store.read().query("SELECT video_url FROM jobs")]
    assert len(urls) == 8
    for url in urls:
        reply = requests.get(url, timeout=30)
        assert (reply.status_code, reply.headers["content-type"]) == (200, "video/mp4")


@pytest.mark.parametrize("now", [(2026, 12, 1, 0, 5), (2026, 12, 1, 23), (2027, 1, 4, 9), (2026, 11, 23, 12)], ids=str)
def test_the_samples_leave_the_same_on_every_day_of_a_month(
    sandbox: Sandbox, engine: Engine, clock: FakeClock, now: tuple[int, ...]
) -> None:
    clock.set(*now)
    sample.fill(engine, sandbox.workspace, results_url=f"{sandbox.kling_api_url}/results")
    left = {
        (standing.budget.scope, standing.budget.kind): standing.left_millicredits
        for standing in budgets.standings(engine)
    }
    assert left["project:marketing", PeriodKind.MONTHLY] == 80_000
    assert left[f"user:{BOB.id}", PeriodKind.DAILY] == 100_000


def test_a_sandbox_whose_budgets_were_removed_starts_again_without_them(sandbox: Sandbox, new_engine: Engine) -> None:
    results = f"{sandbox.kling_api_url}/results"
    sample.fill(new_engine, sandbox.workspace, results_url=results)
    for standing in budgets.standings(new_engine):
        budgets.remove_budget(new_engine, standing.budget.scope, standing.budget.kind, by=ALICE.id)
    sample.fill(new_engine, sandbox.workspace, results_url=results)
    assert budgets.standings(new_engine) == []
    request = Request("r1", ALICE.id, MARKETING, "A fox in snow", Wish("kling-v1", 5))
    assert isinstance(job_requests.hold(new_engine, request), hold_outcomes.NoBudgetYet)


@pytest.mark.slow
def test_a_job_in_flight_at_the_end_is_finished_and_played_the_next_time(tmp_path: Path) -> None:
    port = a_free_port()
    with playing(tmp_path, port, kling_seconds=2) as first:
        eventually(lambda: first.calls.seen("apps.connections.open"))
        first.send(ALICE.id, MARKETING, "/kling generate A fox in snow")
        eventually(lambda: first.kling.tasks)
    (task,) = first.kling.tasks
    assert task.status(time.time()) != "succeeded"

    with playing(tmp_path, port, kling_seconds=2) as second:
        eventually(lambda: seen(second, MARKETING, ALICE.id, "A fox in snow"), seconds=10)
        shown = eventually(lambda: seen(second, MARKETING, ALICE.id, "it is in the thread as well"))
        clip = re.search(r"<(\S+)\|Watch the video>", shown.text)[1]
        page = requests.get(f"{second.url}/page/state", timeout=30).text
        assert f'src=\\"{clip}\\"' in page
        assert requests.get(clip, timeout=30).headers["Content-Type"] == "video/mp4"
    assert second.kling.tasks == [task]


def test_one_folder_takes_one_sandbox_at_a_time_and_the_next_when_it_has_ended(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with launcher.sole_use(folder):
        launcher.open_sandbox(a_free_port(), folder=folder, fresh=True).stop()
        with pytest.raises(DatabaseError, match=r"a sandbox runs already in .*new\."), launcher.sole_use(folder):
            raise AssertionError("nobody gets in here")
    with launcher.sole_use(folder):
        assert folder.is_dir()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_without_a_traceback_when_asked_to(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, str(BOT), "sandbox", "--port", str(a_free_port())]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert any("Klingbot is ready" in line for line in process.stdout)
            process.send_signal(number)
            said = process.communicate(timeout=30)[0]
        finally:
            process.kill()
    assert process.returncode == 0
    assert not {"Traceback", "ERROR"} & set(said.split())
