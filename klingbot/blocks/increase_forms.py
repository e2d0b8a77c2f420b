"""The forms about increases: asking for more, approving another amount, denying with a reason."""

from __future__ import annotations

import json

from klingbot.blocks import view
from klingbot.blocks.increases import what
from klingbot.blocks.message import section
from klingbot.blocks.text import name
from klingbot.blocks.view import View, field
from klingbot.increases import Increase
from klingbot.money import show_number

ASK, APPROVE, DENY = "increase.ask", "increase.approve", "increase.deny"
LONGEST_REASON = 500
LONGEST_ID = 64
"""Characters of an id: ours are shorter, but what comes with a click is not ours to trust."""


def ask(refused_id: str, response_url: str | None) -> View:
    """For whoever was refused. Without a day it counts for the running period alone."""
    return View(
        ASK,
        "Ask for more",
        "Ask",
        (
            section("The approvers are asked for exactly what this video lacks. Once they agree, it is made at once."),
            field("reason", "What is it for?", view.text_input("", most=LONGEST_REASON, lines=True)),
            field(
                "until",
                "Until which day?",
                view.day(),
                hint="Left empty, it counts for the running day, week or month alone.",
                optional=True,
            ),
        ),
        _memory(refused_id, response_url),
    )


def approve(increase: Increase, response_url: str | None) -> View:
    amount = show_number(increase.amount.millicredits).replace(",", "")
    return View(
        APPROVE,
        "Approve another amount",
        "Approve",
        (
            section(f"Asked for: {what(increase)}"),
            field("credits", "How many credits more?", view.text_input(amount, most=20)),
        ),
        _memory(increase.id, response_url),
    )


def deny(increase: Increase, response_url: str | None) -> View:
    return View(
        DENY,
        "Deny",
        "Deny",
        (
            section(f"Asked for: {what(increase)}", f"“{name(increase.reason)}”" if increase.reason else ""),
            field("reason", "Why not?", view.text_input("", most=LONGEST_REASON, lines=True), optional=True),
        ),
        _memory(increase.id, response_url),
    )


def _memory(subject: str, response_url: str | None) -> str:
    return json.dumps({"id": subject[:LONGEST_ID], "response_url": response_url})
