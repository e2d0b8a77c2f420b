"""The files.* methods, the address that bytes are sent to, and the one that the page loads files from."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from klingbot.sandbox.slack import chat
from klingbot.sandbox.slack.files import File, Files
from klingbot.sandbox.slack.reply_checks import Args, Reply, Slack, error, ok, ratelimited, word

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
    """files.completeUploadExternal: step three. Without a channel a file stays private until a message shows it.

    Sharing with blocks, or in several channels, is left out: the bot does not do so, and silence would hide a bug.
    """
    wanted = _listed(args.get("files"))
    if not wanted or args.get("channels") or args.get("blocks"):
        return error("invalid_arguments")
    share = _share(slack, args) if args.get("channel_id") else None
    if isinstance(share, Reply):
        return share
    done = [slack.workspace.files.complete(word(each, "id"), word(each, "title")) for each in wanted]
    files = [file for file in done if file]
    if len(files) < len(done):
        return error("file_not_found")
    if share:
        _post(slack, share, files, word(args, "initial_comment"))
    return ok(files=[shown(slack.url, file, ready=False) for file in files])


@dataclass(frozen=True, slots=True)
class _Share:
    """Where files are shown."""

    channel: str
    thread_ts: str | None


def _share(slack: Slack, args: Args) -> _Share | Reply:
    """Where the files go, or Slack's refusal: the same as for messages, but only for a channel's id."""
    channel = slack.workspace.channels.get(word(args, "channel_id"))
    if channel is None:
        return error("channel_not_found")
    thread_ts = word(args, "thread_ts") or None
    if problem := chat.closed_to_bot(slack, channel) or chat.no_thread(slack.workspace, channel, thread_ts):
        return error(problem)
    if wait := slack.rate.take(channel.id):
        return ratelimited(wait)
    return _Share(channel.id, thread_ts)


def _post(slack: Slack, share: _Share, files: list[File], words: str) -> None:
    given = [shown(slack.url, file, ready=True) for file in files]
    bot, thread_ts = slack.workspace.bot_user_id, share.thread_ts
    message = slack.workspace.post(share.channel, bot, words, files=given, thread_ts=thread_ts)
    for file in files:
        file.shared = (share.channel, message.ts)


def info(slack: Slack, args: Args) -> Reply:
    """files.info: `mimetype` is empty until the file has been looked at."""
    file = slack.workspace.files.find(word(args, "file"))
    if file is None:
        return error("file_not_found")
    return ok(file=shown(slack.url, file, ready=slack.workspace.files.is_ready(file)))


def routes(files: Files, may_read: Callable[[Request], bool]) -> list[BaseRoute]:
    """Where bytes come in, and where the page and the bot get them from."""

    async def upload(request: Request) -> Response:
        content = await request.body()
        if not files.send(request.path_params["ticket"], content):
            return PlainTextResponse("upload not expected", status_code=400)
        return PlainTextResponse(f"OK - {len(content)}")

    async def download(request: Request) -> Response:
        file = files.find(request.path_params["file_id"])
        if file is None or file.kind == "binary":
            return PlainTextResponse("no such file", status_code=404)
        return _part(file, request.headers.get("range", ""))

    async def download_for_bots(request: Request) -> Response:
        """Any kind of file; whoever may not see it is led to the page where people log in."""
        file = files.find(request.path_params["file_id"])
        if file is None or not may_read(request):
            return RedirectResponse("/", 302)
        return _part(file, "")

    return [
        Route("/upload/v1/{ticket}", upload, methods=["POST"]),
        Route("/files/{file_id}", download),
        Route("/files/{file_id}/{name}", download),
        Route("/files-pri/{file_id}/{name}", download_for_bots),
    ]


def _part(file: File, wanted: str) -> Response:
    """The file, or the one part of it that a player asks for when somebody moves along a video."""
    content = file.content or b""
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    asked = re.fullmatch(r"bytes=(\d{1,12})-(\d{0,12})", wanted)
    if asked is None or int(asked[1]) >= len(content):
        return Response(content, media_type=_mimetype(file), headers=headers)
    start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
    return Response(content[start : end + 1], 206, headers, _mimetype(file))


def shown(url: str, file: File, *, ready: bool) -> dict[str, Any]:
    """A file as the bot gets to see it. `url` is the server's own."""
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "alt_txt": file.alt,
        "size": file.length,
        "mimetype": _mimetype(file) if ready else "",
        "filetype": file.kind if ready else "",
        **(file.dimensions if ready else {}),
        "is_public": file.shared is not None,
        "permalink": f"{url}/files/{file.id}/{quote(file.name)}",
        "url_private": f"{url}/files-pri/{file.id}/{quote(file.name)}",
        "shares": {"public": {file.shared[0]: [{"ts": file.shared[1]}]}} if file.shared else {},
    }


def _mimetype(file: File) -> str:
    kinds = {"binary": "application/octet-stream", "csv": "text/csv", "jpg": "image/jpeg", "mp4": "video/mp4"}
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
