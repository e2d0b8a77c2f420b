"""When something breaks on our side: what is tried again, and what the person and the log are told."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from klingbot.blocks import short_answers
from klingbot.blocks.message import Message
from klingbot.store import LedgerLostError, NotKeptError, UncertainError

log = logging.getLogger(__name__)

AGAIN_WITHIN_SECONDS = 0.5
"""Slack waits three seconds, and a second try may take two of them."""

T = TypeVar("T")


def again(work: Callable[[], T]) -> T:
    """Its outcome; worked out a second time if the database was lost on the way and there is time.

    A second time changes nothing that the first one did, even if nobody knows what that was: a request is known by its
    id, and the database lets nobody in before the first transaction has ended.
    """
    began = time.monotonic()
    try:
        return work()
    except LedgerLostError:  # nothing brings it back within a second
        raise
    except (NotKeptError, UncertainError) as e:
        if time.monotonic() - began > AGAIN_WITHIN_SECONDS:
            raise
        log.warning("%s Trying once more.", e)
        first = e
    try:
        return work()
    except NotKeptError as second:
        if isinstance(first, UncertainError):  # nobody knows of the first try: “nothing was held” may not be true
            raise first from second
        raise


def not_understood(what: str, payload: Mapping[str, Any]) -> None:
    """Slack's payload lacks what it should have: nobody can be answered."""
    log.warning("a %s was not understood: its payload has only %s", what, ", ".join(sorted(payload)))


def noted(error: Exception) -> Message:
    """What the person is told; the log says what happened, with a reference and a traceback for a mistake of ours."""
    if isinstance(error, NotKeptError):
        log.warning("a request was refused: %s", error)
        return short_answers.nothing_kept(error.fault)
    reference = secrets.token_hex(3)
    log.error("a request could not be answered (ref %s)", reference, exc_info=error)
    return short_answers.failure(reference)
