"""Moves of a budget's alerts to another channel."""

from __future__ import annotations

from dataclasses import replace

from klingbot.domain.alert_history import DEFAULT_CHANNEL
from klingbot.domain.budgets import Budget, Standing
from klingbot.engine import alerts
from klingbot.store import Transaction, alert_threads, increases, outbox, outbox_leases
from klingbot.store.alert_threads import KeptAlertThread


def note(tx: Transaction, before: Budget, standing: Standing, at: int) -> None:
    """Take what nobody has read along to the new channel; say in the old channel where the alerts go from now on."""
    for increase in increases.pending_of(tx, before.scope, before.kind):
        question = outbox.find(tx, alerts.question_key(increase))
        if question and question.is_unsaid:
            outbox_leases.redirect(tx, question.key, to=standing.budget.channel_id, at=at)
    _note_story(tx, before, standing, at)


def _note_story(tx: Transaction, before: Budget, standing: Standing, at: int) -> None:
    story = alert_threads.of(tx, replace(standing, budget=before))
    if story is None or story.content.closed:
        return
    root = outbox.find(tx, story.root)
    if root and root.is_unsaid and alert_threads.of(tx, standing) is None:
        _take_along(tx, story, standing, at)
        return
    moved_to = standing.budget.channel_id or DEFAULT_CHANNEL
    content = replace(story.content, moved_to=moved_to, muted=None, at=at)
    alerts.rewrite(tx, story, content)


def _take_along(tx: Transaction, story: KeptAlertThread, standing: Standing, at: int) -> None:
    channel_id = standing.budget.channel_id
    alert_threads.redirect(tx, story, channel_id)
    outbox_leases.redirect(tx, story.root, to=channel_id, at=at)
    moved = alert_threads.of(tx, standing)
    assert moved is not None
    alerts.rewrite(tx, moved, replace(story.content, standing=standing, at=at))
