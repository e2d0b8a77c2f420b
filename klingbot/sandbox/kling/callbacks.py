"""The local Kling's callbacks: one for each change of a task's status, signed with Standard Webhooks.

Source: kling.ai/document-api, callbacks. Whether Kling tries again when nobody answers is not documented, so here it
does not.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import uuid
from collections.abc import Callable

import requests

from klingbot.sandbox.kling.local_tasks import LocalTask
from klingbot.sandbox.kling.task_requests import Fields

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 5


async def tell(task: LocalTask, secret: str | None, clock: Callable[[], float], show: Callable[[], Fields]) -> None:
    """Tells the task's callback URL of each status, as `show` has it at that time."""
    for moment in task.changes:
        while clock() < moment:
            await asyncio.sleep(_LOOK_SECONDS)
        await asyncio.to_thread(_post, task.ask.callback_url, secret, show(), clock())


def signed(secret: str, message_id: str, timestamp: int, body: str) -> dict[str, str]:
    """The three headers of Standard Webhooks; the key is what follows `whsec_`, in base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _post(url: str, secret: str | None, said: Fields, now: float) -> None:
    body = json.dumps(said)
    headers = {"Content-Type": "application/json"}
    if secret:  # without one, Kling sends no signature
        headers |= signed(secret, str(uuid.uuid4()), int(now), body)
    try:
        requests.post(url, body.encode(), headers=headers, timeout=_PATIENCE_SECONDS, allow_redirects=False)
    except requests.RequestException as e:
        log.warning("a callback reached nobody (%s)", type(e).__name__)
