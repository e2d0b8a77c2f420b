"""What requests from the page carry, and how those that make no sense are refused."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from klingbot.sandbox.slack.roster import Person
from klingbot.sandbox.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request makes no sense, for people and for scripts."""

    status: int
    error: str
    message: str

    def response(self) -> JSONResponse:
        return JSONResponse({"error": self.error, "message": self.message}, self.status)


async def json_object(request: Request) -> dict[str, Any] | Refusal:
    """The body. Only JSON is taken: that, a page from elsewhere cannot send without asking first."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return Refusal(415, "not_json", "Send application/json.")
    try:
        body = await request.json()
    except ValueError:
        return Refusal(400, "not_json", "The body is not valid JSON.")
    return body if isinstance(body, dict) else Refusal(400, "not_json", "The body must be a JSON object.")


def person_of(workspace: Workspace, user: object) -> Person | Refusal:
    person = workspace.people.get(user) if isinstance(user, str) else None
    if person is None or person.is_bot:
        return Refusal(404, "unknown_person", f"There is nobody to be with the id {user!r}.")
    return person
