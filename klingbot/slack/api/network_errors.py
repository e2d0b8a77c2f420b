"""What the network and Slack's SDK raise when Slack could not be asked at all."""

from http.client import HTTPException
from urllib.error import URLError

from slack_sdk.errors import SlackClientError

UNREACHABLE = (OSError, HTTPException, SlackClientError, ValueError)
"""No connection, one that broke, or an answer that is not Slack's. Catch SlackApiError, which is an answer, before."""


def is_timeout(error: BaseException) -> bool:
    """Whether Slack was too slow. urllib wraps the errors of connecting and sending."""
    return isinstance(error.reason if isinstance(error, URLError) else error, TimeoutError)


class SlackUnavailableError(Exception):
    """Slack could not be asked; the message is a sentence for the person who waits."""
