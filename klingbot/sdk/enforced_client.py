"""`BudgetEnforcedClient`: a script asks Kling for a video, and its cost is held before Kling hears of it."""

from __future__ import annotations

import time
import uuid
from dataclasses import fields
from typing import Any

from klingbot import settings
from klingbot.domain import money
from klingbot.domain.jobs import LIVE, Job, JobState, Request
from klingbot.domain.pricing import NotSold, Wish
from klingbot.engine import Engine, job_requests, kling_results
from klingbot.engine.hold_outcomes import BudgetExceeded, Forbidden, Held, NeedsConsent, Stopped
from klingbot.engine.usage_records import UNATTRIBUTED
from klingbot.kling import Accepted, ApiKey, KlingClient, Rejected, ReplyLost, TaskRequest, route
from klingbot.sdk.cost_tracker import CostTracker
from klingbot.sdk.headroom import left_of
from klingbot.sdk.script_types import number, project_name
from klingbot.store import jobs
from klingbot.workers.kling_poller import LOST_REPLY_MS, KlingPoller

POLL_MS = 5_000


class BudgetExceededError(Exception):
    """Raised when budget is exceeded. Kling was not asked."""


class KlingError(Exception):
    """Kling did not take the video, or may not have; the message says which, and what became of the hold."""


class BudgetEnforcedClient:
    """Kling AI client with budget enforcement, for one project."""

    def __init__(self, api_key: str, tracker: CostTracker, project_id: str) -> None:
        """`base_url` is Kling's host, from KLING_API_URL."""
        self.tracker = tracker
        self.project_id = project_id
        self.base_url = settings.kling_api_url(settings.environment())
        self._kling = KlingClient(self.base_url, ApiKey(api_key))

    def generate_video(self, prompt: str, duration: int = 5, model: str = "kling-v1.5") -> dict[str, Any]:
        """Holds the cost, asks Kling, and returns as soon as Kling has taken it: `job_id`, `task_id`, `status`.

        The hold stays until Kling says how it ended: `wait_for` books that, and so does the bot where one runs on the
        same ledger. Raises BudgetExceededError; KlingError; ValueError for what the price list does not sell.
        """
        job = self._hold(prompt, duration, model)
        request = _request(job)
        path = route(request, api_key=True)
        engine = self.tracker.engine
        posting = kling_results.submitting(engine, job, path, due_at=engine.clock() + LOST_REPLY_MS)
        if posting is None:  # the bot, on the same ledger, was quicker
            return _told(self._job(job.id))
        outcome = self._kling.create(request, path)
        if isinstance(outcome, Accepted):
            kling_results.submitted(engine, posting, outcome.task_id, due_at=engine.clock() + POLL_MS)
            return _told(self._job(job.id))
        if isinstance(outcome, ReplyLost):
            raise KlingError(f"{outcome.reason}. Kling may have taken job {job.id}: its hold stays until it is known.")
        reason = outcome.plain if isinstance(outcome, Rejected) else f"{outcome.reason}."
        kling_results.refused(engine, posting, reason)
        raise KlingError(f"{reason} The hold of job {job.id} was released.")

    def wait_for(self, job_id: str, timeout_seconds: float = 900, poll_seconds: float = 5) -> dict[str, Any]:
        """Asks Kling until the video has ended, and settles or releases its hold. Gives up when the time is up."""
        ends = time.monotonic() + timeout_seconds
        while True:
            self._ask(self._job(job_id))
            job = self._job(job_id)
            if job.state not in LIVE or time.monotonic() + poll_seconds > ends:
                return _told(job)
            time.sleep(poll_seconds)

    def _hold(self, prompt: str, duration: int, model: str) -> Job:
        wish, project = Wish(model, duration), project_name(self.project_id)
        request = Request(uuid.uuid4().hex, UNATTRIBUTED, "", prompt, wish, project)
        outcome = job_requests.hold(self.tracker.engine, request)
        if isinstance(outcome, NotSold):
            raise ValueError(outcome.sentence)
        if isinstance(outcome, Forbidden):
            raise ValueError(outcome.sentence)
        if isinstance(outcome, NeedsConsent):
            raise ValueError(f"The project {outcome.project} wants somebody to agree to it first. Ask for it in Slack.")
        if isinstance(outcome, Stopped):
            raise KlingError(f"{outcome.reason} Nothing was held.")
        if isinstance(outcome, BudgetExceeded):
            needed = number(money.credits_of(outcome.wanted.amount.millicredits))
            left, _ = left_of(outcome.refused)
            raise BudgetExceededError(f"Budget exceeded for {self.project_id}. Need {needed} credits, have {left}")
        assert isinstance(outcome, Held)
        self.tracker.check_alerts(project)
        return outcome.job

    def _job(self, job_id: str) -> Job:
        job = jobs.get(self.tracker.engine.store.read(), job_id)
        if job is None:
            raise ValueError(f"there is no job {job_id}")
        return job

    def _ask(self, job: Job) -> None:
        """Looks the job up by its own id while Kling's id is not known, and books what Kling says."""
        poller = KlingPoller(self.tracker.engine, self._kling, POLL_MS, when_absent=_never_got)
        if job.state is JobState.SUBMITTED:
            poller.ask([job])
        elif job.state is JobState.SUBMITTING:
            poller.find(job)


def _never_got(engine: Engine, job: Job) -> None:
    """Nobody else may be there to send it again, so it does not wait."""
    kling_results.refused(engine, job, "Kling never got it.")


def _request(job: Job) -> TaskRequest:
    same = {field.name: getattr(job, field.name) for field in fields(TaskRequest) if field.name != "job_id"}
    return TaskRequest(job_id=job.id, **same)


def _told(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "task_id": job.task_id,
        "status": job.state.value,
        "video_url": job.video_url,
        "reason": job.reason,
    }
