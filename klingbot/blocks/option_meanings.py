"""What each option of a command means, in a few words, for `/kling help COMMAND`."""

from __future__ import annotations

_EVERYWHERE = {
    "duration": "its length in seconds",
    "model": "what makes it",
    "resolution": "how fine it is",
    "audio": "with sound",
    "aspect": "its shape",
    "negative": "what should not be seen in it",
    "image": "the web address of its first picture",
    "project": "the project that pays, instead of the channel's own",
    "period": "daily, weekly or monthly",
    "reason": "why it is changed, for the audit",
    "until": "the first day on which it counts no more",
}
_OF_COMMAND = {
    "budget set": {
        "credits": "the limit in credits; none does away with it",
        "usd": "the limit in US dollars; none does away with it",
        "alert": "at how many percent the channel hears of it",
        "channel": "where its alerts go",
        "approvers": "who may approve more of it; none leaves that to the admins",
        "forecast": "whether it is said when it will not last",
        "spike": "whether a day of unusual spending is said",
    },
    "usage": {"by": "a line for each model, user, project or day"},
    "alerts quiet": {"except": "over lets through what is used up or turned away"},
    "digest": {"at": "the time of day at which it comes", "channel": "where it comes"},
    "ask": {
        "credits": "how much more, in credits",
        "usd": "how much more, in US dollars",
        "reason": "why, for whoever decides",
    },
    "approve": {"credits": "another amount than was asked for", "usd": "the same in US dollars"},
    "deny": {"reason": "why, for whoever asked"},
    "rules": {
        "models": "the only models that it may use; none allows all",
        "ceiling": "no video may cost more credits",
        "confirm": "above so many credits, whoever asks is asked once more",
        "approve": "above so many credits, somebody has to approve it",
        "people": "the only people who may spend for it; any lets everybody in",
        "channels": "the only channels in which it is spent for; any allows all",
    },
}


def meaning(command: str, option: str) -> str:
    """Raises KeyError for an option that nobody has explained."""
    return _OF_COMMAND.get(command, {}).get(option) or _EVERYWHERE[option]
