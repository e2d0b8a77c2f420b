"""Jobs out to Kling, and their verdicts back.

The job row is the queue: claim with a lease, call Kling outside any transaction, report to the engine. What a crash or
a lost reply leaves behind is a job in `submitting`; it is looked up at Kling before it is ever posted again.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from klingbot.common import deadlines
from klingbot.common.clean_text import one_line
from klingbot.domain.jobs import Job, JobState
from klingbot.domain.request_limits import picture_bytes
from klingbot.domain.source_images import NoPicture, Picture, uploaded_id
from klingbot.engine import Engine, kling_results
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
from klingbot.store import DatabaseError, jobs
from klingbot.workers.kling_poller import AGAIN_MS, LOST_REPLY_MS, KlingPoller
from klingbot.workers.work_pool import WorkPool

log = logging.getLogger(__name__)

LEASE_MS = 60_000
"""Longer than what is done under one lease: a look-up with all its questions, or fetching a picture before a create.

A create itself is under no lease. Its job is in `submitting` by then, and is looked up only after LOST_REPLY_MS.
"""
AT_ONCE = 8
LOOK_UPS_AT_ONCE = 4
PICTURE_SECONDS = 40
"""How long a job's first frame may take from Slack."""
PICTURES_AT_ONCE = 2
"""A picture of 50 MB, in base64, as JSON and as it is sent, takes a quarter of a gigabyte."""
PICTURE_TURN_MS = 1_000
"""When to try again while others are sent."""
PICTURE_AGAIN_MS = 15_000
"""When to try again after Slack could not give it."""

T = TypeVar("T")


def _no_uploads(file_id: str, most_bytes: int) -> NoPicture:
    return NoPicture("What was uploaded to Slack cannot be read here.")


@dataclass(frozen=True, slots=True)
class _Turn:
    """A job that is to be posted, and until when it tries gates, if it does."""

    job: Job
    probes_until: int | None = None


@dataclass(frozen=True, slots=True)
class Submitter:
    """Three errands, each safe to run again at any time and in several processes at once."""

    engine: Engine
    kling: KlingClient
    api_key: bool
    """Whether Kling is asked with a plain API key, which its new standard wants."""
    poll_ms: int
    picture: Callable[[str, int], Picture | NoPicture] = _no_uploads
    """Fetches what was uploaded to Slack, by its file's id and how many bytes it may have."""
    posting: WorkPool = field(default_factory=lambda: WorkPool("post", AT_ONCE))
    """Creates and look-ups have threads of their own: slow ones of one kind do not stop the others."""
    polling: WorkPool = field(default_factory=lambda: WorkPool("poll", LOOK_UPS_AT_ONCE))
    recovering: WorkPool = field(default_factory=lambda: WorkPool("recover", LOOK_UPS_AT_ONCE))
    _closing: threading.Event = field(default_factory=threading.Event)
    _pictures: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(PICTURES_AT_ONCE))

    def submit(self) -> None:
        """Post the jobs whose turn it is, oldest first, until none is left or a gate closes."""
        self.posting.run(self._claim_waiting, self._guarded(self._post), self._closing)

    def recover(self) -> None:
        """Look up the jobs whose reply was lost: Kling has them, or they wait again, or are cancelled."""
        self.recovering.run(self._claim_lost, self._guarded(self._find), self._closing)

    def poll(self) -> None:
        """Ask for the verdict of every job that is due: in few calls a route, or one each on the legacy standard."""
        self.polling.run(self._claim_batches, self._guarded(self._inquiries.ask), self._closing)

    def close(self) -> None:
        """Nothing more is asked of Kling; what it answers to what was asked is still booked."""
        self._closing.set()

    def finish(self) -> None:
        """Wait for the calls that are under way, each of which ends by its deadline."""
        for pool in (self.posting, self.polling, self.recovering):
            pool.finish()

    @property
    def _inquiries(self) -> KlingPoller:
        return KlingPoller(self.engine, self.kling, self.poll_ms)

    def _claim_waiting(self, room: int) -> list[_Turn]:
        """Lease jobs to be posted: one alone tries a gate that has come due, and the rest follow it through."""
        now = self.engine.clock()
        if not jobs.any_due(self.engine.store.read(), JobState.HELD, now):
            return []
        until = now + LEASE_MS
        with self.engine.store.write() as tx:
            turns = [_Turn(job) for job in jobs.claim_ungated(tx, now=now, lease_until=until, most=room)]
            while len(turns) < room and (probe := jobs.claim_probe(tx, now=now, lease_until=until)):
                turns.append(_Turn(probe, until))
            return turns

    def _claim_batches(self, room: int) -> list[list[Job]]:
        batches = (self._claim_batch() for _ in range(room))
        return [batch for batch in batches if batch]

    def _claim_batch(self) -> list[Job]:
        now = self.engine.clock()
        if not jobs.any_due(self.engine.store.read(), JobState.SUBMITTED, now):
            return []
        with self.engine.store.write() as tx:
            return jobs.claim_of_one_route(tx, JobState.SUBMITTED, now=now, lease_until=now + LEASE_MS, most=MOST_IDS)

    def _claim_lost(self, room: int) -> list[Job]:
        lost = self._claim(JobState.SUBMITTING, room)
        now = self.engine.clock()
        if len(lost) == room or not jobs.any_unwanted(self.engine.store.read(), now):
            return lost
        with self.engine.store.write() as tx:
            return lost + jobs.claim_unwanted(tx, now=now, lease_until=now + LEASE_MS, most=room - len(lost))

    def _find(self, job: Job) -> None:
        sought = kling_results.sought(self.engine, job) if job.state is JobState.HELD else job
        if sought is not None:
            self._inquiries.find(sought)

    def _claim(self, state: JobState, most: int) -> list[Job]:
        now = self.engine.clock()
        if not jobs.any_due(self.engine.store.read(), state, now):
            return []
        with self.engine.store.write() as tx:
            return jobs.claim(tx, state, now=now, lease_until=now + LEASE_MS, most=most)

    def _guarded(self, errand: Callable[[T], None]) -> Callable[[T], None]:
        """Log the failure of an errand, which comes up again when its lease ends."""

        def run(thing: T) -> None:
            if self._closing.is_set():
                return
            try:
                errand(thing)
            except DatabaseError as error:
                log.warning("an errand to Kling could not be noted and comes up again: %s", error)
            except Exception:
                log.exception("an errand to Kling broke")

        return run

    def _post(self, turn: _Turn) -> None:
        try:
            if uploaded_id(turn.job.image_url) is None:
                self._post_job(turn.job)
            else:
                self._post_with_picture(turn.job)
        except DatabaseError:
            raise
        except Exception as error:
            log.exception("job %s could not be sent to Kling", turn.job.id)
            problem = f"Klingbot could not send it to Kling ({one_line(f'{type(error).__name__}: {error}', 200)})"
            kling_results.unsent(self.engine, turn.job, problem, due_at=self._in(LOST_REPLY_MS))
        finally:
            if turn.probes_until is not None:
                kling_results.probe_ended(self.engine, turn.job, until=turn.probes_until)

    def _post_with_picture(self, job: Job) -> None:
        """Post the job, unless as many pictures as may be in memory at once are there already."""
        if not self._pictures.acquire(blocking=False):
            kling_results.postponed(self.engine, job, until=self._in(PICTURE_TURN_MS))
            return
        try:
            self._post_job(job)
        finally:
            self._pictures.release()

    def _post_job(self, job: Job) -> None:
        request = _request(job)
        try:
            path = route(request, api_key=self.api_key)
        except ValueError as e:  # held under other credentials than those in force now
            kling_results.refused(self.engine, job, f"Kling cannot be asked for {job.model} any more: {e}.")
            return
        picture = self._uploaded(job, path)
        if isinstance(picture, NoPicture):
            self._without(job, picture)
            return
        if picture:
            request = replace(request, image_url=base64.b64encode(picture.content).decode())
        posting = kling_results.submitting(self.engine, job, path, due_at=self._in(LOST_REPLY_MS))
        if posting is None:
            return
        outcome = self.kling.create(request, path)
        if isinstance(outcome, Accepted):
            self._accepted(posting, outcome.task_id)
            kling_results.flowing(self.engine, posting)
        elif isinstance(outcome, Rejected):
            self._rejected(posting, outcome)
        elif isinstance(outcome, NotSent):
            kling_results.not_taken(self.engine, posting, due_at=self._in(AGAIN_MS))
        elif isinstance(outcome, AlreadyTaken):
            # Found at once as a rule. If never, this failure counts each time, until the admins hear of it.
            kling_results.unbookable(self.engine, posting, outcome.reason, due_at=self._in(AGAIN_MS))
        # A lost reply leaves the job in `submitting`; `recover` looks it up once LOST_REPLY_MS has passed.

    def _uploaded(self, job: Job, path: str) -> Picture | NoPicture | None:
        """Return the first frame, where Kling cannot open that by itself."""
        file_id = uploaded_id(job.image_url)
        if file_id is None:
            return None
        most = picture_bytes(legacy=is_legacy(path))
        with deadlines.within(PICTURE_SECONDS, most + deadlines.MOST_BYTES):
            return self.picture(file_id, most)

    def _without(self, job: Job, missing: NoPicture) -> None:
        """Leave the job in its place after trouble that passes; release it after any other."""
        if missing.passing:
            log.warning("job %s waits for its picture: %s", job.id, missing.reason)
            kling_results.postponed(self.engine, job, until=self._in(PICTURE_AGAIN_MS))
        else:
            kling_results.refused(self.engine, job, missing.reason)

    def _accepted(self, job: Job, task_id: str) -> None:
        if kling_results.submitted(self.engine, job, task_id, due_at=self._in(self.poll_ms)) is None:
            about = {"job": job.id, "task": task_id}
            log.warning("job %(job)s had moved on when Kling said that it took task %(task)s", about)

    def _rejected(self, job: Job, rejected: Rejected) -> None:
        if rejected.action is Action.REFUSE:
            self._refused(job, rejected.plain)
            if rejected.of_model:
                kling_results.model_refused(self.engine, job.model, code=rejected.code, reason=rejected.plain)
            return
        if rejected.action is Action.WAIT:
            again = rejected.retry_after_ms
            kling_results.busy(self.engine, job.model, code=rejected.code, reason=rejected.plain, again_ms=again)
        else:
            kling_results.stopped(self.engine, code=rejected.code, reason=rejected.plain)
        kling_results.not_taken(self.engine, job)

    def _refused(self, job: Job, reason: str) -> None:
        """Final after a single post; after a second one it may only mean that Kling has the job from the first."""
        if job.tries == 1:
            kling_results.refused(self.engine, job, reason)
        else:
            kling_results.doubted(self.engine, job, reason, due_at=self._in(LOST_REPLY_MS))

    def _in(self, wait_ms: int) -> int:
        return self.engine.clock() + wait_ms


def uses_api_key(credentials: Credentials) -> bool:
    return isinstance(credentials, ApiKey)


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
