import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingbot.sandbox.page.reader import Reader
from klingbot.sandbox.page.render import block_html, message_html
from klingbot.sandbox.slack import limits
from klingbot.sandbox.slack.workspace import Message
from tests.sandbox.safe_html import assert_safe, shown

HERE = "http://127.0.0.1:8080"
READER = Reader(id="U1", people={"U2": "Bob Baker"}, channels={}, origin=f"{HERE}/")
CLIP = f"{HERE}/kling/results/7f3a.mp4"


def message(text="", blocks=(), unfurl=True):
    return Message("C1", "1.0", "U2", text, tuple(blocks), unfurl=unfurl)


def draw(block):
    markup = block_html(block, READER)
    assert_safe(markup)
    return markup


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def test_a_message_without_blocks_shows_its_text():
    assert message_html(message("*hi*"), READER) == '<div class="text"><b>hi</b></div>'


def test_a_message_with_blocks_shows_them_instead_of_its_text():
    markup = message_html(message("summary", [{"type": "section", "text": mrkdwn("the *whole* story")}]), READER)
    assert "the <b>whole</b> story" in markup
    assert "summary" not in markup


def test_plain_text_draws_emoji_and_nothing_else():
    assert draw({"type": "header", "text": plain(":tada: *not bold* <b>")}) == "<h3>🎉 *not bold* &lt;b&gt;</h3>"


def test_a_section_shows_its_text_fields_and_accessory():
    button = {"type": "button", "text": plain("Go"), "action_id": "go", "value": "1"}
    block = {"type": "section", "text": mrkdwn("*T*"), "fields": [mrkdwn("*A*\n1"), plain("B")], "accessory": button}
    markup = draw(block)
    assert "<b>T</b>" in markup
    assert '<div class="field"><b>A</b><br>1</div><div class="field">B</div>' in markup
    assert 'class="accessory"><button' in markup


def test_buttons_carry_what_a_click_will_need():
    asked = {"title": plain("A & B?"), "text": mrkdwn("*<script>*"), "confirm": plain("Do"), "deny": plain("Back")}
    buttons = [
        {"type": "button", "text": plain("Yes"), "style": "primary", "action_id": "yes", "value": '{"job": "7"}'},
        {"type": "button", "text": plain("No"), "style": "danger", "action_id": "no", "confirm": asked},
        {"type": "button", "text": plain("Read"), "url": "https://kling.ai"},
    ]
    markup = draw({"type": "actions", "block_id": "b1", "elements": buttons})
    assert '<button type="button" class="button primary" data-block-id="b1" data-action-id="yes">Yes</button>' in markup
    question = re.search(r'class="button danger"[^>]* data-confirm="([^"]*)"', markup)
    assert json.loads(html.unescape(question[1])) == {
        "title": "A &amp; B?",
        "text": "<b>&lt;script&gt;</b>",
        "confirm": "Do",
        "deny": "Back",
        "style": "primary",
    }
    assert re.search(r'<a class="button" href="https://kling.ai"[^>]*>Read</a>', markup)


def field(kind, **more):
    element = {"type": kind, "action_id": "it", **more}
    return draw({"type": "input", "block_id": "b", "label": plain("Length"), "element": element})


OPTIONS = [{"text": plain("5 s"), "value": "5"}, {"text": plain("10 <s>"), "value": "10"}]


def test_fields_are_the_browsers_own_and_labelled():
    markup = field("plain_text_input", multiline=True, initial_value="a <fox>", placeholder=plain("Say what happens"))
    assert '<label for="b.it">Length</label>' in markup
    assert re.search(r'<textarea[^>]* id="b.it"[^>]*>a &lt;fox&gt;</textarea>', markup)
    assert 'placeholder="Say what happens"' in markup
    assert 'type="date" value="2026-11-23"' in field("datepicker", initial_date="2026-11-23")


def test_a_choice_shows_what_is_chosen_and_the_rest():
    markup = field("static_select", options=OPTIONS, initial_option=OPTIONS[1])
    assert '<option value="5">5 s</option><option value="10" selected="">10 &lt;s&gt;</option>' in markup
    grouped = field("static_select", option_groups=[{"label": plain("Pro"), "options": OPTIONS}])
    assert '<optgroup label="Pro"><option value="5">5 s</option>' in grouped
    radio = field("radio_buttons", options=OPTIONS, initial_option=OPTIONS[0])
    assert 'role="radiogroup"' in radio
    assert '<input type="radio" name="b.it" value="5" checked="">' in radio
    assert '<option value="U2">Bob Baker</option>' in field("users_select")


def test_the_bot_hears_of_a_field_only_where_it_asked_to():
    select = {"type": "static_select", "action_id": "it", "options": OPTIONS}
    block = {"type": "input", "block_id": "b", "label": plain("Length"), "element": select}
    assert "data-dispatch" not in draw(block)
    assert 'data-dispatch="change"' in draw({**block, "dispatch_action": True})
    assert 'data-dispatch="change"' in draw({"type": "actions", "block_id": "b", "elements": [select]})
    typed = {"type": "plain_text_input", "action_id": "it"}
    assert 'data-dispatch="enter"' in draw({**block, "element": typed, "dispatch_action": True})


def test_context_divider_and_markdown():
    assert shown(draw({"type": "context", "elements": [mrkdwn("_small_"), plain("print")]})) == "smallprint"
    assert draw({"type": "divider"}) == "<hr>"
    assert "<b>Help</b>" in draw({"type": "markdown", "text": "# Help"})


def test_pictures_come_from_the_sandbox_and_others_become_links():
    own = draw({"type": "image", "image_url": f"{HERE}/charts/1.png", "alt_text": "Spend", "title": plain("November")})
    assert f'<img src="{HERE}/charts/1.png" alt="Spend">' in own
    assert "November" in own
    elsewhere = draw({"type": "image", "image_url": "https://example.com/x.png", "alt_text": "Spend"})
    assert "<img" not in elsewhere
    assert 'href="https://example.com/x.png"' in elsewhere


def test_rich_text_shows_every_element_it_may_hold():
    words = [
        {"type": "text", "text": "bold & code", "style": {"bold": True, "code": True}},
        {"type": "user", "user_id": "U2"},
        {"type": "emoji", "name": "tada"},
        {"type": "link", "url": "https://kling.ai", "text": "docs"},
        {"type": "link", "url": "javascript:alert(1)", "text": "harmless"},
        {"type": "date", "timestamp": 0, "format": "{date_num}", "fallback": "f"},
        {"type": "broadcast", "range": "here"},
        {"type": "hologram"},
    ]
    item = {"type": "rich_text_section", "elements": words[:1]}
    block = {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": words},
            {"type": "rich_text_list", "style": "ordered", "indent": 1, "offset": 2, "elements": [item]},
            {"type": "rich_text_list", "style": "bullet", "elements": [item]},
            {"type": "rich_text_quote", "elements": words[:1]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a < b"}]},
        ],
    }
    markup = draw(block)
    assert "<code><b>bold &amp; code</b></code>" in markup
    assert "@Bob Baker" in markup and "🎉" in markup and "1970-01-01" in markup and "@here" in markup
    assert 'href="https://kling.ai"' in markup and "javascript" not in markup and "harmless" in markup
    assert "[hologram]" in markup
    assert '<ol class="indent-1" start="3"><li>' in markup and "<ul><li>" in markup
    assert "<blockquote>" in markup and "<pre>a &lt; b</pre>" in markup


def test_a_table_has_a_head_and_aligned_columns():
    rows = [[{"type": "raw_text", "text": "Model"}, {"type": "raw_text", "text": "Credits"}]]
    rows += [[{"type": "raw_text", "text": "kling-pro"}, {"type": "raw_number", "value": 40}]]
    markup = draw({"type": "table", "column_settings": [None, {"align": "right"}], "rows": rows})
    assert '<tr><th>Model</th><th class="right">Credits</th></tr>' in markup
    assert '<tr><td>kling-pro</td><td class="right">40</td></tr>' in markup


def test_a_chart_is_drawn_as_bars_with_their_figures():
    points = [{"label": "<b>pro", "value": 4.8}, {"label": "v1", "value": 1}]
    axes = {"categories": ["<b>pro", "v1"], "y_label": "USD"}
    chart = {"type": "bar", "series": [{"name": "USD", "data": points}], "axis_config": axes}
    markup = draw({"type": "data_visualization", "title": "By model", "chart": chart})
    assert_safe(markup)
    assert '<span>v1</span><meter min="0" max="4.8" value="1"></meter><b>1</b>' in markup
    assert "By model" in shown(markup) and "<b>pro" in shown(markup)


@pytest.mark.parametrize("kind", ["hologram", "<script>"])
def test_an_unknown_block_is_named_and_never_dropped(kind):
    markup = draw({"type": kind})
    assert 'class="unknown"' in markup
    assert kind in shown(markup)


def test_an_unknown_element_is_named_too():
    assert "workflow_button" in shown(draw({"type": "actions", "elements": [{"type": "workflow_button"}]}))


@pytest.mark.parametrize(
    "said",
    [
        message(f"done: <{CLIP}|your video>"),
        message(f"done: {CLIP}"),
        message("x", [{"type": "section", "text": mrkdwn(f"<{CLIP}|your video>")}]),
        message(f"<http://localhost:8080/kling/results/7f3a.mp4>, again <{CLIP}>"),
    ],
)
def test_a_link_to_a_video_of_this_sandbox_plays_in_place(said):
    markup = message_html(said, READER)
    assert_safe(markup)
    assert f'<video controls="" preload="metadata" playsinline="" src="{CLIP}"' in markup


def test_the_same_video_is_shown_once():
    assert message_html(message(f"<{CLIP}|here> and <{CLIP}|there>"), READER).count("<video") == 1


@pytest.mark.parametrize(
    "said",
    [
        message("<https://example.com/x.mp4>"),
        message(f"<{HERE}/kling/results/7f3a.html>"),
        message("<http://127.0.0.1:9999/x.mp4>"),
        message("<http://127.0.0.1:8080@example.com/x.mp4>"),
        message(f"<{CLIP}>", unfurl=False),
    ],
)
def test_no_other_link_becomes_a_player(said):
    assert "<video" not in message_html(said, READER)


@pytest.mark.parametrize("path", ["//example.com/x.mp4", "/\\example.com/x.mp4"])
def test_a_path_that_looks_like_a_host_is_still_loaded_from_the_sandbox(path):
    markup = message_html(message(f"<{HERE}{path}>"), READER)
    assert re.search('src="([^"]*)"', markup)[1].startswith(f"{HERE}/")


def test_a_video_block_plays_or_shows_its_title():
    block = {
        "type": "video",
        "title": plain("Fox"),
        "video_url": CLIP,
        "thumbnail_url": f"{HERE}/t.png",
        "alt_text": "A fox",
    }
    assert message_html(message(blocks=[block]), READER).count("<video") == 1
    elsewhere = draw({**block, "video_url": "https://example.com/v"})
    assert "<video" not in elsewhere
    assert 'alt="A fox"' in elsewhere and "Fox" in elsewhere


LETTERS = st.sampled_from("ab *_`~<>&|:\"'\n") | st.characters(exclude_categories=["Cs"])
WORDS = st.text(LETTERS, min_size=1, max_size=60)
TEXT = st.builds(mrkdwn, WORDS) | st.builds(plain, WORDS)
URLS = st.sampled_from([CLIP, "https://kling.ai", "javascript:alert(1)", "http://["]) | WORDS
IMAGE = st.fixed_dictionaries({"type": st.just("image"), "image_url": URLS, "alt_text": WORDS})
BUTTON = st.fixed_dictionaries(
    {"type": st.just("button"), "text": st.builds(plain, WORDS)},
    optional={"url": URLS, "value": WORDS, "style": st.sampled_from(["primary", "danger"])},
)
BLOCKS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("section"), "text": TEXT},
        optional={"fields": st.lists(TEXT, min_size=1, max_size=3), "accessory": IMAGE | BUTTON},
    ),
    st.fixed_dictionaries({"type": st.just("header"), "text": st.builds(plain, WORDS)}),
    st.just({"type": "divider"}),
    st.fixed_dictionaries({"type": st.just("context"), "elements": st.lists(TEXT | IMAGE, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"type": st.just("actions"), "elements": st.lists(BUTTON, min_size=1, max_size=3)}),
    IMAGE,
    st.fixed_dictionaries({"type": st.just("markdown"), "text": WORDS}),
)


@given(st.lists(BLOCKS, min_size=1, max_size=3))
def test_whatever_slack_accepts_is_drawn_safely(blocks):
    assert not limits.problems(blocks)
    assert_safe(message_html(message(blocks=blocks), READER))
