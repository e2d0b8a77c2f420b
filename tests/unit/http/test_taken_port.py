"""A port that another program has: one sentence, exit code 2, and nothing of anybody's is touched."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from klingbot import sandbox
from klingbot.http.server import PortError, listen
from tests.support.live_bot import ROOT, live_bot


@pytest.fixture
def taken() -> Iterator[int]:
    with listen("127.0.0.1", 0) as listener:
        yield listener.getsockname()[1]


@pytest.mark.slow
def test_the_sandbox_says_so_and_leaves_the_files_of_the_one_that_runs(tmp_path: Path, taken: int) -> None:
    ledger = tmp_path / ".sandbox" / "klingbot.db"
    ledger.parent.mkdir()
    ledger.write_text("the other sandbox's")
    command = [sys.executable, str(ROOT / "bot.py"), "sandbox", "--fresh", "--port", str(taken)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"Klingbot cannot start: port {taken} is in use. Stop the program that has it, or choose another "
        "(PORT in the settings, --port for the sandbox).\n"
    )
    assert ledger.read_text() == "the other sandbox's"


@pytest.mark.slow
def test_the_bot_says_so(tmp_path: Path, taken: int) -> None:
    local = sandbox.start()
    try:
        with live_bot(local, tmp_path, "bot", HOST="127.0.0.1", PORT=str(taken)) as started:
            assert started.process.wait(20) == 2
            assert started.said().splitlines()[-1].startswith(f"Klingbot cannot start: port {taken} is in use. Stop")
            assert "Traceback" not in started.said()
    finally:
        local.stop()


def test_a_host_that_is_not_here_is_named() -> None:
    with pytest.raises(PortError, match=r"cannot listen on port 3000 of 192\.0\.2\.1: .* Check HOST and PORT"):
        listen("192.0.2.1", 3000)
