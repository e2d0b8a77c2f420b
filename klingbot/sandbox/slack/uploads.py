"""The files.* methods, the address that bytes are sent to, and the one that the page loads pictures from."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from klingbot.sandbox.slack.files import File, Files
from klingbot.sandbox.slack.replies import Args, Reply, Slack, error, ok, word

LONGEST_ALT = 1_000
"""Characters of `alt_txt` (Slack's docs, files.getUploadURLExternal)."""


def get_upload_url(slack: Slack, args: Args) -> Reply:
    """files.getUploadURLExternal: step one, the address to send the bytes to."""
    name, length = word(args, "filename"), _number(args.get("length"))
    if not name or length is None:
        return error("invalid_arguments")
    if length == 0:
        return error("missing_argument")
    if len(word(args, "alt_txt")) > LONGEST_ALT:
        return error("alt_txt_too_large")
    file, ticket = slack.workspace.files.announce(name, length, word(args, "alt_txt"))
    return ok(upload_url=f"{slack.url}/upload/v1/{ticket}", file_id=file.id)


def complete_upload(slack: Slack, args: Args) -> Reply:
    """files.completeUploadExternal: step three. A file stays private until a message shows it.

    Sharing it into a channel from here is left out: the bot does not do so, and silence would hide a bug.
    """
    wanted = _listed(args.get("files"))
    if not wanted or args.get("channel_id") or args.get("channels"):
        return error("invalid_arguments")
    done = [slack.workspace.files.complete(word(each, "id"), word(each, "title")) for each in wanted]
    if None in done:
        return error("file_not_found")
    return ok(files=[{"id": file.id, "title": file.title} for file in done if file])


def info(slack: Slack, args: Args) -> Reply:
    """files.info: `mimetype` is empty until the file has been looked at."""
    file = slack.workspace.files.find(word(args, "file"))
    if file is None:
        return error("file_not_found")
    return ok(file=_shown(file, ready=slack.workspace.files.is_ready(file)))


def routes(files: Files) -> list[BaseRoute]:
    """Where bytes come in, and where the page gets them from."""

    async def upload(request: Request) -> Response:
        content = await request.body()
        if not files.send(request.path_params["ticket"], content):
            return PlainTextResponse("upload not expected", status_code=400)
        return PlainTextResponse(f"OK - {len(content)}")

    async def download(request: Request) -> Response:
        file = files.find(request.path_params["file_id"])
        if file is None or file.kind == "binary":
            return PlainTextResponse("no such picture", status_code=404)
        headers = {"Cache-Control": "max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(file.content, media_type=_mimetype(file), headers=headers)

    return [
        Route("/upload/v1/{ticket}", upload, methods=["POST"]),
        Route("/files/{file_id}", download),
    ]


def _shown(file: File, *, ready: bool) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "alt_txt": file.alt,
        "size": file.length,
        "mimetype": _mimetype(file) if ready else "",
        "filetype": file.kind if ready else "",
        "is_public": False,
    }


def _mimetype(file: File) -> str:
    kinds = {"binary": "application/octet-stream", "jpg": "image/jpeg"}
    return kinds.get(file.kind, f"image/{file.kind}")


def _number(value: object) -> int | None:
    """A whole number, as JSON or as a form spells it."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() else None


def _listed(value: object) -> list[Args]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
