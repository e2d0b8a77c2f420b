"""A limit counts for everything that a call does: finding the address, connecting, TLS, sending and receiving."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

import pytest
import requests

from klingbot.common import deadlines
from klingbot.common.url_openers import opener
from klingbot.kling.limited_session import limited_session
from tests.support.slow_wire import at_most, slow_wire


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that accepts connections and neither reads nor answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/"


def test_the_nearer_of_two_limits_counts() -> None:
    with deadlines.within(10) as outer, deadlines.within(60) as inner:
        assert inner.ends == outer.ends
    with deadlines.within(60) as outer, deadlines.within(10) as inner:
        assert inner.ends < outer.ends
    assert deadlines.current() is None


def test_a_limit_that_is_over_lets_nothing_begin(silent: socket.socket) -> None:
    with deadlines.within(0), pytest.raises(TimeoutError):
        deadlines.connect(silent.getsockname())


def test_a_body_that_the_server_does_not_read_ends_at_the_limit_and_not_before(silent: socket.socket) -> None:
    """A time-out for each step would give up a large body on a slow uplink."""
    with at_most(2), deadlines.within(0.8), deadlines.connect(silent.getsockname(), 0.1) as connection:
        with at_most(2), pytest.raises(TimeoutError):
            connection.sendall(b"x" * 50_000_000)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_handshake_that_never_comes_ends_at_the_limit(silent: socket.socket) -> None:
    with at_most(1.5), deadlines.within(0.5), pytest.raises(URLError) as raised:
        opener().open(url_of(silent, "https"), timeout=30)
    assert isinstance(raised.value.reason, TimeoutError)


def test_an_answer_may_have_so_many_bytes_and_no_more(silent: socket.socket) -> None:
    with deadlines.within(5, most_bytes=10), deadlines.connect(silent.getsockname()) as connection:
        accepted, _ = silent.accept()
        with accepted:
            accepted.sendall(b"0123456789ab")
            assert connection.recv(10) == b"0123456789"
            with pytest.raises(ConnectionAbortedError):
                connection.recv(10)


def test_a_connection_goes_on_without_a_limit_after_one_that_had_one(silent: socket.socket) -> None:
    connection = deadlines.connect(silent.getsockname(), 5)
    accepted, _ = silent.accept()
    with connection, accepted:
        with deadlines.within(0.2), pytest.raises(TimeoutError):
            connection.recv(1)
        accepted.sendall(b"x")
        assert connection.recv(1) == b"x"
        assert connection.gettimeout() == 5


def test_a_name_that_cannot_be_one_is_an_error_of_the_network() -> None:
    with pytest.raises(socket.gaierror), deadlines.within(10):
        deadlines.connect(("a..b", 1), 10)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server under TLS that greets whoever connects, and the certificate to trust."""
    if shutil.which("openssl") is None:
        pytest.skip("no certificate can be made: openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")
    made = ["-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test", "-keyout", "key", "-out", "certificate"]
    host = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", *made, *host], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as encrypted:
                encrypted.recv(65_536)
                encrypted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")

    threading.Thread(target=serve, daemon=True).start()
    yield url_of(listener, "https"), folder / "certificate"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_limits_hold_under_tls(tls: tuple[str, Path]) -> None:
    address, certificate = tls
    with deadlines.within(5):
        assert limited_session().get(address, verify=certificate).text == "hello"
    with slow_wire(address, lambda _: True, pause=0.05) as wire:
        slow_address = wire.url.replace("http:", "https:")
        with at_most(2), deadlines.within(1), pytest.raises(requests.RequestException):
            limited_session().get(slow_address, verify=certificate)


def test_certificates_are_looked_at(tls: tuple[str, Path]) -> None:
    address, _ = tls
    with deadlines.within(5), pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
        opener().open(address, timeout=5)
    with deadlines.within(5), pytest.raises(requests.exceptions.SSLError):
        limited_session().get(address)
