"""Finished clips from Kling to Slack: Kling forgets them after 30 days.

Before they are announced, and not when: that takes seconds, in which no alert could leave. An announcement does not
wait for long, and goes out with Kling's link where its clip cannot be had.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from dataclasses import dataclass, field

from klingbot.common.safe_fetch import NotFetched
from klingbot.engine import Engine, job_requests
from klingbot.engine import clips as engine_clips
from klingbot.kling.clip_download import fetch_clip
from klingbot.slack.api.clip_uploads import ClipUploads
from klingbot.slack.api.message_sender import OURS, Impossible, Later
from klingbot.slack.api.picture_uploads import Uploaded
from klingbot.store import DatabaseError
from klingbot.store.wanted_clips import WantedClip
from klingbot.workers.work_pool import WorkPool

log = logging.getLogger(__name__)

AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class ClipUploader:
    engine: Engine
    clips: ClipUploads
    kling_url: str
    pool: WorkPool = field(default_factory=lambda: WorkPool("clips", AT_ONCE))
    _closing: threading.Event = field(default_factory=threading.Event)

    def carry(self) -> None:
        """Take up what is due, a few at once. Each is claimed first; one that breaks comes up when its lease ends."""
        self.pool.run(lambda room: engine_clips.claim(self.engine, most=room), self._carry, self._closing)

    def close(self) -> None:
        """What is on its way down or up is put back, and begun again at the next start."""
        self._closing.set()

    def finish(self) -> None:
        """Wait for what is on its way, which was told to end."""
        self.pool.finish()

    def _carry(self, clip: WantedClip) -> None:
        try:
            outcome = self._moved(clip)
            if self._closing.is_set() and not isinstance(outcome, Uploaded):
                engine_clips.put_back(self.engine, clip)
            else:
                self._note(clip, outcome)
        except DatabaseError as e:
            log.warning("a clip could not be noted and comes up again: %s", e)
        except Exception:
            log.exception("the clip of job %s cannot be carried", clip.job_id)
            engine_clips.given_up(self.engine, clip)

    def _moved(self, clip: WantedClip) -> Uploaded | Later | Impossible:
        job = job_requests.job_of(self.engine, clip.job_id)
        if job is None or not job.video_url:
            return Impossible("it has no video")
        with tempfile.TemporaryFile() as file:
            fetched = fetch_clip(job.video_url, file, root=self.kling_url, given_up=self._closing.is_set)
            if isinstance(fetched, NotFetched):
                said = f"Kling: {fetched.reason}"
                return Later(said) if fetched.passing else Impossible(said)
            return self.clips.upload(file, fetched.size, f"kling-{job.id}.mp4")

    def _note(self, clip: WantedClip, outcome: Uploaded | Later | Impossible) -> None:
        if isinstance(outcome, Uploaded):
            engine_clips.carried(self.engine, clip, outcome.file_id)
            return
        passing = isinstance(outcome, Later) and outcome.problem not in OURS  # nobody mends that within minutes
        after_ms, is_limit = (outcome.after_ms, outcome.is_limit) if isinstance(outcome, Later) else (None, False)
        if passing and engine_clips.failed(self.engine, clip, after_ms=after_ms, counts=not is_limit):
            log.info("the clip of job %s did not go up (%s) and is tried again", clip.job_id, outcome.problem)
            return
        if not passing:
            engine_clips.given_up(self.engine, clip)
        log.warning("the clip of job %s is not in Slack (%s): Kling's link goes out", clip.job_id, outcome.problem)
