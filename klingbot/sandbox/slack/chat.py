"""The chat.* methods: what the bot says, changes and takes back."""

from typing import Any

from klingbot.sandbox.slack import content
from klingbot.sandbox.slack.content import Content, Refused
from klingbot.sandbox.slack.reply_checks import Args, Reply, Slack, error, ok, ratelimited, refused, word
from klingbot.sandbox.slack.roster import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID, Channel
from klingbot.sandbox.slack.workspace import Message, Workspace


def post_message(slack: Slack, args: Args) -> Reply:
    """chat.postMessage: to a channel's id or name, or to a person's id (their direct message)."""
    admitted = _admitted(slack, args)
    if isinstance(admitted, Reply):
        return admitted
    channel, said = admitted
    thread_ts = word(args, "thread_ts") or None
    if problem := no_thread(slack.workspace, channel, thread_ts):
        return error(problem)
    message = slack.workspace.post(
        channel.id,
        slack.workspace.bot_user_id,
        said.text,
        blocks=said.blocks,
        thread_ts=thread_ts,
        broadcast=content.flag(args, "reply_broadcast", default=False),
        unfurl=said.unfurl,
    )
    return ok(channel=channel.id, ts=message.ts, message=shown(message))


def post_ephemeral(slack: Slack, args: Args) -> Reply:
    """chat.postEphemeral: seen by one member of the channel only."""
    admitted = _admitted(slack, args)
    if isinstance(admitted, Reply):
        return admitted
    channel, said = admitted
    user = word(args, "user")
    if user not in channel.members:
        return error("user_not_in_channel")
    thread_ts = word(args, "thread_ts") or None
    if problem := no_thread(slack.workspace, channel, thread_ts):
        return error(problem)
    message = slack.workspace.post(
        channel.id,
        slack.workspace.bot_user_id,
        said.text,
        blocks=said.blocks,
        ephemeral_to=user,
        thread_ts=thread_ts,
    )
    return ok(message_ts=message.ts)


def update(slack: Slack, args: Args) -> Reply:
    """chat.update: the bot's own messages only. Text without blocks takes the old blocks away."""
    message = _own_message(slack.workspace, args, "cant_update_message")
    if isinstance(message, Reply):
        return message
    if slack.workspace.channels[message.channel].is_archived:
        return error("is_inactive")
    said = content.read(args, slack.workspace.files)
    if isinstance(said, Refused):
        return refused(said)
    changed = slack.workspace.update(message.channel, message.ts, text=said.text, blocks=said.blocks)
    if changed is None:
        return error("message_not_found")
    return ok(channel=message.channel, ts=message.ts, text=said.text, message=shown(changed))


def delete(slack: Slack, args: Args) -> Reply:
    """chat.delete: the bot's own messages only."""
    message = _own_message(slack.workspace, args, "cant_delete_message")
    if isinstance(message, Reply):
        return message
    slack.workspace.delete(message.channel, message.ts)
    return ok(channel=message.channel, ts=message.ts)


def get_permalink(slack: Slack, args: Args) -> Reply:
    """chat.getPermalink: a link into the sandbox's own page."""
    channel, ts = word(args, "channel"), word(args, "message_ts")
    if channel not in slack.workspace.channels:
        return error("channel_not_found")
    if slack.workspace.find(channel, ts) is None:
        return error("message_not_found")
    return ok(channel=channel, permalink=f"{slack.url}/archives/{channel}/p{ts.replace('.', '')}")


def _admitted(slack: Slack, args: Args) -> tuple[Channel, Content] | Reply:
    """Where the bot may say what, or Slack's refusal."""
    channel = _addressed(slack.workspace, word(args, "channel"))
    if channel is None:
        return error("channel_not_found")
    if problem := closed_to_bot(slack, channel):
        return error(problem)
    said = content.read(args, slack.workspace.files)
    if isinstance(said, Refused):
        return refused(said)
    if wait := slack.rate.take(channel.id):
        return ratelimited(wait)
    return channel, said


def _addressed(workspace: Workspace, address: str) -> Channel | None:
    if address in workspace.channels:
        return workspace.channels[address]
    if address in workspace.people:
        return workspace.im_of(address)
    named = (c for c in workspace.channels.values() if not c.is_im and c.name == address.removeprefix("#"))
    return next(named, None)


def closed_to_bot(slack: Slack, channel: Channel) -> str | None:
    """Slack's word for why the bot may not post here; None when it may."""
    is_member = slack.workspace.bot_user_id in channel.members
    if not is_member and (channel.is_private or channel.is_im):
        return "channel_not_found"
    if channel.is_archived:
        return "is_archived"
    if not is_member and "chat:write.public" not in slack.scopes:
        return "not_in_channel"
    return None


def no_thread(workspace: Workspace, channel: Channel, thread_ts: str | None) -> str | None:
    """Why nothing can be answered there. Slack wants a thread's first message, not a reply (docs, chat.postMessage)."""
    if thread_ts is None:
        return None
    root = workspace.find(channel.id, thread_ts)
    if root is None or root.ephemeral_to is not None:
        return "thread_not_found"
    return "cannot_reply_to_message" if root.thread_ts else None


def _own_message(workspace: Workspace, args: Args, not_own: str) -> Message | Reply:
    channel, ts = word(args, "channel"), word(args, "ts")
    if channel not in workspace.channels:
        return error("channel_not_found")
    message = workspace.find(channel, ts)
    # Slack keeps no ephemeral message that a method could find again.
    if message is None or message.ephemeral_to is not None:
        return error("message_not_found")
    if message.user != workspace.bot_user_id:
        return error(not_own)
    return message


def shown(message: Message) -> dict[str, Any]:
    """A message as the bot gets to see it."""
    seen: dict[str, Any] = {
        "type": "message",
        "user": message.user,
        **({"bot_id": BOT_ID, "app_id": APP_ID} if message.user == BOT_USER_ID else {}),
        "team": TEAM_ID,
        "ts": message.ts,
        "text": message.text,
    }
    if message.blocks:
        seen["blocks"] = list(message.blocks)
    if message.files:
        seen["files"] = list(message.files)
    if message.thread_ts:
        seen["thread_ts"] = message.thread_ts
    return seen
