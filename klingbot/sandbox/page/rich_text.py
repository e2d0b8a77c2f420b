"""The elements of a `rich_text` block → HTML (Slack's docs, "Rich text block")."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from klingbot.sandbox.page.emoji import EMOJI
from klingbot.sandbox.page.markup import LINE_BREAK, Html, join, tag, text
from klingbot.sandbox.page.reader import Reader, broadcast, channel, date, link, mention

Element = Mapping[str, Any]

_STYLES = {"bold": "b", "italic": "i", "strike": "s", "code": "code"}


def html(elements: Iterable[Element], reader: Reader) -> Html:
    """Sections, lists, quotes and preformatted texts, in order."""
    return join(_part(element, reader) for element in elements)


def _part(element: Element, reader: Reader) -> Html:
    kind = element.get("type")
    inside = element.get("elements", ())
    if kind == "rich_text_list":
        return _list(element, reader)
    if kind == "rich_text_quote":
        return tag("blockquote", _pieces(inside, reader))
    if kind == "rich_text_preformatted":
        return tag("pre", _pieces(inside, reader))
    return tag("div", _pieces(inside, reader))


def _list(element: Element, reader: Reader) -> Html:
    items = (tag("li", _pieces(item.get("elements", ()), reader)) for item in element.get("elements", ()))
    indent = int(element.get("indent", 0))
    css = f"indent-{min(indent, 8)}" if indent else None
    if element.get("style") != "ordered":
        return tag("ul", *items, class_=css)
    return tag("ol", *items, class_=css, start=int(element.get("offset", 0)) + 1)


def _pieces(elements: Iterable[Element], reader: Reader) -> Html:
    return join(_piece(element, reader) for element in elements)


def _piece(element: Element, reader: Reader) -> Html:
    draw = _PIECES.get(str(element.get("type")))
    drawn = draw(element, reader) if draw else text(f"[{element.get('type', 'nameless')}]")
    wanted = element.get("style") or {}
    for style, name in _STYLES.items():
        if wanted.get(style):
            drawn = tag(name, drawn)
    return drawn


def _said(element: Element, reader: Reader) -> Html:
    return join((text(line) for line in str(element.get("text", "")).split("\n")), LINE_BREAK)


def _link(element: Element, reader: Reader) -> Html:
    url = str(element.get("url", ""))
    return link(url, text(str(element.get("text") or url)))


def _emoji(element: Element, reader: Reader) -> Html:
    name = str(element.get("name", ""))
    return text(EMOJI.get(name, f":{name}:"))


def _date(element: Element, reader: Reader) -> Html:
    form, fallback = str(element.get("format", "")), str(element.get("fallback", ""))
    return date(int(element.get("timestamp", 0)), form, fallback, reader, element.get("url"))


_PIECES: Mapping[str, Callable[[Element, Reader], Html]] = {
    "text": _said,
    "link": _link,
    "emoji": _emoji,
    "date": _date,
    "user": lambda element, reader: mention(str(element.get("user_id", "")), reader),
    "channel": lambda element, reader: channel(str(element.get("channel_id", "")), reader),
    "broadcast": lambda element, reader: broadcast(str(element.get("range", ""))),
}
