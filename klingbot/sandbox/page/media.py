"""Pictures and videos. The page loads them from this same sandbox only; anything elsewhere becomes a link."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from klingbot.sandbox.page.markup import Html, tag, text
from klingbot.sandbox.page.reader import Reader, is_web, link

_VIDEO_SUFFIXES = {".mp4", ".webm"}


def player(url: str, reader: Reader) -> Html:
    """A video that plays in place."""
    name = unquote(PurePosixPath(urlsplit(url).path).name)
    video = tag("video", controls=True, preload="metadata", playsinline=True, src=own_url(url, reader), aria_label=name)
    return tag("figure", video, class_="video")


def shared_file(file: Mapping[str, Any], reader: Reader) -> Html:
    """A file that a message shares: a video plays in place, a picture is seen, anything else is a name to press."""
    url, title = str(file.get("permalink")), text(str(file.get("title")))
    if str(file.get("mimetype")).startswith("image/"):
        shown = picture({"slack_file": file, "alt_text": file.get("title")}, reader)
        return tag("figure", shown, class_="image")
    if not is_own_video(url, reader):
        return tag("div", link(url, title), class_="file")
    return tag("div", tag("div", title, class_="video-title"), player(url, reader), class_="shared")


def own_url(url: str, reader: Reader) -> str | None:
    """The address as the page may load it, or None where this sandbox does not serve it."""
    if not is_web(url) or _host(url) != _host(reader.origin):
        return None
    parts = urlsplit(url)
    return f"{reader.origin.rstrip('/')}{parts.path}{'?' if parts.query else ''}{parts.query}"


def _host(url: str) -> str:
    """Host and port; a page opened as localhost still knows its own videos on 127.0.0.1."""
    return urlsplit(url).netloc.replace("localhost", "127.0.0.1")


def is_own_video(url: str, reader: Reader) -> bool:
    own = own_url(url, reader)
    return own is not None and PurePosixPath(urlsplit(own).path).suffix.lower() in _VIDEO_SUFFIXES


def picture(element: Mapping[str, Any], reader: Reader, css: str | None = None) -> Html:
    """An image that this sandbox serves, or a link to one elsewhere."""
    file = element.get("slack_file")
    url = f"{reader.origin.rstrip('/')}/files/{file.get('id')}" if file else str(element.get("image_url") or "")
    alt = str(element.get("alt_text") or "image")
    own = own_url(url, reader)
    return tag("img", src=own, alt=alt, class_=css) if own else link(url, text(alt))
