"""What a project allows its videos to be and to cost, and which of them somebody must agree to first. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from klingbot.domain.money import show_credits
from klingbot.domain.pricing import Quote


@dataclass(frozen=True, slots=True)
class Rules:
    """One project's rules. Amounts are milli-credits for one job; None and no models mean: no rule."""

    project: str
    models: tuple[str, ...] = ()
    """The only models it may use."""
    ceiling: int | None = None
    """No job may cost more."""
    confirm_above: int | None = None
    """Whoever asks for a dearer job is asked once more."""
    approve_above: int | None = None
    """A dearer job needs an approver."""
    people: tuple[str, ...] = ()
    """User ids of those who may spend for it; without any, every member."""
    channels: tuple[str, ...] = ()
    """Ids of the channels in which it may be spent for; without any, everywhere."""


class Consent(StrEnum):
    """Who has agreed to a job so far."""

    NONE = "none"
    CONFIRMED = "confirmed"
    """Whoever asked for it, having been shown its price."""
    APPROVED = "approved"
    """An approver."""


_CONSENTS = list(Consent)


def forbidden(rules: Rules, quote: Quote) -> str | None:
    """Why the project does not allow it at all, as a sentence."""
    model = quote.model.name
    if rules.models and model not in rules.models:
        return f"The project {rules.project} makes videos only with {', '.join(rules.models)}, not with {model}."
    cost = quote.amount.millicredits
    if rules.ceiling is not None and cost > rules.ceiling:
        return (
            f"One video for the project {rules.project} may cost up to {show_credits(rules.ceiling)}; this one costs "
            f"{quote.amount}. Make it shorter, or choose a cheaper model."
        )
    return None


def wanted_consent(rules: Rules, quote: Quote) -> Consent:
    """What the project wants before such a job is held."""
    cost = quote.amount.millicredits
    if rules.approve_above is not None and cost > rules.approve_above:
        return Consent.APPROVED
    if rules.confirm_above is not None and cost > rules.confirm_above:
        return Consent.CONFIRMED
    return Consent.NONE


def enough(given: Consent, wanted: Consent) -> bool:
    return _CONSENTS.index(given) >= _CONSENTS.index(wanted)


def in_words(rules: Rules) -> str:
    """`only kling-v1, at most 40 credits a video, asked again above 20 credits`; empty without rules."""
    parts = [f"only {', '.join(rules.models)}"] if rules.models else []
    if rules.ceiling is not None:
        parts.append(f"at most {show_credits(rules.ceiling)} a video")
    if rules.confirm_above is not None:
        parts.append(f"asked again above {show_credits(rules.confirm_above)}")
    if rules.approve_above is not None:
        parts.append(f"approved first above {show_credits(rules.approve_above)}")
    if rules.people:
        parts.append(f"only for {', '.join(f'@{each}' for each in rules.people)}")
    if rules.channels:
        parts.append(f"only in {', '.join(f'#{each}' for each in rules.channels)}")
    return ", ".join(parts)
