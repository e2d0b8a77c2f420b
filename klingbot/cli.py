"""The command line: running the bot, and the commands that look after the ledger.

Each command ends with a sentence: a mistake of the person who typed it is never a traceback.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from typing import IO

import click

from klingbot import app, settings
from klingbot.blocks.text import plural
from klingbot.common import log_format, private_files
from klingbot.common.clock import now_ms
from klingbot.doctor import Health, storage
from klingbot.http.server import PortError
from klingbot.slack.transport import SlackRefusedError
from klingbot.store import AwayError, DatabaseError, open_store
from klingbot.workers.shutdown import stopped_by_signals

log = logging.getLogger("klingbot")


def end_with(work: Callable[[], None]) -> None:
    """Runs it; what a person did wrong ends with its sentences and exit code 2, never with a traceback.

    A server that is away ends it with 1: whoever started the bot may start it again.
    """
    try:
        work()
    except settings.SettingsError as e:
        click.echo("Klingbot cannot start with these settings:", err=True)
        for problem in e.problems:
            click.echo(f"  - {problem}", err=True)
        click.echo("See .env.example; or try it without any accounts: python bot.py sandbox", err=True)
        sys.exit(2)
    except AwayError as e:
        click.echo(f"Klingbot cannot start: {e}", err=True)
        sys.exit(1)
    except (DatabaseError, PortError, SlackRefusedError) as e:
        click.echo(f"Klingbot cannot start: {e}", err=True)
        sys.exit(2)


@click.command()
def migrate() -> None:
    """Bring the database's schema up to date (the bot does so by itself when it starts)."""
    end_with(_migrate)


@click.command()
@click.option("--offline", is_flag=True, help="Leave out what asks Slack and Kling.")
@click.option("--rebuild", is_flag=True, help="First make the totals and the daily spend anew from the entries.")
def doctor(offline: bool, rebuild: bool) -> None:
    """Check everything: settings, the ledger and its sums, Slack, Kling, the clock, the disk."""
    from klingbot.doctor import check_up, lines, rebuild_sums

    env = settings.environment()
    if rebuild:
        end_with(lambda: rebuild_sums(settings.database(env)))
    checked = check_up(env, now_ms(), offline=offline)
    click.echo("\n".join(lines(checked.findings)))
    sys.exit(checked.exit_code)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy the ledger to FILE, also while the bot runs, and prove the copy. Overwrites nothing."""
    from klingbot.store.maintenance.backup import BackupError, back_up

    try:
        made = back_up(settings.database(settings.environment()), file)
    except (BackupError, DatabaseError, settings.SettingsError) as e:
        raise click.ClickException(str(e)) from e
    jobs, entries = plural(made.rows["jobs"], "job"), plural(made.rows["entries"], "entry", "entries")
    copied = f"{jobs} and {entries}, {made.size:,} bytes"
    click.echo(f"{made.path}: {copied}. Read back: sound, and its totals are what its entries add up to.")


@click.command()
@click.option("--format", "shape", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--what", type=click.Choice(["jobs", "entries"]), default="jobs", show_default=True)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
def export(shape: str, what: str, file: str) -> None:
    """Write every job, or every entry, to FILE or to the standard output."""
    from klingbot.engine.export import export

    try:
        with _output(file) as output:
            export(settings.database(settings.environment()), what, shape, output)
    except OSError as e:
        raise click.ClickException(f"{file} could not be written ({e.strerror}).") from e
    except (DatabaseError, settings.SettingsError) as e:
        raise click.ClickException(str(e)) from e
    if file != "-":
        click.echo(f"Every one of the {what} is in {file}.", err=True)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(file: Path) -> None:
    """Take over the records and budgets of a cost_tracking.json. Again changes nothing."""
    end_with(lambda: _import(file))


@click.command()
@click.option("--from", "source", required=True, metavar="FILE|URL", help="The ledger as it is; it is left alone.")
@click.option("--to", "target", required=True, metavar="FILE|URL", help="An empty database, or a file to be made.")
def move(source: str, target: str) -> None:
    """Carry the ledger over to another database, and prove it there. Stop every bot first."""
    from klingbot.store.maintenance.ledger_copy import MoveError
    from klingbot.store.maintenance.ledger_copy import move as carry_over

    try:
        moved = carry_over(settings.place("--from", source), settings.place("--to", target), now=now_ms())
    except (MoveError, DatabaseError, settings.SettingsError) as e:
        raise click.ClickException(str(e)) from e
    click.echo(f"{moved['jobs']:,} jobs, {moved['entries']:,} entries and {sum(moved.values()):,} rows in all arrived.")
    click.echo("Every row is as it was, and the totals are what the entries add up to.")


def _output(file: str) -> AbstractContextManager[IO[str]]:
    """Return what is to be written to: the standard output for `-`, or a file that appears once it is complete."""
    return click.open_file("-", "w", encoding="utf-8") if file == "-" else private_files.replacing(Path(file))


def _migrate() -> None:
    place = settings.database(settings.environment())
    open_store(place).close()
    click.echo(f"{place} is up to date.")


def _import(file: Path) -> None:
    from klingbot.sdk.cost_file import NotACostFileError
    from klingbot.sdk.cost_file_import import summary, take_over
    from klingbot.sdk.open_ledger import open_ledger

    engine = open_ledger(settings.ledger(settings.environment()))
    with closing(engine.store):
        try:
            taken = take_over(engine, file.read_bytes())
        except NotACostFileError as e:
            raise click.ClickException(f"{file} was not imported: {e}") from e
    click.echo("\n".join(summary(taken, file.name)))
    sys.exit(1 if taken.problems else 0)


WORDS = (migrate, doctor, backup, export, import_, move)


@click.group(invoke_without_command=True, commands=WORDS)
@click.pass_context
def cli(context: click.Context) -> None:
    """Kling AI videos from Slack, inside budgets that hold. Without a word: run the bot."""
    end_with(lambda: log_format.set_up(settings.log_shape(settings.environment())))
    if context.invoked_subcommand is None:
        end_with(lambda: _run_live())


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Where the page is (3000, or a free one).")
@click.option("--fresh", is_flag=True, help="Forget the last time: begin with sample data again.")
def sandbox(port: int | None, fresh: bool) -> None:
    """Run the bot with a local Slack and a local Kling: no accounts, no tokens, no bill."""
    end_with(lambda: _run_sandbox(port, fresh))


def _run_live() -> None:
    config = settings.read(settings.environment())
    for warning in config.warnings:
        log.warning(warning)
    stored = storage.check(config.database, settings.host(settings.environment()))
    if stored.health is not Health.OK:
        log.warning("%s. %s", stored.said, stored.fix)
    app.run(config, stopped_by_signals())


def _run_sandbox(port: int | None, fresh: bool) -> None:
    from klingbot.sandbox import launcher, sample

    stopping = stopped_by_signals()
    with ExitStack() as stack:
        stack.enter_context(launcher.sole_use())
        opened = launcher.open_sandbox(port, fresh=fresh)
        stack.callback(opened.stop)
        config = launcher.settings_for(opened, settings.environment())
        click.echo(f"\n  The Klingbot sandbox is at {opened.url}\n  Ctrl-C stops it.\n")
        results = f"{opened.kling_api_url}/results"
        app.run(config, stopping, prepare=lambda e: sample.fill(e, opened.workspace, results_url=results))
