"""HTML that is safe by construction: text is escaped on the way in, attributes are always quoted.

`Html` is a promise that mypy watches over: only what `text`, `tag` and `join` made may go into a page.
"""

import html
from collections.abc import Iterable
from typing import NewType

Html = NewType("Html", str)
Attribute = str | bool | int | None

NOTHING = Html("")
LINE_BREAK = Html("<br>")

_VOID = frozenset({"br", "hr", "img", "input"})


def text(value: str) -> Html:
    """Anybody's text, as text."""
    return Html(html.escape(value, quote=True))


def tag(name: str, /, *children: Html, **attributes: Attribute) -> Html:
    """One element. `class_` is class, `data_ts` is data-ts; None and False leave the attribute out.

    >>> tag("a", text("<3"), href="https://kling.ai", class_="link")
    '<a href="https://kling.ai" class="link">&lt;3</a>'
    """
    opening = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if name in _VOID:
        return Html(opening)
    return Html(f"{opening}{''.join(children)}</{name}>")


def join(parts: Iterable[Html], separator: Html = NOTHING) -> Html:
    return Html(separator.join(parts))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    written = "" if value is True else html.escape(str(value), quote=True)
    return f' {key.rstrip("_").replace("_", "-")}="{written}"'
