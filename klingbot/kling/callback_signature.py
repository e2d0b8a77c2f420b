"""Kling's callbacks: signed with Standard Webhooks, and believed no further than that they name a job.

Source: kling.ai/document-api, callbacks (headers `webhook-id`, `webhook-timestamp`, `webhook-signature`; a secret that
begins with `whsec_`; five minutes of tolerance).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from klingbot.kling.json_values import json_of
from klingbot.kling.task_json import NO_ID, read_tasks

PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback that Kling signed."""

    job_id: str | None
    """The `external_task_id` in it; None when it names none, as that of the console's test button."""


def is_secret(text: str) -> bool:
    """Whether this looks like a webhook secret of Kling's console."""
    try:
        Webhook(text)
    except (EmptyWebhookSecretError, ValueError):
        return False
    return text.startswith(PREFIX)


def read(secret: str, body: bytes, headers: Mapping[str, str]) -> Callback | None:
    """What a callback says; None when its signature is not good, whatever may be wrong with it."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError, OverflowError, OSError):  # also headers that are not well-formed
        return None
    task = next(read_tasks(json_of(body)), None)
    return Callback(None if task is None or task.job_id == NO_ID else task.job_id)
