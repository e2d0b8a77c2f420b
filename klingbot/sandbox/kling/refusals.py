"""How the local Kling says no: Kling's error codes with the HTTP status that each comes with.

Source: Kling's docs, "Error codes" (kling.ai/document-api); messages are Kling's own where one has been seen.
"""

from __future__ import annotations

# code: (HTTP status, message when there is nothing more specific to say)
ANSWERS = {
    1000: (401, "Authentication failed"),
    1001: (401, "Authorization is empty"),
    1002: (401, "api key not found"),
    1003: (401, "Authorization is not yet valid"),
    1004: (401, "Authorization has expired"),
    1100: (429, "Account exception"),
    1101: (429, "Account in arrears"),
    1102: (429, "Account balance not enough"),
    1103: (403, "No permission to access the requested resource"),
    1200: (400, "Invalid request parameters"),
    1201: (400, "Invalid parameter value"),
    1202: (404, "The requested method is invalid"),
    1203: (404, "The requested resource does not exist"),
    1300: (400, "Trigger strategy of the platform"),
    1301: (400, "Trigger the content security policy of the platform"),
    1302: (429, "API request too fast, exceeded rate limit"),
    1303: (429, "parallel task over resource pack limit"),
    1304: (429, "Trigger the IP whitelist policy of the platform"),
    5000: (500, "Internal server error"),
    5001: (503, "Service temporarily unavailable"),
    5002: (504, "Internal timeout"),
}


class Refusal(Exception):  # noqa: N818 - it is Kling's answer, not an error of ours
    """The answer to a request that the local Kling does not take."""

    def __init__(self, code: int, message: str | None = None) -> None:
        self.code = code
        self.http_status, usual = ANSWERS[code]
        self.message = message or usual
        super().__init__(f"{code}: {self.message}")
