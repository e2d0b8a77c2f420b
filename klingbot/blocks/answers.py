"""The short answers: a person's mistake, something only admins may do, a failure of ours."""

from __future__ import annotations

from klingbot.blocks.message import Message, context, message, section
from klingbot.blocks.text import code, name, neutral


def mistake(sentence: str, usage: str) -> Message:
    """What is wrong and how to put it right, and how the command is written."""
    return message(section(neutral(sentence, 800)), context(code(usage)))


def admins_only(what: str, usage: str) -> Message:
    return message(section(f"Only admins can {what}. Ask one of them; nothing was changed."), context(code(usage)))


def unavailable(sentence: str) -> Message:
    """Slack could not be asked."""
    return message(section(neutral(sentence, 800)))


def failure(reference: str) -> Message:
    """Something broke; the log has the same reference. Whether anything was held is not known here."""
    return message(
        section(
            f"Something went wrong on our side (ref {reference}). Before you ask again, look whether it went through: "
            f"{code('/kling usage')} shows what is in flight.",
            "If it happens again, give the reference to whoever runs Klingbot.",
        )
    )


def project(project_name: str) -> Message:
    example = code("/kling project NAME")
    return message(section(f"This channel spends for the project *{name(project_name)}*. Admins change it: {example}"))


def project_set(before: str, after: str) -> Message:
    was = "" if before == after else f" Until now it was {name(before)}; what was spent there stays there."
    return message(section(f"This channel now spends for the project *{name(after)}*.{was}"))
