"""Finished clips on their way from Kling to Slack, and the announcements that wait for them."""

from __future__ import annotations

from klingbot.domain import retry_delays
from klingbot.domain.jobs import Job
from klingbot.domain.notifications import VideoReady, from_json
from klingbot.engine.core import Engine
from klingbot.store import Transaction, job_messages, jobs, outbox, wanted_clips
from klingbot.store.outbox import CLIP, OutboxMessage
from klingbot.store.wanted_clips import WantedClip

LEASE_MS = 300_000
"""Longer than one clip may take: a lease that ends means that its holder is gone."""
PATIENCE_MS = 180_000
"""How long an announcement waits for its clip. After that it goes out with Kling's link."""
SOON_MS = 1_000


def announcement_of(job_id: str) -> str:
    """The key of a finished video's announcement in the outbox."""
    return f"video {job_id}"


def claim(engine: Engine, *, most: int) -> list[WantedClip]:
    now = engine.clock()
    if not wanted_clips.any_due(engine.store.read(), now):
        return []
    with engine.store.write() as tx:
        return wanted_clips.claim(tx, now=now, lease_until=now + LEASE_MS, most=most)


def carried(engine: Engine, clip: WantedClip, file_id: str) -> None:
    """Slack has its bytes; the announcement shares it."""
    _end(engine, clip, file_id)


def given_up(engine: Engine, clip: WantedClip) -> None:
    """It will not be in Slack: the announcement goes out with Kling's link."""
    _end(engine, clip, None)


def failed(engine: Engine, clip: WantedClip, *, after_ms: int | None = None, counts: bool = True) -> bool:
    """Try the clip again, after `after_ms` where Slack itself asks for that. False: there is no time; it is given up.

    A try that was a limit of Slack's and no failure does not count.
    """
    now = engine.clock()
    due_at = now + (retry_delays.after_passing_trouble(clip.tries) if after_ms is None else after_ms)
    if due_at > clip.wanted_at + PATIENCE_MS:
        _end(engine, clip, None)
        return False
    with engine.store.write() as tx:
        wanted_clips.again(tx, clip.job_id, due_at=due_at, counts=counts)
    return True


def put_back(engine: Engine, clip: WantedClip) -> None:
    """Its bearer leaves: another need not wait for the lease to end."""
    with engine.store.write() as tx:
        wanted_clips.again(tx, clip.job_id, due_at=engine.clock())


def let_go(engine: Engine, tx: Transaction, announcement: OutboxMessage) -> None:
    """Its clip is there or given up, or its time is over: it goes into the thread of its job's message.

    Not before that message tells the same: people would see one video announced twice.
    """
    job, now = _job_of(announcement), engine.clock()
    root = outbox.find(tx, job_messages.key_of(job.id))
    if now < announcement.created_at + PATIENCE_MS and (root is None or root.state == "waiting"):
        wanted_clips.keep_back(tx, announcement, until=now + SOON_MS)
        return
    thread = root.key if root and not root.is_nowhere else None
    wanted_clips.let_go(tx, announcement, to=job.channel_id, thread=thread, at=now)


def shared(engine: Engine, tx: Transaction, announcement: OutboxMessage, permalink: str) -> None:
    """The clip is in the channel: its job's message leads there from now on."""
    job = _job_of(announcement)
    job_messages.link(tx, job.id, permalink)
    jobs.show(tx, job.id, at=engine.clock())


def waits(message: OutboxMessage) -> bool:
    """Whether it is an announcement that waits for its clip."""
    return message.line.startswith(CLIP)


def _job_of(announcement: OutboxMessage) -> Job:
    content = from_json(announcement.kind, announcement.content)
    assert isinstance(content, VideoReady)
    return content.job


def _end(engine: Engine, clip: WantedClip, file_id: str | None) -> None:
    with engine.store.write() as tx:
        wanted_clips.end(tx, clip.job_id, announcement_of(clip.job_id), at=engine.clock(), file_id=file_id)
