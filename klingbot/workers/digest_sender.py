"""Digests that are due: figures, a chart of them, and the message into the outbox.

The chart is drawn and uploaded here, before the message is queued, and not when it is sent: that takes seconds, in
which no alert could leave.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from klingbot.domain import charts
from klingbot.domain.digest_schedules import Due
from klingbot.domain.digests import Digest, chart, people_in
from klingbot.domain.notifications import Named
from klingbot.engine import Engine, digests
from klingbot.engine.digest_figures import figures
from klingbot.slack.api.message_sender import Later
from klingbot.slack.api.picture_uploads import PictureUploads, Uploaded
from klingbot.workers.work_pool import WorkPool

log = logging.getLogger(__name__)

AT_ONCE = 3
HEAD_START_SECONDS = 2.0
"""Digests are made one after another, but one whose upload takes longer than this is overtaken."""
AGAIN_MS = 15_000
"""When to offer a chart again that Slack did not take."""
_DRAWING = threading.Lock()
"""matplotlib does not promise to draw in several threads at once."""
PATIENCE_MS = 10 * 60_000
"""How long after its time a digest waits for Slack to take its chart. Then its words go out alone."""


@dataclass(frozen=True, slots=True)
class DigestSender:
    engine: Engine
    pictures: PictureUploads
    names: Callable[[], Mapping[str, str]]
    """What people are called, by user id; may ask Slack."""
    pool: WorkPool = field(default_factory=lambda: WorkPool("digests", AT_ONCE, head_start=HEAD_START_SECONDS))
    _closing: threading.Event = field(default_factory=threading.Event)

    def tell(self) -> None:
        """Queue what is due. Each is claimed first; one that breaks is tried again when its lease has ended."""
        self.pool.run(self._claim_next, self._tell, self._closing)

    def close(self) -> None:
        """The digest under way is finished; the others wait for the next start."""
        self._closing.set()

    def finish(self) -> None:
        self.pool.finish()

    def _claim_next(self, room: int) -> list[Due]:
        return next(([due] for due in digests.due(self.engine) if digests.claim(self.engine, due)), [])

    def _tell(self, due: Due) -> None:
        digest = figures(self.engine, due.schedule.scope, due.period)
        picture = self._picture(digest)
        if isinstance(picture, Later) and self.engine.clock() < due.at + PATIENCE_MS:
            log.info("the chart of a digest is not taken (%s) and is tried again", picture.problem)
            digests.postpone(self.engine, due, after_ms=picture.after_ms or AGAIN_MS)
            return
        digests.tell(self.engine, due, digest, picture if isinstance(picture, str) else None, self._named(digest))

    def _named(self, digest: Digest) -> tuple[Named, ...]:
        names, people = self.names(), sorted(people_in(digest))
        return tuple(Named(user_id, names[user_id]) for user_id in people if user_id in names)

    def _picture(self, digest: Digest) -> str | Later | None:
        """Slack's id of the chart. None where there is none, or none to be had: a chart never costs the words."""
        drawn = chart(digest)
        if drawn is None:
            return None
        try:
            with _DRAWING:
                picture = charts.draw(drawn)
            outcome = self.pictures.upload(picture, charts.alt(drawn))
        except Exception:
            log.exception("the chart of a digest could not be drawn; it goes out in words")
            return None
        if isinstance(outcome, Uploaded):
            return outcome.file_id
        if isinstance(outcome, Later):
            return outcome
        log.warning("Slack does not take the chart of a digest (%s); it goes out in words", outcome.problem)
        return None
