"""The client against a Kling that works, one that refuses, and networks that break in every way."""

import json
import logging
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import jwt
import pytest

from klingbot.domain import prices
from klingbot.kling import (
    Accepted,
    Action,
    AlreadyTaken,
    ApiKey,
    KeyPair,
    KlingClient,
    LookUp,
    NotSent,
    Rejected,
    ReplyLost,
    Unreachable,
    route,
)
from klingbot.sandbox.kling import Fault
from tests.support.live_bot import until
from tests.unit.kling.kling_world import API_KEY, a_request, answers, closes, hangs, resets
from tests.unit.kling.test_kling_wire import EVERY_CODE

NEW = "/text-to-video/kling-2.6"
LEGACY = "/v1/videos/text2video"
STANDARDS = pytest.mark.parametrize("at", [NEW, LEGACY])
PAIR = KeyPair("local-access-key", "local-secret-key-of-the-sandbox-only")


def a_client(root, credentials=None, **options):
    return KlingClient(root, credentials or ApiKey(API_KEY), **{"connect_timeout": 5, "read_timeout": 5, **options})


# A job's whole life.


@STANDARDS
def test_a_task_is_taken_watched_and_found_done_with_its_charge(local, at):
    accepted = local.client.create(a_request(), at)
    assert isinstance(accepted, Accepted)

    statuses = []
    for _ in range(3):
        task = local.client.look_up(at, job_ids=["job-1"]).tasks["job-1"]
        statuses.append((task.status, task.units))
        local.clock.turn(31)

    assert statuses == [("submitted", None), ("processing", None), ("succeeded", Decimal("1.5"))]
    by_task_id = local.client.look_up(at, task_ids=[accepted.task_id]).tasks[accepted.task_id]
    assert (by_task_id.job_id, by_task_id.video_url) == ("job-1", f"{local.root}/results/wide-5/{accepted.task_id}.mp4")


@STANDARDS
def test_a_task_that_fails_says_why_and_is_not_charged(local, at):
    local.client.create(a_request(prompt="this one fails"), at)
    local.finish_tasks()
    task = local.client.look_up(at, job_ids=["job-1"]).tasks["job-1"]
    assert (task.status, task.units or 0, task.video_url) == ("failed", 0, None)
    assert "risk control" in task.message


@pytest.mark.parametrize("image_url", [None, "https://example.com/fox.png"])
@pytest.mark.parametrize("api_key", [True, False])
def test_kling_makes_all_that_the_price_list_sells_and_charges_its_price(serve, api_key, image_url):
    local = serve(concurrency=10_000)
    client = a_client(local.root, None if api_key else PAIR)
    price_list = prices.load("kling-api", legacy_only=not api_key)
    expected = {}
    for model in (price_list.models[name] for name in price_list.sold):
        for (resolution, audio), millicredits in model.rates.items():
            for seconds in {model.durations[0], model.durations[-1]}:
                request = a_request(
                    f"job-{len(expected)}",
                    duration_seconds=seconds,
                    resolution=resolution,
                    audio=audio,
                    image_url=image_url,
                    legacy_name=model.legacy_name,
                    new_name=model.new_name,
                    omni=model.omni,
                )
                outcome = client.create(request, route(request, api_key=api_key))
                assert isinstance(outcome, Accepted), (request, outcome)
                expected[request.job_id] = Decimal(millicredits * seconds) / 1000
    local.finish_tasks()

    charged = {task.ask.external_id: task.charge(local.clock()) for task in local.kling.tasks}
    assert charged == expected
    assert not any(task.ask.with_shots for task in local.kling.tasks)


@pytest.mark.parametrize("changes", [{}, {"image_url": "https://example.com/fox.png"}])
def test_a_negative_prompt_reaches_kling_on_the_standard_that_takes_it(local, changes):
    request = a_request(negative="fog", **changes)
    assert isinstance(local.client.create(request, route(request, api_key=True)), Accepted)


# What Kling refuses.


@STANDARDS
@pytest.mark.parametrize(("code", "action"), [(code, action) for code, action, _ in EVERY_CODE])
def test_every_refusal_is_recognised_and_nothing_was_taken(local, at, code, action):
    local.kling.faults.add(Fault("create", "code", code=code))
    outcome = local.client.create(a_request(), at)
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.action) == (code, action)
    assert outcome.request_id
    assert local.kling.tasks == []


def test_a_full_account_makes_the_next_job_wait(serve):
    local = serve(concurrency=1)
    assert isinstance(local.client.create(a_request("job-1"), NEW), Accepted)
    assert local.client.create(a_request("job-2"), NEW).action is Action.WAIT
    local.finish_tasks()
    assert isinstance(local.client.create(a_request("job-2"), NEW), Accepted)


def test_an_empty_pack_freezes(serve):
    outcome = serve(units=Decimal(1)).client.create(a_request(), NEW)
    assert (outcome.code, outcome.action) == (1102, Action.FREEZE)


def test_a_blocked_prompt_is_told_in_plain_words(local):
    outcome = local.client.create(a_request(prompt="something forbidden"), NEW)
    assert outcome.plain == "Kling's content rules blocked this prompt."


def test_a_bad_value_is_told_with_klings_own_message(local):
    outcome = local.client.create(a_request(duration_seconds=7), NEW)
    assert outcome.plain == ("Kling refused a value in the request: settings.duration value '7' is invalid.")


# Lost replies: the only honest answer is a look-up.


@STANDARDS
@pytest.mark.parametrize(
    "fault",
    [
        Fault("create", "drop", taken=True),
        Fault("create", "garbage", taken=True),
        Fault("create", "code", taken=True, code=5000),
        Fault("create", "code", taken=True, code=5001),
        Fault("create", "code", taken=True, code=5002),
        Fault("create", "answer", delay_seconds=1.5),
    ],
)
def test_a_task_whose_reply_was_lost_is_found_again_by_its_job_id(local, at, fault):
    local.kling.faults.add(fault)
    hasty = a_client(local.root, read_timeout=0.5)
    assert isinstance(hasty.create(a_request(), at), ReplyLost)
    until(lambda: bool(local.kling.tasks), "Kling has it")
    found = local.client.look_up(at, job_ids=["job-1"])
    assert found.tasks["job-1"].task_id == local.kling.tasks[0].task_id
    assert found.absent == frozenset()


@STANDARDS
@pytest.mark.parametrize("ending", ["drop", "garbage", "code"])
def test_a_task_that_was_never_taken_is_provably_absent(local, at, ending):
    local.kling.faults.add(Fault("create", ending))
    assert isinstance(local.client.create(a_request(), at), ReplyLost)
    assert local.client.look_up(at, job_ids=["job-1"]) == LookUp({}, frozenset({"job-1"}))


@pytest.mark.parametrize("ending", [closes, resets, hangs], ids=lambda ending: ending.__name__)
def test_a_connection_that_breaks_after_the_request_went_out_loses_the_reply(broken, ending):
    server = broken(ending)
    client = a_client(server.root, read_timeout=0.3)
    assert isinstance(client.create(a_request(), NEW), ReplyLost)
    assert isinstance(client.look_up(NEW, job_ids=["job-1"]), Unreachable)
    until(lambda: len(server.received) >= 2, "both came")
    assert len(server.received) == 2, "one create and one look-up, neither repeated"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("200 OK", ""),
        ("200 OK", "<html>captive portal</html>"),
        ("200 OK", '{"message": "no code"}'),
        ("200 OK", '{"code": 0, "data": {}}'),
        ("400 Bad Request", '{"code": 1299, "message": "new in 2027"}'),
        ("401 Unauthorized", "<html>proxy</html>"),
        ("500 Internal Server Error", '{"code": 5000}'),
        ("502 Bad Gateway", "<html>nginx</html>"),
        ("504 Gateway Timeout", '{"code": 5002}'),
    ],
)
def test_an_answer_that_decides_nothing_loses_the_reply_and_proves_no_absence(broken, status, body):
    client = a_client(broken(answers(status, body)).root)
    assert isinstance(client.create(a_request(), NEW), ReplyLost)
    for at in (NEW, LEGACY):
        outcome = client.look_up(at, job_ids=["job-1"])
        assert isinstance(outcome, Unreachable) or outcome == LookUp({}, frozenset())


def test_a_redirect_is_not_followed_because_the_key_would_travel_along(broken):
    elsewhere = broken(answers("200 OK", '{"code": 0, "data": {"id": "1"}}'))
    server = broken(answers("307 Temporary Redirect", "", f"Location: {elsewhere.root}/"))
    assert isinstance(a_client(server.root).create(a_request(), NEW), ReplyLost)
    assert elsewhere.received == []


# Requests that provably never left.


def test_a_refused_connection_means_that_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        root = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert isinstance(a_client(root).create(a_request(), NEW), NotSent)
    assert isinstance(a_client(root).look_up(NEW, job_ids=["job-1"]), Unreachable)


def test_a_name_that_does_not_resolve_means_that_nothing_was_sent(monkeypatch):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("NO_PROXY", "*")
    assert isinstance(a_client("https://kling.invalid").create(a_request(), NEW), NotSent)


def test_a_connection_that_is_never_made_in_time_means_that_nothing_was_sent(monkeypatch):
    def too_slow(*_args, **_kwargs):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket.socket, "connect", too_slow)
    assert isinstance(a_client("http://127.0.0.1:9").create(a_request(), NEW), NotSent)


def test_a_proxy_in_the_environment_does_not_stand_before_a_local_kling(local, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert isinstance(local.client.create(a_request(), NEW), Accepted)


# Look-ups of many.


@STANDARDS
def test_a_look_up_of_many_learns_which_are_there_and_which_are_not(serve, at):
    local = serve(concurrency=100)
    made = [f"made-{number}" for number in range(60)]
    for job_id in made:
        local.client.create(a_request(job_id), at)
    found = local.client.look_up(at, job_ids=[*made, "never-1", "never-2"])
    assert {job_id: task.job_id for job_id, task in found.tasks.items()} == {each: each for each in made}
    assert found.absent == {"never-1", "never-2"}


def refusing(*bad, status="400 Bad Request", code=1201):
    """A Kling that answers for no list with one of these ids in it, and the lists it was asked for."""
    asked = []

    def answer(request, connection):
        ids = re.search(rb"external_task_ids=([\w,-]+)", request)[1].decode().split(",")
        asked.append(ids)
        if set(bad) & set(ids):
            answers(status, json.dumps({"code": code, "message": "no"}))(connection)
        else:
            items = [{"id": f"task-{each}", "status": "processing", "external_id": each} for each in ids]
            answers("200 OK", json.dumps({"code": 0, "data": items}))(connection)

    return asked, answer


@pytest.mark.parametrize(("status", "code"), [("400 Bad Request", 1201), ("200 OK", 1299), ("500 Error", 5000)])
@pytest.mark.parametrize("bad", [["id-0"], ["id-19"], ["id-3", "id-11", "id-12"]], ids=str)
def test_ids_that_kling_refuses_do_not_cost_the_others_their_answer(broken, status, code, bad):
    asked, answer = refusing(*bad, status=status, code=code)
    server = broken(lambda connection: answer(server.received[-1], connection))
    ids = [f"id-{number}" for number in range(20)]
    found = a_client(server.root).look_up(NEW, job_ids=ids)
    assert set(found.tasks) == set(ids) - set(bad)
    assert found.absent == frozenset()
    assert set(found.unclear) == (set(bad) if status == "400 Bad Request" else set())
    assert len(asked) < 30


def test_when_every_id_is_refused_the_refusal_is_the_answer(broken):
    server = broken(answers("400 Bad Request", '{"code": 1201, "message": "no"}'))
    outcome = a_client(server.root).look_up(NEW, job_ids=[f"id-{number}" for number in range(20)])
    assert isinstance(outcome, Rejected)
    assert len(server.received) == 39, "each batch and each half once"


@pytest.mark.parametrize(
    ("status", "code", "calls"), [("503 Error", 5001, 7), ("429 Busy", 1302, 1), ("429 No", 1102, 1)]
)
def test_a_kling_that_is_down_or_busy_is_not_asked_for_each_id_alone(broken, status, code, calls):
    server = broken(answers(status, f'{{"code": {code}}}'))
    a_client(server.root).look_up(NEW, job_ids=[f"id-{number}" for number in range(20)])
    assert len(server.received) == calls


@STANDARDS
def test_a_second_create_of_one_job_means_that_kling_has_it(local, at):
    first = local.client.create(a_request(), at)
    again = local.client.create(a_request(), at)
    assert isinstance(again, AlreadyTaken)
    assert local.client.look_up(at, job_ids=["job-1"]).tasks["job-1"].task_id == first.task_id


@STANDARDS
def test_a_look_up_of_nothing_asks_nothing(at):
    assert a_client("http://127.0.0.1:9").look_up(at) == LookUp({}, frozenset())


def test_a_list_that_was_cut_short_proves_nothing_about_the_rest(broken):
    """A Kling that lists one task a call, whatever it is asked, must not make the others look absent."""

    def first_of_the_list(connection):
        asked = re.search(rb"external_task_ids=([\w,-]+)", server.received[-1])[1].decode().split(",")
        item = {"id": f"task-{asked[0]}", "status": "processing", "external_id": asked[0]}
        answers("200 OK", json.dumps({"code": 0, "data": [item]}))(connection)

    server = broken(first_of_the_list)
    found = a_client(server.root).look_up(NEW, job_ids=["a", "b", "c"])
    assert {job_id: task.task_id for job_id, task in found.tasks.items()} == {
        "a": "task-a",
        "b": "task-b",
        "c": "task-c",
    }
    assert found.absent == frozenset()


def test_a_list_of_strangers_answers_nothing_and_is_not_asked_for_again(broken):
    item = {"id": "1", "status": "succeeded", "external_id": "somebody-else"}
    server = broken(answers("200 OK", json.dumps({"code": 0, "data": [item]})))
    assert a_client(server.root).look_up(NEW, job_ids=["a", "b"]) == LookUp({}, frozenset())
    assert len(server.received) == 1


@pytest.mark.parametrize("ending", ["garbage", "code"])
def test_one_legacy_look_up_that_fails_does_not_cost_the_others_their_answer(local, ending):
    for job_id in ("a", "b", "c"):
        local.client.create(a_request(job_id), LEGACY)
    local.kling.faults.add(Fault("query"))
    local.kling.faults.add(Fault("query", ending))
    found = local.client.look_up(LEGACY, job_ids=["a", "b", "c"])
    assert (set(found.tasks), found.absent) == ({"a", "c"}, frozenset())


@pytest.mark.parametrize("fault", [Fault("query", "drop"), Fault("query", "code", code=1302)])
def test_a_trouble_that_concerns_all_ids_ends_the_look_up_and_keeps_what_was_learnt(local, fault):
    for job_id in ("a", "b", "c"):
        local.client.create(a_request(job_id), LEGACY)
    local.kling.faults.add(Fault("query"))
    local.kling.faults.add(fault)
    found = local.client.look_up(LEGACY, job_ids=["a", "b", "c"])
    assert (set(found.tasks), found.absent) == ({"a"}, frozenset())


@STANDARDS
@pytest.mark.parametrize(("code", "ending"), [(1302, Rejected), (1000, Rejected), (5000, Unreachable)])
def test_a_look_up_that_learnt_nothing_says_why(local, at, code, ending):
    local.kling.faults.add(Fault("query", "code", code=code))
    assert isinstance(local.client.look_up(at, job_ids=["a"]), ending)


def test_two_tasks_of_one_job_are_told_in_the_log(serve, caplog):
    local = serve(unique_ids=False)
    first, _ = (local.client.create(a_request(), NEW) for _ in range(2))
    assert local.client.look_up(NEW, job_ids=["job-1"]).tasks["job-1"].task_id == first.task_id
    assert "Kling made two tasks of job-1" in caplog.text


# Credentials.


def test_a_key_pair_signs_a_token_of_half_an_hour_and_keeps_it_until_near_its_end(broken):
    server = broken(answers("200 OK", '{"code": 0, "data": {"task_id": "1"}}'))
    now = [1_800_000_000.0]
    client = a_client(server.root, PAIR, clock=lambda: now[0])
    for later in (0, 1_700, 60):
        now[0] += later
        client.create(a_request(), LEGACY)

    first, second, third = (re.search(rb"Authorization: Bearer (\S+)", sent)[1].decode() for sent in server.received)
    assert first == second != third
    claims = jwt.decode(
        first, PAIR.secret_key, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False}
    )
    assert claims == {"iss": "local-access-key", "exp": 1_800_001_800, "nbf": 1_799_999_995}
    assert jwt.get_unverified_header(first) == {"alg": "HS256", "typ": "JWT"}


@pytest.mark.parametrize("skew_seconds", [600, -7200], ids=["ahead, so 1003", "behind, so 1004"])
def test_a_wrong_clock_is_put_right_by_klings_own_and_the_job_is_taken_once(local, skew_seconds):
    client = a_client(local.root, PAIR, clock=lambda: local.clock() + skew_seconds)
    assert isinstance(client.create(a_request("job-1"), LEGACY), Accepted)
    assert isinstance(client.create(a_request("job-2"), LEGACY), Accepted)
    assert len(local.kling.tasks) == 2


@pytest.mark.parametrize("code", [1003, 1004])
@pytest.mark.parametrize(("credentials", "calls"), [(PAIR, 2), (ApiKey(API_KEY), 1)], ids=["key pair", "API key"])
def test_a_token_is_minted_anew_once_and_then_the_refusal_stands(broken, code, credentials, calls):
    server = broken(answers("401 Unauthorized", f'{{"code": {code}, "message": "token"}}'))
    outcome = a_client(server.root, credentials).create(a_request(), LEGACY)
    assert (outcome.code, outcome.action) == (code, Action.FREEZE)
    assert len(server.received) == calls


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        (ApiKey("wrong"), 1002),
        (KeyPair("wrong", PAIR.secret_key), 1002),
        (KeyPair(PAIR.access_key, "wrong-secret-key-of-the-right-length"), 1000),
    ],
)
def test_wrong_credentials_freeze(local, credentials, code):
    outcome = a_client(local.root, credentials).create(a_request(), LEGACY)
    assert (outcome.code, outcome.action) == (code, Action.FREEZE)


def test_credentials_do_not_show_when_they_are_printed():
    assert "s3cret" not in f"{ApiKey('s3cret')} {KeyPair('s3cret', 's3cret')!r}"


def test_neither_secrets_nor_prompts_are_logged(local, broken, caplog):
    caplog.set_level(logging.DEBUG)
    dropping = broken(closes)
    for root in (local.root, dropping.root):
        for credentials, at in ((ApiKey(API_KEY), NEW), (PAIR, LEGACY)):
            client = a_client(root, credentials)
            client.create(a_request("logged-job", prompt="my secret fox", negative="fog machine"), at)
            client.look_up(at, job_ids=["logged-job"])
    assert "logged-job" in caplog.text
    for secret in (API_KEY, PAIR.secret_key, "Bearer", "eyJ", "secret fox", "fog machine"):
        assert secret not in caplog.text


def test_one_client_serves_many_threads(serve):
    local = serve(concurrency=100)
    client = a_client(local.root, PAIR)
    together = threading.Barrier(8)

    def create_ten(thread):
        together.wait()
        return [client.create(a_request(f"job-{thread}-{number}"), LEGACY) for number in range(10)]

    with ThreadPoolExecutor(8) as pool:
        outcomes = [outcome for ten in pool.map(create_ten, range(8)) for outcome in ten]
    assert len({outcome.task_id for outcome in outcomes if isinstance(outcome, Accepted)}) == 80
