"""What a hold takes: beside its floor, as history grows, and beside other trackers."""

from __future__ import annotations

from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from bench import ledgers, opponents
from bench.floor import BareHold
from bench.measure import Contender, Timed, cpu_ratio, race, ratio
from bench.table import Row, Section, seconds
from klingbot.engine import Engine

_EACH = 20


def beside_the_floor(folder: Path, rounds: int) -> Section:
    rows = [row for nine in (False, True) for row in _beside_the_floor(folder / f"floor-{nine}", nine, rounds)]
    return Section("A hold beside the bare transaction", rows)


def _beside_the_floor(folder: Path, nine: bool, rounds: int) -> list[Row]:
    with ledgers.ledger_with(0, folder) as engine:
        if nine:
            ledgers.nine_budgets(engine)
        now = ledgers.now_ms()
        with closing(BareHold(folder / "klingbot.db", engine.periods(), now)) as bare:
            tidy = partial(ledgers.release_all, engine)
            found = race(
                [Contender("bare", bare, tidy), Contender("hold", partial(ledgers.hold, engine), tidy)],
                rounds=rounds,
                each=_EACH,
            )
    hold, bare_timed = found["hold"], found["bare"]
    budgets = "nine budgets" if nine else "no budget"
    apart = ratio(hold, bare_timed)
    return [
        Row(f"hold, {budgets}", _times(hold), f"{apart} of bare {_times(bare_timed)}", "≤ 1.5×", apart.middle <= 1.5),
        Row(
            f"hold, {budgets}: CPU alone",
            seconds(hold.cpu_p50),
            f"{cpu_ratio(hold, bare_timed)} of bare {seconds(bare_timed.cpu_p50)}",
        ),
    ]


def as_history_grows(folder: Path, sizes: list[int], rounds: int) -> Section:
    with ExitStack() as stack:
        engines: dict[int, Engine] = {}
        for size in (0, *sizes):
            engines[size] = stack.enter_context(ledgers.ledger_with(size, folder / f"after-{size}"))
            ledgers.nine_budgets(engines[size])
        contenders = [
            Contender(f"{size}", partial(ledgers.hold, engine), partial(ledgers.release_all, engine))
            for size, engine in engines.items()
        ]
        found = race(contenders, rounds=rounds, each=_EACH, warm_up=5)
    rows = [Row("with nothing behind it", _times(found["0"]))]
    for size in sizes:
        timed = found[f"{size}"]
        grown = ratio(timed, found["0"])
        rows.append(Row(f"with {size:,} jobs behind it", _times(timed), str(grown), "≤ 1.2×", grown.middle <= 1.2))
    return Section("A hold as history grows (nine budgets)", rows)


def _times(timed: Timed) -> str:
    return f"{seconds(timed.p50)} (p99 {seconds(timed.p99)})"


def beside_other_trackers(folder: Path, rounds: int) -> Section:
    """Those keep nothing through a power cut and let requests that come together spend too much; this is time alone."""
    with ledgers.ledger_with(0, folder / "others") as engine:
        ledgers.nine_budgets(engine)
        hold = Contender("hold", partial(ledgers.hold, engine), partial(ledgers.release_all, engine))
        rows = []
        for size in (1_000, 10_000):
            with ExitStack() as stack:
                others = [opponents.file_tracker(folder, size)]
                if opponents.LITELLM:
                    others.append(stack.enter_context(opponents.budget_manager(folder / f"users-{size}", size)))
                found = race([hold, *others], rounds=rounds, each=3)
            for other in others:
                timed = found[other.name]
                rows.append(Row(other.name, _times(timed), f"{ratio(timed, found['hold'])} of a hold"))
    if not opponents.LITELLM:
        rows.append(Row("litellm.BudgetManager", "skipped: `pip install -r requirements-bench.txt` brings it"))
    return Section("Check and record: other trackers", rows)
