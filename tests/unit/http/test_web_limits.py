"""The web server against strangers: whoever is slow, large, many or odd is cut short, and everybody else is answered.

What a whole bot's users have of such attacks is measured by `python -m bench.under_attack`, and below in short.
"""

from __future__ import annotations

import logging
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import requests
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bench import attacks
from bench.under_attack import asking, attacked, http_bot
from klingbot import sandbox
from klingbot.common.log_format import AtMost
from klingbot.http.connection_gate import HEAD_SECONDS, MOST_HEAD_BYTES, MOST_HEAD_LINES
from klingbot.http.connection_limits import Room
from klingbot.http.request_bodies import MOST_BODY_BYTES
from klingbot.http.server import WebServer
from tests.support.live_bot import until

DESCRIPTORS = 256
ROOM = Room.within(DESCRIPTORS)
SHARE = ROOM.stage


@pytest.fixture
def lengths() -> list[int]:
    """Of the bodies that got through."""
    return []


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Requests for /held wait until this is set."""
    released = threading.Event()
    yield released
    released.set()


@pytest.fixture
def server(lengths: list[int], held: threading.Event) -> Iterator[WebServer]:
    async def taken(request: Request) -> Response:
        lengths.append(len(await request.body()))
        return PlainTextResponse("taken")

    def waits(request: Request) -> Response:
        held.wait(30)
        return PlainTextResponse("at last")

    async def well(request: Request) -> Response:
        return PlainTextResponse("well")

    routes = [Route("/take", taken, methods=["POST"]), Route("/held", waits), Route("/healthz", well)]
    opened = WebServer("127.0.0.1", 0, routes, descriptors=DESCRIPTORS)
    yield opened
    opened.close()


def connected(server: WebServer, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), 10)
    connection.sendall(sent)
    return connection


def answer(server: WebServer, sent: bytes) -> bytes:
    """All that comes back until the server closes."""
    with connected(server) as connection:
        with suppress(OSError):
            connection.sendall(sent)
        return rest(connection)


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    answered = b""
    with suppress(ConnectionError):
        while data := connection.recv(65_536):
            answered += data
    return answered


def said(connection: socket.socket, last: bytes) -> bool:
    """Whether an answer that ends so comes, on a connection that stays."""
    answered = b""
    while not answered.endswith(last):
        data = connection.recv(1_000)
        if not data:
            return False
        answered += data
    return True


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    finally:
        connection.settimeout(10)


def is_well(server: WebServer) -> bool:
    return requests.get(f"http://127.0.0.1:{server.port}/healthz", timeout=10).text == "well"


def post(framing: bytes, body: bytes = b"", *, path: bytes = b"/take") -> bytes:
    return b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + framing + b"\r\n\r\n" + body


def chunked(body: bytes, size: int) -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"


# Bodies.


def test_a_body_of_any_framing_comes_through_whole(server: WebServer, lengths: list[int]) -> None:
    body = b"x" * MOST_BODY_BYTES
    assert b" 200 " in answer(server, post(b"Content-Length: %d" % len(body), body))
    assert b" 200 " in answer(server, post(b"Transfer-Encoding: chunked", chunked(body, 1_000)))
    assert b" 200 " in answer(server, post(b"X: y"))
    assert lengths == [MOST_BODY_BYTES, MOST_BODY_BYTES, 0]


@pytest.mark.parametrize("path", [b"/take", b"/healthz", b"/nowhere"])
def test_a_length_that_is_too_much_is_refused_before_anything_is_sent(server: WebServer, path: bytes) -> None:
    with connected(server, post(b"Content-Length: 600000000", path=path)) as connection:
        assert connection.recv(1_000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", [b"/take", b"/healthz", b"/nowhere"])
@pytest.mark.parametrize("size", [100_000, 1_000])
def test_a_chunked_body_is_refused_once_it_is_too_long(
    server: WebServer, lengths: list[int], path: bytes, size: int
) -> None:
    body = chunked(b"x" * (MOST_BODY_BYTES + 1), size)
    assert answer(server, post(b"Transfer-Encoding: chunked", body, path=path)).startswith(b"HTTP/1.1 413 ")
    assert lengths == []


def test_a_body_longer_than_its_length_ends_where_that_says_and_its_connection_with_it(
    server: WebServer, lengths: list[int]
) -> None:
    sent = post(b"Content-Length: 4", b"take" + b"x" * 10_000_000).replace(b"Connection: close\r\n", b"")
    assert answer(server, sent).count(b"HTTP/1.1 200 ") <= 1
    assert set(lengths) <= {4}
    assert is_well(server)


@pytest.mark.parametrize(
    "framing",
    [
        *(b"Content-Length: -1", b"Content-Length: 1e3", b"Content-Length: 4, 5", b"Content-Length: \xb2"),
        *(b"Content-Length: 4\r\nContent-Length: 5", b"Transfer-Encoding: gzip", b"Content-Length: " + b"9" * 30),
    ],
)
def test_a_length_that_is_none_is_refused(server: WebServer, lengths: list[int], framing: bytes) -> None:
    assert answer(server, post(framing, b"take"))[9:12] in (b"400", b"413", b"501")
    assert lengths == []


def test_a_body_in_a_hundred_thousand_chunks_is_not_read(server: WebServer, lengths: list[int]) -> None:
    began = time.monotonic()
    assert b" 200 " not in answer(server, post(b"Transfer-Encoding: chunked", chunked(b"x" * 100_000, 1)))
    assert time.monotonic() - began < 5
    assert lengths == []


def test_a_client_that_leaves_in_the_middle_leaves_no_trace(
    server: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        connected(server, post(b"Content-Length: 100", b"half")).close()
        connected(server, b"POST /take HTT").close()
    assert is_well(server)
    assert caplog.records == []


# Heads.


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * MOST_HEAD_BYTES + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000,
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * MOST_HEAD_LINES + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"\r" * MOST_HEAD_BYTES,
        b"GET /" + b"a" * MOST_HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_head_that_is_too_large_is_refused(server: WebServer, head: bytes) -> None:
    assert answer(server, head)[9:12] in (b"431", b"")
    with connected(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") as kept:  # also behind a request
        assert said(kept, b"well")
        kept.sendall(head)
        assert rest(kept)[9:12] in (b"431", b"")
    assert is_well(server)


@pytest.mark.parametrize(
    "sent",
    [
        *(b"\x16\x03\x01\x02\x00\x01\x00", b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\xff\xfe\n\n"),
        *(
            b"GET \xe9 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n",
        ),
    ],
)
def test_what_is_no_http_is_refused_without_a_line_in_the_log(
    server: WebServer, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(server, sent) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert rest(connection)[9:12] in (b"400", b"404", b"")
    assert is_well(server)
    assert caplog.records == []


def test_a_request_may_ask_for_another_protocol_in_vain(server: WebServer) -> None:
    wanted = b"Connection: Upgrade\r\nUpgrade: %b\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
    for protocol in (b"websocket", b"h2c"):
        with connected(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + wanted % protocol) as connection:
            assert connection.recv(1_000).startswith(b"HTTP/1.1 200 ")


def test_a_head_in_many_pieces_is_a_head(server: WebServer) -> None:
    with connected(server) as connection:
        for byte in b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n":
            connection.sendall(bytes([byte]))
            time.sleep(0.002)
        assert said(connection, b"well")


def test_requests_are_answered_one_after_the_other_and_what_lies_behind_one_is_left(server: WebServer) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(server) as connection:
        for _ in range(3):
            connection.sendall(one)
            assert said(connection, b"well")
    assert answer(server, one * 500).count(b"well") <= 1
    assert answer(server, one + b"\x00garbage").count(b"well") <= 1
    assert is_well(server)


# Connections.


@pytest.mark.parametrize("sent", [b"", b"G", b"POST /take HTTP/1.1\r\nHost: x\r\n"])
def test_where_there_is_no_room_the_oldest_half_open_connection_is_closed(server: WebServer, sent: bytes) -> None:
    kept = [connected(server, sent) for _ in range(3 * SHARE + 10)]
    assert is_well(server)
    until(lambda: not any(map(is_open, kept[:10])), "the oldest are closed")
    assert all(map(is_open, kept[-2 * SHARE :])), "and none but them"
    for connection in kept:
        connection.close()


def test_half_open_connections_by_the_thousand_keep_nobody_out(server: WebServer) -> None:
    kept = []
    for n in range(2_000):
        kept.append(connected(server, b"POST /take HTTP/1.1\r\n"))
        if n % 100 == 0:
            assert is_well(server)
    for connection in kept:
        connection.close()


def test_bodies_that_do_not_come_keep_nobody_out(server: WebServer, lengths: list[int]) -> None:
    kept = [connected(server, post(b"Content-Length: 4", b"ta")) for _ in range(5 * SHARE)]
    assert is_well(server)
    until(lambda: not is_open(kept[0]), "the oldest are closed")
    assert is_open(kept[-1])
    kept[-1].sendall(b"ke")
    assert rest(kept[-1]).endswith(b"taken")
    assert lengths == [4]
    for connection in kept:
        connection.close()


def test_connections_kept_after_a_request_keep_nobody_out(server: WebServer) -> None:
    kept = []
    for _ in range(5 * SHARE):
        kept.append(connected(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
        assert said(kept[-1], b"well")
        kept[-1].sendall(b"GET /hea")
    assert is_well(server)
    assert is_open(kept[-1])
    assert not is_open(kept[0])
    for connection in kept:
        connection.close()


def test_a_request_in_work_is_not_closed_for_others_and_one_too_many_is_told(
    server: WebServer, held: threading.Event
) -> None:
    ask = b"GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    working = [connected(server, ask) for _ in range(4 * SHARE)]
    until(lambda: answer(server, ask.replace(b"/held", b"/healthz")).startswith(b"HTTP/1.1 503 "), "all are in work")
    half_open = [connected(server, b"GET") for _ in range(4 * SHARE)]
    held.set()
    assert all(rest(connection).endswith(b"at last") for connection in working)
    assert is_well(server)
    for connection in half_open:
        connection.close()


def test_a_server_that_stops_answers_what_came_whole_and_waits_for_nothing_else(
    server: WebServer, held: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    half = [connected(server, sent) for sent in (b"", b"GET", post(b"Content-Length: 4", b"ta")) for _ in range(5)]
    working = connected(server, b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
    assert is_well(server)
    threading.Timer(0.3, held.set).start()
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began < 2
    assert rest(working).endswith(b"at last")
    assert not any(map(is_open, half))
    assert caplog.records == []


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nX: ", post(b"Content-Length: 400")])
def test_a_byte_a_second_keeps_no_connection(server: WebServer, sent: bytes) -> None:
    began = time.monotonic()
    with connected(server, sent) as connection:
        while is_open(connection):
            assert time.monotonic() - began < 3 * HEAD_SECONDS
            if sent:
                connection.sendall(b"a")
            time.sleep(0.5)
    assert time.monotonic() - began > HEAD_SECONDS - 1


def test_there_are_far_fewer_connections_than_descriptors() -> None:
    for descriptors in (64, 128, 256, 1_024, 65_536, 1_000_000):
        room = Room.within(descriptors)
        assert room.gate + 3 * room.stage + room.answers <= max(20, descriptors * 2 / 3)
    assert Room.within(1_024).answers > 200, "a hundred people may ask at once"


def test_a_server_without_descriptors_rests_and_goes_on_once_it_has_some(
    server: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with attacked(server.port, 4, ["half_open"]):
        resource.setrlimit(resource.RLIMIT_NOFILE, (_highest_descriptor() + 1, hard))
        taken = _all_descriptors()
        try:
            used = time.process_time()
            time.sleep(2)
            assert time.process_time() - used < 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for each in taken:
                os.close(each)
        assert is_well(server)
    assert 0 < len(caplog.records) < 10


def _highest_descriptor() -> int:
    return max(int(each.name) for each in Path("/proc/self/fd").iterdir())


def _all_descriptors() -> list[int]:
    taken = []
    with suppress(OSError):
        while True:
            taken.append(os.dup(0))
    return taken


# The log.


def test_a_line_that_strangers_can_cause_is_written_a_few_times_a_minute_and_then_counted() -> None:
    now = [0.0]
    written: list[str] = []
    filtered = AtMost(lines=3, seconds=60, clock=lambda: now[0])

    def log(message: str, *args: object) -> None:
        record = logging.LogRecord("x", logging.WARNING, "", 0, message, args, None)
        if filtered.filter(record):
            written.append(record.getMessage())

    for n in range(10):
        log("refused %s", n)
    log("something else")
    now[0] = 60
    log("refused %s", 10)
    expected = ["refused 0", "refused 1", "refused 2", "something else", "refused 10 (and 7 more like it since)"]
    assert written == expected
    for n in range(1_000):
        log(f"message {n}")
    assert len(filtered._counted) <= 100


# The whole bot.


@pytest.mark.slow
def test_signed_commands_are_answered_in_time_while_strangers_attack(tmp_path: Path) -> None:
    """For seconds here; `python -m bench.under_attack` does so for a minute, and to two bots."""
    local = sandbox.start(kling_seconds=1.0)
    with closing(_Stopping(local.stop)), http_bot(local, tmp_path, "bot", descriptors=DESCRIPTORS) as bot:
        bot.command("help")
        before, logged = bot.memory_mb(), len(bot.bot.said())
        with attacked(bot.port, 8, list(attacks.KINDS)), asking(bot, 8) as answered:
            asked = answered()
        assert not asked.failed
        assert len(asked.seconds) > 10
        assert sorted(asked.seconds)[len(asked.seconds) // 2] < 1, str(asked)
        assert max(asked.seconds) < 3, str(asked)
        assert bot.memory_mb() - before < 60
        assert len(bot.bot.said()) - logged < 20_000
        assert "Traceback" not in bot.bot.said()


class _Stopping:
    def __init__(self, stop: Callable[[], None]) -> None:
        self.close = stop
