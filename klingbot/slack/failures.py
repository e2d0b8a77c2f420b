"""When something breaks on our side: the person gets a reference, and the log has the same one."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from klingbot.blocks import answers
from klingbot.blocks.message import Message

log = logging.getLogger(__name__)


def not_understood(what: str, payload: Mapping[str, Any]) -> None:
    """Slack's payload lacks what it should have: nobody can be answered."""
    log.warning("a %s was not understood: its payload has only %s", what, ", ".join(sorted(payload)))


def noted(error: Exception) -> Message:
    """What the person is told; the log gets the traceback."""
    reference = secrets.token_hex(3)
    log.error("a request could not be answered (ref %s)", reference, exc_info=error)
    return answers.failure(reference)
