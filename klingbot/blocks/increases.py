"""What is said about increases: asked for, decided, ended, and which of them wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from klingbot.blocks.budget_status import full
from klingbot.blocks.jobs import product
from klingbot.blocks.message import Message, actions, button, context, message, section, sections
from klingbot.blocks.text import LONGEST_PROMPT, code, label, mention, neutral, scope_name, when, with_mentions
from klingbot.domain.increases import Grant, Increase, IncreaseState
from klingbot.domain.notifications import GrantEnded, IncreaseAsked, IncreaseClosed
from klingbot.domain.periods import Calendar, PeriodKind, named

MOST_LISTED = 20
LONGEST_REASON = 150
"""Characters of a reason in a list."""

_SPAN = {PeriodKind.DAILY: "day", PeriodKind.WEEKLY: "week", PeriodKind.MONTHLY: "month"}


def asked(content: IncreaseAsked, calendar: Calendar) -> Message:
    """For the approvers."""
    increase, standing = content.increase, content.standing
    named = standing.budget.approvers if standing else ()
    approvers = ", ".join(mention(user_id) for user_id in named) or "an admin"
    return message(
        section(
            f"*🙋 {mention(increase.user_id)} asks for {what(increase)}*",
            _reason(increase),
            full(standing, calendar) if standing else "",
        ),
        actions(
            button("Approve", "increase.approve", increase.id, style="primary"),
            *([button("Another amount", "increase.amount", increase.id)] * increase.raises),
            button("Deny", "increase.deny", increase.id, style="danger"),
        ),
        context(
            f"For {approvers}",
            counts(increase),
            when(increase.expires_at, calendar, "waits until"),
        ),
    )


def closed(content: IncreaseClosed, calendar: Calendar) -> Message:
    """In place of the question, and for whoever asked."""
    increase = content.increase
    asked_for = f"{mention(increase.user_id)}'s request for {what(increase)}"
    match increase.state:
        case IncreaseState.GRANTED:
            return message(section(f"✅ {_by(increase)} approved {asked_for}", *_granted(content)))
        case IncreaseState.DENIED:
            remark = f"“{neutral(increase.remark)}”" if increase.remark else ""
            return message(section(f"❌ {_by(increase)} denied {asked_for}", remark, "Nothing was held or spent."))
        case IncreaseState.WITHDRAWN:
            return message(section(f"↩️ {_by(increase)} withdrew the request for {what(increase)}"))
        case _ if increase.budget_removed:
            return message(
                section(
                    f"↩️ {scope_name(increase.scope)} ({increase.kind}) was removed, so {asked_for} is closed",
                    "Nothing was held or spent. That budget limits nothing any more: ask for the video again.",
                )
            )
        case _:
            return message(section(f"⌛ Nobody decided {asked_for} in time", "Nothing was held or spent."))


def grant_ended(content: GrantEnded, calendar: Calendar) -> Message:
    grant = content.grant
    now = full(content.standing, calendar) if content.standing else "That budget was removed."
    return message(
        section(
            f"The grant of {grant.amount} for {scope_name(grant.scope)} ({grant.kind}) has ended",
            f"{mention(grant.user_id)} asked for it, {mention(grant.granted_by)} approved it.",
            now,
        )
    )


def listing(waiting: Sequence[Increase], calendar: Calendar) -> Message:
    """Every increase that waits for an approver."""
    if not waiting:
        return message(section("No requests are waiting."))
    lines = [f"• {code(each.id)} {_asks(each)}" for each in waiting[:MOST_LISTED]]
    more = [f"• and {len(waiting) - MOST_LISTED:,} more"] if len(waiting) > MOST_LISTED else []
    return message(
        *sections(["*Requests that wait for an approver*", *lines, *more]),
        context(f"{code('/kling approve ID')} · {code('/kling deny ID')} · your own: {code('/kling withdraw ID')}"),
    )


def were_asked(increases: Sequence[Increase]) -> Message:
    """For whoever asked."""
    lines = [f"• {what(increase)}{_counts(increase)}" for increase in increases]
    ids = [increase.id for increase in increases]
    return message(
        section("Asked for, and you hear as soon as somebody decides:", *lines),
        actions(button("Take it back", "increase.withdraw", " ".join(ids))),
        context(f"By command: {' · '.join(code(f'/kling withdraw {each}') for each in ids)}"),
    )


def asked_before(increase: Increase) -> Message:
    if increase.budget_removed:
        return closed_before(increase)
    return message(section(f"You asked for that before; it is {increase.state}: {what(increase)}."))


def closed_before(increase: Increase) -> Message:
    if increase.budget_removed:
        return message(section(f"{_budget(increase)} was removed, so that request is closed. Nothing changed."))
    who = f" by {_by(increase)}" if increase.decided_by else ""
    return message(section(f"That request is {increase.state} already{who}. Nothing changed."))


def no_such_increase(increase_id: str) -> Message:
    return message(
        section(f"There is no request {neutral(increase_id)}. See those that wait: {code('/kling requests')}")
    )


def nothing_refused(refused_id: str) -> Message:
    return message(
        section(
            f"No request {neutral(refused_id)} of yours was refused lately. "
            f"Copy its id from the refusal, or ask for an amount: {code('/kling ask SCOPE --credits 40')}"
        )
    )


def own_increase() -> Message:
    return message(section("Nobody approves their own request: somebody else has to."))


def not_an_approver(approvers: tuple[str, ...]) -> Message:
    who = ", ".join(mention(user_id) for user_id in approvers) or "the admins"
    return message(section(f"Only {who} can decide this request. Nothing changed."))


def _granted(content: IncreaseClosed) -> list[str]:
    given, job = content.grant, content.job
    limit = f"The limit is raised by {given.amount} {_until(given)}." if given else ""
    if not given and job and content.increase.raises:
        limit = "It fits by now without a raised limit: nothing had to be granted."
    making = f"The video is on its way: job {code(job.id)}, {product(job)}." if job else ""
    short = ", ".join(label(standing.budget) for standing in content.short)
    lacking = f"The video still does not fit into {short}." if short else ""
    obstacle = f"The video is not made yet: {with_mentions(content.obstacle, 600)}" if content.obstacle else ""
    return [limit, making, lacking, obstacle]


def _until(given: Grant) -> str:
    if (given.end_day - given.first_day).days == 1:
        return f"for {named(given.kind, given.first_day)}"
    return f"for each {_SPAN[given.kind]} that begins before {_day(given.end_day)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _by(increase: Increase) -> str:
    return mention(increase.decided_by or "")


def what(increase: Increase) -> str:
    """`40 credits ($2.40) more for marketing (monthly)`."""
    if increase.raises:
        return f"{increase.amount} more for {_budget(increase)}"
    return f"a video of {increase.amount} in {scope_name(increase.scope)}"


def counts(increase: Increase) -> str:
    """For how long, in words that are true whenever they are read; empty where no limit is raised."""
    if not increase.raises:
        return ""
    later = f" and each later one that begins before {_day(increase.until)}" if increase.until else ""
    return f"counts for the {_SPAN[increase.kind]} it is approved in{later}"


def _asks(increase: Increase) -> str:
    reason = _reason(increase, LONGEST_REASON)
    return f"{mention(increase.user_id)} asks for {what(increase)}: {reason}{_counts(increase)}"


def _counts(increase: Increase) -> str:
    """The same at the end of a line."""
    return f" · {counts(increase)}" if increase.raises else ""


def _budget(increase: Increase) -> str:
    return f"{scope_name(increase.scope)} ({increase.kind})"


def _reason(increase: Increase, most: int = LONGEST_PROMPT) -> str:
    return f"“{neutral(increase.reason, most)}”" if increase.reason else "No reason was given."
