"""The methods that tell who and what is there: auth.*, users.* and conversations.*."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from klingbot.sandbox.slack.content import flag
from klingbot.sandbox.slack.reply_checks import Args, Reply, Slack, error, ok, word
from klingbot.sandbox.slack.roster import BOT_ID, TEAM_ID, TEAM_NAME, Channel, Person

SCOPE_OF_TYPE = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}
"""Which scope lets a bot see a conversation of which type (Slack's docs, conversations.list)."""
MOST_AT_ONCE = 1000


def api_test(slack: Slack, args: Args) -> Reply:
    """api.test: says back what it was given."""
    if wanted := word(args, "error"):
        return error(wanted, args=args)
    return ok(args=args)


def auth_test(slack: Slack, args: Args) -> Reply:
    """auth.test: whose token this is."""
    bot = slack.workspace.people[slack.workspace.bot_user_id]
    return ok(
        url=f"{slack.url}/",
        team=TEAM_NAME,
        team_id=TEAM_ID,
        user=bot.name,
        user_id=bot.id,
        bot_id=BOT_ID,
        is_enterprise_install=False,
    )


def users_info(slack: Slack, args: Args) -> Reply:
    person = slack.workspace.people.get(word(args, "user"))
    return error("user_not_found") if person is None else ok(user=_person(person))


def users_list(slack: Slack, args: Args) -> Reply:
    return _page("members", [_person(person) for person in slack.workspace.people.values()], args)


def conversations_list(slack: Slack, args: Args) -> Reply:
    """conversations.list: public channels, and the private ones and direct messages the bot is in."""
    types = wanted_types(args)
    if not set(types) <= SCOPE_OF_TYPE.keys():
        return error("invalid_types")
    bot, skip_archived = slack.workspace.bot_user_id, flag(args, "exclude_archived", default=False)
    listed = [
        _channel(channel, bot, is_shared=slack.workspace.is_shared(channel))
        for channel in slack.workspace.channels_of(bot)
        if type_of(channel) in types and not (skip_archived and channel.is_archived)
    ]
    return _page("channels", listed, args)


def conversations_info(slack: Slack, args: Args) -> Reply:
    channel = slack.workspace.channels.get(word(args, "channel"))
    bot = slack.workspace.bot_user_id
    if channel is None or not slack.workspace.enters(bot, channel):
        return error("channel_not_found")
    return ok(channel=_channel(channel, bot, is_shared=slack.workspace.is_shared(channel)))


def conversations_open(slack: Slack, args: Args) -> Reply:
    """conversations.open: the direct message with one person. They all exist from the start."""
    channel = slack.workspace.im_of(word(args, "users"))
    if channel is None:
        return error("user_not_found")
    opened = _channel(channel, slack.workspace.bot_user_id) if flag(args, "return_im", default=False) else {}
    return ok(no_op=True, already_open=True, channel={"id": channel.id, **opened})


def wanted_types(args: Args) -> list[str]:
    return [kind.strip() for kind in (word(args, "types") or "public_channel").split(",")]


def type_of(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def _person(person: Person) -> dict[str, Any]:
    offset = datetime.now(ZoneInfo(person.tz)).utcoffset()
    return {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": person.is_deactivated,
        "tz": person.tz,
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": {"real_name": person.real_name, "display_name": person.name, "team": person.team_id},
        "is_admin": person.is_admin,
        "is_owner": person.is_owner,
        "is_primary_owner": False,
        "is_restricted": person.is_restricted,
        "is_ultra_restricted": False,
        "is_bot": person.is_bot,
        "is_app_user": False,
        # Slack says so of other companies' people only (Slack's docs, user object).
        **({"is_stranger": False} if person.is_outsider else {}),
    }


def _channel(channel: Channel, bot: str, *, is_shared: bool = False) -> dict[str, Any]:
    if channel.is_im:
        (other,) = channel.members - {bot}
        return {"id": channel.id, "is_im": True, "user": other, "is_archived": channel.is_archived}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_general": channel.name == "general",
        "is_ext_shared": is_shared,
        "is_member": bot in channel.members,
        "num_members": len(channel.members),
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "context_team_id": TEAM_ID,
    }


def _page(name: str, items: Sequence[dict[str, Any]], args: Args) -> Reply:
    """One page of a list: `limit` items from `cursor` on, and the cursor of the next page."""
    try:
        start = int(base64.b64decode(word(args, "cursor") or "MA==", validate=True))
    except ValueError:
        return error("invalid_cursor")
    wanted = str(args.get("limit") or MOST_AT_ONCE)
    if not wanted.isdecimal() or int(wanted) > MOST_AT_ONCE:
        return error("invalid_limit")
    limit = int(wanted)
    end = start + limit
    cursor = base64.b64encode(str(end).encode()).decode() if end < len(items) else ""
    return ok(**{name: list(items[start:end])}, response_metadata={"next_cursor": cursor})
