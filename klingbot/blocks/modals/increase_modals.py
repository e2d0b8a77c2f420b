"""The forms about increases: asking for more, approving another amount, denying with a reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from klingbot.blocks.increases import counts, what
from klingbot.blocks.message import Block, section
from klingbot.blocks.modals import view
from klingbot.blocks.modals.view import Origin, View, field
from klingbot.blocks.text import name
from klingbot.common import dataclass_json
from klingbot.domain.increases import Increase, Lack
from klingbot.domain.money import Amount, type_credits

ASK, APPROVE, DENY = "increase.ask", "increase.approve", "increase.deny"
LONGEST_REASON = 500
LONGEST_ID = 64
"""Characters of an id: ours are shorter, but what comes with a click is not ours to trust."""


def ask(refused_id: str, lacks: Sequence[Lack], user_id: str, origin: Origin) -> View:
    """For whoever was refused, with what the video lacks filled in. Without a day it counts for one period."""
    short = [lack for lack in lacks if lack.raises]
    return View(
        ASK,
        "Ask for more" if short else "Ask for approval",
        "Ask",
        (
            section("The approvers are asked. Once they agree, the video is made at once."),
            *(_amount(number, lack, user_id) for number, lack in enumerate(short)),
            field("reason", "What is it for?", view.text_input("", most=LONGEST_REASON, lines=True)),
            *([_until()] if short else []),
        ),
        _memory(refused_id, origin, lacks=[dataclass_json.to_json(lack) for lack in short]),
    )


def amount_field(number: int) -> str:
    return f"credits{number}"


def _amount(number: int, lack: Lack, user_id: str) -> Block:
    label = f"Credits more for {_budget(lack, user_id)}"
    hint = f"This video lacks {lack.amount}. Ask for more than that if more is to be made."
    return field(amount_field(number), label, view.text_input(_typed(lack.amount), most=20), hint=hint)


def _until() -> Block:
    hint = "Left empty, it counts for the day, week or month it is approved in."
    return field("until", "Until which day?", view.day(), hint=hint, optional=True)


def _budget(lack: Lack, user_id: str) -> str:
    """On a label, where Slack formats nothing and knows nobody."""
    kind, _, rest = lack.scope.partition(":")
    whose = {"project": rest, "user": "your own budget" if rest == user_id else "a person's budget"}
    return f"{whose.get(kind, 'the workspace')} ({lack.kind})"


def approve(increase: Increase, origin: Origin) -> View:
    return View(
        APPROVE,
        "Approve another amount",
        "Approve",
        (
            section(f"Asked for: {what(increase)}", counts(increase)),
            field("credits", "How many credits more?", view.text_input(_typed(increase.amount), most=20)),
        ),
        _memory(increase.id, origin),
    )


def deny(increase: Increase, origin: Origin) -> View:
    return View(
        DENY,
        "Deny",
        "Deny",
        (
            section(f"Asked for: {what(increase)}", f"“{name(increase.reason)}”" if increase.reason else ""),
            field("reason", "Why not?", view.text_input("", most=LONGEST_REASON, lines=True), optional=True),
        ),
        _memory(increase.id, origin),
    )


def _typed(amount: Amount) -> str:
    return type_credits(amount.millicredits)


def _memory(subject: str, origin: Origin, **more: Any) -> str:
    return json.dumps({"id": subject[:LONGEST_ID], "origin": asdict(origin), **more})
