"""Block Kit's limits: what just fits is taken, what does not is named with its place."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klingbot.sandbox.slack import limits

Json = dict[str, Any]


def text(length: int, kind: str = "mrkdwn") -> Json:
    return {"type": kind, "text": "x" * length}


def plain(length: int) -> Json:
    return text(length, "plain_text")


def button(**fields: Any) -> Json:
    return {"type": "button", "text": plain(5), **fields}


def options(count: int) -> list[Json]:
    return [{"text": plain(5), "value": str(number)} for number in range(count)]


def section(**fields: Any) -> Json:
    return {"type": "section", "text": text(1), **fields}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


IMAGE = {"type": "image", "image_url": "http://127.0.0.1/cat.png", "alt_text": "a cat"}
CONFIRM = {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)}


def table(rows: int, columns: int = 1, length: int = 5) -> Json:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x" * length}] * columns] * rows}


def chart(points: int, title: str = "Spend", categories: list[str] | None = None) -> Json:
    data = [{"label": str(number), "value": number} for number in range(points)]
    axes = {"categories": categories or [str(number) for number in range(min(points, 20))]}
    drawn = {"type": "bar", "series": [{"name": "USD", "data": data}], "axis_config": axes}
    return {"type": "data_visualization", "title": title, "chart": drawn}


def context(count: int) -> Json:
    return {"type": "context", "elements": [text(1)] * count}


@pytest.mark.parametrize(
    ("fits", "breaks", "where"),
    [
        ([{"type": "divider"}] * 50, [{"type": "divider"}] * 51, "/blocks"),
        ([section(text=text(3000))], [section(text=text(3001))], "/blocks/0/text/text"),
        ([section(fields=[text(2000)])], [section(fields=[text(2001)])], "/blocks/0/fields/0/text"),
        ([section(fields=[text(1)] * 10)], [section(fields=[text(1)] * 11)], "/blocks/0/fields"),
        ([{"type": "header", "text": plain(150)}], [{"type": "header", "text": plain(151)}], "/blocks/0/text/text"),
        ([{"type": "header", "text": plain(9)}], [{"type": "header", "text": text(9)}], "/blocks/0/text/type"),
        ([context(10)], [context(11)], "/blocks/0/elements"),
        ([context(1)], [context(0)], "/blocks/0/elements"),
        ([actions(*[button()] * 25)], [actions(*[button()] * 26)], "/blocks/0/elements"),
        ([actions(button(text=plain(75)))], [actions(button(text=plain(76)))], "/blocks/0/elements/0/text/text"),
        ([actions(button(value="v" * 2000))], [actions(button(value="v" * 2001))], "/blocks/0/elements/0/value"),
        ([actions(button(style="danger"))], [actions(button(style="red"))], "/blocks/0/elements/0/style"),
        (
            [actions(button(confirm=CONFIRM))],
            [actions(button(confirm={**CONFIRM, "deny": plain(31)}))],
            "/blocks/0/elements/0/confirm/deny/text",
        ),
        (
            [actions(button(action_id="a"), button(action_id="b"))],
            [actions(button(action_id="a"), button(action_id="a"))],
            "/blocks/0/elements/1/action_id",
        ),
        (
            [section(accessory={"type": "overflow", "options": options(5)})],
            [section(accessory={"type": "overflow", "options": options(6)})],
            "/blocks/0/accessory/options",
        ),
        (
            [section(accessory={"type": "static_select", "options": options(100)})],
            [section(accessory={"type": "static_select", "options": options(101)})],
            "/blocks/0/accessory/options",
        ),
        ([IMAGE], [{**IMAGE, "alt_text": ""}], "/blocks/0/alt_text"),
        ([IMAGE], [{"type": "image", "image_url": "http://127.0.0.1/cat.png"}], "/blocks/0"),
        ([section()], [{"type": "section"}], "/blocks/0"),
        ([table(100)], [table(101)], "/blocks/0/rows"),
        ([table(1, 20)], [table(1, 21)], "/blocks/0/rows/0"),
        ([table(10, 10, 100)], [table(10, 10, 101)], "/blocks"),
        ([table(1)], [table(1)] * 2, "/blocks"),
        ([table(1, 1, 1)], [table(1, 1, 0)], "/blocks/0/rows/0/0/text"),
        ([chart(20)], [chart(21)], "/blocks/0/chart/series/0/data"),
        ([chart(2)] * 2, [chart(2)] * 3, "/blocks"),
        ([chart(2, title="t" * 50)], [chart(2, title="t" * 51)], "/blocks/0/title"),
        ([chart(2)], [chart(2, categories=["0", "0"])], "/blocks"),
        ([chart(2)], [chart(2, categories=["0", "2"])], "/blocks"),
        ([section()], [section(colour="red")], "/blocks/0"),
        ([section(block_id="a"), section(block_id="b")], [section(block_id="a")] * 2, "/blocks/1/block_id"),
        (
            [{"type": "markdown", "text": "x" * 6000}] * 2,
            [{"type": "markdown", "text": "x" * 6001}] * 2,
            "/blocks",
        ),
        ([section()], [{"type": "input", "label": plain(3)}], "/blocks/0/type"),
        ([section()], [actions({"type": "divider"})], "/blocks/0/elements/0/type"),
        ([section()], ["section"], "/blocks/0/type"),
        ([section()], section(), "/blocks"),
    ],
)
def test_what_fits_is_taken_and_what_breaks_a_limit_is_named(fits: Any, breaks: Any, where: str) -> None:
    assert limits.problems(fits) == []
    assert [problem.place for problem in limits.problems(breaks)] == [where]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "elements", "block_id", "fields"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["section", "context", "divider"])},
            optional={
                "text": json_values,
                "elements": json_values,
                "fields": json_values,
                "block_id": json_values,
            },
        ),
        max_size=3,
    )
    | json_values
)
def test_no_json_can_break_the_checks_themselves(blocks: Any) -> None:
    assert all(str(problem).endswith("]") for problem in limits.problems(blocks))
    assert limits.characters(blocks) >= 0
