"""Slack's mrkdwn → HTML.

Text is cut into tokens first, and every leaf is escaped as it is written; nothing is ever replaced inside
HTML. Rules from Slack's docs, "Formatting text for app surfaces".
"""

import re
from itertools import groupby

from klingbot.sandbox.page.emoji import EMOJI, EMOJI_NAME
from klingbot.sandbox.page.markup import LINE_BREAK, Html, join, tag, text
from klingbot.sandbox.page.reader import Reader, broadcast, channel, date, is_web, link, mention

_FENCE = re.compile(r"```\n?(?P<code>.+?)\n?```", re.DOTALL)

# What stands inside `*…*`: code spans and links whole, so that their own stars do not end it. The atomic
# group keeps a hostile message linear.
_INSIDE = r"(?:(?>`[^`\n]+`|<[^<>\n]+>|[^\n{mark}]))+"


def _styled(name: str, mark: str) -> str:
    """A mark opens after a non-word and before a non-space, and closes the other way round."""
    inside = _INSIDE.replace("{mark}", mark)
    return rf"(?<![\w{mark}])[{mark}](?=\S)(?P<{name}>{inside})(?<=\S)[{mark}](?![\w{mark}])"


_INLINE = re.compile(
    "|".join(
        (
            r"`(?P<code>[^`\n]+)`",
            r"<(?P<angle>[^<>\n]+)>",
            r"(?P<url>https?://[^\s<>|`]*[^\s<>|`.,:;!?)\]}'\"*_~])",
            rf":(?P<emoji>{EMOJI_NAME}):",
            _styled("b", "*"),
            _styled("i", "_"),
            _styled("s", "~"),
        )
    )
)
_STYLES = ("b", "i", "s")
_QUOTE = re.compile(r"(?:&gt;|>) ?")


def mrkdwn(source: str, reader: Reader) -> Html:
    """A whole text: fences, quotes and lines, with everything inline in them."""
    parts: list[Html] = []
    end = 0
    for fence in _FENCE.finditer(source):
        parts.append(_lines(source[end : fence.start()].removesuffix("\n"), reader))
        parts.append(tag("pre", text(plain(fence["code"]))))
        end = fence.end()
    rest = source[end:]
    parts.append(_lines(rest.removeprefix("\n") if end else rest, reader))
    return join(parts)


def inline(source: str, reader: Reader) -> Html:
    """The part of the grammar that fits on one line."""
    parts: list[Html] = []
    end = 0
    for match in _INLINE.finditer(source):
        parts.append(text(plain(source[end : match.start()])))
        parts.append(_token(match, reader))
        end = match.end()
    parts.append(text(plain(source[end:])))
    return join(parts)


def plain(source: str) -> str:
    """What was typed: Slack escapes exactly these three characters."""
    return source.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def with_emoji(source: str) -> Html:
    """A plain_text object: emoji are drawn, everything else is as typed."""
    return text(re.sub(f":({EMOJI_NAME}):", lambda match: EMOJI[match[1]], source))


def _lines(source: str, reader: Reader) -> Html:
    """Runs of quoted lines become one quote; `>>>` quotes all that follows."""
    before, mark, after = _long_quote(source)
    parts = [
        _quote([_QUOTE.sub("", line, count=1) for line in run], reader) if quoted else _run(list(run), reader)
        for quoted, run in groupby(before, lambda line: bool(_QUOTE.match(line)))
    ]
    if mark:
        parts.append(_quote(after, reader))
    return join(parts)


def _long_quote(source: str) -> tuple[list[str], bool, list[str]]:
    match = re.search(r"^(?:>>>|&gt;&gt;&gt;) ?", source, re.MULTILINE)
    if match is None:
        return (source.split("\n") if source else []), False, []
    before = source[: match.start()].removesuffix("\n")
    return (before.split("\n") if before else []), True, source[match.end() :].split("\n")


def _quote(lines: list[str], reader: Reader) -> Html:
    return tag("blockquote", _run(lines, reader))


def _run(lines: list[str], reader: Reader) -> Html:
    return join((inline(line, reader) for line in lines), LINE_BREAK)


def _token(match: re.Match[str], reader: Reader) -> Html:
    kind = match.lastgroup or ""
    value = match[kind]
    if kind in _STYLES:
        return tag(kind, inline(value, reader))
    if kind == "code":
        return tag("code", text(plain(value)))
    if kind == "angle":
        return _angle(value, reader)
    if kind == "url":
        return link(plain(value), text(plain(value)))
    return text(EMOJI[value])


def _angle(value: str, reader: Reader) -> Html:
    """What Slack writes between `<` and `>`; anything it would not write is shown as typed."""
    target, _, label = value.partition("|")
    if target.startswith("@"):
        return mention(target[1:], reader, plain(label))
    if target.startswith("#"):
        return channel(target[1:], reader, plain(label))
    if target in ("!here", "!channel", "!everyone"):
        return broadcast(target[1:])
    if target.startswith("!date^"):
        return _date(target, plain(label), reader)
    if is_web(plain(target)):
        return link(plain(target), with_emoji(plain(label or target)))
    return text(plain(f"<{value}>"))


def _date(target: str, fallback: str, reader: Reader) -> Html:
    _, epoch, form, *url = f"{target}^^".split("^")
    if not re.fullmatch(r"-?\d{1,12}", epoch, re.ASCII):
        return text(fallback)
    return date(int(epoch), plain(form), fallback, reader, plain(url[0]))
