"""A job: one requested video, from the request and its hold to its verdict. Pure."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum

from klingbot.domain.money import Amount
from klingbot.domain.pricing import Wish
from klingbot.domain.source_images import Upload

DEFAULT_PROJECT = "default"
"""Of channels for which nobody has chosen one."""


class JobState(StrEnum):
    HELD = "held"
    """Its cost is held; it waits for its turn at Kling."""
    SUBMITTING = "submitting"
    """A request to Kling is under way, or was when the bot stopped: look it up before asking again."""
    SUBMITTED = "submitted"
    """Kling has it and will say how it ended."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Kling took it and it failed there: not charged."""
    RELEASED = "released"
    """It never ran: Kling refused it, or it was cancelled while it waited."""


LIVE = (JobState.HELD, JobState.SUBMITTING, JobState.SUBMITTED)
"""Of jobs that have yet to end."""
FAILURES_ENOUGH = 3
"""After so many failures in a row a job is set aside for the admins."""
ENDED = (JobState.SUCCEEDED, JobState.FAILED, JobState.RELEASED)


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks for a video. The same `request_id` again is the same request."""

    request_id: str
    user_id: str
    channel_id: str
    prompt: str
    wish: Wish
    project: str | None = None
    """None: the project that the channel spends for."""
    negative: str | None = None
    image_url: str | None = None
    """The first frame: its web address, or where in Slack it is (`klingbot.domain.source_images`)."""
    response_url: str | None = None
    thread_ts: str | None = None
    """The message in whose thread it was asked for, by Slack's id: the video goes there too."""
    picture: Upload | None = None
    """What Slack says of the first frame, where that was uploaded."""


@dataclass(frozen=True, slots=True)
class Job:
    """Amounts are `Amount`s, instants UTC epoch milliseconds."""

    id: str
    state: JobState
    user_id: str
    project: str
    channel_id: str
    response_url: str | None
    prompt: str
    negative: str | None
    image_url: str | None
    model: str
    duration_seconds: int
    resolution: str
    audio: bool
    aspect: str
    legacy_name: str | None
    new_name: str | None
    omni: bool
    price_list: str
    kling_units: bool
    microusd_per_credit: int
    quote: Amount
    asked_at: int
    day_start: int
    """The periods it was asked for in: its settle and release land there too, even after midnight."""
    week_start: int
    month_start: int
    due_at: int
    """When the submitter should look at it next."""
    tries: int = 0
    """Posts that Kling may have taken."""
    route: str | None = None
    """Where at Kling it was posted, known before the request leaves."""
    posted_at: int | None = None
    task_id: str | None = None
    """Kling's id for its half."""
    submitted_at: int | None = None
    finished_at: int | None = None
    """When it ended; while its charge is waited for, when its video was first there."""
    settled: Amount | None = None
    video_url: str | None = None
    written_off_at: int | None = None
    """When an admin gave its hold back without a verdict; Kling is still asked, and what it charges is booked."""
    reason: str | None = None
    """Why it failed or was released, in plain words; while a refusal is looked into, what Kling said."""
    thread_ts: str | None = None
    failures: int = 0
    """How often in a row Kling's answer about it could not be booked."""
    problem: str | None = None
    """Why, the last time."""
    unanswered_since: int | None = None
    """Since when Kling has been asked about it in vain; None after an answer."""
    cancel_by: str | None = None
    """Who wants it cancelled although it may be at Kling: it is, once Kling proves not to have it."""
    cancel_response_url: str | None = None
    """Where to tell that person how it ended."""

    @property
    def is_set_aside(self) -> bool:
        """Whether the admins decide about it: Kling's answers cannot be booked, and it is asked for rarely."""
        return self.failures >= FAILURES_ENOUGH


def id_for(request_id: str) -> str:
    """The job id of a request: the same request delivered again names the same job.

    60 bits of SHA-256 as 12 letters and digits: short enough to type, and a clash within ten million jobs is less
    likely than one in ten thousand.
    """
    digest = hashlib.sha256(request_id.encode()).digest()
    return base64.b32encode(digest[:10])[:12].decode().lower()
