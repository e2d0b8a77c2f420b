"""No prompt and no name can mention anybody or format anything."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from klingbot import blocks
from klingbot.blocks import jobs, short_answers, text, usage
from klingbot.blocks.message import message, section
from klingbot.domain.notifications import JobFailed, VideoReady
from klingbot.domain.periods import Calendar
from klingbot.engine.hold_outcomes import Held
from klingbot.slack.command_line.command_usage import USAGE
from tests.support.block_samples import NOON, UTC, job, share, shown, spend, standing

_OURS = re.compile(
    r"<@U0BOB00001>"
    r"|<!date\^\d+\^[a-z ]*\{date_short_pretty\} at \{time\}\|[a-z ]*\w{3} \d{1,2}, \d{4} at \d\d:\d\d UTC>"
    r"|<https://videos\.example/fox\.mp4\?a=1&amp;b=2\|Watch the video>"
)
PIECES = [
    "<!channel>",
    "<@U1>",
    "@here",
    "@Everyone",
    "&lt;!here&gt;",
    "*",
    "`",
    "_",
    "~",
    ">",
    "<",
    "&",
    "|",
    "\n",
    "\u202e",
    "\x00",
    "<http://x|y>",
    "fox",
]
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=9), max_size=40).map("".join)


@given(hostile, hostile)
def test_no_prompt_or_name_can_mention_or_format(prompt: str, called: str) -> None:
    wild = job(prompt=prompt, project=called, model=called, reason=prompt)
    for said in (
        jobs.held(Held(wild, standing(f"project:{called}"), 0), UTC),
        jobs.repeated(wild),
        blocks.render(VideoReady(wild, (standing(f"project:{called}"),)), UTC),
        blocks.render(JobFailed(wild), UTC),
        short_answers.mistake(prompt, USAGE["generate"]),
        usage.usage(spend(share(called, 1)), UTC),
    ):
        for words in (said.text, shown(said)):
            assert "<" not in _OURS.sub("", words)
            assert not re.search(r"@(here|channel|everyone|group)", words, re.IGNORECASE)
            assert not re.search("[\u202a-\u202e]", words)


@given(hostile)
def test_what_people_wrote_stays_one_line_without_marks(prompt: str) -> None:
    shown_as = text.neutral(prompt)
    assert not set("*`~\n<>") & set(shown_as)
    assert not re.search(r"(^|\W)_\w.*\w_(\W|$)", shown_as)
    assert re.fullmatch(r"(?:[^&]|&(?:amp|lt|gt);)*", shown_as)


@pytest.mark.parametrize(
    ("typed", "harmless"),
    [
        ("<!channel> now", "&lt;!channel&gt; now"),
        ("<@U1>", "&lt;@U1&gt;"),
        ("a & b", "a &amp; b"),
        ("*loud* `code` ~gone~ _soft_", "∗loud∗ ˋcodeˋ ∼gone∼ ˍsoftˍ"),
        ("snake_case_name", "snake_case_name"),
        ("a sign @here", "a sign @\u200bhere"),
        ("bob@example.com", "bob@example.com"),
        ("two\nlines", "two lines"),
        ("fox\u202egnp.exe", "fox gnp.exe"),
        ("nul\x00 and bell\x07", "nul and bell"),
    ],
)
def test_the_marks_of_slack_are_taken_out(typed: str, harmless: str) -> None:
    assert text.neutral(typed) == harmless


def test_code_is_to_be_copied_letter_by_letter() -> None:
    assert text.code("/kling budget show _a_ <b>") == "`/kling budget show _a_ &lt;b&gt;`"


def test_an_id_that_is_none_is_shown_as_a_name() -> None:
    assert text.mention("!channel") == "!channel"
    assert text.channel("finance") == "#finance"
    assert text.link("javascript:alert(1)", "see") == "javascript:alert(1)"


def test_words_lead_up_to_a_moment_inside_its_date_where_slack_writes_it_small() -> None:
    assert text.when(NOON, UTC, "resets") == (
        "<!date^1795435200^resets {date_short_pretty} at {time}|resets Nov 23, 2026 at 12:00 UTC>"
    )
    assert text.hour(NOON, UTC, "ends") == (
        "<!date^1795435200^ends {date_long_pretty} at {time}|ends Monday, November 23, 2026 at 12:00 UTC>"
    )


@pytest.mark.parametrize("words", ["a^b", "a|b", "<@U1>", "a > b", "{time}"])
def test_words_that_would_end_a_date_before_its_time_stand_in_none(words: str) -> None:
    for moment in (text.when, text.hour):
        with pytest.raises(ValueError, match="not to be said in a date"):
            moment(NOON, UTC, words)


def test_a_moment_has_a_fallback_in_the_bots_own_zone() -> None:
    berlin = Calendar(ZoneInfo("Europe/Berlin"))
    assert text.when(NOON, berlin) == (
        "<!date^1795435200^{date_short_pretty} at {time}|Nov 23, 2026 at 13:00 Europe/Berlin>"
    )


@given(st.lists(st.text("ab &<>é", min_size=1, max_size=2_900), max_size=12))
@example(["x" * 3_000, "y" * 3_000])
@example(["x" * 9_000])
def test_the_text_of_a_message_keeps_to_what_slack_recommends_and_ends_with_a_whole_line(lines: list[str]) -> None:
    said = message(*(section(line) for line in lines))
    payload = said.payload()
    assert len(payload["text"]) <= 4_000
    assert len(payload["blocks"]) == len(lines)
    if len(said.text) <= 4_000:
        assert payload["text"] == said.text
    else:
        kept = payload["text"].removesuffix("\n…")
        assert said.text.startswith(kept) and said.text[len(kept)] in "\n x"
