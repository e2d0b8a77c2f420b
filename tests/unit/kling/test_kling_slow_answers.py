"""A call to Kling ends in time, however slowly Kling answers."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

from klingbot.kling import Accepted, ApiKey, KlingClient, LookUp, NotSent, ReplyLost, Unreachable
from klingbot.kling.client import CALL_SECONDS, CREATE_SECONDS, LOOK_UP_SECONDS
from klingbot.workers.kling_poller import LOST_REPLY_MS
from klingbot.workers.submitter import LEASE_MS, PICTURE_SECONDS
from tests.support.slow_wire import at_most, slow_wire
from tests.unit.kling.kling_world import API_KEY, Broken, Served, a_request

NEW = "/text-to-video/kling-2.6"


def hasty(root: str) -> KlingClient:
    return KlingClient(root, ApiKey(API_KEY), call_seconds=0.6, create_seconds=0.9)


def everything(request: bytes) -> bool:
    return True


def test_a_create_answered_one_byte_at_a_time_is_a_lost_reply_at_its_deadline(local: Served) -> None:
    with slow_wire(local.root, everything, pause=0.05) as wire, at_most(1.5):
        assert isinstance(hasty(wire.url).create(a_request(), NEW), ReplyLost)
    assert isinstance(local.client.look_up(NEW, job_ids=["job-1"]), LookUp)
    assert local.client.look_up(NEW, job_ids=["job-1"]).tasks, "Kling has it: the job is looked up and not sent again"


def test_a_look_up_answered_one_byte_at_a_time_teaches_nothing_at_its_deadline(local: Served) -> None:
    with slow_wire(local.root, everything, pause=0.05) as wire, at_most(1.5):
        outcome = hasty(wire.url).look_up(NEW, job_ids=["job-1"])
    assert isinstance(outcome, Unreachable)
    assert not outcome.answered, "the rest of the ids need not be tried"


def test_the_same_client_goes_on_after_a_slow_answer(local: Served) -> None:
    with slow_wire(local.root, lambda request: b"job-slow" in request, pause=0.05) as wire:
        client = hasty(wire.url)
        assert isinstance(client.create(a_request(job_id="job-slow"), NEW), ReplyLost)
        assert isinstance(client.create(a_request(job_id="job-2"), NEW), Accepted)
        assert isinstance(client.look_up(NEW, job_ids=["job-2"]), LookUp)


def test_a_body_that_comes_slowly_after_prompt_headers_ends_in_time_as_well(broken: Callable[..., Broken]) -> None:
    def drips(connection: socket.socket) -> None:
        with suppress(OSError):  # the client hangs up
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(100):
                connection.sendall(b" ")
                time.sleep(0.05)

    server = broken(drips)
    with at_most(1.5):
        assert isinstance(hasty(server.root).create(a_request(), NEW), ReplyLost)


def test_an_answer_without_end_is_not_read_on(broken: Callable[..., Broken]) -> None:
    def floods(connection: socket.socket) -> None:
        with suppress(OSError):  # the client hangs up
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b" " * 1_000_000)

    server = broken(floods)
    client = KlingClient(server.root, ApiKey(API_KEY))
    with at_most(10):
        assert isinstance(client.create(a_request(), NEW), ReplyLost)


def test_an_answer_that_unpacks_to_too_much_is_not_read_on(broken: Callable[..., Broken]) -> None:
    packed = gzip.compress(b" " * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    server = broken(lambda connection: connection.sendall(head + packed))
    client = KlingClient(server.root, ApiKey(API_KEY))
    assert isinstance(client.create(a_request(), NEW), ReplyLost)


def test_a_kling_that_accepts_no_connection_is_not_sent_anything(local: Served) -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        with at_most(1.5):
            outcome = hasty(f"http://127.0.0.1:{full.getsockname()[1]}").create(a_request(), NEW)
    assert isinstance(outcome, NotSent)


def test_a_create_has_ended_before_its_job_is_looked_up_and_a_look_up_before_its_lease_ends() -> None:
    assert CREATE_SECONDS * 1000 < LOST_REPLY_MS
    assert max(LOOK_UP_SECONDS, CALL_SECONDS, PICTURE_SECONDS) * 1000 < LEASE_MS
