"""The app's home, as one person sees it."""

from __future__ import annotations

from collections.abc import Iterator

from klingbot.blocks import digests, first_budget_notice
from klingbot.blocks.budget_status import bar, left, limit, resets, sums, tightest
from klingbot.blocks.budgets import set_button
from klingbot.blocks.increases import counts, what
from klingbot.blocks.job_lists import line, standing_words
from klingbot.blocks.jobs import charge, product
from klingbot.blocks.message import Block, actions, beside, button, context, heading, section
from klingbot.blocks.text import code, label, link, mention, name, neutral
from klingbot.blocks.usage import shares
from klingbot.domain.budgets import Standing
from klingbot.domain.increases import Increase
from klingbot.domain.jobs import Job, JobState
from klingbot.domain.periods import Calendar
from klingbot.engine.home import Home

MOST_BUDGETS, MOST_WAITING = 10, 5
_PROMPT = 80


def home(content: Home, calendar: Calendar) -> list[Block]:
    """Empty parts say how they are filled."""
    return [
        actions(button("Make a video", "video.form", "home", style="primary"), *(_forms() if content.is_admin else [])),
        *_limits(content, calendar),
        *_waiting(content.waiting),
        *_budgets(content, calendar),
        *_jobs(content, calendar),
        *_videos(content.queue.ended),
        *_spent(content, calendar),
        context(f"All of this can be typed too: {code('/kling help')}"),
    ]


def _forms() -> list[Block]:
    return [
        set_button(),
        button("Remove a budget", "budget.remove", "any"),
        digests.set_button(),
        button("Digests", "menu.digest", "digest"),
    ]


def _limits(content: Home, calendar: Calendar) -> Iterator[Block]:
    """Why nothing can be started, for everyone; what nothing limits, for admins."""
    if content.is_admin:
        yield from first_budget_notice.warnings(content.coverage, calendar)
    elif not content.coverage.may_start:
        yield section(f"*{first_budget_notice.NOT_YET}*", first_budget_notice.whom_to_ask(()))


def _waiting(increases: tuple[Increase, ...]) -> Iterator[Block]:
    if increases:
        yield heading("Waiting for you")
    for increase in increases[:MOST_WAITING]:
        yield section(
            f"{mention(increase.user_id)} asks for *{what(increase)}*",
            f"> {neutral(increase.reason)}" if increase.reason else "",
            counts(increase),
        )
        yield actions(
            button("Approve", "increase.approve", increase.id, style="primary"),
            button("Deny", "increase.deny", increase.id, style="danger"),
        )
    if len(increases) > MOST_WAITING:
        yield context(f"{len(increases) - MOST_WAITING:,} more: {code('/kling requests')}")


def _budgets(content: Home, calendar: Calendar) -> Iterator[Block]:
    yield heading("Budgets" if content.is_admin else "Your budgets")
    if not content.budgets and not content.coverage.may_start:
        yield section("None yet.")
        return
    if not content.budgets:
        example = code("/kling budget set workspace --usd 600")
        who = "Set one" if content.is_admin else "Admins set them"
        yield section(f"No budget limits what you spend. {who}: {example}")
        return
    fullest = tightest(content.budgets, MOST_BUDGETS)
    for standing in fullest:
        change = button("Change", "budget.set", f"{standing.budget.kind} {standing.budget.scope}")
        said = section(_budget(standing, calendar))
        yield beside(said, change) if content.is_admin else said
    if len(content.budgets) > MOST_BUDGETS:
        yield context(f"{len(content.budgets) - MOST_BUDGETS:,} more, none of them fuller: {code('/kling budget')}")


def _budget(standing: Standing, calendar: Calendar) -> str:
    return (
        f"*{label(standing.budget)}*\n{bar(standing.permille, 20)} {standing.percent}\n"
        f"{left(standing)} of {limit(standing.budget)}, {resets(standing, calendar)}"
    )


def _jobs(content: Home, calendar: Calendar) -> Iterator[Block]:
    yield heading("Being made")
    queue = content.queue
    if not queue.live:
        yield section("Nothing waits or is being made. Press *Make a video*, and watch it here.")
        return
    for job, ahead in zip(queue.live, queue.ahead, strict=True):
        yield section(line(job, standing_words(job, ahead, queue.at, calendar), calendar, own=True))
        if job.state is JobState.HELD:
            yield actions(button("Cancel", "job.cancel", job.id))


def _videos(ended: tuple[Job, ...]) -> Iterator[Block]:
    yield heading("Recent videos")
    if not ended:
        yield section("None yet. What you make is kept here with what it cost; Kling keeps the videos for 30 days.")
    for job in ended:
        yield section(_video(job))


def _video(job: Job) -> str:
    prompt = neutral(job.prompt, _PROMPT) or code(job.id)
    if job.state is JobState.SUCCEEDED:
        shown = link(job.video_url, prompt) if job.video_url else prompt
        return f"🎬 {shown}\n{charge(job)} · {product(job)} · project {name(job.project)}"
    if job.state is JobState.RELEASED and (job.reason or "").startswith("cancelled"):
        return f"{prompt}\nCancelled · nothing charged"
    why = f": {neutral(job.reason, 120)}" if job.reason else ""
    return f"{prompt}\nNot made{why} · nothing charged"


def _spent(content: Home, calendar: Calendar) -> Iterator[Block]:
    usage = content.spent
    yield heading(f"You in {usage.period.label}")
    if not usage.shares:
        yield section("Nothing spent yet: what your videos cost stands here, by project.")
        return
    yield section(sums(usage.total))
    yield shares(usage, calendar)
