"""Slack's signature on what it posts, checked over the bytes as they came and before anything reads them.

Source: docs.slack.dev, verifying requests from Slack.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

TOLERANCE_SECONDS = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def is_signed(secret: str, body: bytes, headers: Mapping[str, str], now: float) -> bool:
    """Return whether Slack signed this body within five minutes of `now`, in seconds since 1970."""
    timestamp = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    if not _TIMESTAMP.fullmatch(timestamp) or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    if not signature.startswith("v0=") or not signature.isascii():
        return False
    expected = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return hmac.compare_digest(f"v0={expected.hexdigest()}", signature)
