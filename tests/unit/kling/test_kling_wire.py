"""What goes over the wire to Kling and how its answers are read: tables, no network."""

from dataclasses import replace
from decimal import Decimal

import pytest

from klingbot.kling import Action, Cash, errors, replies, wire
from klingbot.kling.task_json import read_tasks
from tests.unit.kling.kling_world import a_request

REQUEST = a_request()
IMAGE = {"image_url": "https://example.com/fox.png"}
OMNI = {"omni": True, "legacy_name": "kling-v3-omni", "new_name": "kling-3.0-omni"}
TURBO = {"legacy_name": None, "new_name": "kling-3.0-turbo"}


@pytest.mark.parametrize(
    ("changes", "api_key", "expected"),
    [
        ({}, True, "/text-to-video/kling-2.6"),
        (IMAGE, True, "/image-to-video/kling-2.6"),
        (OMNI, True, "/omni-video/kling-3.0-omni"),
        (OMNI | IMAGE, True, "/omni-video/kling-3.0-omni"),
        (TURBO, True, "/text-to-video/kling-3.0-turbo"),
        ({}, False, "/v1/videos/text2video"),
        (IMAGE, False, "/v1/videos/image2video"),
        (OMNI, False, "/v1/videos/omni-video"),
        ({"negative": "fog"}, True, "/v1/videos/text2video"),
        ({"negative": ""}, True, "/text-to-video/kling-2.6"),
        ({"new_name": None}, True, "/v1/videos/text2video"),
    ],
)
def test_a_request_goes_to_the_standard_that_can_take_it(changes, api_key, expected):
    assert wire.route(replace(REQUEST, **changes), api_key=api_key) == expected


@pytest.mark.parametrize(("changes", "api_key"), [(TURBO, False), (TURBO | {"negative": "fog"}, True)])
def test_a_request_that_neither_standard_takes_is_a_mistake_in_the_code(changes, api_key):
    with pytest.raises(ValueError, match=r"kling-3\.0-turbo"):
        wire.route(replace(REQUEST, **changes), api_key=api_key)


FROM_WORDS = {"prompt": "a fox on a snowy hill"}
FROM_FRAME = {
    "contents": [
        {"type": "prompt", "text": "a fox on a snowy hill"},
        {"type": "first_frame", "url": "https://example.com/fox.png"},
    ]
}


@pytest.mark.parametrize(
    ("changes", "shown", "settings"),
    [
        ({}, FROM_WORDS, {"aspect_ratio": "16:9", "audio": "off"}),
        ({"audio": True, "aspect": "9:16"}, FROM_WORDS, {"aspect_ratio": "9:16", "audio": "native"}),
        (IMAGE, FROM_FRAME, {"audio": "off"}),
        ({"new_name": "kling-3.0"}, FROM_WORDS, {"aspect_ratio": "16:9", "audio": "off", "multi_shot": False}),
        (TURBO | {"audio": True}, FROM_WORDS, {"aspect_ratio": "16:9"}),
        (
            OMNI,
            {"contents": FROM_FRAME["contents"][:1]},
            {"aspect_ratio": "16:9", "audio": "off", "multi_shot": False},
        ),
        (OMNI | IMAGE, FROM_FRAME, {"audio": "off", "multi_shot": False}),
        ({"omni": True, "new_name": "kling-o1"} | IMAGE, FROM_FRAME, {}),
        ({"new_name": "kling-9"}, FROM_WORDS, {"aspect_ratio": "16:9", "audio": "off", "multi_shot": False}),
    ],
)
def test_the_new_standard_is_sent_numbers_and_every_switch_the_model_has(changes, shown, settings):
    request = replace(REQUEST, **changes)
    assert wire.body(request, wire.route(request, api_key=True)) == {
        **shown,
        "settings": {"resolution": "720p", "duration": 5, **settings},
        "options": {"external_task_id": "job-1"},
    }


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, {"mode": "std", "sound": "off", "aspect_ratio": "16:9"}),
        ({"resolution": "1080p", "audio": True}, {"mode": "pro", "sound": "on", "aspect_ratio": "16:9"}),
        (
            {"resolution": "4k", "legacy_name": "kling-v3"},
            {"model_name": "kling-v3", "mode": "4k", "sound": "off", "aspect_ratio": "16:9"},
        ),
        (
            {"legacy_name": "kling-v2-5-turbo", "negative": "fog"},
            {"model_name": "kling-v2-5-turbo", "mode": "std", "negative_prompt": "fog", "aspect_ratio": "16:9"},
        ),
        (IMAGE, {"mode": "std", "sound": "off", "image": "https://example.com/fox.png"}),
        (
            OMNI | IMAGE,
            {
                "model_name": "kling-v3-omni",
                "mode": "std",
                "sound": "off",
                "image_list": [{"image_url": "https://example.com/fox.png", "type": "first_frame"}],
            },
        ),
    ],
)
def test_the_legacy_standard_is_sent_strings(changes, fields):
    request = replace(REQUEST, **changes)
    assert wire.body(request, wire.route(request, api_key=False)) == {
        "model_name": "kling-v2-6",
        "prompt": "a fox on a snowy hill",
        "duration": "5",
        "external_task_id": "job-1",
        **fields,
    }


def test_a_look_up_asks_for_job_ids_and_task_ids_in_separate_calls():
    asked = wire.questions("/text-to-video/kling-2.6", ["a", "b"], ["1"])
    assert [question.path for question in asked] == ["/tasks?external_task_ids=a,b", "/tasks?task_ids=1"]


def test_a_long_look_up_is_split_into_calls_that_kling_takes():
    ids = [f"job-{number:032d}" for number in range(120)]
    asked = wire.questions("/text-to-video/kling-2.6", ids, [])
    assert [len(question.ids) for question in asked] == [20] * 6
    assert max(len(question.path) for question in asked) < 2000


def test_a_legacy_look_up_asks_for_each_id_at_the_path_it_was_created_at():
    asked = wire.questions("/v1/videos/omni-video", ["a", "../b"], [])
    assert [question.path for question in asked] == ["/v1/videos/omni-video/a", "/v1/videos/omni-video/..%2Fb"]


def test_an_id_cannot_break_out_of_the_list_it_is_in():
    (question,) = wire.questions("/text-to-video/kling-2.6", ["a,b&task_ids=1"], [])
    assert question.path == "/tasks?external_task_ids=a%2Cb%26task_ids%3D1"


def a_reply(code, *, data=None, message="", http_status=200):
    return replies.Reply(http_status, code, message, "request-1", data, None)


EVERY_CODE = [
    (1000, Action.FREEZE, "credentials"),
    (1001, Action.FREEZE, "no credentials"),
    (1002, Action.FREEZE, "another region's host"),
    (1003, Action.FREEZE, "clock"),
    (1004, Action.FREEZE, "clock"),
    (1100, Action.FREEZE, "account"),
    (1101, Action.FREEZE, "unpaid"),
    (1102, Action.FREEZE, "no units left"),
    (1103, Action.REFUSE, "no right to use this model."),
    (1200, Action.REFUSE, "the request: Kling's words."),
    (1201, Action.REFUSE, "a value in the request: Kling's words."),
    (1202, Action.REFUSE, "does not offer what the bot asked for."),
    (1203, Action.REFUSE, "no longer has it: Kling's words."),
    (1300, Action.REFUSE, "platform rules blocked this video."),
    (1301, Action.REFUSE, "content rules blocked this prompt."),
    (1302, Action.WAIT, "too often"),
    (1303, Action.WAIT, "at once"),
    (1304, Action.FREEZE, "whitelist"),
]


@pytest.mark.parametrize(("code", "action", "words"), EVERY_CODE)
def test_every_refusal_of_kling_has_an_action_and_a_plain_sentence(code, action, words):
    outcome = replies.created(a_reply(code, message="Kling's words."))
    assert (outcome.code, outcome.action, outcome.message) == (code, action, "Kling's words.")
    assert words in outcome.plain


def test_a_model_that_the_account_cannot_have_is_told_from_a_request_that_is_wrong():
    of_model = {code for code, _, _ in EVERY_CODE if replies.created(a_reply(code)).of_model}
    assert of_model == {1103, 1203}


@pytest.mark.parametrize("http_status", [200, 400, 429, 500])
def test_the_code_decides_and_not_the_http_status(http_status):
    assert replies.created(a_reply(1303, http_status=http_status)).action is Action.WAIT


@pytest.mark.parametrize("code", [5000, 5001, 5002, 1005, 1204, 1305, 9999, -1, None])
@pytest.mark.parametrize("http_status", [200, 400, 429, 503])
def test_a_code_that_decides_nothing_means_that_the_task_must_be_looked_up(code, http_status):
    assert isinstance(replies.created(a_reply(code, http_status=http_status)), replies.ReplyLost)


def test_a_very_long_message_is_cut_before_a_person_sees_it():
    refused = errors.rejection(1201, "x" * 5000, "")
    assert len(refused.plain) < 400
    assert len(refused.message) == 5000


def test_a_refusal_without_a_message_still_reads_as_a_sentence():
    refused = errors.rejection(1201, " ", "")
    assert refused.plain == "Kling refused a value in the request: it did not say why."


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>502</html>", b"null", b"[]", b'"ok"', b"{}", b'{"code": "0"}', b'{"code": true}', b"\xff\xfe"],
)
def test_a_body_without_a_proper_code_has_no_code(content):
    assert replies.read(200, content, None).code is None


@pytest.mark.parametrize("data", [None, {}, [], {"id": ""}, {"task_id": 5}, "12"])
def test_a_yes_that_names_no_task_is_a_lost_reply(data):
    assert isinstance(replies.created(a_reply(0, data=data)), replies.ReplyLost)


def legacy(**fields):
    return {"task_id": "77", "task_status": "succeed", "task_info": {"external_task_id": "job-1"}} | fields


def new(**fields):
    return {"id": "77", "status": "succeeded", "external_id": "job-1"} | fields


def read(item):
    (task,) = read_tasks(item)
    return task


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("submitted", "submitted"),
        ("processing", "processing"),
        ("succeed", "succeeded"),
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("cancelled", "processing"),
    ],
)
def test_both_standards_status_words_mean_the_same_and_an_unknown_one_is_no_verdict(word, status):
    assert read(legacy(task_status=word)).status == status
    assert read(new(status=word)).status == status


def test_a_legacy_success_is_read_whole():
    videos = [{"id": "v", "url": "https://kling/v.mp4", "duration": "5"}]
    task = read(legacy(task_result={"videos": videos}, final_unit_deduction="1.5"))
    assert (task.task_id, task.job_id, task.video_url) == ("77", "job-1", "https://kling/v.mp4")
    assert (task.video_seconds, task.units, task.cash) == (Decimal(5), Decimal("1.5"), ())


def test_a_new_success_is_read_whole():
    outputs = [{"type": "audio", "url": "no"}, {"type": "video", "url": "https://kling/v.mp4", "duration": "5.041"}]
    task = read(new(outputs=outputs, billing=[{"charge_type": "unit", "amount": "1.8"}]))
    assert (task.task_id, task.job_id, task.video_url) == ("77", "job-1", "https://kling/v.mp4")
    assert (task.video_seconds, task.units, task.cash) == (Decimal("5.041"), Decimal("1.8"), ())


def test_a_failure_carries_klings_own_words():
    assert read(legacy(task_status="failed", task_status_msg="risk control")).message == "risk control"
    assert read(new(status="failed", message="risk control")).message == "risk control"


def test_units_from_several_packs_are_added_and_cash_is_kept_apart():
    billing = [
        {"charge_type": "unit", "amount": "1.0"},
        {"charge_type": "unit", "amount": "0.8"},
        {"charge_type": "cash", "amount": "0.25", "currency": "USD", "cash_type": "balance"},
        {"charge_type": "cash", "amount": "2", "currency": "USD", "cash_type": "test_balance"},
    ]
    task = read(new(billing=billing))
    assert task.units == Decimal("1.8")
    assert task.cash == (Cash(Decimal("0.25"), "USD", False), Cash(Decimal(2), "USD", True))


def test_a_legacy_cash_deduction_is_kept_although_its_currency_is_unknown():
    task = read(legacy(final_balance_deduction={"quota": "0.21", "list_price": "0.21"}))
    assert (task.units, task.cash) == (None, (Cash(Decimal("0.21"), None, False),))


@pytest.mark.parametrize("amount", [None, "", "free", "NaN", "Infinity", "-1", True, {}])
def test_an_amount_that_is_no_number_is_not_known_rather_than_zero(amount):
    assert read(legacy(final_unit_deduction=amount)).units is None
    assert read(new(billing=[{"charge_type": "unit", "amount": amount}])).units is None


@pytest.mark.parametrize("billing", [None, [], {}, ["?"], [{"charge_type": "cash", "amount": "1"}]])
def test_a_task_without_unit_rows_has_no_units_rather_than_zero(billing):
    assert read(new(billing=billing)).units is None


@pytest.mark.parametrize("item", [None, "x", [], {}, {"status": "failed"}, {"id": 7, "status": "failed"}])
def test_what_is_no_task_is_not_read_as_one(item):
    assert list(read_tasks(item)) == []


def looked_up(data, ids, *, is_legacy=False):
    return replies.looked_up(a_reply(0, data=data), wire.Question("/tasks", ids), legacy=is_legacy)


def test_an_empty_list_is_kling_saying_that_it_has_none_of_them():
    assert looked_up([], ("a", "b")).absent == {"a", "b"}


@pytest.mark.parametrize("data", [None, {}, {"result": []}, [{}], [new(external_id="other")]])
def test_anything_else_than_an_empty_list_proves_no_absence(data):
    outcome = looked_up(data, ("a",))
    assert (outcome.tasks, outcome.absent) == ({}, frozenset())


def test_a_task_that_leaves_out_the_job_id_answers_a_question_about_one_job_only():
    nameless = legacy(task_info={})
    assert looked_up(nameless, ("job-1",), is_legacy=True).tasks["job-1"].task_id == "77"
    assert looked_up([nameless], ("job-1", "job-2")).tasks == {}


@pytest.mark.parametrize(
    ("code", "job_id", "absent"), [(1203, "job-1", True), (1201, "job-1", True), (1201, "job 1!", False)]
)
def test_a_legacy_look_up_says_absent_by_refusing_a_well_formed_id(code, job_id, absent):
    question = wire.Question("/v1/videos/text2video/x", (job_id,))
    outcome = replies.looked_up(a_reply(code), question, legacy=True)
    assert (isinstance(outcome, replies.LookUp) and outcome.absent == {job_id}) is absent


@pytest.mark.parametrize("message", ["External_task_id job-1 already exists", "external_task_id job-1 already exists."])
def test_a_create_that_names_a_known_job_means_that_kling_has_it(message):
    assert isinstance(replies.created(a_reply(1201, message=message)), replies.AlreadyTaken)


@pytest.mark.parametrize("code", [1201, 1203])
def test_a_refused_look_up_on_the_new_standard_proves_no_absence(code):
    outcome = replies.looked_up(a_reply(code), wire.Question("/tasks", ("a",)), legacy=False)
    assert outcome.code == code


@pytest.mark.parametrize("path", ["/text-to-video/kling-2.6", "/v1/videos/text2video"])
def test_kling_is_told_where_to_call_back_only_when_it_should(path):
    assert "callback_url" not in str(wire.body(a_request(), path))
    body = wire.body(a_request(), path, "https://bot.example/kling/callback")
    options = body if wire.is_legacy(path) else body["options"]
    assert options["callback_url"] == "https://bot.example/kling/callback"
