"""Messages to people who may not use the bot."""

from __future__ import annotations

from klingbot.blocks.message import Message, message, section
from klingbot.blocks.text import neutral
from klingbot.domain.membership import Membership

_WHY = {
    Membership.OUTSIDER: (
        "Sorry, I only work for the company that installed me.",
        "You're here from another workspace, so please ask a colleague from this one to do it for you.",
    ),
    Membership.GUEST: (
        "Sorry, guests can't use Klingbot here.",
        "Ask a full member of the workspace, or ask an admin to let guests in.",
    ),
    Membership.BOT: ("Sorry, I only take requests from people.", "Ask somebody to type this one."),
    Membership.DEACTIVATED: (
        "Sorry, your Slack account is deactivated.",
        "Ask an admin of the workspace to reactivate it.",
    ),
}


def declined(found: Membership) -> Message:
    """Tell somebody who is no member that nothing was done, and who can do it instead."""
    first, then = _WHY[found]
    return message(section(first, f"{then} Nothing was spent or changed."))


def unknown(sentence: str) -> Message:
    """Tell somebody that Slack could not be asked who they are."""
    return message(section("I couldn't check that you belong to this workspace.", neutral(sentence, 800)))
