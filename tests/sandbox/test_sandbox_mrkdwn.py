import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingbot.sandbox.page.markdown import markdown
from klingbot.sandbox.page.mrkdwn import mrkdwn
from klingbot.sandbox.page.reader import Reader
from tests.sandbox.safe_html import assert_safe, shown

READER = Reader(
    id="U1",
    people={"U1": "Alice Archer", "U2": "Bob Baker"},
    channels={"C1": "finance"},
    zone=ZoneInfo("Europe/Berlin"),
    now=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
)
LINK = 'target="_blank" rel="noopener noreferrer"'
NOON = 1795435200  # 2026-11-23 12:00 UTC


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("*bold* _italic_ ~gone~ `code`", "<b>bold</b> <i>italic</i> <s>gone</s> <code>code</code>"),
        ("*bold and _both_*", "<b>bold and <i>both</i></b>"),
        ("*`a*b` stays whole*", "<b><code>a*b</code> stays whole</b>"),
        ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
        ("* not bold * nor _ italic _", "* not bold * nor _ italic _"),
        ("`*not bold*`", "<code>*not bold*</code>"),
        ("one\ntwo", "one<br>two"),
        ("- as\n• typed", "- as<br>• typed"),
        ("`▰▰▰▱` 75.0%", "<code>▰▰▰▱</code> 75.0%"),
    ],
)
def test_text_is_styled_as_slack_styles_it(source, expected):
    assert mrkdwn(source, READER) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("> said\n&gt; twice\nnot said", "<blockquote>said<br>twice</blockquote>not said"),
        ("before\n>>> all\nof it", "before<blockquote>all<br>of it</blockquote>"),
        ("a\n```\nx < y\n  *z*\n```\nb", "a<pre>x &lt; y\n  *z*</pre>b"),
        ("```one line```", "<pre>one line</pre>"),
        ("``` never closed", "``` never closed"),
    ],
)
def test_quotes_and_fences_are_blocks(source, expected):
    assert mrkdwn(source, READER) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<https://kling.ai|Kling & co>", f'<a href="https://kling.ai" {LINK}>Kling &amp; co</a>'),
        ("<https://kling.ai?a=1&amp;b=2>", f'<a href="https://kling.ai?a=1&amp;b=2" {LINK}>https://kling.ai?a=1&amp;b=2</a>'),
        ("see https://kling.ai.", f'see <a href="https://kling.ai" {LINK}>https://kling.ai</a>.'),
        ("<https://a.b|https://a.b>", f'<a href="https://a.b" {LINK}>https://a.b</a>'),
        ("<javascript:alert(1)|click>", "&lt;javascript:alert(1)|click&gt;"),
        ("<JaVaScRiPt://x|click>", "&lt;JaVaScRiPt://x|click&gt;"),
        ('<https://x/"onmouseover="alert(1)|q>', f'<a href="https://x/&quot;onmouseover=&quot;alert(1)" {LINK}>q</a>'),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("&lt;b&gt; &amp;lt; & so", "&lt;b&gt; &amp;lt; &amp; so"),
    ],
)  # fmt: skip
def test_only_web_addresses_become_links(source, expected):
    assert mrkdwn(source, READER) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<@U2>", '<span class="mention">@Bob Baker</span>'),
        ("<@U2|bob>", '<span class="mention">@Bob Baker</span>'),
        ("<@U1>", '<span class="mention me">@Alice Archer</span>'),
        ("<@U9|zoe>", '<span class="mention">@zoe</span>'),
        ("<@U9>", '<span class="mention">@U9</span>'),
        ("<#C1|old-name>", '<a href="#/finance" class="mention">#finance</a>'),
        ("<#C9|lost>", '<span class="mention">#lost</span>'),
        ("<!here>", '<span class="mention me">@here</span>'),
        ("<!channel>", '<span class="mention me">@channel</span>'),
    ],
)
def test_people_and_channels_have_their_names_and_the_reader_stands_out(source, expected):
    assert mrkdwn(source, READER) == expected


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("{date_num} {time}", "2026-11-23 13:00"),
        ("Resets {date_short_pretty} at {time}", "Resets today at 13:00"),
        ("{date_pretty}", "Today"),
        ("{date}", "November 23rd, 2026"),
        ("{date_long}", "Monday, November 23rd, 2026"),
        ("{date_short}", "Nov 23, 2026"),
        ("{time_secs}", "13:00:00"),
        ("{nonsense} {time_pretty}", "{nonsense} 13:00"),
    ],
)
def test_moments_are_written_in_the_readers_time_zone(form, expected):
    assert mrkdwn(f"<!date^{NOON}^{form}|fallback>", READER) == expected


@pytest.mark.parametrize(
    ("days", "expected"), [(-1, "Yesterday"), (1, "Tomorrow"), (2, "Nov 25, 2026"), (-11, "Nov 12, 2026")]
)
def test_only_neighbouring_days_have_words(days, expected):
    assert mrkdwn(f"<!date^{NOON + days * 86400}^{{date_short_pretty}}|f>", READER) == expected


def test_ordinals_know_the_teens():
    dates = [f"<!date^{1793534400 + day * 86400}^{{date}}|f>" for day in (0, 1, 2, 3, 10, 11, 12, 20, 21)]
    days = [shown(mrkdwn(date, READER)).split()[1] for date in dates]
    assert days == ["1st,", "2nd,", "3rd,", "4th,", "11th,", "12th,", "13th,", "21st,", "22nd,"]


@pytest.mark.parametrize("epoch", ["soon", "", "99999999999999999", "²"])
def test_a_moment_that_is_none_shows_its_fallback(epoch):
    assert mrkdwn(f"<!date^{epoch}^{{date}}|some day>", READER) == "some day"


def test_a_moment_can_be_a_link():
    source = f"<!date^{NOON}^{{time}}^https://kling.ai|f>"
    assert mrkdwn(source, READER) == f'<a href="https://kling.ai" {LINK}>13:00</a>'


def test_emoji_are_drawn_and_other_colons_left_alone():
    assert mrkdwn(":warning: at 10:30:45, :no_such_thing: :+1:", READER) == "⚠️ at 10:30:45, :no_such_thing: 👍"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("# Title\n**bold** and *italic*", "<b>Title</b><br><b>bold</b> and <i>italic</i>"),
        ("- one\n- [two](https://kling.ai)", f'• one<br>• <a href="https://kling.ai" {LINK}>two</a>'),
        ("`**code**` ~~gone~~", "<code>**code**</code> <s>gone</s>"),
        ("```python\n# not a title\n```", "<pre># not a title</pre>"),
        ("[x](javascript:alert(1))", "&lt;javascript:alert(1|x&gt;)"),
    ],
)
def test_a_markdown_block_speaks_markdown(source, expected):
    assert markdown(source, READER) == expected


PIECES = st.sampled_from([
    "*", "_", "~", "`", "```", ">", "<", "&", "&lt;", "&gt;", "&amp;", "|", "\n", ":", ":tada:", '"', "'", " ", "a",
    "<@U1>", "<#C1|x>", "<!here>", "<!date^1^{date}^javascript:x|f>", "<https://a.b|c>", "https://", "http://[",
    "<javascript:x|y>", "javascript:", "<img src=x onerror=alert(1)>", "</div>", "<!--", "[l](", ")", "#", "- ",
])  # fmt: skip
SOURCES = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))


@given(SOURCES)
def test_no_input_yields_a_tag_attribute_or_address_that_is_not_ours(source):
    assert_safe(mrkdwn(source, READER))
    assert_safe(markdown(source, READER))


@given(st.text(alphabet=st.characters(exclude_characters="*_~`<>&:|\n", exclude_categories=["Cs"])))
def test_text_without_marks_is_shown_exactly_as_typed(source):
    assert shown(mrkdwn(source, READER)) == source


@pytest.mark.parametrize("piece", ["*", "_a", "*a ", "`", "<", "<a>", "*<a>", ">", "```", "http://", "&gt;", ":a"])
def test_a_hostile_message_is_drawn_quickly(piece):
    started = time.perf_counter()
    mrkdwn(piece * (12_000 // len(piece)), READER)
    assert time.perf_counter() - started < 20  # a quadratic step would take minutes
