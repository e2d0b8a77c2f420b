"""What is said before anything is spent: what a job would cost, and why it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from klingbot.blocks.budget_status import left, limit, resets, spent
from klingbot.blocks.first_budget_notice import NOT_YET, whom_to_ask
from klingbot.blocks.jobs import product
from klingbot.blocks.message import Block, Message, actions, button, context, message, section
from klingbot.blocks.text import code, label, name, with_mentions
from klingbot.domain.budgets import Standing
from klingbot.domain.money import show_usd
from klingbot.domain.periods import Calendar
from klingbot.domain.pricing import Quote
from klingbot.domain.project_rules import Consent
from klingbot.engine.hold_outcomes import BudgetExceeded, Estimate, NeedsConsent

_CONSENT = {
    Consent.CONFIRMED: "Its project asks once more before a video of that price",
    Consent.APPROVED: "Its project wants an approver to agree to a video of that price",
}


def budget_exceeded(outcome: BudgetExceeded, calendar: Calendar, *, typed: bool = True) -> Message:
    """What still fits is worded as it was asked for: `typed`, or by form."""
    wanted = outcome.wanted
    return message(
        section(
            f"*{_title(outcome.refused)}*",
            f"Needed: {wanted.amount} for {product(wanted)}",
            *(_refusing(standing, calendar) for standing in outcome.refused),
        ),
        _fitting(outcome.fits, partial(_options, wanted) if typed else product),
        actions(
            *(_instead(number, outcome.id, offer) for number, offer in enumerate(outcome.fits)),
            button("Ask for more", "increase.ask", outcome.id),
        ),
        context("Nothing was held or spent", f"ask for more: {code(f'/kling ask {outcome.id}')}" if typed else ""),
    )


def needs_consent(outcome: NeedsConsent) -> Message:
    """The project's rules want somebody to agree first."""
    quote = outcome.quote
    price = f"*{quote.amount}* for {product(quote)}"
    if outcome.wanted is Consent.APPROVED:
        asks = f"{price}: the project {name(outcome.project)} wants an approver to agree to a video of that price."
        return message(
            section(asks),
            actions(button("Ask for approval", "increase.ask", outcome.id, style="primary")),
            context("Nothing was held or spent", f"ask for more: {code(f'/kling ask {outcome.id}')}"),
        )
    asks = f"{price}: the project {name(outcome.project)} asks once more before a video of that price."
    return message(
        section(asks),
        actions(button(f"Make it for {show_usd(quote.amount.microusd)}", "job.confirm", outcome.id, style="primary")),
        context("Nothing was held or spent yet"),
    )


def estimate(outcome: Estimate, calendar: Calendar) -> Message:
    options = partial(_options, outcome.quote)
    return message(*price(outcome, calendar, options), context("Nothing was spent"))


def price(outcome: Estimate, calendar: Calendar, offered: Callable[[Quote], str]) -> list[Block]:
    """What it would cost and what that does to the budgets; `offered` words what would fit instead."""
    quote = outcome.quote
    touched = [_touched(standing, quote, calendar) for standing in outcome.standings]
    said = section(
        f"*{quote.amount}* for {product(quote)} · project {name(outcome.project)}",
        *(touched or ([] if outcome.no_budget_yet else ["No budget limits this"])),
    )
    return [said, *_verdict(outcome, offered)]


def _title(refused: tuple[Standing, ...]) -> str:
    return f"Budget exceeded for {label(refused[0].budget)}"


def _refusing(standing: Standing, calendar: Calendar) -> str:
    return (
        f"• {label(standing.budget)}: {left(standing)} of {limit(standing.budget)} "
        f"({standing.percent}: {spent(standing)}), {resets(standing, calendar)}"
    )


def _touched(standing: Standing, quote: Quote, calendar: Calendar) -> str:
    after = standing.with_held(quote.amount)
    return (
        f"• {label(standing.budget)}: {standing.percent} → {after.percent}, now {left(standing)} of "
        f"{limit(standing.budget)}, {resets(standing, calendar)}"
    )


def _verdict(outcome: Estimate, offered: Callable[[Quote], str]) -> Iterable[Block]:
    if outcome.no_budget_yet:
        yield section(f"*{NOT_YET}*", whom_to_ask(()))
    elif outcome.forbidden:
        yield section(f"It would be refused: {with_mentions(outcome.forbidden, 600)}")
    elif outcome.refused:
        yield section(f"It would be refused: *{_title(outcome.refused)}*")
        yield _fitting(outcome.fits, offered)
    elif outcome.standings:
        yield section("It fits into every budget it touches")
    if outcome.wanted is not Consent.NONE:
        yield section(_CONSENT[outcome.wanted])


def _fitting(fits: tuple[Quote, ...], offered: Callable[[Quote], str]) -> Block:
    if not fits:
        return section("Nothing on the price list fits into what is left. An admin can raise the budget.")
    return section("What still fits:", *(f"• {offered(offer)} → {offer.amount}" for offer in fits))


def _instead(number: int, refused_id: str, offer: Quote) -> Block:
    sound = "audio" if offer.audio else "silent"
    made = f"{offer.model.name}, {offer.duration_seconds} s, {offer.resolution}"
    value = f"{refused_id} {offer.model.name} {offer.duration_seconds} {offer.resolution} {sound}"
    return button(f"Make {made}: {show_usd(offer.amount.microusd)}", f"refused.instead.{number}", value)


def _options(wanted: Quote, offer: Quote) -> str:
    """What to change in the command as it was typed."""
    flags = {
        "--model": (wanted.model.name, offer.model.name),
        "--duration": (wanted.duration_seconds, offer.duration_seconds),
        "--resolution": (wanted.resolution, offer.resolution),
    }
    changed = [f"{flag} {now}" for flag, (then, now) in flags.items() if then != now]
    if offer.audio and not wanted.audio:
        changed.append("--audio")
    silenced = f"without {code('--audio')}" if wanted.audio and not offer.audio else ""
    return " ".join(part for part in (code(" ".join(changed)) if changed else "", silenced) if part)
