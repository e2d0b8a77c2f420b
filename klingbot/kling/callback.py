"""Kling's callbacks: signed with Standard Webhooks, and believed no further than that they name a job.

Source: kling.ai/document-api, callbacks (headers `webhook-id`, `webhook-timestamp`, `webhook-signature`; a secret that
begins with `whsec_`; five minutes of tolerance).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from klingbot.kling.task_json import read_tasks

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
    except (WebhookVerificationError, ValueError):  # ValueError: a header or a body that is not even well-formed
        return None
    try:
        tasks = list(read_tasks(json.loads(body)))
    except ValueError:
        return Callback(None)
    return Callback(tasks[0].job_id if tasks else None)
