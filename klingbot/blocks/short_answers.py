"""The short answers: a person's mistake, something only admins may do, a failure of ours."""

from __future__ import annotations

from klingbot.blocks.message import Block, Message, context, message, section
from klingbot.blocks.text import code, name, neutral
from klingbot.domain.ledger_faults import LedgerFault

_AGAIN = "Please try again in a moment."
_FAULTS = {
    LedgerFault.AWAY: ("I can't reach my database right now.", _AGAIN),
    LedgerFault.BUSY: ("My database is busy right now.", _AGAIN),
    LedgerFault.FULL: (
        "The disk with my database is full.",
        "Please tell the person who runs Klingbot: it needs free disk space before anyone can go on.",
    ),
    LedgerFault.UNWRITABLE: (
        "I can't write to my database.",
        "Please tell the person who runs Klingbot: its log says what is wrong with the file, disk or server.",
    ),
    LedgerFault.LOST: (
        "My ledger is missing.",
        "Please tell the person who runs Klingbot: its log says what happened and how to bring the ledger back.",
    ),
}


def mistake(sentence: str, usage: str | None = None) -> Message:
    """What is wrong and how to put it right; and, where it was typed, how the command is written."""
    return _with_usage(message(section(neutral(sentence, 800))), usage)


def no_picture(reason: str | None) -> Message:
    """Say why the file that somebody has sent with their words begins no video; by default, it is no picture."""
    why = neutral(reason, 800) if reason else "A video begins with a picture, and what you sent along is none."
    return message(section(f"{why} Nothing was reserved."))


def picture_wants_words() -> Message:
    """Somebody has sent a picture, and no word of what it should show."""
    return message(section(f"Say what should happen to the picture, like {code('generate The fox wakes up')}."))


def admins_only(what: str, usage: str | None = None) -> Message:
    return _with_usage(message(section(f"Only admins can {what}. Ask one of them; nothing was changed.")), usage)


def outdated() -> Message:
    """A button that this version does not know: its message is from an earlier one, or from a later."""
    return message(
        section(
            "This button belongs to another version of Klingbot and does nothing any more. Nothing was changed.",
            f"{code('/kling help')} shows what you can do instead.",
        )
    )


def unavailable(sentence: str) -> Message:
    """Slack could not be asked."""
    return message(section(neutral(sentence, 800)))


def nothing_kept(fault: LedgerFault) -> Message:
    """Say that the request left nothing in the ledger, and what to do about it."""
    return message(section(f"{_FAULTS[fault][0]} Nothing was reserved or changed.", _FAULTS[fault][1]))


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


def no_channel_yet(project_name: str, meant: str) -> Block:
    """Below what was set up for a project whose name is almost another's."""
    return section(f"No channel spends for {name(project_name)} yet. Did you mean {name(meant)}?")


def _with_usage(said: Message, usage: str | None) -> Message:
    return said.plus(context(code(usage))) if usage else said
