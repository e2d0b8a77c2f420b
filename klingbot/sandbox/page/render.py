"""A message → HTML: its blocks (or its text), and a player for each video it links to. Pure.

Blocks are drawn as Slack's docs describe them ("Block Kit reference"). A type that is not known here is
shown as a grey box that names it: nothing the bot says is silently dropped.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from klingbot.sandbox.page import rich_text
from klingbot.sandbox.page.inputs import confirm, field, input_block, words
from klingbot.sandbox.page.markdown import markdown
from klingbot.sandbox.page.markup import NOTHING, Html, join, tag, text
from klingbot.sandbox.page.media import is_own_video, picture, player, shared_file
from klingbot.sandbox.page.mrkdwn import mrkdwn, plain
from klingbot.sandbox.page.reader import Reader, is_web, link
from klingbot.sandbox.slack.workspace import Message

Block = Mapping[str, Any]

_URL = re.compile(r"https?://[^\s<>|\"']+")


def message_html(message: Message, reader: Reader) -> Html:
    """What one person sees of a message, without its author and time."""
    body = blocks_html(message.blocks, reader) if message.blocks else mrkdwn(message.text, reader)
    drawn = [tag("div", body, class_="blocks" if message.blocks else "text")]
    drawn += [shared_file(file, reader) for file in message.files]
    if message.unfurl:
        drawn += [player(url, reader) for url in _videos(message, reader)]
    return join(drawn)


def blocks_html(blocks: tuple[Block, ...], reader: Reader) -> Html:
    return join(block_html(block, reader) for block in blocks)


def block_html(block: Block, reader: Reader) -> Html:
    """One block; never raises on a block that Slack would accept."""
    draw = _BLOCKS.get(str(block.get("type")))
    return draw(block, reader) if draw else _unknown(block)


def _videos(message: Message, reader: Reader) -> list[str]:
    """The videos a message links to, each once, in reading order."""
    said = _strings(message.blocks or message.text)
    urls = [plain(url) for line in said for url in _URL.findall(line)]
    return [url for url in dict.fromkeys(urls) if is_own_video(url, reader)]


def _strings(value: object) -> Iterator[str]:
    """Every text anywhere in a message's blocks, save those of video blocks, which have their own player."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and value.get("type") != "video":
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def _section(block: Block, reader: Reader) -> Html:
    parts = [tag("div", words(block["text"], reader))] if block.get("text") else []
    if block.get("fields"):
        cells = (tag("div", words(cell, reader), class_="field") for cell in block["fields"])
        parts.append(tag("div", *cells, class_="fields"))
    accessory = block.get("accessory")
    if accessory:
        side = tag("div", _element(accessory, reader, str(block.get("block_id", ""))), class_="accessory")
        return tag("div", tag("div", *parts), side, class_="section with-accessory")
    return tag("div", *parts, class_="section")


def _header(block: Block, reader: Reader) -> Html:
    return tag("h3", words(block.get("text"), reader))


def _divider(block: Block, reader: Reader) -> Html:
    return tag("hr")


def _context(block: Block, reader: Reader) -> Html:
    parts = [
        picture(part, reader, css="icon") if part.get("type") == "image" else tag("span", words(part, reader))
        for part in block.get("elements", ())
    ]
    return tag("div", *parts, class_="context")


def _actions(block: Block, reader: Reader) -> Html:
    buttons = (_element(part, reader, str(block.get("block_id", ""))) for part in block.get("elements", ()))
    return tag("div", *buttons, class_="actions")


def _image(block: Block, reader: Reader) -> Html:
    title = words(block.get("title"), reader)
    caption = tag("figcaption", title) if title else NOTHING
    return tag("figure", caption, picture(block, reader), class_="image")


def _rich_text(block: Block, reader: Reader) -> Html:
    return rich_text.html(block.get("elements", ()), reader)


def _markdown(block: Block, reader: Reader) -> Html:
    return tag("div", markdown(str(block.get("text", "")), reader), class_="markdown")


def _table(block: Block, reader: Reader) -> Html:
    settings = block.get("column_settings") or ()
    rows = []
    for number, cells in enumerate(block.get("rows", ())):
        aligned = ((settings[i] or {}).get("align") if i < len(settings) else None for i in range(len(cells)))
        name = "td" if number else "th"
        drawn = (tag(name, _cell(cell, reader), class_=align) for cell, align in zip(cells, aligned, strict=True))
        rows.append(tag("tr", *drawn))
    return tag("div", tag("table", *rows), class_="table")


def _chart(block: Block, reader: Reader) -> Html:
    """Bars, whatever kind of chart it is; each series below the one before."""
    drawn = [tag("figcaption", text(str(block.get("title", ""))))]
    for series in block.get("chart", {}).get("series", ()):
        points = series.get("data", ())
        highest = max((point["value"] for point in points), default=0) or 1
        drawn.append(tag("div", text(str(series.get("name", ""))), class_="series"))
        drawn += [_bar(point, highest) for point in points]
    return tag("figure", *drawn, class_="chart")


def _bar(point: Block, highest: float) -> Html:
    label, value = str(point.get("label", "")), point["value"]
    meter = tag("meter", min="0", max=str(highest), value=str(max(0, value)))
    return tag("div", tag("span", text(label)), meter, tag("b", text(f"{value:,}")), class_="bar")


def _cell(cell: Block, reader: Reader) -> Html:
    if cell.get("type") == "rich_text":
        return rich_text.html(cell.get("elements", ()), reader)
    return text(str(cell.get("text", cell.get("value", ""))))


def _video(block: Block, reader: Reader) -> Html:
    title = words(block.get("title"), reader)
    url = str(block.get("video_url", ""))
    heading = tag("div", link(str(block.get("title_url") or url), title), class_="video-title")
    if is_own_video(url, reader):
        return join([heading, player(url, reader)])
    thumbnail = {"image_url": block.get("thumbnail_url"), "alt_text": block.get("alt_text", "")}
    return join([heading, tag("figure", picture(thumbnail, reader), class_="image")])


def _file(block: Block, reader: Reader) -> Html:
    return tag("div", text(f"File {block.get('external_id', '')}"), class_="file")


def _element(element: Block, reader: Reader, block_id: str = "") -> Html:
    """Something to press or look at, in an actions block or beside a section."""
    if element.get("type") == "image":
        return picture(element, reader)
    if element.get("type") == "button":
        return _button(element, reader, block_id)
    return field(element, reader, block_id) or _unknown(element)


def _button(element: Block, reader: Reader, block_id: str) -> Html:
    label = words(element.get("text"), reader)
    css = f"button {element.get('style', '')}".strip()
    url = str(element.get("url", ""))
    if is_web(url):
        return tag("a", label, class_=css, href=url, target="_blank", rel="noopener noreferrer")
    return tag(
        "button",
        label,
        type="button",
        class_=css,
        data_block_id=block_id,
        data_action_id=str(element.get("action_id", "")),
        data_confirm=confirm(element.get("confirm"), reader),
    )


def _unknown(block: Block) -> Html:
    return tag("div", text(f"{block.get('type', 'nameless')} is not drawn in the sandbox"), class_="unknown")


_BLOCKS: Mapping[str, Callable[[Block, Reader], Html]] = {
    "actions": _actions,
    "context": _context,
    "data_visualization": _chart,
    "divider": _divider,
    "file": _file,
    "header": _header,
    "image": _image,
    "input": input_block,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "section": _section,
    "table": _table,
    "video": _video,
}
