"""The form that `/kling generate` without a prompt opens, and Slack's shortcuts."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from klingbot.blocks import declines, increases, jobs, project_lists
from klingbot.blocks.message import Message
from klingbot.blocks.modals import generate_modal, view
from klingbot.blocks.modals.view import Origin, View
from klingbot.common import dataclass_json
from klingbot.domain.form_choices import nearest
from klingbot.domain.jobs import Request
from klingbot.domain.pricing import NotSold, Wish
from klingbot.domain.pricing import quote as price
from klingbot.domain.request_limits import faults
from klingbot.domain.source_images import NOT_WEB, uploaded_id
from klingbot.engine import increase_requests, job_requests
from klingbot.engine.hold_outcomes import (
    BudgetExceeded,
    Forbidden,
    Held,
    NeedsConsent,
    NoBudgetYet,
    ProjectBarred,
    Repeated,
    Stopped,
)
from klingbot.slack.command_line.emoji_names import with_emoji
from klingbot.slack.command_line.slack_encoding import clean, is_blank, trimmed
from klingbot.slack.context import Answer, Click, Desk, Opens, Private
from klingbot.slack.features import first_budget_buttons
from klingbot.slack.interactions.form_values import Filled, Instead, Mistakes, Over, Taken

_LENGTH = re.compile("[0-9]{1,4}")


def opened(desk: Desk, request: Request, *, note: str = "") -> Opens:
    """Open the form with what has been said already, under that note. Without a channel, it asks for one."""
    return Opens(_view(desk, request, note=note))


def changed(desk: Desk, form: Filled) -> View:
    return _view(desk, _request(form), asks_where="channel" in form.values)


def back_clicked(desk: Desk, click: Click) -> Answer:
    """What was refused, in the form again. It is another request from here on: the first one may be asked more for."""
    request = increase_requests.refused_request(desk.engine, click.value, click.user_id)
    if request is None:
        return Private(increases.nothing_refused(click.value))
    return Opens(_view(desk, replace(request, request_id=click.trigger_id)), in_place=True)


def submitted(desk: Desk, form: Filled) -> Mistakes | Instead | Over | Taken:
    """Submitting twice is one request: the form's own id is the request's, unless it began with another."""
    request = _request(form)
    if is_blank(request.prompt):
        return Mistakes({"prompt": "Say what the video should show, like: a fox in the snow."})
    if mistakes := _mistakes(desk, request, form.values.get("image")):
        return Mistakes(mistakes)
    outcome = job_requests.hold(desk.engine, request)
    match outcome:
        case Held():
            return _taken(jobs.held(outcome, desk.engine.calendar), request)
        case Repeated(job):
            return _taken(jobs.repeated(job), request)
        case BudgetExceeded():
            refusal = declines.budget_exceeded(outcome, desk.engine.calendar, typed=False)
            return Instead(generate_modal.not_made(refusal, request, outcome.id))
        case NoBudgetYet():
            declined = first_budget_buttons.declined(desk, request.user_id)
            return Instead(generate_modal.not_made(declined, request, outcome.id))
        case NeedsConsent():
            return Instead(generate_modal.not_made(declines.needs_consent(outcome), request, outcome.id))
        case Stopped(reason):
            return Mistakes({"model": f"Kling takes no jobs from this account just now: {reason} Nothing was held."})
        case ProjectBarred():
            said = project_lists.barred(outcome, for_admin=desk.directory.seems_admin(outcome.user_id))
            told = view.told("Not made yet", said, _origin(request))
            return Instead(told) if form.lies_over else Over(told)
        case NotSold(sentence) | Forbidden(sentence):
            return Mistakes({"model": sentence})


def _mistakes(desk: Desk, request: Request, typed: str | None) -> dict[str, str]:
    """Return what Kling would refuse, by the field to mend; `typed` is the address that was typed for a picture."""
    if uploaded_id(typed):  # the bot can read files of Slack's that the person cannot
        return {"image": NOT_WEB}
    priced = price(desk.engine.prices, request.wish)
    if isinstance(priced, NotSold):
        return {}
    found = faults(desk.engine.prices, priced.model, request)
    picture = "uploaded" if uploaded_id(request.image_url) else "image"
    by_field = {"prompt": found.prompt, "negative": found.negative, picture: found.picture}
    return {name: sentence for name, sentence in by_field.items() if sentence}


def _origin(request: Request) -> Origin:
    return Origin(request.channel_id, request.response_url, request.thread_ts)


def _taken(said: Message, request: Request) -> Taken:
    return Taken(said, request.response_url, request.thread_ts)


def _view(desk: Desk, request: Request, *, asks_where: bool = False, note: str = "") -> View:
    prices = desk.engine.prices
    request = replace(request, wish=nearest(prices, request.wish))
    estimate = job_requests.estimate(desk.engine, request)
    assert not isinstance(estimate, NotSold), "the nearest that is sold is sold"
    asks_where = asks_where or not request.channel_id
    return generate_modal.generate(request, estimate, prices, desk.engine.calendar, asks_where=asks_where, note=note)


def _request(form: Filled) -> Request:
    """What was chosen, over what the form remembers: Slack does not always tell of fields that nobody touched."""
    said, before = form.values, dataclass_json.from_json(Request, json.loads(form.memory))
    length = _LENGTH.fullmatch(said.get("length") or "")
    wish = Wish(
        model=said.get("model") or before.wish.model,
        duration_seconds=int(length[0]) if length else before.wish.duration_seconds,
        resolution=said.get("resolution") or before.wish.resolution,
        audio=bool(said["sound"]) if "sound" in said else before.wish.audio,
        aspect=said.get("aspect") or before.wish.aspect,
        negative=bool(_words(said.get("negative"))),
    )
    return replace(
        before,
        request_id=before.request_id or form.view_id,
        channel_id=said.get("channel") or before.channel_id,
        prompt=_words(said.get("prompt")),
        wish=wish,
        negative=_words(said.get("negative")) or None,
        image_url=(image := _first_picture(form, before)),
        picture=before.picture if uploaded_id(image) else None,
        response_url=form.response_url or before.response_url,
    )


def _words(text: str | None) -> str:
    """Return what was typed into a field. Slack escapes nothing there, but names emoji."""
    return with_emoji(trimmed(clean(text or "")))


def _first_picture(form: Filled, before: Request) -> str | None:
    """What the form remembers was uploaded, unless it is left out; or the web address that was typed."""
    if uploaded_id(before.image_url):
        return before.image_url if form.values.get("uploaded", True) else None
    typed: str | None = form.values.get("image")
    return None if uploaded_id(typed) else typed
