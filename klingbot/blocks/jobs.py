"""What is said about jobs: held, repeated, cancelled, done, failed."""

from __future__ import annotations

from klingbot.blocks.budget_status import left, short, tightest
from klingbot.blocks.message import Block, Message, actions, button, confirm, context, message, section
from klingbot.blocks.text import code, label, link, mention, name, neutral, plural, quoted
from klingbot.domain.budgets import Standing
from klingbot.domain.jobs import ENDED, Job, JobState
from klingbot.domain.notifications import CancelEnded, JobFailed, VideoReady
from klingbot.domain.periods import Calendar
from klingbot.domain.pricing import Quote
from klingbot.engine.cancellation import Cancelled, MayBeAtKling, NotYours, TooLate
from klingbot.engine.hold_outcomes import Held

DOING = {
    JobState.HELD: "waits for its turn at Kling",
    JobState.SUBMITTING: "is on its way to Kling",
    JobState.SUBMITTED: "is being made at Kling",
    JobState.SUCCEEDED: "is done",
    JobState.FAILED: "failed at Kling",
    JobState.RELEASED: "was given up",
}

DAYS_KEPT = 30
"""How long Kling keeps a video (Kling's docs, task results)."""


def held(outcome: Held, calendar: Calendar) -> Message:
    job = outcome.job
    ahead = f"{plural(outcome.ahead, 'job')} ahead of it" if outcome.ahead else ""
    near = short(outcome.tightest, calendar) if outcome.tightest else "No budget limits this"
    return message(
        section(f"🎬 Held {job.quote} for {product(job)} · project {name(job.project)}", quoted(job.prompt)),
        context(f"Job {code(job.id)}", ahead, f"the video comes to this {'thread' if job.thread_ts else 'channel'}"),
        context(near),
        context(f"Cancel while it waits: {code(f'/kling cancel {job.id}')}"),
        actions(button("Cancel", "job.cancel", job.id)),
    )


def repeated(job: Job) -> Message:
    """The same request again: the same job, and no second hold."""
    return message(
        section(
            f"This is the same request as before: job {code(job.id)} ({product(job)}) {DOING[job.state]}. "
            "Nothing more was held.",
            quoted(job.prompt),
        )
    )


def stopped(reason: str) -> Message:
    return message(
        section(
            f"Kling takes no jobs from this account just now: {neutral(reason)}",
            "Nothing was held. Klingbot keeps trying; ask again later.",
        )
    )


def cancelled(outcome: Cancelled) -> Message:
    job = outcome.job
    return message(
        section(f"Cancelled job {code(job.id)}. Nothing was charged; the hold of {job.quote} was given back.")
    )


def too_late(outcome: TooLate) -> Message:
    job = outcome.job
    if job.written_off_at is not None and job.state not in ENDED:
        return message(section(f"Job {code(job.id)} was written off: its hold has been given back."))
    stands = f"Job {code(job.id)} {DOING[job.state]}"
    if job.state in ENDED:
        return message(section(f"{stands}: there is nothing to cancel."))
    return message(section(f"{stands}. It is too late to cancel: Kling offers no way to stop a video."))


def may_be_at_kling(outcome: MayBeAtKling) -> Message:
    where, told = f"Job {code(outcome.job.id)} is on its way there.", outcome.asked_before_by
    ends = (
        f"{mention(told)} asked for that before and hears how it ends." if told else "If it's too late, I'll tell you."
    )
    return message(section("I'll cancel it if Kling hasn't started it yet.", f"{where} {ends}"))


def cancel_ended(content: CancelEnded, calendar: Calendar) -> Message:
    """Leave the prompt out: an admin may have asked."""
    job = content.job
    if content.too_late:
        news = "Too late to cancel: Kling has started the video"
        said = "Kling offers no way to stop a video. It comes to its channel when it is done."
    else:
        news, said = (
            "Cancelled before Kling started it",
            f"Nothing was charged; the hold of {job.quote} was given back.",
        )
    return message(section(news, said), context(product(job), f"project {name(job.project)}", f"job {code(job.id)}"))


def not_yours(outcome: NotYours) -> Message:
    job = outcome.job
    owner = mention(job.user_id)
    return message(section(f"Job {code(job.id)} was asked for by {owner}: only they or an admin can cancel it."))


def no_such_job(job_id: str) -> Message:
    return message(section(f"There is no job {name(job_id)}. {code('/kling jobs')} shows the ids of yours."))


def video_ready(content: VideoReady, calendar: Calendar) -> Message:
    job = content.job
    return message(
        section(f"🎬 {mention(job.user_id)}, {_ready(job)}", quoted(job.prompt)),
        context(charge(job), product(job), f"project {name(job.project)}", f"job {code(job.id)}"),
        remaining(content.standings),
        section(at_kling(job)),
        video_buttons(job),
    )


def job_failed(content: JobFailed, calendar: Calendar) -> Message:
    job = content.job
    reason = neutral(job.reason or "Kling did not say why.", 600)
    return message(
        section("Your video was not made", quoted(job.prompt), reason),
        section(f"Nothing was charged; the hold of {job.quote} was given back."),
        context(product(job), f"project {name(job.project)}", f"job {code(job.id)}"),
    )


def remaining(standings: tuple[Standing, ...]) -> Block:
    """What is left of the fullest budgets that a video counts for."""
    near = [f"{label(standing.budget)}: {left(standing)}" for standing in tightest(standings, 2)]
    return context(*(near or ["No budget limits this"]))


def _ready(job: Job) -> str:
    return "your video is ready" if job.video_url else "your video is made, but I have no link to it"


def at_kling(job: Job) -> str:
    """Where a finished video is, as Kling said."""
    if not job.video_url:
        task = f" (Kling's task {code(job.task_id)})" if job.task_id else ""
        return f"Kling made and charged this video but sent no link to it. An admin can ask Kling for it{task}."
    return f"{link(job.video_url or '', 'Watch the video')} · Kling keeps it for {DAYS_KEPT} days"


def video_buttons(job: Job) -> Block:
    """What can be done with a finished video."""
    again = button("Again", "video.again", job.id, confirm=_once_more(job))
    return actions(again, button("Vary", "video.vary", job.id), details_button(job))


def details_button(job: Job) -> Block:
    return button("Details", "job.details", job.id)


def _once_more(job: Job) -> Block:
    price = f"Last time it was held at {job.quote}."
    return confirm("Make it once more?", f"{product(job)}, for project {name(job.project)}. {price}", "Make it")


def charge(job: Job) -> str:
    charged = job.quote if job.settled is None else job.settled
    return f"charged {charged}" if charged == job.quote else f"held {job.quote}, charged {charged}"


def product(wanted: Job | Quote) -> str:
    """`kling-pro, 10 s, 1080p, with sound`."""
    model = wanted.model if isinstance(wanted, Job) else wanted.model.name
    sound = ", with sound" if wanted.audio else ""
    return f"*{name(model)}*, {wanted.duration_seconds} s, {name(wanted.resolution)}{sound}"
