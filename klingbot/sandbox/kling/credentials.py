"""Who may ask the local Kling: one API key everywhere, one key pair on the legacy standard.

Source: Kling's docs, "Authentication" and "Error codes"; the refusal of a key pair on the new standard was seen live.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jwt
from jwt.types import Options

from klingbot.sandbox.kling.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Keys:
    """The credentials that the local Kling knows."""

    api_key: str = field(repr=False)
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    def check(self, authorization: str, *, legacy: bool, now: float) -> None:
        """Raises Refusal 1000-1004 unless the header proves one of the credentials at `now`, in epoch seconds."""
        if not authorization:
            raise Refusal(1001)
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or not token:
            raise Refusal(1002, "Authorization format is incorrect")
        if token == self.api_key:
            return
        if token.count(".") != 2:
            raise Refusal(1002)
        if not legacy:
            raise Refusal(1002, "The current API does not support AK/SK")
        self._check_token(token, now)

    def _check_token(self, token: str, now: float) -> None:
        claims = self._claims(token)
        if claims.get("iss") != self.access_key:
            raise Refusal(1002, "access key not found")
        starts, ends = claims.get("nbf", 0), claims.get("exp")
        if type(starts) is not int or type(ends) is not int:
            raise Refusal(1000)
        if now < starts:
            raise Refusal(1003)
        if now >= ends:
            raise Refusal(1004)

    def _claims(self, token: str) -> dict[str, object]:
        # The times are judged by this Kling's own clock, so that a test can turn it.
        untimed: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:
            return jwt.decode(token, self.secret_key, algorithms=["HS256"], options=untimed)
        except jwt.InvalidSignatureError:
            raise Refusal(1000, "signature is invalid") from None
        except jwt.InvalidTokenError:
            raise Refusal(1002) from None
