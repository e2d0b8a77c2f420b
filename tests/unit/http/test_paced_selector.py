"""A loop that is never out of work leaves the interpreter to other threads, and sleeps while it has none."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

from klingbot.http.paced_selector import new_event_loop


def test_a_busy_loop_leaves_the_interpreter_to_others_in_between() -> None:
    async def busy(seconds: float) -> float:
        one, other = socket.socketpair()
        one.send(b"always something to read")
        asyncio.get_running_loop().add_reader(other.fileno(), lambda: sum(range(20_000)))
        began, used = time.monotonic(), time.thread_time()
        while time.monotonic() - began < seconds:
            await asyncio.sleep(0)
        asyncio.get_running_loop().remove_reader(other.fileno())
        one.close()
        other.close()
        return (time.thread_time() - used) / (time.monotonic() - began)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        assert runner.run(busy(0.5)) < 0.93


def test_a_loop_without_work_is_woken_at_once() -> None:
    async def woken() -> float:
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        sum(range(300_000))  # it has worked before
        threading.Timer(0.2, lambda: loop.call_soon_threadsafe(event.set)).start()
        began = time.monotonic()
        await event.wait()
        return time.monotonic() - began

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        assert 0.15 < runner.run(woken()) < 2
