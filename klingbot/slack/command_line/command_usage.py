"""How each command is written: its usage line, the flags it takes, and an example of each."""

from __future__ import annotations

_OPTIONS = (
    "[--duration 5] [--model M] [--resolution 1080p] [--audio] [--aspect 16:9]"
    ' [--negative "…"] [--image URL] [--project P]'
)

USAGE = {
    "generate": f"/kling generate PROMPT {_OPTIONS}",
    "quote": f"/kling quote [PROMPT] {_OPTIONS}",
    "budget": "/kling budget",
    "budget show": "/kling budget show SCOPE",
    "budget set": "/kling budget set SCOPE [--period monthly] [--credits N] [--usd N] [--alert 80,100] [--channel #c]"
    ' [--approvers @a,@b] [--forecast on|off] [--spike on|off] [--reason "…"]',
    "budget remove": '/kling budget remove SCOPE [--period monthly] [--reason "…"]',
    "budget unlimited": '/kling budget unlimited [off] [--reason "…"]',
    "alerts": "/kling alerts",
    "alerts test": "/kling alerts test [#channel]",
    "alerts retry": "/kling alerts retry",
    "alerts quiet": "/kling alerts quiet #channel 22:00-08:00|off [--except over]",
    "usage": "/kling usage [SCOPE] [--period daily|weekly|monthly] [--by model|user|project|day]",
    "digest": '/kling digest SCOPE daily|weekly|monthly|off [--at 09:00] [--channel #c] [--reason "…"]',
    "digest now": "/kling digest SCOPE now [--period weekly]",
    "digest list": "/kling digest [SCOPE]",
    "project": '/kling project [NAME] [--reason "…"]',
    "project list": "/kling project list",
    "project new": '/kling project new NAME [--reason "…"]',
    "project close": '/kling project close NAME [--reason "…"]',
    "jobs": "/kling jobs [@user|all]",
    "cancel": "/kling cancel JOB",
    "cancel waiting": "/kling cancel waiting",
    "keep-waiting": "/kling keep-waiting JOB",
    "write-off": "/kling write-off JOB REASON",
    "thaw": "/kling thaw",
    "ask": '/kling ask ID|SCOPE [--credits N] [--usd N] [--period monthly] [--reason "…"] [--until 2026-12-31]',
    "requests": "/kling requests",
    "approve": "/kling approve ID [--credits N] [--usd N]",
    "deny": '/kling deny ID [--reason "…"]',
    "withdraw": "/kling withdraw ID",
    "rules": "/kling rules [PROJECT] [--models a,b] [--ceiling N] [--confirm N] [--approve N]"
    ' [--people @a,@b] [--channels #a,#b] [--reason "…"]',
    "audit": "/kling audit [SCOPE]",
    "reconcile": "/kling reconcile",
    "help": "/kling help",
}

ALSO_CALLED = {
    **dict.fromkeys(("make", "create", "video", "videos", "render", "film", "clip", "animate", "again"), "generate"),
    **dict.fromkeys(("cost", "costs", "price", "prices", "estimate", "expensive"), "quote"),
    **dict.fromkeys(("budgets", "left", "remaining", "limit", "limits", "money", "credits"), "budget"),
    **dict.fromkeys(("spent", "spend", "spending", "expenses", "costing"), "usage"),
    **dict.fromkeys(("status", "queue", "waiting", "progress", "job"), "jobs"),
    **dict.fromkeys(("stop", "abort", "undo"), "cancel"),
    **dict.fromkeys(("more", "increase", "raise"), "ask"),
    **dict.fromkeys(("report", "summary", "digests"), "digest"),
    **dict.fromkeys(("hi", "hello", "hey", "thanks", "commands"), "help"),
}
"""What people say for a command when they do not know its name. It is only ever offered, never done."""

_OPTION_FLAGS = ("duration", "model", "resolution", "audio", "aspect", "negative", "image", "project")

FLAGS_OF: dict[str, tuple[str, ...]] = {
    "generate": _OPTION_FLAGS,
    "quote": _OPTION_FLAGS,
    "budget set": ("period", "credits", "usd", "alert", "channel", "approvers", "forecast", "spike", "reason"),
    "budget remove": ("period", "reason"),
    "budget unlimited": ("reason",),
    "usage": ("period", "by"),
    "alerts quiet": ("except",),
    "digest": ("at", "channel", "reason"),
    "digest now": ("period",),
    "ask": ("credits", "usd", "period", "reason", "until"),
    "approve": ("credits", "usd"),
    "deny": ("reason",),
    "project": ("reason",),
    "project new": ("reason",),
    "project close": ("reason",),
    "rules": ("models", "ceiling", "confirm", "approve", "people", "channels", "reason"),
}
"""The flags that a command takes; a command that is not here takes none."""

SWITCHES = frozenset({"audio", "help"})
"""Flags that stand alone; every other flag needs a value."""

PROSE = frozenset({"negative", "reason", "image"})
"""Flags whose value is kept as it was typed."""

LISTS = frozenset({"alert", "approvers", "models", "people", "channels"})
"""Flags that take several values, with commas, spaces or both between them."""

PROMPTED = frozenset({"generate", "quote"})
"""Commands whose words are a prompt."""

VIDEO_OPTIONS = _OPTION_FLAGS
"""What changes a video, and its price."""

OTHER_NAMES = {
    **dict.fromkeys(("length", "len", "time", "seconds", "secs", "sec"), "duration"),
    **dict.fromkeys(("res", "quality", "size", "definition"), "resolution"),
    **dict.fromkeys(("sound", "mute", "silent", "noaudio", "no-audio", "no-sound", "music"), "audio"),
    **dict.fromkeys(("ratio", "format", "aspect-ratio"), "aspect"),
    **dict.fromkeys(("avoid", "without", "exclude", "neg"), "negative"),
    **dict.fromkeys(("picture", "photo", "img", "frame"), "image"),
}
"""What people call an option of a video that they do not know by name. It is only ever offered, never done."""

CLEARED = frozenset({"none", "off", "default", "-"})
"""What is written for an option that is to be as if it had never been set."""

EXAMPLES = {
    "duration": "10",
    "model": "kling-pro",
    "resolution": "1080p",
    "aspect": "16:9",
    "negative": '"blurry, text"',
    "image": "https://example.com/fox.png",
    "project": "marketing",
    "period": "monthly",
    "credits": "10,000",
    "usd": "600",
    "alert": "80,100",
    "channel": "#finance",
    "forecast": "off",
    "spike": "off",
    "by": "model",
    "except": "over",
    "at": "09:00",
    "approvers": "@bob,@carol",
    "models": "kling-v1,kling-v1.5",
    "ceiling": "100",
    "confirm": "40",
    "approve": "80",
    "people": "@bob,@carol",
    "channels": "#marketing,#launch",
    "reason": '"launch week"',
    "until": "2026-12-31",
}
"""A value to show for each flag that needs one."""


def options(command: str) -> dict[str, str]:
    """The flags that a command takes, each with a value as it may be written; a switch has none."""
    return {name: EXAMPLES.get(name, "") for name in FLAGS_OF.get(command, ())}
