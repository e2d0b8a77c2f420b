"""Whatever Kling says in any field: it is read without an exception, and what comes out can be stored and shown."""

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingbot.common.clean_text import UNSEEN
from klingbot.kling import (
    Accepted,
    LookUp,
    Rejected,
    ReplyLost,
    Unreachable,
    account,
    callback_signature,
    json_values,
    replies,
    wire,
)
from klingbot.kling.json_values import Impossible, amount_of, instant_of, json_of, text_of, url_of
from klingbot.kling.task_json import read_tasks
from tests.unit.kling.kling_world import a_request, answers
from tests.unit.kling.test_kling_client import LEGACY, NEW, PAIR, a_client
from tests.unit.kling.test_kling_wire import a_reply, legacy, new

NOT_TEXTS = [None, True, False, 0, -1, 5, 1.5, 1e400, float("nan"), 10**400, [], {}, [[]], {"a": {}}, ["77"]]
TEXTS = [
    "",
    " ",
    "\ud800",
    "a\x00b",
    "\u202egnp.exe",
    "<!channel> <@U1>",
    "x" * 100_000,
    "\n\r\u2028",
    "'; DROP TABLE jobs; --",
    "../../x",
]
AMOUNTS = [
    *("1_0", " 10", "10 ", "١٠", "１０", "0x10", "NaN", "Infinity", "-1", "-0", "+1", "1e3", "1e999999999", "1E+19"),
    *("1" * 5000, "free", "1,5", "1.5.0", ".", "1.", "\x001", "1\n", "9" * 19, "60000.001", "0." + "0" * 5000 + "1"),
    *(True, False, [], {}, ["1"], 1e19, -1, -0.5, 10**30, 10**400, 1e400, float("nan"), float("inf")),
]
HOSTILE = [*NOT_TEXTS, *TEXTS, *AMOUNTS]


def is_harmless(text, most):
    text.encode()
    return len(text) <= most and not UNSEEN.search(text)


@pytest.mark.parametrize("value", AMOUNTS, ids=lambda value: repr(value)[:30])
def test_what_is_no_plain_number_is_an_impossible_charge_and_never_a_guess(value):
    assert isinstance(amount_of(value), Impossible)
    assert is_harmless(amount_of(value).shown, 40)
    for task in (legacy(final_unit_deduction=value), new(billing=[{"charge_type": "unit", "amount": value}])):
        (read,) = read_tasks(task)
        assert (read.units, bool(read.problem)) == (None, True)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("1.5", "1.5"),
        ("0", "0"),
        ("0.00", "0"),
        ("007", "7"),
        (3, "3"),
        (1.8, "1.8"),
        (1e-5, "0.00001"),
        ("60000", "60000"),
    ],
)
def test_plain_numbers_are_amounts_exactly(value, amount):
    assert amount_of(value) == Decimal(amount)


@pytest.mark.parametrize("missing", [None, ""])
def test_an_amount_that_is_missing_is_unknown_and_not_impossible(missing):
    assert amount_of(missing) is None
    (read,) = read_tasks(legacy(final_unit_deduction=missing))
    assert (read.units, read.problem) == (None, "")


def test_amounts_that_are_possible_alone_may_be_impossible_together():
    (read,) = read_tasks(new(billing=[{"charge_type": "unit", "amount": "50000"}] * 2))
    assert (read.units, read.problem) == (None, "Kling named an impossible charge for it: 100000")


def test_one_impossible_row_makes_the_whole_charge_impossible():
    for rows in ([("unit", "1"), ("unit", "-1")], [("unit", "1"), ("cash", "NaN")]):
        billing_rows = [{"charge_type": kind, "amount": amount} for kind, amount in rows]
        (read,) = read_tasks(new(billing=billing_rows))
        assert (read.units, read.cash) == (None, ())
        assert "impossible charge" in read.problem


def test_a_task_that_still_runs_is_not_judged_by_its_charge():
    (read,) = read_tasks(new(status="processing", billing=[{"charge_type": "unit", "amount": "?"}]))
    assert (read.status, read.problem) == ("processing", "")


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://x/y", "//x/y", "/v.mp4", "https://"),
        *(
            "https:///v",
            "https://a@evil/",
            "http://[::1",
            "https://x/a b",
            "https://x/\n",
            "https://x/\u202e",
            " https://x",
        ),
        *("https://x/\ud800", "https://x/" + "a" * 3000, "", 5, None, ["https://x"], {"url": "https://x"}),
    ],
    ids=lambda url: repr(url)[:30],
)
def test_what_no_browser_should_be_sent_to_is_no_video(url):
    assert url_of(url) is None
    videos = [{"url": url}, {"url": "https://kling/v.mp4"}]
    (read,) = read_tasks(legacy(task_result={"videos": videos[:1]}))
    assert read.video_url is None
    (read,) = read_tasks(legacy(task_result={"videos": videos}))
    assert read.video_url == "https://kling/v.mp4"


@pytest.mark.parametrize("value", [True, -1, "x", 10**30, "1e12", 1e300, None, [], "-5"], ids=repr)
def test_an_instant_is_one_of_this_century(value):
    assert instant_of(value) is None


@pytest.mark.parametrize(
    ("content", "parsed"),
    [
        (b'{"a": NaN}', {"a": pytest.approx(float("nan"), nan_ok=True)}),
        (b'{"a": 1e999}', {"a": float("inf")}),
        (b'{"a": "\xff"}', {"a": "\ufffd"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": ' + b"9" * 5000 + b"}", {"a": float("inf")}),
        (b'{"a": -' + b"9" * 5000 + b"}", {"a": float("-inf")}),
        (b'{"a":' * 100_000, None),
        (b"[" * 100_000 + b"]" * 100_000, None),
        (b"", None),
        (b"\x00", None),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_body_costs_at_most_itself(content, parsed):
    assert json_of(content) == parsed


def envelope_of(field, value):
    envelope = {"code": 0, "message": "", "request_id": "", "data": [new()]} | {field: value}
    return json.dumps(envelope).encode()


@pytest.mark.parametrize("field", ["code", "message", "request_id", "data"])
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_each_field_of_a_reply_may_be_anything(field, value):
    try:
        content = envelope_of(field, value)
    except ValueError:  # an integer that json cannot write
        content = b'{"%s": %s}' % (field.encode(), b"9" * 5000)
    for status in (200, 400, 500):
        reply = replies.read(status, content, "nonsense")
        assert is_harmless(reply.message, json_values.MOST_TEXT)
        assert is_harmless(reply.request_id, 100)
        assert isinstance(replies.created(reply), Accepted | Rejected | ReplyLost)
        for legacy_standard in (True, False):
            outcome = replies.looked_up(reply, wire.Question("/tasks", ("job-1",)), legacy=legacy_standard)
            assert isinstance(outcome, LookUp | Rejected | Unreachable)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["succeeded", "failed", "77", "job-1", "https://x/v", "1.5"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("id", "task_id", "status", "task_status", "external_id", "task_info", "external_task_id"),
                    *("message", "task_status_msg", "outputs", "task_result", "videos", "type", "url", "duration"),
                    *("billing", "charge_type", "amount", "final_unit_deduction", "final_balance_deduction", "quota"),
                    *("result", "detail", "has_more", "next_cursor", "resource_pack_subscribe_infos", "status", "code"),
                    *("deduction_amount", "deduction_time", "product_type", "model_name", "resource_pack_id"),
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_at_all_is_read_into_something_harmless(data):
    for task in read_tasks(data):
        assert is_harmless(task.message, json_values.MOST_TEXT)
        assert json_values.is_id(task.task_id) or task.task_id == "?"
        assert task.units is None or 0 <= task.units <= json_values.MOST_UNITS
        assert task.video_url is None or task.video_url.startswith(("https://", "http://"))
    for charge in account.charges_in(data).rows:
        assert charge.units <= json_values.MOST_UNITS
    for pack in account.packs_in(data) or ():
        assert is_harmless(pack.id, 100)
    reply = a_reply(0, data=data)
    assert isinstance(replies.created(reply), Accepted | ReplyLost)
    replies.looked_up(reply, wire.Question("/tasks", ("77", "job-1")), legacy=False)


@pytest.mark.parametrize(
    "value", [*NOT_TEXTS, *TEXTS, "a,b", "x" * 65, "7 7", "７７"], ids=lambda value: repr(value)[:20]
)
def test_a_task_is_only_called_by_an_id_that_can_be_asked_for(value):
    for data in ({"task_id": value}, {"id": value}):
        assert isinstance(replies.created(a_reply(0, data=data)), ReplyLost)


def test_an_id_that_is_odd_is_never_taken_for_that_of_a_job():
    """Without its unseen characters it would be another's."""
    for odd in ("job-1\x00", "job-1\u200b", " job-1", "job-1\n"):
        outcome = replies.looked_up(
            a_reply(0, data=[new(external_id=odd)]), wire.Question("/tasks", ("job-1",)), legacy=False
        )
        assert outcome.tasks == {}


def test_two_contradicting_descriptions_of_one_task_are_no_verdict():
    data = [new(), new(status="failed", message="risk")]
    (task,) = replies.looked_up(a_reply(0, data=data), wire.Question("/tasks", ("77",)), legacy=False).tasks.values()
    assert task.status == "processing"
    assert "two different things" in task.problem


def test_the_same_description_twice_is_one():
    outcome = replies.looked_up(a_reply(0, data=[new(), new()]), wire.Question("/tasks", ("77",)), legacy=False)
    assert (outcome.tasks["77"].status, outcome.tasks["77"].problem) == ("succeeded", "")


def test_a_task_without_a_status_is_unclear_rather_than_unknown():
    for status in (None, 5, [], ""):
        (task,) = read_tasks(new(status=status))
        assert (task.status, task.problem) == ("processing", "Kling did not say how it stands")


# Whole replies that cannot be read.


def half_readable(odd, body):
    """A Kling whose answer about one id is that body, also when it is asked for others along with it."""

    def answer(request, connection):
        ids = request.partition(b"task_ids=")[2].partition(b" ")[0].decode().split(",")
        items = [{"id": each, "status": "processing", "external_id": each} for each in ids]
        with suppress(OSError):  # what is too long is not read to its end
            answers("200 OK", body if odd in ids else json.dumps({"code": 0, "data": items}))(connection)

    return answer


@pytest.mark.parametrize(
    "body",
    [
        '{"code": 0, "data": ' + "[" * 100_000,
        '{"code": 0, "data": null}',
        '{"code": 0, "data": "soon"}',
        '{"code": 0, "data": {}}',
        '{"code": 0, "data": [null]}',
        '{"code": 0',
        '{"code": 0, "data": "' + "x" * 5_000_000 + '"}',
    ],
    ids=["nested", "null", "text", "object", "list of null", "cut short", "huge"],
)
def test_a_reply_that_one_task_spoils_is_asked_for_again_without_it(broken, body):
    answer = half_readable("id-7", body)
    server = broken(lambda connection: answer(server.received[-1], connection))
    ids = [f"id-{number}" for number in range(20)]
    found = a_client(server.root).look_up(NEW, task_ids=ids)
    assert set(found.tasks) == set(ids) - {"id-7"}
    assert set(found.unclear) == {"id-7"}


def test_an_answer_that_never_ends_is_not_read_to_its_end(broken):
    def endless(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(OSError):
            while True:
                connection.sendall(b"x" * 65_536)

    client = a_client(broken(endless).root)
    assert isinstance(client.create(a_request(), NEW), ReplyLost)


RAW = [
    b"",
    b"\x00" * 100,
    b"HTTP/9.9 200 OK\r\n\r\n{}",
    b"HTTP/1.1 -1 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 300 + b"\r\n{}",
    b"HTTP/1.1 200 \xff\r\n\xff: \xff\r\n\r\n{}",
    b"HTTP/1.1 302 F\r\nLocation: http://[::1\r\n\r\n",
    b"HTTP/1.1 302 F\r\nLocation: \xff\xfe\r\n\r\n",
    b'HTTP/1.1 401 X\r\nDate: Mon, 01 Jan 0001 00:00:00 -0000\r\n\r\n{"code": 1003}',
    b'HTTP/1.1 401 X\r\nDate: Fri, 31 Dec 9999 23:59:59 -2359\r\n\r\n{"code": 1004}',
    b'HTTP/1.1 401 X\r\nDate: 99 Foo 99999999999\r\n\r\n{"code": 1004}',
]


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: repr(raw)[:40])
@pytest.mark.parametrize("credentials", [None, PAIR], ids=["API key", "key pair"])
def test_bytes_that_are_hardly_http_end_in_a_named_outcome(broken, raw, credentials):
    def send(connection):
        with suppress(OSError):
            connection.sendall(raw)

    client = a_client(broken(send).root, credentials)
    assert isinstance(client.create(a_request(), LEGACY), ReplyLost | Rejected)
    assert isinstance(client.look_up(LEGACY, job_ids=["job-1"]), Unreachable | Rejected)
    assert isinstance(client.packs(0, 1), Unreachable | Rejected)
    assert isinstance(client.charges(0, 1), Unreachable | Rejected)


def test_a_list_far_longer_than_asked_for_is_not_read_to_its_end():
    assert len(list(read_tasks([new()] * 100_000))) == 1_000


# The bill, the packs, callbacks.


def test_each_row_of_the_bill_is_read_by_itself():
    good = {"product_type": "video", "task_id": "1", "deduction_amount": "1.5", "deduction_time": 1_790_000_000_000}
    odd = [
        *({**good, "deduction_amount": value} for value in HOSTILE if value != "" and value is not None),
        *({**good, "deduction_time": value} for value in NOT_TEXTS[:2]),
        *({**good, "task_id": value} for value in NOT_TEXTS),
        *HOSTILE,
    ]
    rows = [
        each for each in account.charges_in({"result": {"detail": [*odd, good]}}).rows if each.units == Decimal("1.5")
    ]
    assert [row.task_id for row in rows][-1:] == ["1"]
    named = account.charges_in(
        {"result": {"detail": [{**good, "model_name": "a\x00b\ud800", "task_id": "t\x00"}]}}
    ).rows
    assert [(row.model, row.task_id) for row in named] == [("a b", "t")]


@pytest.mark.parametrize("cursor", [5, "", None, ["x"], "x" * 5000], ids=lambda value: repr(value)[:20])
def test_a_cursor_that_cannot_be_one_ends_the_bill(cursor):
    assert account.charges_in({"result": {"has_more": True, "next_cursor": cursor}}).cursor is None


def test_each_pack_is_read_by_itself_and_counts_once():
    good = {
        "status": "online",
        "resource_pack_id": "p",
        "resource_pack_name": "100\x00 units",
        "total_quantity": 100.0,
        "remaining_quantity": "50",
        "invalid_time": 1_790_000_000_000,
    }
    odd = [{**good, field: value} for field in ("total_quantity", "invalid_time") for value in (1e19, "NaN", -1, None)]
    (pack,) = account.packs_in({"resource_pack_subscribe_infos": [*odd, *HOSTILE, good, good]})
    assert (pack.id, pack.name, pack.total, pack.left) == ("p", "100 units", 100, 50)


SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0cw=="


@pytest.mark.parametrize("timestamp", ["inf", "nan", "1e400", "-1e400", "9" * 400, "", "x", "\ud800"], ids=repr)
def test_headers_of_a_callback_that_are_nonsense_are_no_good_signature(timestamp):
    headers = {"webhook-id": "1", "webhook-timestamp": timestamp, "webhook-signature": "v1,eA=="}
    assert callback_signature.read(SECRET, b"{}", headers) is None


def test_a_text_is_one_line_that_every_database_keeps():
    assert text_of("a\x00b\n\ud800c\u202ed") == "a b c d"
    assert len(text_of("x" * 100_000)) == json_values.MOST_TEXT
