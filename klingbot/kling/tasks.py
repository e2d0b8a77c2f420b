"""What is asked of Kling, and what Kling says about it. A task is Kling's own half of a job."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Status = Literal["submitted", "processing", "succeeded", "failed"]


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """One video to ask Kling for. The price list has already checked that the model sells it."""

    job_id: str
    """Always sent as `external_task_id`: the only way to find the task again when the reply is lost."""
    prompt: str
    duration_seconds: int
    resolution: str
    """`720p`, `1080p` or `4k`."""
    audio: bool
    aspect: str
    """`16:9`, `9:16` or `1:1`; ignored when an image sets the shape."""
    negative: str | None
    image_url: str | None
    """The first frame, when the video starts from an image: its address, or itself in bare base64.

    Kling's docs name base64 for the legacy standard; of the new one they say nothing either way.
    """
    legacy_name: str | None
    """`model_name` on the legacy standard, such as `kling-v2-6`; None when not sold there."""
    new_name: str | None
    """Path segment on the new standard, such as `kling-2.6`; None when not sold there."""
    omni: bool = False
    """Asked for at the omni-video endpoint (O1, 3.0 Omni)."""


@dataclass(frozen=True, slots=True)
class Cash:
    """Money that Kling took from a cash balance. Money is not units: the two are never added."""

    amount: Decimal
    currency: str | None
    """`USD` or `CNY`; the legacy standard does not say."""
    is_test: bool


@dataclass(frozen=True, slots=True)
class Task:
    """One task as Kling last described it."""

    task_id: str
    job_id: str | None
    """The `external_task_id` that came back."""
    status: Status
    message: str
    """Kling's own words about a failure, else empty."""
    video_url: str | None
    """Kling deletes the file after 30 days (Kling's docs, task query)."""
    video_seconds: Decimal | None
    units: Decimal | None
    """Video units deducted; None while Kling has not said."""
    cash: tuple[Cash, ...]
    problem: str = ""
    """What in Kling's description cannot be true, as a sentence without its full stop. Nothing is booked then."""
