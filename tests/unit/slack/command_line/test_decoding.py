"""What Kling gets of a prompt is what the person saw in Slack, not how Slack encodes it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingbot.slack.command_line.emoji_names import with_emoji
from klingbot.slack.command_line.parser import parse
from klingbot.slack.command_line.slack_encoding import is_blank, plain, trimmed
from klingbot.slack.command_line.types import Generate, Options


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("fish &amp; chips &lt;3 &gt; all", "fish & chips <3 > all"),
        ("the word &amp;lt; and &amp;amp;amp;", "the word &lt; and &amp;amp;"),
        ("&lt;@U1&gt; &lt;https://x.com|x&gt;", "<@U1> <https://x.com|x>"),
        ("<@U1|bob> meets <@U2> and <@W3|@carol>", "@bob meets @U2 and @carol"),
        ("<#C1|finance> and <#C2|>", "#finance and #C2"),
        ("<!here> <!here|here> <!here|@here> <!channel> <!everyone>", "@here @here @here @channel @everyone"),
        ("<!subteam^S1|@design> <!subteam^S1|design> <!subteam^S2>", "@design @design @S2"),
        ("on <!date^1392734382^{date} at {time}|Feb 18, 2014>", "on Feb 18, 2014"),
        ("on <!date^1392734382^{date}>", "on 2014-02-18"),
        ("<!unheard-of^1|its words>", "its words"),
        ("<https://x.com/?a&amp;b> or <http://y.com|y.com>", "https://x.com/?a&b or y.com"),
        ("<https://x.com/a:b:c> and <https://x.com/:fire:>", "https://x.com/a:b:c and https://x.com/:fire:"),
        ("<https://x.com|:fire: fish &amp; chips>", "🔥 fish & chips"),
        ("<mailto:a@b.c|a@b.c> <mailto:a@b.c>", "a@b.c a@b.c"),
        ("call <tel:+15551234|+1 555-1234> or <tel:100>", "call +1 555-1234 or 100"),
        ("<slack://channel?id=1|open it> <ftp://x.com/y>", "open it ftp://x.com/y"),
        ("<what|ever> <this> a < b > c", "ever <this> a < b > c"),
        ("<@U1|Fish &amp; Chips>", "@Fish & Chips"),
    ],
)
def test_each_form_that_slack_sends_is_decoded_once(sent: str, seen: str) -> None:
    assert plain(sent) == seen
    assert parse(f"generate a fox {sent} --audio") == Generate(Options(f"a fox {seen}", audio=True))
    assert parse(f'generate a fox --negative "{sent}"') == Generate(Options("a fox", negative=seen))


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (":fox_face:", "🦊"),
        ("a :fox_face: in :snowflake:, :sparkles:.", "a 🦊 in ❄️, ✨."),
        (
            ":+1: :thumbsup: :-1: :hankey: :poop: :slightly_smiling_face: :simple_smile:",
            "👍 👍 👎 💩 💩 🙂 🙂",
        ),
        (":flag-de: :de: :flag-england: :us:", "🇩🇪 🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇺🇸"),
        (":wave::skin-tone-2: :wave::skin-tone-6: :wave:", "👋🏻 👋🏿 👋"),
        (":point_up::skin-tone-3:", "☝🏼"),
        (":female-astronaut::skin-tone-4:", "👩🏽‍🚀"),
        (":male-detective::skin-tone-5:", "🕵🏾‍♂️"),
        (":handshake::skin-tone-2: :handshake::skin-tone-2-6:", "🤝🏻 🫱🏻‍🫲🏿"),
        (":man-heart-man::skin-tone-3:", "👨🏼‍❤️‍👨🏼"),
        (":people_holding_hands::skin-tone-2-3:", "🧑🏻‍🤝‍🧑🏼"),
        (":fire::skin-tone-2:", "🔥"),
        (":skin-tone-4:", "🏽"),
        (":fire::fire:hot:fire:", "🔥🔥hot🔥"),
        ("雪の中の:fox_face:が走る", "雪の中の🦊が走る"),
        ("fox:fox_face:fox :one: :100: :x: :a:", "fox🦊fox 1️⃣ 💯 ❌ 🅰️"),
        ("wow:+1:", "wow👍"),
    ],
)
def test_emoji_that_slack_names_become_characters(sent: str, seen: str) -> None:
    assert parse(f"generate {sent}") == Generate(Options(seen))
    assert parse(f'generate a fox --negative "{sent}"') == Generate(Options("a fox", negative=seen))


@pytest.mark.parametrize(
    "text",
    [
        "10:30:45",
        "at 10:30:45: a train",
        "a:b:c",
        "a:b: and :b:c",
        "16:9 or 1:100:2",
        r"C:\x:\o:\fire",
        ":party-parrot: :my_own_emoji:",
        "note:fire:water",
        "::: :: : :fire fire:",
        ":Fire: :FOX_FACE:",
        "2:+1:3",
        "👩‍🚀 ❤️ می‌خواهم क्‍ष",
    ],
)
def test_what_only_looks_like_an_emoji_stays(text: str) -> None:
    assert with_emoji(text) == text
    assert parse(f"generate a {text}") == Generate(Options(f"a {text}"))


@given(st.text(st.sampled_from(list(":afirexo_-+1 <>&|@\u200bé"))))
def test_decoding_takes_any_text(text: str) -> None:
    plain(text)
    assert with_emoji(with_emoji(text)) == with_emoji(text)


@pytest.mark.parametrize("piece", [":", ":a", "a:b:", ":fire", "<", "<@", "<a:", "&amp;", ":+1::skin-tone-2", "<x|"])
def test_a_long_text_is_decoded_in_a_moment(piece: str) -> None:
    began = time.perf_counter()
    plain(piece * (200_000 // len(piece)))
    assert time.perf_counter() - began < 10  # a quadratic step would take minutes


def test_the_length_of_a_prompt_is_counted_as_kling_gets_it() -> None:
    assert parse("generate " + ":fox_face:" * 400) == Generate(Options("🦊" * 400))


def test_marks_of_no_width_around_a_prompt_are_left_out_and_those_within_stay() -> None:
    assert trimmed("\ufeff \u200bمی‌خواهم 👩‍🚀❤️\u2060 \u200e") == "می‌خواهم 👩‍🚀❤️"
    assert parse("generate \u200b‘می‌خواهم 👩‍🚀’\u200b") == Generate(Options("می‌خواهم 👩‍🚀"))


@pytest.mark.parametrize("text", ["", " \n", "\u200b\u2060\ufeff", "\u3164\u2800", "\ufe0f\u200d", "\u00ad\u180e"])
def test_what_shows_nothing_is_blank(text: str) -> None:
    assert is_blank(text)


def test_the_names_of_emoji_are_not_read_before_one_is_met() -> None:
    code = (
        "import klingbot.slack.command_line.parser as p; from klingbot.slack.command_line import emoji_names;"
        "p.parse('generate a fox at 10:30');"
        "assert not emoji_names._emoji.cache_info().misses"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
