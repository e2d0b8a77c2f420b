"""Calls to Kling's API. Each is made once and its ending is returned: no sleeping, no retrying, no verdicts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from klingbot.common import deadlines
from klingbot.kling import account, errors, replies, wire
from klingbot.kling.account import Charges, Pack
from klingbot.kling.auth import Bearer, Credentials
from klingbot.kling.limited_session import limited_session
from klingbot.kling.outcomes import Accepted, LookUp, NotSent, Rejected, ReplyLost, Unreachable
from klingbot.kling.replies import Reply
from klingbot.kling.task_search import Search
from klingbot.kling.tasks import TaskRequest

log = logging.getLogger(__name__)

_CHARGES_A_PAGE = 500
"""The most that Kling gives (its docs, account information)."""
CALL_SECONDS = 20
"""How long one call may take as a whole: connecting, sending, and an answer that comes to its end."""
CREATE_SECONDS = 60
"""The same for a create, which may carry a picture. A create that takes longer counts as a lost reply."""
LOOK_UP_SECONDS = 30
"""How long a look-up may take with all its questions; what it has not learnt by then is asked next time."""
_MOST_BYTES = 4_000_000
"""Of one reply, unpacked. Kling's longest, a page of its bill, has some hundred thousand."""
_CHUNK = 65_536
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class KlingClient:
    """Kling's API at one host, with one set of credentials. Safe to share between threads."""

    def __init__(
        self,
        root: str,
        credentials: Credentials,
        *,
        callback_url: str | None = None,
        clock: Callable[[], float] = time.time,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        call_seconds: float = CALL_SECONDS,
        create_seconds: float = CREATE_SECONDS,
        met: Callable[[str], None] = lambda code: None,
    ) -> None:
        """`root` is the host's, such as `https://api-singapore.klingai.com`; timeouts are in seconds,
        each receive's and, in `call_seconds` and `create_seconds`, the whole call's.

        Kling is asked to tell `callback_url` of each change of a task. `met` hears of each answer that was an error, or
        none at all: by Kling's code where it had one.
        """
        self._root = root.rstrip("/")
        self._bearer = Bearer(credentials, clock)
        self._callback_url = callback_url
        self._timeouts = (connect_timeout, read_timeout)
        self._call_seconds, self._create_seconds = call_seconds, create_seconds
        self._met = met
        self._of_thread = threading.local()

    def create(self, request: TaskRequest, route: str) -> Accepted | Rejected | NotSent | ReplyLost:
        """Ask for a video at `wire.route(…)`. Store the route with the job first: a look-up needs it."""
        body = wire.body(request, route, self._callback_url)
        reply = self._call("POST", route, body, seconds=self._create_seconds)
        if not isinstance(reply, Reply):
            return reply
        outcome = replies.created(reply)
        about = {"job": request.job_id, "route": route, "outcome": type(outcome).__name__, "reply": str(reply)}
        log.info("job %(job)s at %(route)s: %(outcome)s (%(reply)s)", about)
        return outcome

    def look_up(
        self, route: str, *, job_ids: Sequence[str] = (), task_ids: Sequence[str] = ()
    ) -> LookUp | Rejected | Unreachable:
        """Return what Kling knows of these jobs or tasks, which were all created at `route`.

        A question that Kling refuses is asked again in halves, down to single ids: one bad id costs no other its
        answer. What was learnt before a failure is kept; only when nothing was learnt is the failure itself returned.
        """
        legacy, search = wire.is_legacy(route), Search(wire.questions(route, job_ids, task_ids))
        with deadlines.within(LOOK_UP_SECONDS) as limit:
            while time.monotonic() < limit.ends and (question := search.next()):
                search.note(question, self._ask(question, legacy=legacy))
        return search.outcome()

    def packs(self, start: int, end: int) -> tuple[Pack, ...] | Rejected | Unreachable:
        """The packs in force that were *bought* between those instants (UTC epoch milliseconds)."""
        said = self._account("GET", f"/account/costs?start_time={start}&end_time={end}")
        if not isinstance(said, Reply):
            return said
        packs = account.packs_in(said.data)
        return Unreachable("Kling did not say which packs there are", answered=True) if packs is None else packs

    def charges(self, start: int, end: int, cursor: str | None = None) -> Charges | Rejected | Unreachable:
        """The charges in units between those instants (UTC epoch milliseconds); the next page has a cursor alone."""
        body = {"cursor": cursor} if cursor else {"start_time": start, "end_time": end, "limit": _CHARGES_A_PAGE}
        said = self._account("POST", "/account/billing/package", body)
        return account.charges_in(said.data) if isinstance(said, Reply) else said

    def _account(self, method: str, path: str, body: dict[str, Any] | None = None) -> Reply | Rejected | Unreachable:
        reply = self._call(method, path, body)
        if not isinstance(reply, Reply):
            return Unreachable(reply.reason)
        if reply.code == errors.OK:
            return reply
        refused = errors.rejection(reply.code, reply.message, reply.request_id)
        return refused or Unreachable(f"Kling did not answer about the account ({reply})", answered=True)

    def _ask(self, question: wire.Question, *, legacy: bool) -> LookUp | Rejected | Unreachable:
        reply = self._call("GET", question.path)
        if not isinstance(reply, Reply):
            return Unreachable(reply.reason)
        try:
            return replies.looked_up(reply, question, legacy=legacy)
        except Exception:  # a mistake of ours about one task must not cost the others their answer
            log.exception("an answer to a look-up could not be read (%s)", reply)
            return replies.unclear(question)

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, seconds: float | None = None
    ) -> Reply | NotSent | ReplyLost:
        with deadlines.within(self._call_seconds if seconds is None else seconds):
            reply = self._send(method, path, body)
            if not isinstance(reply, Reply) or reply.code not in (errors.TOKEN_NOT_YET_VALID, errors.TOKEN_EXPIRED):
                return reply
            # Refused at the door, so nothing was taken: with a fresh token even a create may be sent again.
            return self._send(method, path, body) if self._bearer.renew(reply.kling_time) else reply

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> Reply | NotSent | ReplyLost:
        try:
            answer = self._session().request(
                method,
                self._root + path,
                json=body,
                auth=self._bearer,
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
            )
            content = _content(answer)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            outcome = _no_reply(error)
            self._met("unreachable" if isinstance(outcome, NotSent) else "no reply")
            log.warning("%s %s: %s (%s)", method, path.partition("?")[0], outcome.reason, type(error).__name__)
            return outcome
        reply = replies.read(answer.status_code, content, answer.headers.get("Date"), answer.headers.get("Retry-After"))
        if reply.code != errors.OK:
            self._met(f"HTTP {reply.http_status}" if reply.code is None else str(reply.code))
        return reply

    def _session(self) -> requests.Session:
        """One session a thread: `requests` does not promise that a shared one is safe."""
        session: requests.Session | None = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = limited_session()
            # A proxy from the environment must not stand between the bot and a Kling on the same machine.
            session.trust_env = urlsplit(self._root).hostname not in _LOOPBACK
        return session


def _content(answer: requests.Response) -> bytes | None:
    """Return the body; None when it is too long to be one of Kling's."""
    with answer:
        received = bytearray()
        for chunk in answer.iter_content(_CHUNK):
            received += chunk
            if len(received) > _MOST_BYTES:
                return None
        return bytes(received)


def _no_reply(error: Exception) -> NotSent | ReplyLost:
    """What a broken call means. Only a connection that was never made proves that nothing was sent."""
    cause = error.args[0] if error.args else None
    if isinstance(error, requests.ConnectTimeout):
        return NotSent("Kling could not be connected to in time")
    if isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError):
        return NotSent("Kling could not be connected to")
    if isinstance(error, requests.Timeout | TimeoutError):
        return ReplyLost("Kling did not answer in time")
    return ReplyLost("the connection to Kling broke before it answered")
