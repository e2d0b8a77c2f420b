"""Slow pieces of work delay no others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from klingbot.workers.work_pool import ROUND_SECONDS, WorkPool
from tests.support.slow_wire import at_most


class Pieces:
    """Hands out the numbers up to a limit, each once."""

    def __init__(self, count: int) -> None:
        self.left = list(range(count))
        self.asked: list[int] = []

    def claim(self, room: int) -> list[int]:
        self.asked.append(room)
        handed, self.left = self.left[:room], self.left[room:]
        return handed


@pytest.fixture
def released() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_run_returns_when_all_is_done() -> None:
    done: list[int] = []
    WorkPool("w", 2).run(Pieces(7).claim, done.append, threading.Event())
    assert sorted(done) == list(range(7))


def test_a_slow_piece_keeps_its_own_slot_and_the_run_returns_without_it(released: threading.Event) -> None:
    pool, pieces, done = WorkPool("w", 2), Pieces(50), []

    def work(piece: int) -> None:
        if piece == 0:
            released.wait(60)
        done.append(piece)

    with at_most(ROUND_SECONDS + 3):
        pool.run(pieces.claim, work, threading.Event())
    assert sorted(done) == list(range(1, 50))
    released.set()
    pool.finish()
    assert sorted(done) == list(range(50))


def test_it_hands_out_no_more_than_can_begin(released: threading.Event) -> None:
    pieces, stopping = Pieces(10), threading.Event()

    def work(piece: int) -> None:
        if piece == 3:
            stopping.set()
        released.wait(60)

    pool = WorkPool("w", 4)
    pool.run(pieces.claim, work, stopping)
    released.set()
    pool.finish()
    assert (pieces.asked[0], len(pieces.left)) == (4, 6)


def test_with_a_head_start_quick_work_is_done_one_after_another() -> None:
    at_once, most = 0, 0
    lock = threading.Lock()

    def work(piece: int) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        with lock:
            at_once -= 1

    WorkPool("w", 4, head_start=2.0).run(Pieces(10).claim, work, threading.Event())
    assert most == 1


def test_with_a_head_start_slow_work_is_overtaken(released: threading.Event) -> None:
    done: list[int] = []
    stopping = threading.Event()

    def work(piece: int) -> None:
        if piece < 3:
            released.wait(60)
        done.append(piece)
        if len(done) == 5:
            stopping.set()

    pool = WorkPool("w", 4, head_start=0.2)
    with at_most(3):
        pool.run(Pieces(8).claim, work, stopping)
    assert done == [3, 4, 5, 6, 7]
    released.set()
    pool.finish()


def test_with_a_head_start_quick_work_behind_slow_work_is_not_slowed_down(released: threading.Event) -> None:
    done: list[int] = []
    stopping = threading.Event()

    def work(piece: int) -> None:
        if piece == 0:
            released.wait(60)
        done.append(piece)
        if piece == 49:
            stopping.set()

    pool = WorkPool("w", 4, head_start=0.5)
    with at_most(3):
        pool.run(Pieces(50).claim, work, stopping)
    assert done == list(range(1, 50))
    released.set()
    pool.finish()


def test_an_error_comes_out_after_the_other_work_was_done() -> None:
    done: list[int] = []

    def work(piece: int) -> None:
        if piece == 1:
            raise ZeroDivisionError
        done.append(piece)

    with pytest.raises(ZeroDivisionError):
        WorkPool("w", 2).run(Pieces(5).claim, work, threading.Event())
    assert sorted(done) == [0, 2, 3, 4]


def test_nothing_begins_once_it_is_stopping() -> None:
    pieces, stopping = Pieces(3), threading.Event()
    stopping.set()
    WorkPool("w", 2).run(pieces.claim, lambda piece: None, stopping)
    assert pieces.asked == []
