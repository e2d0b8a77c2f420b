"""The everyday part of a `markdown` block, by way of mrkdwn: the same tokens, written the other way."""

import re

from klingbot.sandbox.page.markup import Html
from klingbot.sandbox.page.mrkdwn import mrkdwn
from klingbot.sandbox.page.reader import Reader

_HEADING = re.compile(r"#{1,6}\s+(?P<words>.+?)\s*#*$")
_BULLET = re.compile(r"^(?P<indent>\s*)[-*+]\s+")
_FENCE_OR_LINE = re.compile(r"```.*?```|[^\n]+", re.DOTALL)
_SPAN = re.compile(
    r"(?P<code>`[^`]+`)"
    r"|\[(?P<label>[^\]\n]+)\]\((?P<url>[^\s)]+)\)"
    r"|\*\*(?P<bold>[^*\n]+)\*\*"
    r"|\*(?P<italic>[^\s*][^*\n]*)\*"
    r"|~~(?P<strike>[^~\n]+)~~"
)


def markdown(source: str, reader: Reader) -> Html:
    """Headings, emphasis, code, links, quotes and bullets; the rest is shown as typed."""
    return mrkdwn(_FENCE_OR_LINE.sub(_line, source), reader)


def _line(match: re.Match[str]) -> str:
    line = match[0]
    if line.startswith("```"):
        return re.sub(r"^```\w+\n", "```\n", line)
    heading = _HEADING.fullmatch(line)
    if heading:
        return f"*{heading['words']}*"
    return _SPAN.sub(_span, _BULLET.sub(r"\g<indent>• ", line))


def _span(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind == "url":
        return f"<{match['url']}|{match['label']}>"
    if kind == "bold":
        return f"*{match['bold']}*"
    if kind == "italic":
        return f"_{match['italic']}_"
    if kind == "strike":
        return f"~{match['strike']}~"
    return match[0]
