"""Who looks at a message, and what names, links and moments look like to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from urllib.parse import urlsplit

from klingbot.sandbox.page.dates import written
from klingbot.sandbox.page.markup import Html, tag, text


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at a message, and what it takes to show them names, times and their own videos.

    `people` and `channels` are names by id; `origin` is where the page was loaded from.
    """

    id: str = ""
    people: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    origin: str = ""


def link(url: str, label: Html) -> Html:
    """A link that leaves the page, or the bare label where the address is not http(s)."""
    if not is_web(url):
        return label
    return tag("a", label, href=url, target="_blank", rel="noopener noreferrer")


def is_web(url: str) -> bool:
    """Whether this is an absolute http(s) address that a browser would read the same way."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def mention(user: str, reader: Reader, label: str | None = None) -> Html:
    """A person's name; the reader's own stands out."""
    name = reader.people.get(user) or label or user
    return tag("span", text(f"@{name}"), class_="mention me" if user == reader.id else "mention")


def channel(channel_id: str, reader: Reader, label: str | None = None) -> Html:
    """A channel's name, which leads there; a plain name where there is no such channel."""
    name = reader.channels.get(channel_id)
    if name is None:
        return tag("span", text(f"#{label or channel_id}"), class_="mention")
    return tag("a", text(f"#{name}"), href=f"#/{name}", class_="mention")


def broadcast(word: str) -> Html:
    """@here, @channel or @everyone, which call upon every reader."""
    return tag("span", text(f"@{word}"), class_="mention me")


def date(epoch: int, form: str, fallback: str, reader: Reader, url: str | None = None) -> Html:
    """A moment in the reader's time zone; the fallback where the number is no moment."""
    shown = text(written(epoch, form, reader.zone, reader.now) or fallback)
    return link(url, shown) if url else shown
