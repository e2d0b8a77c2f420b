"""Credentials: a plain API key, or a key pair that signs short-lived tokens (Kling's docs, "Authentication")."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import jwt
import requests
from requests.auth import AuthBase

log = logging.getLogger(__name__)

_TOKEN_SECONDS = 1800
_NOT_BEFORE_SECONDS = 5
_RENEW_SECONDS = 60
"""A token this near to its end is not used any more: the call it starts must still find it valid."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key made in Kling's console; valid on both standards."""

    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An access key and its secret key; valid on the legacy standard only."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


Credentials = ApiKey | KeyPair


class Bearer(AuthBase):
    """Puts the credentials on a request. Given to `requests` as `auth`, so that no `.netrc` can replace them."""

    def __init__(self, credentials: Credentials, clock: Callable[[], float]) -> None:
        self._credentials = credentials
        self._clock = clock
        self._ahead_seconds = 0.0
        self._minted = ("", 0.0)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token()}"
        return request

    def renew(self, kling_time: datetime | None) -> bool:
        """Forget the token after Kling called it too young or too old; False when there is nothing to mint anew.

        A token minted by the same wrong clock would be refused again, so Kling's own time is taken when it was given.
        """
        if isinstance(self._credentials, ApiKey):
            return False
        if kling_time is not None:
            self._ahead_seconds = kling_time.timestamp() - self._clock()
            log.warning("Kling's clock is %+.0f s from this machine's", self._ahead_seconds)
        self._minted = ("", 0.0)
        return True

    def _token(self) -> str:
        if isinstance(self._credentials, ApiKey):
            return self._credentials.key
        now = self._clock() + self._ahead_seconds
        token, ends = self._minted
        if now >= ends - _RENEW_SECONDS:
            # Two threads may both mint here; either token is good, and the tuple is replaced in one step.
            token, ends = mint(self._credentials, now), now + _TOKEN_SECONDS
            self._minted = (token, ends)
        return token


def mint(pair: KeyPair, now: float) -> str:
    """A token for the half hour from `now` (epoch seconds), valid from five seconds before it."""
    claims = {"iss": pair.access_key, "exp": int(now) + _TOKEN_SECONDS, "nbf": int(now) - _NOT_BEFORE_SECONDS}
    return jwt.encode(claims, pair.secret_key, algorithm="HS256")
