"""The course of one look-up: which question comes next, and what the answers have taught so far."""

from __future__ import annotations

from collections.abc import Iterable

from klingbot.kling import wire
from klingbot.kling.outcomes import Action, LookUp, Rejected, Unreachable
from klingbot.kling.wire import Question

_TROUBLES_ENOUGH = 7
"""So many server errors and not one answer (for a batch, its halves and its quarters) are an outage, not a bad id."""


class Search:
    """A look-up of many ids. A question that has no answer is put again in halves, down to single ids."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._waiting = list(questions)
        self._learnt = LookUp({}, frozenset())
        self._refused: dict[str, str] = {}
        self._failure: Rejected | Unreachable | None = None
        self._troubles = 0

    def next(self) -> Question | None:
        """Take the next question; None when there is none left."""
        return self._waiting.pop(0) if self._waiting else None

    def note(self, question: Question, outcome: LookUp | Rejected | Unreachable) -> None:
        """Take in how a question was answered."""
        if isinstance(outcome, LookUp):
            self._learnt = self._learnt.plus(outcome)
            # A list that leaves out some of the ids proves nothing about those: Kling may cap its lists.
            self._waiting += wire.rest(question, {*outcome.tasks, *outcome.absent}) if outcome.tasks else []
        elif _concerns_every_id(outcome):
            self._failure, self._waiting = outcome, []
        else:
            self._split(question, outcome)

    def outcome(self) -> LookUp | Rejected | Unreachable:
        """Return what was learnt; the failure itself only where nothing was."""
        if self._learnt:
            return self._learnt.plus(LookUp({}, frozenset(), self._refused))
        return self._failure or self._learnt

    def _split(self, question: Question, outcome: Rejected | Unreachable) -> None:
        self._failure = self._failure or outcome
        if isinstance(outcome, Rejected) and len(question.ids) == 1:
            self._refused[question.ids[0]] = outcome.plain
        self._troubles += isinstance(outcome, Unreachable) and outcome.server_error
        if self._troubles >= _TROUBLES_ENOUGH and not self._learnt:
            self._waiting = []
        else:
            self._waiting += wire.halves(question)


def _concerns_every_id(failure: Rejected | Unreachable) -> bool:
    """Return whether asking for the next id would end the same way."""
    if isinstance(failure, Unreachable):
        return not failure.answered
    return failure.action is not Action.REFUSE
