"""Everything that the bot consists of, opened in order and closed in reverse. Read `run` from top to bottom."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack

from klingbot.common.clock import SteadyClock
from klingbot.common.counters import Meters
from klingbot.engine import (
    Engine,
    increase_decisions,
    job_message_updates,
    open_engine,
    overdue,
    period_checks,
    stuck_jobs,
)
from klingbot.http import kling_callbacks, status_page
from klingbot.http import server as http_server
from klingbot.http.kling_callbacks import Callbacks
from klingbot.http.operator_access import protected
from klingbot.http.server import WebServer
from klingbot.kling import KlingClient
from klingbot.settings import Settings
from klingbot.slack import bolt_app, transport
from klingbot.slack.api.clip_uploads import ClipUploads
from klingbot.slack.api.directory import Directory, quick_client
from klingbot.slack.api.image_downloads import ImageDownloads
from klingbot.slack.api.message_sender import Sender, patient_client
from klingbot.slack.api.picture_uploads import PictureUploads
from klingbot.slack.context import Desk
from klingbot.slack.interactions.home import Homes
from klingbot.store import open_store
from klingbot.store.maintenance.clock_shift import Longest
from klingbot.workers import scheduler
from klingbot.workers.clip_uploader import ClipUploader
from klingbot.workers.digest_sender import DigestSender
from klingbot.workers.heartbeat import BEAT_SECONDS, Heartbeat
from klingbot.workers.kling_poller import SLOWEST_POLL_MS
from klingbot.workers.nightly import Nightly
from klingbot.workers.notifier import Notifier
from klingbot.workers.reconciler import Reconciler
from klingbot.workers.scheduler import Tick
from klingbot.workers.shutdown import ShutdownTimer
from klingbot.workers.submitter import Submitter, uses_api_key

log = logging.getLogger("klingbot")

SWITCH_SECONDS = 0.0005
"""How long a thread may compute while another waits for its turn. A hold gives up its turn at every statement; with
Python's own 5 ms, commands that come together would mostly wait for one another (see docs/benchmarks.md)."""


def run(config: Settings, stopping: threading.Event, *, prepare: Callable[[Engine], None] | None = None) -> None:
    """Run the bot until `stopping` is set, then close everything in turn. `prepare` sees the engine first.

    Raises DatabaseError, SlackRefusedError, and PortError when the port is taken.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    with ExitStack() as resources:
        shutdown_timer = ShutdownTimer()
        resources.callback(shutdown_timer.cancel)
        store = open_store(config.database)
        resources.callback(store.close)
        clock = SteadyClock()
        engine = open_engine(store, config.prices, config.calendar, clock)
        if prepare:
            prepare(engine)

        longest = Longest(max(config.poll_ms, SLOWEST_POLL_MS), config.stuck_ms)
        meters, heartbeat = Meters(), Heartbeat(engine, clock=clock, longest=longest)
        client = quick_client(config.slack_bot_token, config.slack_api_url, meters.slack.met)
        directory = Directory(client, admins=config.admins, guests=config.guests)
        callback_url = config.public_url and config.public_url + kling_callbacks.PATH
        credentials, on_error = config.kling_credentials, meters.kling.met
        kling = KlingClient(config.kling_api_url, credentials, callback_url=callback_url, met=on_error)
        patient = patient_client(config.slack_bot_token, config.slack_api_url, meters.slack.met)
        api_key, pictures = uses_api_key(credentials), ImageDownloads(patient).fetch
        submitter = Submitter(engine, kling, api_key, config.poll_ms, pictures)
        resources.callback(submitter.finish)
        notifier = Notifier(engine, Sender(patient), config.alerts_channel, directory.known_admins)
        resources.callback(notifier.finish)
        clip_uploader = ClipUploader(engine, ClipUploads(patient), config.kling_api_url)
        resources.callback(clip_uploader.finish)
        digest_sender = DigestSender(engine, PictureUploads(patient), directory.names)
        resources.callback(digest_sender.finish)
        nightly = Nightly(engine, config.database, config.keep_prompts_days)

        desk = Desk(engine, directory, config.alerts_channel, config.stuck_ms)
        homes = Homes(desk, client)
        bolt = bolt_app.build(
            desk,
            homes=homes,
            token=config.slack_bot_token,
            api_url=config.slack_api_url,
            signing_secret=config.slack_signing_secret,
            took=meters.answers.took,
        )
        slack = transport.transport_for(bolt, client, config.slack_app_token, directory.know_home)

        reconciler = Reconciler(engine, kling)
        ticking = scheduler.start(
            [
                Tick("submit", 0.5, submitter.submit),
                Tick("poll", min(1.0, config.poll_ms / 1000), submitter.poll),
                Tick("recover", 5, submitter.recover),
                Tick("stuck", 60, lambda: stuck_jobs.show_stuck(engine, after_ms=config.stuck_ms)),
                Tick("sweep", 60, lambda: increase_decisions.sweep(engine)),
                Tick("look ahead", 60, lambda: period_checks.watch(engine)),
                Tick("show", 1, lambda: job_message_updates.show(engine, directory.names)),
                Tick("upload", 1, clip_uploader.carry),
                Tick("deliver", 1, notifier.deliver),
                Tick("homes", 3, homes.refresh),
                Tick("digests", 5, digest_sender.tell),
                Tick("watch", 2, slack.watch),
                Tick("reconcile", 60, reconciler.daily),
                Tick("nightly", 60, nightly.nightly),
                Tick("overdue", overdue.LOOK_MS / 1000, lambda: overdue.watch(engine)),
                Tick("heartbeat", BEAT_SECONDS, heartbeat.beat),
            ]
        )
        resources.callback(ticking.shutdown)
        resources.callback(submitter.close)
        resources.callback(clip_uploader.close)
        resources.callback(notifier.close)
        resources.callback(digest_sender.close)
        resources.callback(reconciler.close)
        resources.callback(slack.close)
        if config.port is not None:
            from klingbot.http import prometheus  # its library is loaded only where it is served

            secret = config.kling_webhook_secret
            callback_routes = Callbacks(engine, secret, meters.callbacks.met).routes if secret else []
            pages = [prometheus.route(engine, meters), status_page.route(engine, ticking.stalled)]
            pages = [protected(config.metrics_token, page) for page in pages]
            routes = [http_server.health(lambda: heartbeat.trouble() or _shut(slack)), *pages]
            server = WebServer(config.host, config.port, [*slack.routes, *callback_routes, *routes])
            resources.callback(server.close)
        slack.open(stopping)
        if not stopping.is_set():  # Slack may not have answered at all by then
            log.info("Klingbot is ready: %s", slack.where(config.port))
        stopping.wait()
        shutdown_timer.start()
        log.info("Klingbot stops: no more commands, and what is under way is finished")


def _shut(slack: transport.Transport) -> str | None:
    return None if slack.is_open() else "no command can come in: Slack is not connected"
