"""One job in every detail, for whoever asked for it and for admins."""

from __future__ import annotations

from collections.abc import Iterator

from klingbot.blocks.budget_status import short, tightest
from klingbot.blocks.jobs import DOING, product
from klingbot.blocks.message import Message, context, message, section, sections
from klingbot.blocks.text import channel, code, link, mention, name, neutral, plural, quoted, when
from klingbot.domain.jobs import LIVE, Job, JobState
from klingbot.domain.money import Amount
from klingbot.domain.periods import Calendar
from klingbot.engine.cancellation import NotYours
from klingbot.engine.job_details import Details
from klingbot.store.ledger import KLING, Entry

_REASON = 300
_MOST_ENTRIES = 10

_STANDS = DOING | {JobState.RELEASED: "was given up before it ran"}


def details(content: Details, calendar: Calendar, *, own: bool) -> Message:
    """`own`: it is read by whoever asked for the video. Prompts are shown to nobody else."""
    job = content.job
    budgets = [f"• {short(each, calendar)}" for each in tightest(content.standings, len(content.standings))]
    return message(
        section(f"*Job {code(job.id)}* {_STANDS[job.state]}", quoted(job.prompt) if own and job.prompt else ""),
        *sections(_facts(content, calendar)),
        *sections(["*In the ledger*", *(_entry(each, calendar) for each in content.entries[-_MOST_ENTRIES:])]),
        *(sections(["*Budgets it counts for, as they stand*", *budgets]) if budgets else []),
        *([] if budgets else [context("No budget limits this")]),
    )


def not_yours(outcome: NotYours) -> Message:
    asked = f"Job {code(outcome.job.id)} was asked for by {mention(outcome.job.user_id)}"
    return message(section(f"{asked}: only they or an admin can see its details."))


def _facts(content: Details, calendar: Calendar) -> Iterator[str]:
    job = content.job
    where = f" in {channel(job.channel_id)}" if job.channel_id else ", by a script"
    yield f"• {when(job.asked_at, calendar, 'asked for')} by {mention(job.user_id)}{where}"
    yield f"• {product(job)}, {name(job.aspect)}{', from a picture' if job.image_url else ''}"
    yield f"• project {name(job.project)} · price list {name(job.price_list)}"
    yield f"• quote {job.quote}{'' if job.settled is None else f', charged {job.settled}'}"
    if job.task_id:
        tries = f", posted {plural(job.tries, 'time')}" if job.tries > 1 else ""
        yield f"• Kling's task {code(job.task_id)}{tries}"
    if job.problem and job.state in LIVE:
        yield f"• {neutral(job.problem, _REASON)}"
    if job.finished_at is not None:
        yield f"• {when(job.finished_at, calendar, 'ended')}{_why(job)}"
    if links := _links(content):
        yield f"• {links}"


def _why(job: Job) -> str:
    return f": {neutral(job.reason, _REASON)}" if job.reason else ""


def _links(content: Details) -> str:
    at_kling = content.job.video_url
    both = [
        link(content.clip, "the clip in Slack") if content.clip else "",
        f"{link(at_kling, 'the video at Kling')}, for 30 days" if at_kling else "",
    ]
    return " · ".join(each for each in both if each)


def _entry(entry: Entry, calendar: Calendar) -> str:
    author = "Kling" if entry.author == KLING else mention(entry.author)
    why = f": {neutral(entry.reason, _REASON)}" if entry.reason else ""
    return f"• {entry.kind} · {_moved(entry)} · {when(entry.at, calendar, 'booked')} by {author}{why}"


def _moved(entry: Entry) -> str:
    moved = {"held": entry.held, "settled": entry.settled}
    return ", ".join(f"{what} {_signed(amount)}" for what, amount in moved.items() if amount) or "nothing"


def _signed(amount: Amount) -> str:
    return f"{'−' if amount.millicredits < 0 else '+'}{-amount if amount.millicredits < 0 else amount}"
