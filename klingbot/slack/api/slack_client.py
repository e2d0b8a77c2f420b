"""The Slack client: each call has a time limit as a whole, and every answer that was an error is counted."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.http_retry import RetryHandler
from slack_sdk.web.file_upload_v2_result import FileUploadV2Result

from klingbot.common import deadlines, safe_fetch
from klingbot.common.url_openers import opener
from klingbot.slack.api import web_answers
from klingbot.slack.api.network_errors import UNREACHABLE
from klingbot.slack.api.web_answers import NotSlackError

Met = Callable[[str], None]

UPLOAD_LIMITS = safe_fetch.Limits(most_bytes=100_000, seconds=30)
"""Of Slack's answer, and of the time for the bytes of a file: a chart or a table is small, an uplink may be slow."""


def unheard(word: str) -> None:
    """For those who do not count."""


class SlackClient(WebClient):
    """Calls Slack once for each method, by default; when to try again is the caller's decision.

    `timeout` is for a whole call. The SDK's own is for each receive, so a slow answer could take hours.
    """

    def __init__(
        self,
        token: str | None,
        base_url: str,
        *,
        timeout: float,
        met: Met = unheard,
        retry_handlers: list[RetryHandler] | None = None,
        **options: Any,
    ) -> None:
        # The SDK hands the time-out to urllib, which takes fractions of a second too.
        whole: Any = timeout
        super().__init__(token, base_url=base_url, timeout=whole, retry_handlers=retry_handlers or [], **options)
        self._met = met

    def api_call(self, api_method: str, **sent: Any) -> Any:
        try:
            with deadlines.within(self.timeout):
                return super().api_call(api_method, **sent)
        except SlackApiError as e:
            self._met(str(e.response.get("error") or f"HTTP {e.response.status_code}"))
            raise
        except UNREACHABLE:
            self._met("unreachable")
            raise

    def _perform_urllib_http_request(self, *, url: str, args: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Let nothing through that is not an answer of Slack's. Raises what `trouble.UNREACHABLE` names."""
        try:
            answer = super()._perform_urllib_http_request(url=url, args=args)
        except (LookupError, OverflowError, MemoryError) as error:  # an unknown charset, an absurd length
            raise NotSlackError(f"an answer with an absurd header ({type(error).__name__})") from error
        return web_answers.checked(answer)

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        """Replace the SDK's own way to open an address by one that obeys the time limit."""
        return self._opened(url, req)

    def _upload_file(self, *, url: str, data: bytes, **options: Any) -> FileUploadV2Result:
        """Replace the SDK's own way to follow the address that Slack names for a file. Raises OSError."""
        said, sending = BytesIO(), safe_fetch.Request(url, {}, BytesIO(data), len(data))
        answer = safe_fetch.fetch(sending, said, UPLOAD_LIMITS, exempt=[safe_fetch.origin(self.base_url)])
        if isinstance(answer, safe_fetch.NotFetched):
            raise OSError(answer.reason)
        return FileUploadV2Result(status=HTTPStatus.OK, body=said.getvalue().decode(errors="replace"))

    def _opened(self, url: str, req: Request) -> dict[str, Any]:
        if not url.lower().startswith(("http://", "https://")):  # urllib would open files as well
            raise SlackRequestError(f"Invalid URL detected: {url}")
        with opener(self.proxy).open(req, timeout=self.timeout) as answer:
            body = answer.read().decode(answer.headers.get_content_charset() or "utf-8")
            return {"status": answer.status, "headers": answer.headers, "body": body}
