"""`/kling alerts`: what is still to be said, a test, another try, and quiet hours."""

from __future__ import annotations

from klingbot.blocks import outbox as blocks_outbox
from klingbot.blocks.budgets import invite_me
from klingbot.blocks.message import Message
from klingbot.domain.quiet_hours import QuietHours
from klingbot.engine import outbox
from klingbot.slack.command_line.types import AlertsQuiet, AlertsRetry, AlertsShow, AlertsTest
from klingbot.slack.context import Asker, Desk


def show(desk: Desk, asker: Asker, command: AlertsShow) -> Message:
    return blocks_outbox.unsaid(outbox.unsaid(desk.engine), desk.engine.calendar)


def retry(desk: Desk, asker: Asker, command: AlertsRetry) -> Message:
    return blocks_outbox.retried(outbox.retry(desk.engine))


def test(desk: Desk, asker: Asker, command: AlertsTest) -> Message:
    channel_id = desk.directory.channel(command.channel).id if command.channel else desk.alerts_channel
    outbox.test(desk.engine, channel_id, test=asker.request_id, by=asker.user_id, response_url=asker.response_url)
    return blocks_outbox.test_queued(channel_id)


def quiet(desk: Desk, asker: Asker, command: AlertsQuiet) -> Message:
    channel = desk.directory.channel(command.channel)
    if command.hours is None:
        return blocks_outbox.quiet_ended(channel.id, had=outbox.end_quiet(desk.engine, channel.id))
    hours = QuietHours(channel.id, *command.hours, command.over_passes)
    outbox.set_quiet(desk.engine, hours, by=asker.user_id)
    said = blocks_outbox.quiet_set(hours, desk.engine.calendar)
    return said if channel.is_member else said.plus(invite_me(channel.id))
