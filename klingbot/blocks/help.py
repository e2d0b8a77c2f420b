"""What can be typed, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from klingbot.blocks.budgets import set_button
from klingbot.blocks.message import Block, Message, actions, button, context, message, section
from klingbot.blocks.option_meanings import meaning
from klingbot.blocks.text import code, name, neutral
from klingbot.domain.pricing import NotSold, PriceList, Wish, quote

_GROUPS = {
    "Videos": ("generate", "quote", "jobs", "cancel"),
    "Money": ("budget", "budget show", "usage", "project", "project list"),
    "When it does not fit": ("ask", "requests", "approve", "deny", "withdraw"),
}
_ADMINS = {
    "Budgets and rules": (
        "budget set",
        "budget remove",
        "budget unlimited",
        "project new",
        "project close",
        "rules",
        "audit",
        "reconcile",
    ),
    "Alerts and digests": (
        "alerts",
        "alerts test",
        "alerts retry",
        "alerts quiet",
        "digest",
        "digest now",
        "digest list",
    ),
    "When Kling is in trouble": ("thaw", "cancel waiting", "keep-waiting", "write-off"),
}
_NOTES = {
    "generate": "Holds the cost against every budget it touches, makes the video, and posts it in this channel.",
    "quote": "What a video would cost and which budgets it would touch. Spends nothing.",
    "budget": "Every budget and how it stands.",
    "budget show": "The budgets of workspace, @user or a project's name.",
    "budget set": "Sets a budget; what is left out stays as it was. Spend so far counts. For admins.",
    "budget remove": "Removes a budget; its spend stays in the ledger. For admins.",
    "budget unlimited": "Lets me make videos although there is no budget; `off` takes that back. For admins.",
    "ask": "Asks a budget's approvers for what a refused video lacks (its id is in the refusal), or for an amount.",
    "requests": "What waits for an approver.",
    "approve": "Raises the limit by what was asked for, or by another amount, and makes the refused video.",
    "deny": "Says no, and why.",
    "withdraw": "Takes your own request back.",
    "alerts": "What is still to be said in Slack, what could not be, and why.",
    "alerts test": "Sends a test alert and says whether it arrived.",
    "alerts retry": "Tries again what was given up.",
    "alerts quiet": "Holds a channel's alerts in those hours and says them in one message afterwards. With --except "
    "over, what is used up or turned away comes through.",
    "rules": "What a project's videos may be and cost, above what they are confirmed or approved, who may spend for "
    "it, and where.",
    "audit": "Who changed a budget, a rule or a limit, when and from what. For admins.",
    "usage": "Who spent what: this month of the workspace by model, unless you say otherwise.",
    "digest": "What a day, week or month came to, when it has ended, in the channel you say. For admins.",
    "digest now": "The last one of a scope, for your eyes only.",
    "digest list": "Which digests are set, and when each comes next.",
    "project": "The project that this channel spends for. Anyone may ask; admins set it.",
    "project list": "Which projects members can spend for, and which are closed.",
    "project new": "Creates a project, or opens one again, so that members can spend for it. For admins.",
    "project close": "Closes a project: nothing new is made for it. For admins.",
    "cancel": "Gives a job up while it waits. Kling has no cancel, so not later. Your own; admins, anyone's.",
    "jobs": "What of yours waits, is being made and has lately ended, with ids; or another's, or everybody's.",
    "cancel waiting": "Releases every job that waits for its turn at Kling. For admins.",
    "keep-waiting": "Goes on waiting for a stuck job, and asks again later. For admins.",
    "write-off": "Gives a stuck job's hold back, by your name; a charge that comes after all is booked. For admins.",
    "thaw": "Opens the way to Kling by hand after it refused the account. Klingbot also tries by itself. For admins.",
    "reconcile": "Kling's own bill beside the ledger, and what is left of its packs. For admins.",
    "help": "Everything that can be typed.",
}
_EXAMPLES = (
    "/kling generate a fox in the snow --duration 10 --project marketing",
    "/kling budget set marketing --usd 600 --alert 80,100 --channel #finance",
)


_LONGEST_VALUE = 2_000
"""Characters that a button can carry (Slack's docs, button element)."""
_MENU = {"Budgets": "budget", "My jobs": "jobs", "Usage": "usage", "Help": "help"}


def menu(prices: PriceList, *, for_admin: bool = False) -> Message:
    """What is asked for most, to press."""
    return message(
        section("*Klingbot* makes Kling AI videos inside budgets that hold. What would you like to do?"),
        _buttons(*([set_button(), button("Digests", "menu.digest", "digest")] if for_admin else [])),
        context(_prices(prices)),
    )


def talked_about(prices: PriceList) -> Message:
    """Somebody has mentioned the bot in the middle of a sentence."""
    example = code("@klingbot budget")
    return message(
        section(f"Did you mean me? Begin with my name, like {example}, or press what you would like to do."),
        _buttons(),
        context(_prices(prices)),
    )


def unknown_command(sentence: str, usage: str) -> Message:
    """No word that is known, and what there is instead."""
    return message(section(neutral(sentence, 800), "Nothing was made or spent."), _buttons(), context(code(usage)))


def form_wants_a_press(words: str) -> Message:
    """Slack opens forms only for what was typed as a command, or pressed (Slack's docs, "Modals")."""
    value = words if len(words) <= _LONGEST_VALUE else words.split()[0]
    return message(
        section("There is a form for that. Slack opens it when you press here:"),
        actions(button("Open the form", "menu.form", value, style="primary")),
        context("Nothing is held before you submit it"),
    )


def overview(usage: Mapping[str, str], prices: PriceList) -> Message:
    """What everybody types with how it is written, and what admins type by name; `usage` is how, by command."""
    return message(
        section("*Klingbot* makes Kling AI videos inside budgets that hold. Answers are private; videos are not."),
        *(section(f"*{title}*", *(_explained(usage, key) for key in keys)) for title, keys in _GROUPS.items()),
        section("*For admins*", *(f"{title}: {_named(keys)}" for title, keys in _ADMINS.items())),
        section("*Examples*", *(code(example) for example in _EXAMPLES)),
        context(
            f"One command in full: {code('/kling help budget set')}",
            f"in threads: {code('@klingbot')} instead of {code('/kling')}",
            _prices(prices),
        ),
    )


def topic(key: str, usage: Mapping[str, str], options: Mapping[str, str], prices: PriceList) -> Message:
    """One command; `options` are its own, each with a value as it may be written."""
    explained = [f"{code(f'--{each} {value}'.strip())}: {meaning(key, each)}" for each, value in options.items()]
    longer = [code(f"/kling help {each}") for each in usage if each.startswith(f"{key} ")]
    return message(
        section(code(usage[key]), _NOTES[key]),
        *([section(*explained)] if explained else []),
        *([context("More", *longer)] if longer else []),
        *([context(_prices(prices))] if key in ("generate", "quote") else []),
    )


def _buttons(*more: Block) -> Block:
    return actions(
        button("Make a video", "video.form", "menu", style="primary"),
        *(button(label, f"menu.{word}", word) for label, word in _MENU.items()),
        *more,
    )


def _named(keys: Iterable[str]) -> str:
    return " · ".join(code(key) for key in keys)


def _explained(usage: Mapping[str, str], key: str) -> str:
    return f"{code(usage[key])}\n{_NOTES[key]}"


def _prices(prices: PriceList) -> str:
    """`kling-v1.5 (default): 10 credits ($0.60) for 5 s at 1080p`, and the other models."""
    default = quote(prices, Wish())
    assert not isinstance(default, NotSold)  # a price list is refused at start-up when it does not sell its default
    cost = f"{default.amount} for {default.duration_seconds} s at {name(default.resolution)}"
    others = ", ".join(name(model) for model in prices.sold if model != default.model.name)
    return f"{name(default.model.name)} (default): {cost}" + (f". Also sold: {others}" if others else "")
