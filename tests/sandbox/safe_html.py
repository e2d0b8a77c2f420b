"""Reads rendered HTML the strict way: only known tags, balanced, every attribute quoted and known."""

import html
import re

TAGS = {
    "a", "b", "blockquote", "br", "button", "code", "div", "figcaption", "figure", "h3", "hr", "i", "img", "input",
    "label", "li", "meter", "ol", "optgroup", "option", "p", "pre", "s", "select", "small", "span", "table", "td",
    "textarea", "th", "tr", "ul", "video",
}  # fmt: skip
ATTRIBUTES = {
    "alt", "aria-label", "autocomplete", "checked", "class", "controls", "data-action-id", "data-block-id",
    "data-confirm", "data-current", "data-dispatch", "data-focus", "data-input", "for", "href", "id", "inputmode",
    "label", "max", "min", "name",
    "placeholder", "playsinline", "preload", "rel", "role", "rows", "selected", "src", "start", "target", "type",
    "value",
}  # fmt: skip
VOID = {"br", "hr", "img", "input"}
TAG = re.compile(r'<(?P<close>/?)(?P<name>[a-z0-9]+)(?P<attributes>(?: [a-z-]+="[^"<>]*")*)>')


def shown(markup: str) -> str:
    """The text a reader sees, with every tag left out."""
    return html.unescape(TAG.sub("", markup.replace("<br>", "\n")))


def assert_safe(markup: str) -> None:
    """Fails on any tag, attribute, quote or address that is not ours."""
    open_tags: list[str] = []
    for tag in TAG.finditer(markup):
        name = tag["name"]
        assert name in TAGS, markup
        if tag["close"]:
            assert open_tags.pop() == name, markup
        elif name not in VOID:
            open_tags.append(name)
        for key, value in re.findall(r' ([a-z-]+)="([^"]*)"', tag["attributes"]):
            assert key in ATTRIBUTES, markup
            if key in ("href", "src"):
                assert re.match("https?://|#/", value), markup
    assert not open_tags, markup
    assert not re.search("[<>]", TAG.sub("", markup)), markup
