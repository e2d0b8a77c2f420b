"""A piece of the internet for tests: names with public addresses, all of which are one server on this machine."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from klingbot.common import deadlines
from klingbot.common.safe_fetch import Network

PUBLIC = "93.184.216.34"
HOSTS = ("clips.example.com", "files.slack.com", "acme.slack.com", "slack-files.com", "files.slack.com.evil.com")
Talk = Callable[[socket.socket, bytes], None]


@dataclass
class Outside:
    """A server that does as `talk` says, what it was sent, and to which addresses connections were opened."""

    certificate: Path | None
    talk: Talk = field(default=lambda wire, head: wire.sendall(answer(b"")))
    known: dict[str, Sequence[str]] = field(default_factory=dict)
    """Addresses by name; other names have one public address."""
    heard: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    proxy: str | None = None
    """It is this server too, and leads to this server."""
    proxy_status: str = "200 Connection established"
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def network(self) -> Network:
        return Network(self._addresses, self._connection, self._certificates, lambda host: self.proxy)

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                wire, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(wire,), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _answer(self, wire: socket.socket) -> None:
        with suppress(OSError), wire:
            wire.settimeout(20)
            tls = self.certificate is not None and wire.recv(1, socket.MSG_PEEK) == b"\x16"  # a hello
            if not tls and not self._talk(wire):
                return
            assert self.certificate
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.certificate, self.certificate.with_suffix(".key"))
            with context.wrap_socket(wire, server_side=True) as secret:
                self._talk(secret)

    def _talk(self, wire: socket.socket) -> bool:
        """Whether TLS is to follow, because a proxy was asked for a connection."""
        head = b""
        while b"\r\n\r\n" not in head and (more := wire.recv(65536)):
            head += more
        self.heard.append(head.decode("latin-1"))
        if head.startswith(b"CONNECT "):
            wire.sendall(f"HTTP/1.1 {self.proxy_status}\r\n\r\n".encode())
            return True
        self.talk(wire, head)
        return False

    def _addresses(self, host: str, port: int, seconds: float) -> Sequence[str]:
        self.looked_up.append(host)
        return self.known.get(host, [PUBLIC])

    def _connection(self, address: str, port: int, seconds: float) -> socket.socket:
        self.opened.append(f"{address}:{port}")
        return deadlines.connect(self._listener.getsockname(), seconds)

    def _certificates(self) -> ssl.SSLContext:
        return deadlines.limited(ssl.create_default_context(cafile=str(self.certificate)))


def answer(content: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    announced = f"Content-Length: {len(content) if length is None else length}"
    return "\r\n".join([f"HTTP/1.1 {status}", announced, *headers, "", ""]).encode() + content


def says(content: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> Talk:
    """Answer so, whatever is asked."""
    return lambda wire, _: wire.sendall(answer(content, status, *headers, length=length))


def drips(content: bytes, seconds: float = 0.1) -> Talk:
    """Send one byte at a time."""

    def talk(wire: socket.socket, _: bytes) -> None:
        for n in range(len(content)):
            wire.sendall(content[n : n + 1])
            time.sleep(seconds)

    return talk


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `HOSTS`, its key beside it."""
    if shutil.which("openssl") is None:
        pytest.skip("no certificate can be made: openssl is not installed")
    folder = tmp_path_factory.mktemp("outside")
    names = ",".join(f"DNS:{host}" for host in HOSTS)
    of_hosts = ["-subj", "/CN=outside", "-addext", f"subjectAltName={names}"]
    made = ["-keyout", "outside.key", "-out", "outside.pem", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run(["openssl", "req", "-x509", *made, *of_hosts], cwd=folder, check=True, capture_output=True)
    return folder / "outside.pem"


@pytest.fixture
def outside(certificate: Path) -> Iterator[Outside]:
    world = Outside(certificate)
    serving = threading.Thread(target=world.serve, daemon=True)
    serving.start()
    yield world
    world.close()
    serving.join(30)
