"""The buttons on alerts: acknowledge, snooze, and tell the channel again."""

from __future__ import annotations

from klingbot.blocks import alert_thread, short_answers
from klingbot.domain.alert_history import AlertThreadRef, read_ref
from klingbot.engine import alert_mutes
from klingbot.engine.alert_mutes import AlreadyAcknowledged, BudgetGone, Changed, Moved, NoStory, Outcome, PeriodOver
from klingbot.slack.context import Answer, Click, Desk, Private, Rewritten


def acknowledge_clicked(desk: Desk, click: Click) -> Answer:
    ref = _ref(click)
    return _said(desk, alert_mutes.acknowledge(desk.engine, ref, by=click.user_id) if ref else NoStory())


def snooze_clicked(desk: Desk, click: Click) -> Answer:
    ref = _ref(click)
    return _said(desk, alert_mutes.snooze(desk.engine, ref, by=click.user_id) if ref else NoStory())


def unmute_clicked(desk: Desk, click: Click) -> Answer:
    ref = _ref(click)
    return _said(desk, alert_mutes.unmute(desk.engine, ref) if ref else NoStory())


def _ref(click: Click) -> AlertThreadRef | None:
    try:
        return read_ref(click.value)
    except ValueError:
        return None


def _said(desk: Desk, outcome: Outcome) -> Answer:
    match outcome:
        case Changed(story):
            return Rewritten(alert_thread.story(story, desk.engine.calendar))
        case PeriodOver(story):
            return Private(alert_thread.period_over(story))
        case AlreadyAcknowledged(by):
            return Private(alert_thread.already_acknowledged(by, desk.engine.calendar))
        case BudgetGone(removal):
            return Private(alert_thread.budget_gone(removal, desk.engine.calendar))
        case Moved(story):
            return Private(alert_thread.alerts_moved(story))
        case NoStory():
            return Private(short_answers.outdated())
