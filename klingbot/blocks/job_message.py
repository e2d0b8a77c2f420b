"""The one message about a job in its channel, which moves with it: waiting, being made, made or not.

Everybody in the channel reads it. So it shows the prompt only once there is a video to it, and never why there is none.
"""

from __future__ import annotations

from klingbot.blocks.jobs import at_kling, charge, details_button, product, remaining, video_buttons
from klingbot.blocks.message import Message, actions, button, context, message, section
from klingbot.blocks.text import code, link, mention, name, plural, quoted, when
from klingbot.domain.jobs import Job, JobState
from klingbot.domain.notifications import JobShown
from klingbot.domain.periods import Calendar

LONGEST_TITLE = 80


def job_message(content: JobShown, calendar: Calendar) -> Message:
    if content.job.state is JobState.SUCCEEDED:
        return _made(content)
    if content.job.state in (JobState.FAILED, JobState.RELEASED):
        return _not_made(content)
    return _under_way(content, calendar)


def clip_words(job: Job) -> str:
    """What stands beside the clip in the thread, and calls whoever asked for it."""
    return f"🎬 {mention(job.user_id)}, your video is ready · {charge(job)}"


def clip_title(job: Job) -> str:
    """The clip's name in Slack: what its search finds it by. No markup is read there."""
    return " ".join(job.prompt.split())[:LONGEST_TITLE] or f"Kling video {job.id}"


def _under_way(content: JobShown, calendar: Calendar) -> Message:
    job = content.job
    waits = job.state is JobState.HELD and not job.tries
    cancel = [button("Cancel", "job.cancel_shown", job.id)] if waits else []
    held = f"held {job.quote}" if job.written_off_at is None else ""
    return message(
        section(f"🎬 {_who(content, job.user_id)} asked for a video: {product(job)}", _standing(content, calendar)),
        context(held, *_small_print(job)),
        actions(*cancel, details_button(job)),
    )


def _standing(content: JobShown, calendar: Calendar) -> str:
    job = content.job
    if job.written_off_at is not None:
        return "⌛ Written off: if Kling makes it after all, it comes here all the same"
    if job.is_set_aside:
        return "⚠️ Kling's answer about it cannot be used; an admin decides what happens"
    if job.cancel_by is not None:
        return "✋ Being cancelled, unless Kling has started it already"
    if job.state is JobState.SUBMITTED:
        return f"⚙️ {when(job.submitted_at or job.asked_at, calendar, 'Being made at Kling since')}"
    if job.state is JobState.SUBMITTING:
        return "⚙️ On its way to Kling"
    if not content.ahead:
        return "⏳ Waits for its turn at Kling, next in line"
    ahead = plural(content.ahead, "job") if content.ahead < 10 else f"{content.ahead:,} or more jobs"
    return f"⏳ Waits for its turn at Kling, {ahead} ahead of it"


def _made(content: JobShown) -> Message:
    job = content.job
    watch = f"{link(content.clip, 'Watch the video')} · it is in the thread as well" if content.clip else at_kling(job)
    return message(
        section(f"🎬 {_who(content, job.user_id)}'s video is {_ready(content)}", quoted(job.prompt)),
        context(charge(job), product(job), *_small_print(job)),
        remaining(content.standings),
        section(watch),
        video_buttons(job),
    )


def _ready(content: JobShown) -> str:
    return "ready" if content.clip or content.job.video_url else "made, but Kling sent no link to it"


def _not_made(content: JobShown) -> Message:
    job, by = content.job, content.cancelled_by
    whose = _who(content, job.user_id)
    if by is None:
        said = f"🚫 {whose}'s video was not made; they have been told why"
    elif by == job.user_id:
        said = f"🚫 {whose} cancelled their video before it was made"
    else:
        said = f"🚫 {_who(content, by)} cancelled {whose}'s video before it was made"
    return message(
        section(said, f"Nothing was charged; the hold of {job.quote} was given back."),
        context(product(job), *_small_print(job)),
        actions(details_button(job)),
    )


def _who(content: JobShown, user_id: str) -> str:
    called = next((each.name for each in content.names if each.user_id == user_id), None)
    return f"*{name(called)}*" if called else mention(user_id)


def _small_print(job: Job) -> tuple[str, str]:
    return f"project {name(job.project)}", f"job {code(job.id)}"
