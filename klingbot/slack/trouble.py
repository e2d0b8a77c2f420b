"""What the network and Slack's SDK raise when Slack could not be asked at all."""

from http.client import HTTPException

from slack_sdk.errors import SlackClientError

UNREACHABLE = (OSError, HTTPException, SlackClientError, ValueError)
"""No connection, one that broke, or an answer that is not Slack's. Catch SlackApiError, which is an answer, before."""
