"""Klingbot's front door. `python bot.py` runs the bot; `python bot.py sandbox` runs it with nothing to set up.

Read `run` from top to bottom: it is the whole house, in the order in which it is opened.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TextIO

import click

from klingbot import callbacks, logs, scheduler, settings, web
from klingbot.blocks.text import plural
from klingbot.callbacks import Callbacks
from klingbot.care import Care
from klingbot.digester import Digester
from klingbot.dispatcher import Dispatcher, uses_api_key
from klingbot.doctor import Health, storage
from klingbot.engine import Engine, granting, open_engine, stuck, watching
from klingbot.kling import KlingClient
from klingbot.leaving import LastBell
from klingbot.meters import Meters
from klingbot.notifier import Notifier
from klingbot.pulse import BEAT_SECONDS, Pulse
from klingbot.reconciler import Reconciler
from klingbot.scheduler import Tick
from klingbot.settings import Settings
from klingbot.slack import app, serve
from klingbot.slack.desk import Desk
from klingbot.slack.directory import Directory, quick_client
from klingbot.slack.home import Homes
from klingbot.slack.pictures import Pictures
from klingbot.slack.sender import Sender, patient_client
from klingbot.store import DatabaseError, open_store
from klingbot.web import PortError, WebServer

log = logging.getLogger("klingbot")

SWITCH_SECONDS = 0.0005
"""How long a thread may compute while another waits for its turn. A hold gives up its turn at every statement; with
Python's own 5 ms, commands that come together would mostly wait for one another (see docs/benchmarks.md)."""


def run(config: Settings, stopping: threading.Event, *, prepare: Callable[[Engine], None] | None = None) -> None:
    """Runs the bot until `stopping` is set, then closes everything in turn. `prepare` sees the engine first.

    Raises DatabaseError, SlackRefusedError, and PortError when the port is taken.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    with ExitStack() as house:
        bell = LastBell()
        house.callback(bell.cancel)
        store = open_store(config.database)
        house.callback(store.close)
        engine = open_engine(store, config.prices, config.calendar, now_ms)
        if prepare:
            prepare(engine)

        meters, pulse = Meters(), Pulse(engine)
        client = quick_client(config.slack_bot_token, config.slack_api_url, meters.slack.met)
        directory = Directory(client, admins=config.admins)
        told_at = config.public_url and config.public_url + callbacks.PATH
        kling = KlingClient(config.kling_api_url, config.kling_credentials, callback_url=told_at, met=meters.kling.met)
        dispatcher = Dispatcher(engine, kling, uses_api_key(config.kling_credentials), config.poll_ms)
        house.callback(dispatcher.finish)
        patient = patient_client(config.slack_bot_token, config.slack_api_url, meters.slack.met)
        notifier = Notifier(engine, Sender(patient), config.alerts_channel, directory.known_admins)
        digester = Digester(engine, Pictures(patient), directory.names)
        care = Care(engine, config.database, config.keep_prompts_days)

        desk = Desk(engine, directory, config.alerts_channel, config.stuck_ms)
        homes = Homes(desk, client)
        bolt = app.build(
            desk,
            homes=homes,
            token=config.slack_bot_token,
            api_url=config.slack_api_url,
            signing_secret=config.slack_signing_secret,
            took=meters.answers.took,
        )
        slack = serve.door(bolt, client, config.slack_app_token)

        reconciler = Reconciler(engine, kling)
        ticking = scheduler.start(
            [
                Tick("submit", 0.5, dispatcher.submit),
                Tick("poll", min(1.0, config.poll_ms / 1000), dispatcher.poll),
                Tick("recover", 5, dispatcher.recover),
                Tick("stuck", 60, lambda: stuck.show_stuck(engine, after_ms=config.stuck_ms)),
                Tick("sweep", 60, lambda: granting.sweep(engine)),
                Tick("look ahead", 60, lambda: watching.watch(engine)),
                Tick("deliver", 1, notifier.deliver),
                Tick("homes", 3, homes.refresh),
                Tick("digests", 5, digester.tell),
                Tick("watch", 2, slack.watch),
                Tick("reconcile", 60, reconciler.daily),
                Tick("nightly", 60, care.nightly),
                Tick("pulse", BEAT_SECONDS, pulse.beat),
            ]
        )
        house.callback(ticking.shutdown)
        house.callback(dispatcher.close)
        house.callback(notifier.close)
        house.callback(digester.close)
        house.callback(reconciler.close)
        house.callback(slack.close)
        if config.port is not None:
            from klingbot import metrics  # its library is loaded only where it is served

            secret = config.kling_webhook_secret
            hints = Callbacks(engine, secret, meters.callbacks.met).routes if secret else []
            asked = [web.health(lambda: pulse.trouble() or _shut(slack)), metrics.route(engine, meters)]
            server = WebServer(config.host, config.port, [*slack.routes, *hints, *asked])
            house.callback(server.close)
        slack.open(stopping)
        log.info("Klingbot is ready: %s", slack.where(config.port))
        stopping.wait()
        bell.start()
        log.info("Klingbot stops: no more commands, and what is under way is finished")


def _shut(slack: serve.Door) -> str | None:
    return None if slack.is_open() else "no command can come in: Slack is not connected"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@click.group(invoke_without_command=True)
@click.pass_context
def cli(context: click.Context) -> None:
    """Kling AI videos from Slack, inside budgets that hold. Without a word: run the bot."""
    logs.set_up(settings.log_shape(settings.environment()))
    if context.invoked_subcommand is None:
        _end_with(lambda: _run_live())


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Where the page is (3000, or a free one).")
@click.option("--fresh", is_flag=True, help="Forget the last time: begin with sample data again.")
def sandbox(port: int | None, fresh: bool) -> None:
    """Run the bot with a local Slack and a local Kling: no accounts, no tokens, no bill."""
    _end_with(lambda: _run_sandbox(port, fresh))


@cli.command()
def migrate() -> None:
    """Bring the database's schema up to date (the bot does so by itself when it starts)."""
    _end_with(lambda: open_store(settings.database(settings.environment())).close())


@cli.command()
@click.option("--offline", is_flag=True, help="Leave out what asks Slack and Kling.")
@click.option("--rebuild", is_flag=True, help="First make the totals and the daily spend anew from the entries.")
def doctor(offline: bool, rebuild: bool) -> None:
    """Check everything: settings, the ledger and its sums, Slack, Kling, the clock, the disk."""
    from klingbot.doctor import check_up, lines, rebuild_sums

    env = settings.environment()
    if rebuild:
        _end_with(lambda: rebuild_sums(settings.database(env)))
    checked = check_up(env, now_ms(), offline=offline)
    click.echo("\n".join(lines(checked.findings)))
    sys.exit(checked.exit_code)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy the ledger to FILE, also while the bot runs, and prove the copy. Overwrites nothing."""
    from klingbot.store.backup import BackupError, back_up

    try:
        made = back_up(settings.database(settings.environment()), file)
    except (BackupError, DatabaseError, settings.SettingsError) as e:
        raise click.ClickException(str(e)) from e
    jobs, entries = plural(made.rows["jobs"], "job"), plural(made.rows["entries"], "entry", "entries")
    copied = f"{jobs} and {entries}, {made.size:,} bytes"
    click.echo(f"{made.path}: {copied}. Read back: sound, and its totals are what its entries add up to.")


@cli.command()
@click.option("--format", "shape", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option("--what", type=click.Choice(["jobs", "entries"]), default="jobs", show_default=True)
@click.argument("file", type=click.File("w", encoding="utf-8", atomic=True), default="-")
def export(shape: str, what: str, file: TextIO) -> None:
    """Write every job, or every entry, to FILE or to the standard output."""
    from klingbot.export import export

    try:
        export(settings.database(settings.environment()), what, shape, file)
    except (DatabaseError, settings.SettingsError) as e:
        raise click.ClickException(str(e)) from e


@cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(file: Path) -> None:
    """Take over the records and budgets of a cost_tracking.json. Again changes nothing."""
    _end_with(lambda: _import(file))


@cli.command()
@click.option("--from", "source", required=True, metavar="FILE|URL", help="The ledger as it is; it is left alone.")
@click.option("--to", "target", required=True, metavar="FILE|URL", help="An empty database, or a file to be made.")
def move(source: str, target: str) -> None:
    """Carry the ledger over to another database, and prove it there. Stop every bot first."""
    from klingbot.store.moving import MoveError
    from klingbot.store.moving import move as carry_over

    try:
        moved = carry_over(settings.place("--from", source), settings.place("--to", target), now=now_ms())
    except (MoveError, DatabaseError, settings.SettingsError) as e:
        raise click.ClickException(str(e)) from e
    click.echo(f"{moved['jobs']:,} jobs, {moved['entries']:,} entries and {sum(moved.values()):,} rows in all arrived.")
    click.echo("Every row is as it was, and the totals are what the entries add up to.")


def _run_live() -> None:
    config = settings.read(settings.environment())
    for warning in config.warnings:
        log.warning(warning)
    stored = storage.check(config.database, settings.host(settings.environment()))
    if stored.health is not Health.OK:
        log.warning("%s. %s", stored.said, stored.fix)
    run(config, _stopped_by_signals())


def _run_sandbox(port: int | None, fresh: bool) -> None:
    from klingbot.sandbox import play, sample

    stopping = _stopped_by_signals()
    with ExitStack() as stack:
        stack.enter_context(play.sole_use())
        opened = play.open_sandbox(port, fresh=fresh)
        stack.callback(opened.stop)
        config = play.settings_for(opened, settings.environment())
        click.echo(f"\n  The Klingbot sandbox is at {opened.url}\n  Ctrl-C stops it.\n")
        results = f"{opened.kling_api_url}/results"
        run(config, stopping, prepare=lambda e: sample.fill(e, opened.workspace, results_url=results))


def _import(file: Path) -> None:
    from klingbot.tracker.file import NotACostFileError
    from klingbot.tracker.importing import summary, take_over
    from klingbot.tracker.ledger import open_ledger

    engine = open_ledger(settings.ledger(settings.environment()))
    with closing(engine.store):
        try:
            taken = take_over(engine, file.read_bytes())
        except NotACostFileError as e:
            raise click.ClickException(f"{file} was not imported: {e}") from e
    click.echo("\n".join(summary(taken, file.name)))
    sys.exit(1 if taken.problems else 0)


def _stopped_by_signals() -> threading.Event:
    """Set by Ctrl-C and by SIGTERM.

    By a thread that hears of them through a socket. A handler would run in the main thread, and a signal that comes
    just as that begins to wait for the event would not wake it.
    """
    stopping = threading.Event()
    heard, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.detach())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)

    def listen() -> None:
        while heard.recv(1):
            stopping.set()

    threading.Thread(target=listen, name="signals", daemon=True).start()
    return stopping


def _end_with(work: Callable[[], None]) -> None:
    """Runs it; what a person did wrong ends with its sentences and exit code 2, never with a traceback."""
    try:
        work()
    except settings.SettingsError as e:
        click.echo("Klingbot cannot start with these settings:", err=True)
        for problem in e.problems:
            click.echo(f"  - {problem}", err=True)
        click.echo("See .env.example; or try it without any accounts: python bot.py sandbox", err=True)
        sys.exit(2)
    except (DatabaseError, PortError, serve.SlackRefusedError) as e:
        click.echo(f"Klingbot cannot start: {e}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    cli()
