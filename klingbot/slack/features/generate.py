"""`/kling generate`, `quote` and `cancel`."""

from __future__ import annotations

from klingbot.blocks import declines, job_details_view, jobs, project_lists
from klingbot.blocks.message import Message
from klingbot.domain.jobs import Request
from klingbot.domain.pricing import NotSold, Wish
from klingbot.engine import cancellation, hold_outcomes, job_details, job_requests
from klingbot.engine.cancellation import Cancelled, MayBeAtKling, NoSuchJob, NotYours, TooLate
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
from klingbot.engine.job_details import Details
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.tokenizer import is_blank
from klingbot.slack.command_line.types import Cancel, Generate, Options, Quote
from klingbot.slack.context import Answer, Asker, Click, Desk, Opens, Private, Rewritten
from klingbot.slack.features import first_budget_buttons, generate_form


def generate(desk: Desk, asker: Asker, command: Generate) -> Message | Opens:
    request = _request(desk, asker, command.options)
    if is_blank(request.prompt):
        return generate_form.opened(desk, request)
    return said_of(desk, job_requests.hold(desk.engine, request))


def form_clicked(desk: Desk, click: Click) -> Answer:
    """The form, from the home tab or any button that leads to it; it asks for the channel where there is none."""
    return generate_form.opened(
        desk, Request("", click.user_id, click.channel_id, "", Wish(), thread_ts=click.thread_ts)
    )


def vary_clicked(desk: Desk, click: Click) -> Answer:
    """The form, filled in as the video was asked for."""
    request = _as_before(desk, click)
    return generate_form.opened(desk, request) if request else Private(jobs.no_such_job(click.value))


def again_clicked(desk: Desk, click: Click) -> Answer:
    """The same once more, for whoever clicked."""
    request = _as_before(desk, click)
    if request is None:
        return Private(jobs.no_such_job(click.value))
    if is_blank(request.prompt):  # it was forgotten
        return generate_form.opened(desk, request)
    return Private(said_of(desk, job_requests.hold(desk.engine, request)))


def _as_before(desk: Desk, click: Click) -> Request | None:
    job = job_requests.job_of(desk.engine, click.value)
    if job is None:
        return None
    wish = Wish(job.model, job.duration_seconds, job.resolution, job.audio, job.aspect, job.negative is not None)
    return Request(
        request_id=click.trigger_id,
        user_id=click.user_id,
        channel_id=click.channel_id,
        prompt=job.prompt,
        wish=wish,
        project=job.project,
        negative=job.negative,
        image_url=job.image_url,
        response_url=click.response_url,
        thread_ts=click.thread_ts,
    )


def said_of(desk: Desk, outcome: hold_outcomes.HoldOutcome) -> Message:
    """What is said of a hold, however it was asked for. Raises MistakeError for what is not sold."""
    match outcome:
        case Held():
            return jobs.held(outcome, desk.engine.calendar)
        case Repeated(job):
            return jobs.repeated(job)
        case BudgetExceeded():
            return declines.budget_exceeded(outcome, desk.engine.calendar)
        case Stopped(reason):
            return jobs.stopped(reason)
        case NoBudgetYet(user_id=user_id):
            return first_budget_buttons.declined(desk, user_id)
        case NeedsConsent():
            return declines.needs_consent(outcome)
        case ProjectBarred():
            return project_lists.barred(outcome, for_admin=desk.directory.seems_admin(outcome.user_id))
        case NotSold(sentence) | Forbidden(sentence):
            raise MistakeError(sentence)


def quote(desk: Desk, asker: Asker, command: Quote) -> Message:
    request = _request(desk, asker, command.options)
    accepted = job_requests.acceptable(desk.engine, request)
    if isinstance(accepted, NotSold):
        raise MistakeError(accepted.sentence)
    outcome = job_requests.estimate(desk.engine, request)
    assert not isinstance(outcome, NotSold), "what is acceptable is sold"
    return declines.estimate(outcome, desk.engine.calendar)


def cancel(desk: Desk, asker: Asker, command: Cancel) -> Message:
    return _cancel_said(_cancel(desk, command.job, asker.user_id, asker.response_url), command.job)


def cancel_clicked(desk: Desk, click: Click) -> Answer:
    outcome = _cancel(desk, click.value, click.user_id, click.response_url)
    said = _cancel_said(outcome, click.value)
    return Rewritten(said) if isinstance(outcome, Cancelled | MayBeAtKling) else Private(said)


def cancel_shown_clicked(desk: Desk, click: Click) -> Answer:
    """The same on the message that moves with the job: it moves by itself."""
    outcome = _cancel(desk, click.value, click.user_id, click.response_url)
    return Private(_cancel_said(outcome, click.value))


def details_clicked(desk: Desk, click: Click) -> Answer:
    """Slack is asked who is an admin only where that matters."""
    user_id = click.user_id
    outcome = job_details.details(desk.engine, click.value, user_id=user_id, is_admin=False)
    if isinstance(outcome, NotYours) and desk.directory.is_admin(user_id):
        outcome = job_details.details(desk.engine, click.value, user_id=user_id, is_admin=True)
    match outcome:
        case NoSuchJob():
            return Private(jobs.no_such_job(click.value))
        case NotYours():
            return Private(job_details_view.not_yours(outcome))
        case Details():
            return Private(job_details_view.details(outcome, desk.engine.calendar, own=outcome.job.user_id == user_id))


def _cancel(desk: Desk, job_id: str, user_id: str, response_url: str | None) -> cancellation.CancelOutcome:
    """Cancel as a member, else as an admin: Slack is asked who is an admin only where that matters."""
    outcome = cancellation.cancel(desk.engine, job_id, user_id=user_id, is_admin=False, response_url=response_url)
    if isinstance(outcome, NotYours) and desk.directory.is_admin(user_id):
        return cancellation.cancel(desk.engine, job_id, user_id=user_id, is_admin=True, response_url=response_url)
    return outcome


def _cancel_said(outcome: cancellation.CancelOutcome, job_id: str) -> Message:
    match outcome:
        case Cancelled():
            return jobs.cancelled(outcome)
        case MayBeAtKling():
            return jobs.may_be_at_kling(outcome)
        case TooLate():
            return jobs.too_late(outcome)
        case NotYours():
            return jobs.not_yours(outcome)
        case NoSuchJob():
            return jobs.no_such_job(job_id)


def _request(desk: Desk, asker: Asker, options: Options) -> Request:
    wish = Wish(
        model=options.model,
        duration_seconds=options.duration_seconds,
        resolution=options.resolution,
        audio=options.audio,
        silent=options.silent,
        aspect=options.aspect,
        negative=options.negative is not None,
    )
    picture = None if options.image_url else asker.picture
    return Request(
        request_id=asker.request_id,
        user_id=asker.user_id,
        channel_id=asker.channel_id,
        prompt=options.prompt,
        wish=wish,
        project=options.project,
        negative=options.negative,
        image_url=options.image_url or (picture.image_url if picture else None),
        response_url=asker.response_url,
        thread_ts=asker.thread_ts,
        picture=picture,
    )
