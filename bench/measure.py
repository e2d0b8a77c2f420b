"""Timing contenders in turn, so that whatever else the machine does falls on all of them alike.

A round times each contender a number of times, in an order that changes from round to round. What is said of a
contender is the median over everything; what is said of two is the median of the rounds' own ratios, with its spread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles


def _nothing() -> None: ...


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    work: Callable[[], object]
    """What is timed."""
    tidy: Callable[[], object] = _nothing
    """Undoes a round's work, so that the next one begins as this one did. Not timed."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds by round: wall time, and what this thread itself used of the CPU."""

    name: str
    rounds: list[list[float]] = field(default_factory=list)
    cpu: list[list[float]] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        return [each for one_round in self.rounds for each in one_round]

    @property
    def p50(self) -> float:
        return median(self.seconds)

    @property
    def p99(self) -> float:
        return share(self.seconds, 99)

    @property
    def cpu_p50(self) -> float:
        return median(each for one_round in self.cpu for each in one_round)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long one takes as the other: the median of the rounds, and the middle half of them."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.2f}× ({self.low:.2f}–{self.high:.2f})"


def race(contenders: Sequence[Contender], *, rounds: int, each: int, warm_up: int = 1) -> dict[str, Timed]:
    """Every contender `rounds` × `each` times, interleaved; the first rounds only warm up."""
    found = {contender.name: Timed(contender.name) for contender in contenders}
    for number in range(-warm_up, rounds):
        turn = number % len(contenders)
        for contender in [*contenders[turn:], *contenders[:turn]]:
            wall, cpu = _time(contender.work, each)
            contender.tidy()
            if number >= 0:
                found[contender.name].rounds.append(wall)
                found[contender.name].cpu.append(cpu)
    return found


def ratio(one: Timed, other: Timed) -> Ratio:
    return _spread([median(a) / median(b) for a, b in zip(one.rounds, other.rounds, strict=True)])


def cpu_ratio(one: Timed, other: Timed) -> Ratio:
    return _spread([median(a) / median(b) for a, b in zip(one.cpu, other.cpu, strict=True)])


def share(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of them do not exceed."""
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def _spread(ratios: list[float]) -> Ratio:
    low, middle, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return Ratio(middle, low, high)


def _time(work: Callable[[], object], times: int) -> tuple[list[float], list[float]]:
    wall, cpu = [], []
    for _ in range(times):
        used, began = time.thread_time(), time.perf_counter()
        work()
        wall.append(time.perf_counter() - began)
        cpu.append(time.thread_time() - used)
    return wall, cpu
