"""Jobs out to Kling, and their verdicts back.

The job row is the queue: claim with a lease, call Kling outside any transaction, report to the engine. What a crash or
a lost reply leaves behind is a job in `submitting`; it is looked up at Kling before it is ever posted again.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

from klingbot.engine import Engine, verdicts
from klingbot.frames import NoPicture, Picture, uploaded_id
from klingbot.inquiries import AGAIN_MS, LOST_REPLY_MS, Inquiries
from klingbot.jobs import Job, JobState
from klingbot.kling import (
    MOST_IDS,
    Accepted,
    Action,
    AlreadyTaken,
    ApiKey,
    Credentials,
    KlingClient,
    NotSent,
    Rejected,
    TaskRequest,
    route,
)
from klingbot.kling.wire import is_legacy
from klingbot.request_limits import picture_bytes
from klingbot.store import DatabaseError, jobs

log = logging.getLogger(__name__)

LEASE_MS = 120_000
"""Longer than any call to Kling may take: a lease that ends means that its holder is gone."""
AT_ONCE = 8

T = TypeVar("T")


def _no_uploads(file_id: str, most_bytes: int) -> NoPicture:
    return NoPicture("What was uploaded to Slack cannot be read here.")


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Three errands, each safe to run again at any time and in several processes at once."""

    engine: Engine
    kling: KlingClient
    api_key: bool
    """Whether Kling is asked with a plain API key, which its new standard wants."""
    poll_ms: int
    picture: Callable[[str, int], Picture | NoPicture] = _no_uploads
    """Fetches what was uploaded to Slack, by its file's id and how many bytes it may have."""
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "kling"))
    _closing: threading.Event = field(default_factory=threading.Event)

    def submit(self) -> None:
        """Posts the jobs whose turn it is, oldest first, until none is left or a gate closes."""
        while not self._closing.is_set() and (waiting := self._claim(JobState.HELD, self._width())):
            self._each(self._post, waiting)

    def recover(self) -> None:
        """Looks up the jobs whose reply was lost: Kling has them, or they wait again."""
        self._each(self._inquiries.find, self._claim(JobState.SUBMITTING, AT_ONCE))

    def poll(self) -> None:
        """Ask for the verdict of every job that is due: in few calls a route, or one each on the legacy standard."""
        by_route: defaultdict[str, list[Job]] = defaultdict(list)
        for job in self._claim(JobState.SUBMITTED, 200):
            by_route[job.route or ""].append(job)
        batches = [batch for path, due in by_route.items() for batch in _batches(path, due)]
        self._each(self._inquiries.ask, batches)

    def close(self) -> None:
        """Nothing more is asked of Kling; what it answers to what was asked is still booked."""
        self._closing.set()

    def finish(self) -> None:
        """Waits for the calls that are under way."""
        self.pool.shutdown()

    @property
    def _inquiries(self) -> Inquiries:
        return Inquiries(self.engine, self.kling, self.poll_ms)

    def _width(self) -> int:
        """How many jobs to post at once: one alone tries a gate that has come due, and the rest follow it through."""
        return 1 if jobs.any_probe_due(self.engine.store.read(), self.engine.clock()) else AT_ONCE

    def _claim(self, state: JobState, most: int) -> list[Job]:
        now = self.engine.clock()
        if not jobs.any_due(self.engine.store.read(), state, now):
            return []
        with self.engine.store.write() as tx:
            return jobs.claim(tx, state, now=now, lease_until=now + LEASE_MS, most=most)

    def _each(self, errand: Callable[[T], None], things: Iterable[T]) -> None:
        """Runs the errand on each, a few at once. One that breaks is logged and comes up again when its lease ends."""

        def run(thing: T) -> None:
            if not self._closing.is_set():
                errand(thing)

        for outcome in [self.pool.submit(run, thing) for thing in things]:
            error = outcome.exception()
            if isinstance(error, DatabaseError):
                log.warning("an errand to Kling could not be noted and comes up again: %s", error)
            elif error is not None:
                log.error("an errand to Kling broke", exc_info=error)

    def _post(self, job: Job) -> None:
        request = _request(job)
        try:
            path = route(request, api_key=self.api_key)
        except ValueError as e:  # held under other credentials than those in force now
            verdicts.refused(self.engine, job, f"Kling cannot be asked for {job.model} any more: {e}.")
            return
        picture = self._uploaded(job, path)
        if isinstance(picture, NoPicture):
            self._without(job, picture)
            return
        if picture:
            request = replace(request, image_url=base64.b64encode(picture.content).decode())
        posting = verdicts.submitting(self.engine, job, path, due_at=self._in(LOST_REPLY_MS))
        if posting is None:
            return
        outcome = self.kling.create(request, path)
        if isinstance(outcome, Accepted):
            self._accepted(posting, outcome.task_id)
            verdicts.flowing(self.engine, posting)
        elif isinstance(outcome, Rejected):
            self._rejected(posting, outcome)
        elif isinstance(outcome, NotSent):
            verdicts.not_taken(self.engine, posting, due_at=self._in(AGAIN_MS))
        elif isinstance(outcome, AlreadyTaken):
            # Found at once as a rule. If never, this failure counts each time, until the admins hear of it.
            verdicts.unbookable(self.engine, posting, outcome.reason, due_at=self._in(AGAIN_MS))
        # A lost reply leaves the job in `submitting`; `recover` looks it up once LOST_REPLY_MS has passed.

    def _uploaded(self, job: Job, path: str) -> Picture | NoPicture | None:
        """Return the first frame, where Kling cannot open that by itself."""
        file_id = uploaded_id(job.image_url)
        return self.picture(file_id, picture_bytes(legacy=is_legacy(path))) if file_id else None

    def _without(self, job: Job, missing: NoPicture) -> None:
        """Trouble that passes leaves the job in its place; it comes up again when its lease ends."""
        if missing.passing:
            log.warning("job %s waits for its picture: %s", job.id, missing.reason)
        else:
            verdicts.refused(self.engine, job, missing.reason)

    def _accepted(self, job: Job, task_id: str) -> None:
        if verdicts.submitted(self.engine, job, task_id, due_at=self._in(self.poll_ms)) is None:
            about = {"job": job.id, "task": task_id}
            log.warning("job %(job)s had moved on when Kling said that it took task %(task)s", about)

    def _rejected(self, job: Job, rejected: Rejected) -> None:
        if rejected.action is Action.REFUSE:
            self._refused(job, rejected.plain)
            if rejected.of_model:
                verdicts.model_refused(self.engine, job.model, code=rejected.code, reason=rejected.plain)
            return
        if rejected.action is Action.WAIT:
            verdicts.busy(self.engine, job.model, code=rejected.code, reason=rejected.plain)
        else:
            verdicts.stopped(self.engine, code=rejected.code, reason=rejected.plain)
        verdicts.not_taken(self.engine, job)

    def _refused(self, job: Job, reason: str) -> None:
        """Final after a single post; after a second one it may only mean that Kling has the job from the first."""
        if job.tries == 1:
            verdicts.refused(self.engine, job, reason)
        else:
            verdicts.doubted(self.engine, job, reason, due_at=self._in(LOST_REPLY_MS))

    def _in(self, wait_ms: int) -> int:
        return self.engine.clock() + wait_ms


def uses_api_key(credentials: Credentials) -> bool:
    return isinstance(credentials, ApiKey)


def _batches(path: str, due: list[Job]) -> list[list[Job]]:
    """Return the jobs of a route as Kling takes them in one look-up: one alone on the legacy standard."""
    most = 1 if path.startswith("/v1/") else MOST_IDS
    return [due[start : start + most] for start in range(0, len(due), most)]


def _request(job: Job) -> TaskRequest:
    return TaskRequest(
        job_id=job.id,
        prompt=job.prompt,
        duration_seconds=job.duration_seconds,
        resolution=job.resolution,
        audio=job.audio,
        aspect=job.aspect,
        negative=job.negative,
        image_url=job.image_url,
        legacy_name=job.legacy_name,
        new_name=job.new_name,
        omni=job.omni,
    )
