"""What is said about the jobs that wait, run and have ended, and about those that Kling leaves without a verdict."""

from __future__ import annotations

from klingbot.blocks.jobs import charge, product
from klingbot.blocks.message import Message, actions, button, context, message, section, sections
from klingbot.blocks.text import code, link, mention, name, neutral, plural, quoted, when
from klingbot.domain.jobs import Job, JobState
from klingbot.domain.notifications import JobStuck, JobWrittenOff
from klingbot.domain.periods import Calendar
from klingbot.engine.job_queue import Queue, Thawed, WaitingCancelled
from klingbot.engine.stuck_jobs import NotStuck, StillWaiting, WrittenOff

LONG_UNANSWERED_MS = 60_000
"""Longer than any answer of Kling's takes: after that, its reply counts as lost."""
_PROMPT, _REASON, _PROBLEM = 80, 120, 400


def queue(outcome: Queue, calendar: Calendar, *, whose: str, own: bool) -> Message:
    """`whose` is a title such as `Your jobs`. Prompts are shown only to whoever wrote them."""
    live = [
        line(job, standing_words(job, ahead, outcome.at, calendar), calendar, own=own)
        for job, ahead in zip(outcome.live, outcome.ahead, strict=True)
    ]
    ended = [line(job, _ending(job) + (_video(job) if own else ""), calendar, own=own) for job in outcome.ended]
    if not live and not ended:
        return message(section(f"*{whose}*", f"None yet. Make a video: {code('/kling generate a fox in the snow')}"))
    return message(
        *sections([f"*{whose}*", *(live or ["Nothing waits or is being made."])]),
        *(sections(["*Lately*", *ended]) if ended else []),
        context(f"cancel one that waits: {code('/kling cancel JOB')}"),
    )


def thawed(outcome: Thawed) -> Message:
    if not outcome.reasons:
        return message(section(f"Nothing is stopped. {_waiting(outcome.waiting)}"))
    return message(
        section(
            "The way to Kling is open again, and new jobs are taken.",
            *(f"It had been closed because: {neutral(reason, 200)}" for reason in outcome.reasons[:2]),
            f"{_waiting(outcome.waiting)} The oldest tries alone; if Kling takes it, the others follow. If Kling still "
            "refuses, submitting stops again and the admins hear of it.",
        )
    )


def waiting_cancelled(outcome: WaitingCancelled) -> Message:
    kept = (
        f"{plural(outcome.kept, 'job')} may be at Kling already: I'll cancel what Kling hasn't started."
        if outcome.kept
        else ""
    )
    if not outcome.released:
        return message(section("No job waits that could be released.", kept))
    told = "Their holds were given back, and those who asked for them are told."
    return message(section(f"Released {plural(outcome.released, 'waiting job')}. {told}", kept))


def job_stuck(content: JobStuck, calendar: Calendar) -> Message:
    job = content.job
    return message(
        section(*_why_stuck(content, calendar), quoted(job.prompt)),
        section(
            f"Its hold of {job.quote} stays, and Klingbot keeps asking. You can wait, and be asked again later, or "
            "write it off: the hold is given back in your name, and what Kling charges after all is booked then.",
        ),
        actions(
            button("Keep waiting", "job.keep_waiting", job.id, style="primary"),
            button("Write off", "job.write_off", job.id, style="danger"),
        ),
        context(f"by command: {code(f'/kling write-off {job.id} REASON')}"),
        context(mention(job.user_id), product(job), f"project {name(job.project)}", _task(job)),
    )


def _why_stuck(content: JobStuck, calendar: Calendar) -> tuple[str, str]:
    job = content.job
    if content.problem:
        said = f"{neutral(content.problem.rstrip('.'), _PROBLEM)}. Nothing was booked."
        return f"*⚠️ Job {code(job.id)} needs your decision*", said
    since = job.posted_at or job.asked_at
    known = (
        f"{when(since, calendar, 'Kling took it')} and has not said how it ended."
        if job.state is JobState.SUBMITTED
        else f"{when(since, calendar, 'It was sent to Kling')}, the answer was lost, and Kling has not said whether it "
        "has it."
    )
    return f"*⏳ No verdict from Kling on job {code(job.id)}*", known


def job_written_off(content: JobWrittenOff, calendar: Calendar) -> Message:
    job = content.job
    return message(
        section(
            "An admin has given up waiting for your video",
            quoted(job.prompt),
            f"Their reason: {neutral(content.reason)}",
        ),
        section(
            f"The hold of {job.quote} was given back. If Kling makes the video after all, it comes all the same, "
            "and what it cost is booked."
        ),
        context(product(job), f"project {name(job.project)}", f"job {code(job.id)}"),
    )


def written_off(outcome: WrittenOff) -> Message:
    job = outcome.job
    return message(
        section(
            f"Wrote off job {code(job.id)}: its hold of {job.quote} was given back. {mention(job.user_id)} is told.",
            "Klingbot goes on asking Kling for 30 days; what Kling charges after all is booked as a correction.",
        )
    )


def still_waiting(outcome: StillWaiting, calendar: Calendar) -> Message:
    job = outcome.job
    again = when(outcome.until, calendar, "You are asked again")
    return message(section(f"Job {code(job.id)} goes on waiting, its hold of {job.quote} kept. {again}."))


def not_stuck(outcome: NotStuck, calendar: Calendar) -> Message:
    job = outcome.job
    if job.written_off_at is not None:
        said = when(job.written_off_at, calendar, "was written off")
    elif job.state is JobState.HELD:
        said = f"waits for its turn at Kling: {code(f'/kling cancel {job.id}')} gives it up"
    elif job.finished_at is not None and job.state not in (JobState.SUBMITTING, JobState.SUBMITTED):
        said = _ending(job)
    else:
        said = "is with Kling, and not for so long that it counts as stuck. Its verdict is asked for"
    return message(section(f"Job {code(job.id)} {said}. Nothing was changed."))


def line(job: Job, standing: str, calendar: Calendar, *, own: bool) -> str:
    asked = when(job.asked_at, calendar, "asked")
    whose = "" if own else f" · {mention(job.user_id)}"
    prompt = f"\n{quoted(job.prompt[:_PROMPT])}" if own else ""
    return f"• {code(job.id)} {standing} · {product(job)}{whose} · {asked}{prompt}"


def standing_words(job: Job, ahead: int, at: int, calendar: Calendar) -> str:
    """How a live job stands, with what it holds."""
    if job.written_off_at is not None:
        return "was written off; Kling is still asked about it"
    if job.is_set_aside:
        return f"is with Kling, whose answer cannot be booked; an admin decides about it · held {job.quote}"
    if job.cancel_by is not None:
        said = "will be cancelled if Kling has not started it"
    elif job.state is JobState.HELD:
        said = f"waits, {plural(ahead, 'job')} ahead of it" if ahead else "waits, next in line"
    elif job.state is JobState.SUBMITTED:
        said = when(job.submitted_at or job.asked_at, calendar, "is being made since")
    elif at - (job.posted_at or at) > LONG_UNANSWERED_MS:
        said = "was sent, and Kling's answer was lost: Kling is being asked whether it has it"
    else:
        said = "is on its way to Kling"
    return f"{said} · held {job.quote}"


def _ending(job: Job) -> str:
    if job.state is JobState.SUCCEEDED:
        return f"is done · {charge(job)}"
    why = f": {neutral(job.reason, _REASON)}" if job.reason else ""
    return f"was not made{why}"


def _video(job: Job) -> str:
    return f" · {link(job.video_url, 'video')}" if job.video_url and job.state is JobState.SUCCEEDED else ""


def _waiting(jobs: int) -> str:
    return f"{plural(jobs, 'job')} {'waits' if jobs == 1 else 'wait'}." if jobs else "No job waits."


def _task(job: Job) -> str:
    return f"Kling's task {code(job.task_id)}" if job.task_id else ""
