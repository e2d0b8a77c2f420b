"""What a person types, as Slack hands it to the bot."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingbot.sandbox.slack.escaping import escape
from klingbot.sandbox.slack.workspace import Workspace


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("set @bob", "set <@U0BOB00001|bob>"),
        ("ask @Bob, please", "ask <@U0BOB00001|bob>, please"),
        ("to #video-lab.", "to <#C0VIDEOLAB|video-lab>."),
        ("(@bob)", "(<@U0BOB00001|bob>)"),
        ("@nobody #nowhere", "@nobody #nowhere"),
        ("mail alice@bob or a#general", "mail alice@bob or a#general"),
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("<@U0BOB00001>", "&lt;@U0BOB00001&gt;"),
        ("--image https://a.example/@bob?x=1&y=2", "--image <https://a.example/@bob?x=1&amp;y=2>"),
        ("#klingbot", "#klingbot"),
        ("a 🦊 & ❤️ ❤", "a :fox_face: &amp; :heart: :heart:"),
        ("👋🏼👍", ":wave::skin-tone-3::+1:"),
        ("to a.b+c@x.example.", "to <mailto:a.b+c@x.example|a.b+c@x.example>."),
    ],
)
def test_mentions_and_links_are_bracketed_and_the_rest_is_escaped(typed: str, sent: str) -> None:
    assert escape(typed, Workspace()) == sent


def test_in_messages_people_are_not_named() -> None:
    sent = escape("@klingbot ask @bob & see #finance", Workspace(), named=False)
    assert sent == "<@U0KLINGBOT> ask <@U0BOB00001> &amp; see <#C0FINANCE1|finance>"


@given(st.text(st.sampled_from("ab @#<>&|:/.!bobhttps"), max_size=40))
def test_nothing_typed_can_forge_a_mention_and_nothing_is_lost(typed: str) -> None:
    sent = escape(typed, Workspace())
    plain = re.sub(r"<@U0BOB00001\|bob>", "@bob", sent)
    plain = re.sub(r"<(https?://[^<>]*)>", r"\1", plain)
    plain = re.sub(r"<mailto:([^<>|]*)\|\1>", r"\1", plain)
    assert "<" not in plain and ">" not in plain
    assert html.unescape(plain) == typed
