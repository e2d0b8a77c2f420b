"""Who is in the local Slack, and which channels it has, when it is opened for the first time."""

from __future__ import annotations

from dataclasses import dataclass

TEAM_ID = "T0SANDBOX1"
TEAM_NAME = "Klingbot Sandbox"
TEAM_DOMAIN = "klingbot-sandbox"
APP_ID = "A0KLINGBOT"
BOT_ID = "B0KLINGBOT"
BOT_USER_ID = "U0KLINGBOT"
SLACKBOT_ID = "USLACKBOT"
OTHER_TEAM_ID = "T0PARTNER1"
"""Another company's workspace, with which channels may be shared."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the workspace, or of one that shares a channel with it; the app's own bot user is one too."""

    id: str
    name: str
    real_name: str
    is_admin: bool = False
    is_owner: bool = False
    is_bot: bool = False
    tz: str = "UTC"
    team_id: str = TEAM_ID
    is_restricted: bool = False
    """A guest."""
    is_deactivated: bool = False

    @property
    def is_outsider(self) -> bool:
        """Whether this is somebody from another company."""
        return self.team_id != TEAM_ID


@dataclass(frozen=True, slots=True)
class Channel:
    """A place to talk: a public or private channel, or (`is_im`) a direct message with the bot."""

    id: str
    name: str
    topic: str = ""
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False
    members: frozenset[str] = frozenset()

    def name_for_bots(self) -> str:
        """Slack does not tell commands and clicks the name of a private place."""
        if self.is_im:
            return "directmessage"
        return "privategroup" if self.is_private else self.name


ALICE = Person("U0ALICE001", "alice", "Alice Archer", is_admin=True)
BOB = Person("U0BOB00001", "bob", "Bob Baker")
CAROL = Person("U0CAROL001", "carol", "Carol Chen")
BOT = Person(BOT_USER_ID, "klingbot", "Klingbot", is_bot=True)
SLACKBOT = Person(SLACKBOT_ID, "slackbot", "Slackbot", is_bot=True)
ERIN = Person("U0ERIN0001", "erin", "Erin Else", is_admin=True, team_id=OTHER_TEAM_ID)
"""An admin of another company. Not there from the start, like all below: see `Workspace.join`."""
GWEN = Person("U0GWEN0001", "gwen", "Gwen Guest", is_restricted=True)
DAVE = Person("U0DAVE0001", "dave", "Dave Departed", is_deactivated=True)
PEOPLE = (ALICE, BOB, CAROL, BOT, SLACKBOT)

_HUMANS = frozenset({ALICE.id, BOB.id, CAROL.id})
_EVERYONE = _HUMANS | {BOT.id}

CHANNELS = (
    Channel("C0GENERAL1", "general", "Everything and everyone", members=_EVERYONE),
    Channel("C0MARKETNG", "marketing", "Campaigns and launches", members=_EVERYONE),
    Channel("C0VIDEOLAB", "video-lab", "Try things here", members=_EVERYONE),
    Channel("C0FINANCE1", "finance", "Budgets and alerts", members=_EVERYONE),
    Channel("C0LOUNGE01", "lounge", "Klingbot has not been invited here", members=_HUMANS),
    Channel("D0ALICE001", "klingbot", is_im=True, members=frozenset({ALICE.id, BOT.id})),
    Channel("D0BOB00001", "klingbot", is_im=True, members=frozenset({BOB.id, BOT.id})),
    Channel("D0CAROL001", "klingbot", is_im=True, members=frozenset({CAROL.id, BOT.id})),
)
