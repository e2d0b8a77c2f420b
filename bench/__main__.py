"""`python -m bench [--full] [--only WORD] [--write]`: every measurement, and the table that they come to."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from bench import commands, holds, machine, on_postgres, screens, table, whole_bot, writers
from bench.table import Section


def _measurements(full: bool) -> dict[str, Callable[[Path], Section]]:
    """In the order of the table. The quick form differs in how often, how long and over how much history."""
    many = 1_000_000 if full else 50_000
    sizes = [100_000, 1_000_000] if full else [20_000]
    return {
        "floor": lambda folder: holds.beside_the_floor(folder, rounds=100 if full else 25),
        "history": lambda folder: holds.as_history_grows(folder, sizes, rounds=60 if full else 15),
        "others": lambda folder: holds.beside_other_trackers(folder, rounds=10 if full else 3),
        "http": lambda folder: commands.over_http(folder, rounds=20 if full else 3),
        "socket": lambda folder: commands.over_socket_mode(folder / "socket", rounds=10 if full else 2),
        "screens": lambda folder: screens.section(folder, many, rounds=20 if full else 5),
        "bot": lambda folder: whole_bot.section(
            folder / "bot",
            many,
            repeats=3 if full else 1,
            idle_seconds=20 if full else 4,
            in_flight=1_000 if full else 100,
        ),
        "writers": lambda folder: writers.section(folder, seconds_each=5 if full else 1.5, repeats=5 if full else 1),
        "postgres": lambda folder: on_postgres.section(
            folder, sizes, rounds=60 if full else 15, seconds_each=5 if full else 1.5, repeats=3 if full else 1
        ),
    }


def _usual(full: bool) -> list[str]:
    """What is measured when nothing is named: the quick form leaves PostgreSQL out, and ends within two minutes."""
    return [name for name in _measurements(full) if full or name != "postgres"]


@click.command()
@click.option("--full", is_flag=True, help="A million jobs, and many more rounds.")
@click.option(
    "--only", multiple=True, help="One part: floor, history, others, http, socket, screens, bot, writers or postgres."
)
@click.option("--write", is_flag=True, help="Put the table into docs/benchmarks.md.")
def main(full: bool, only: tuple[str, ...], write: bool) -> None:
    on = machine.described()
    sections = []
    for name, measure in _measurements(full).items():
        if name not in (only or _usual(full)):
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="klingbot-bench-") as folder:
            sections.append(measure(Path(folder)))
        click.echo(f"{name}: {time.monotonic() - began:.0f} s", err=True)
    found = table.text(on, sections)
    click.echo(found)
    if write:
        table.write(found)


if __name__ == "__main__":
    main()
