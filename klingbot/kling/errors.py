"""Kling's error codes, what each asks of the bot, and how each is told to a person.

Source: Kling's docs, "Error codes" (kling.ai/document-api). The code decides, never the HTTP status: Kling answers 429
for seven different things, from a full queue to an unpaid bill.
"""

from __future__ import annotations

from klingbot.kling.outcomes import Action, Rejected

OK = 0
TOKEN_NOT_YET_VALID = 1003
TOKEN_EXPIRED = 1004
BAD_VALUE = 1201
NOT_FOUND = 1203

_MEANINGS = {
    1000: (Action.FREEZE, "Kling did not accept the bot's credentials."),
    1001: (Action.FREEZE, "Kling was sent no credentials."),
    1002: (Action.FREEZE, "Kling does not know the bot's key. It may be wrong, or belong to another region's host."),
    1003: (Action.FREEZE, "Kling says the bot's token is not valid yet. Is the clock of its machine right?"),
    1004: (Action.FREEZE, "Kling says the bot's token has expired. Is the clock of its machine right?"),
    1100: (Action.FREEZE, "Kling reports that something is wrong with the account."),
    1101: (Action.FREEZE, "The Kling account has an unpaid bill."),
    1102: (
        Action.FREEZE,
        "The Kling account has no units left, or its pack has expired. (Credits bought on Kling's website do not "
        "count for its API.)",
    ),
    1103: (Action.REFUSE, "The Kling account has no right to use this model."),
    1200: (Action.REFUSE, "Kling could not make sense of the request: {message}."),
    1201: (Action.REFUSE, "Kling refused a value in the request: {message}."),
    1202: (Action.REFUSE, "Kling does not offer what the bot asked for."),
    1203: (Action.REFUSE, "Kling does not have this model, or no longer has it: {message}."),
    1300: (Action.REFUSE, "Kling's platform rules blocked this video."),
    1301: (Action.REFUSE, "Kling's content rules blocked this prompt."),
    1302: (Action.WAIT, "Kling is being asked too often."),
    1303: (Action.WAIT, "As many videos are being made as the Kling account allows at once."),
    1304: (Action.FREEZE, "The bot's IP address is not on the Kling account's whitelist."),
}

_OF_MODEL = (1103, NOT_FOUND)
_MESSAGE_SHOWN = 300


def rejection(code: int | None, message: str, request_id: str) -> Rejected | None:
    """The refusal that a code stands for; None when the code decides nothing (5000-5002, unknown ones, none at all)."""
    if code is None or code not in _MEANINGS:
        return None
    action, sentence = _MEANINGS[code]
    plain = sentence.format(message=_trimmed(message))
    return Rejected(code, message, action, plain, request_id, of_model=code in _OF_MODEL)


def _trimmed(message: str) -> str:
    text = " ".join(message.split()).rstrip(".") or "it did not say why"
    return text if len(text) <= _MESSAGE_SHOWN else text[: _MESSAGE_SHOWN - 1] + "…"
