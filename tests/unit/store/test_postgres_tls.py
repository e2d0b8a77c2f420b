"""An encrypted connection to PostgreSQL, with a certificate that is looked at.

The server that the tests bring along was built without TLS, so an end of TLS stands before it, as hosts have it.
"""

from __future__ import annotations

import select
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from klingbot.doctor import Health
from klingbot.doctor import ledger_health as ledger_checks
from klingbot.store import AwayError, DatabaseError, open_store
from klingbot.store.backend.location import DatabaseUrl, Place
from tests.support.postgres_server import PostgresServer

pytestmark = [pytest.mark.backend("postgres"), pytest.mark.both_databases]

ASKS_FOR_TLS = bytes.fromhex("0000000804d2162f")
"""PostgreSQL's docs, “Message Formats”: SSLRequest; `S` says yes."""


@dataclass
class TlsEnd:
    """Takes TLS on a port of its own and passes on what was said. `spoken` is the TLS version of each connection."""

    certificate: Path
    key: Path
    server: tuple[str, int]
    spoken: list[str | None] = field(default_factory=list)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def serve(self) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        with suppress(OSError):
            while True:
                bot, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(bot, context), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _talk(self, bot: socket.socket, context: ssl.SSLContext) -> None:
        with suppress(OSError), bot, socket.create_connection(self.server) as server:  # ssl's errors are OSErrors
            if bot.recv(len(ASKS_FOR_TLS)) != ASKS_FOR_TLS:
                return
            bot.sendall(b"S")
            with context.wrap_socket(bot, server_side=True) as secret:
                self.spoken.append(secret.version())
                _pass_on(secret, server)


def _pass_on(bot: ssl.SSLSocket, server: socket.socket) -> None:
    while True:
        ready = [bot] if bot.pending() else select.select([bot, server], [], [])[0]
        for here, there in ((bot, server), (server, bot)):
            if here in ready:
                said = here.recv(65536)
                if not said:
                    return
                there.sendall(said)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `server.pem` for the host `localhost`, its key, and a stranger's `other.pem`."""
    if shutil.which("openssl") is None:
        pytest.skip("no certificate can be made: openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("server", "other"):
        of_host = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        made = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        subprocess.run(["openssl", "req", "-x509", *made, *of_host], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def end(certificates: Path, postgres: PostgresServer) -> Iterator[TlsEnd]:
    end = TlsEnd(certificates / "server.pem", certificates / "server.key", ("127.0.0.1", postgres.port))
    serving = threading.Thread(target=end.serve, daemon=True)
    serving.start()
    yield end
    end.close()
    serving.join(30)


@pytest.mark.parametrize(
    "asked",
    ["sslmode=require", "sslmode=verify-ca&sslrootcert=server.pem", "sslmode=verify-full&sslrootcert=server.pem"],
)
def test_a_ledger_is_kept_over_tls(place: Place, end: TlsEnd, certificates: Path, asked: str) -> None:
    far = over(end, certificates, "localhost", asked)
    with closing(open_store(far)) as store:
        with store.write() as tx:
            tx.execute("INSERT INTO projects (channel_id, project) VALUES ('C9', 'safe')")
        assert [row["project"] for row in store.read().execute("SELECT project FROM projects").fetchall()] == ["safe"]
        assert end.spoken, "nobody spoke TLS"
        assert {"TLSv1.2", "TLSv1.3"}.issuperset(end.spoken)


@pytest.mark.parametrize(
    ("host", "asked", "said"),
    [
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=server.pem", "does not match host name"),
        ("localhost", "sslmode=verify-full&sslrootcert=other.pem", "certificate verify failed"),
        ("localhost", "sslmode=verify-full&sslrootcert=nobody.pem", 'nobody.pem" does not exist'),
    ],
)
def test_a_certificate_that_does_not_fit_is_a_wrong_setting_and_not_waited_for(
    end: TlsEnd, certificates: Path, host: str, asked: str, said: str
) -> None:
    far = over(end, certificates, host, asked)
    with pytest.raises(DatabaseError, match=said) as error:
        open_store(far)
    assert not isinstance(error.value, AwayError), "a supervisor would start it again and again"
    assert "hush" not in str(error.value)
    (finding,) = ledger_checks.check(far, 0)
    assert finding.health is Health.FAILED


def over(end: TlsEnd, certificates: Path, host: str, asked: str) -> DatabaseUrl:
    asked = asked.replace("sslrootcert=", f"sslrootcert={certificates}/")
    return DatabaseUrl(f"postgresql://postgres:hush@{host}:{end.port}/ledger?hostaddr=127.0.0.1&{asked}")
