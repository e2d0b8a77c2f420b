"""The local Kling is as strict as Kling's docs: asked with plain requests, never through the bot's own client."""

import time
from decimal import Decimal

import jwt
import pytest
import requests
from starlette.applications import Starlette
from starlette.routing import Mount

from klingbot.sandbox.kling import CLIPS, Fault, LocalKling
from tests.support.browser import launch
from tests.unit.kling.kling_world import API_KEY, serving

NEW = "/text-to-video/kling-2.6"
LEGACY = "/v1/videos/text2video"
ACCESS, SECRET = "local-access-key", "local-secret-key-of-the-sandbox-only"


def call(local, method, path, body=None, *, token=API_KEY, **options):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.request(method, local.root + path, json=body, headers=headers, timeout=30, **options)


def outcome(response):
    """(HTTP status, code) of a reply."""
    return response.status_code, response.json()["code"]


def legacy_body(**changes):
    fields = {"model_name": "kling-v2-6", "prompt": "a fox", "duration": "5", "mode": "std", "sound": "off"}
    return {name: value for name, value in (fields | changes).items() if value is not None}


def new_body(settings=None, **changes):
    return {"prompt": "a fox", "settings": {"duration": 5, "resolution": "720p"} | (settings or {})} | changes


def frame_body(*extra, url="https://example.com/fox.png", **settings):
    contents = [{"type": "prompt", "text": "a fox"}, {"type": "first_frame", "url": url}, *extra]
    return {"contents": contents, "settings": settings}


# Who may ask.


def a_token(key=SECRET, algorithm="HS256", **changes):
    claims = {"iss": ACCESS, "exp": int(time.time()) + 1800, "nbf": int(time.time()) - 5} | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm=algorithm)


@pytest.mark.parametrize(
    ("authorization", "code", "message"),
    [
        (None, 1001, "Authorization is empty"),
        (API_KEY, 1002, "Authorization format is incorrect"),
        (f"Basic {API_KEY}", 1002, "Authorization format is incorrect"),
        ("Bearer wrong", 1002, "api key not found"),
        ("Bearer a.b.c", 1002, "api key not found"),
        (f"Bearer {a_token(key='another-secret-key-of-thirty-two-bytes')}", 1000, "signature is invalid"),
        (f"Bearer {a_token(iss='nobody')}", 1002, "access key not found"),
        (f"Bearer {a_token(exp=None)}", 1000, "Authentication failed"),
        (f"Bearer {a_token(nbf=int(time.time()) + 1200)}", 1003, "Authorization is not yet valid"),
        (f"Bearer {a_token(exp=int(time.time()) - 1)}", 1004, "Authorization has expired"),
        (f"Bearer {a_token(key='', algorithm='none')}", 1002, "api key not found"),
    ],
)
def test_bad_credentials_are_refused_with_klings_own_codes(local, authorization, code, message):
    headers = {"Authorization": authorization} if authorization else {}
    response = requests.post(local.root + LEGACY, json=legacy_body(), headers=headers, timeout=30)
    assert outcome(response) == (401, code)
    assert response.json()["message"] == message
    assert local.kling.tasks == []


def test_a_key_pair_opens_the_legacy_standard_only(local):
    assert outcome(call(local, "POST", LEGACY, legacy_body(), token=a_token())) == (200, 0)
    for method, path in (("POST", NEW), ("GET", "/tasks?task_ids=1")):
        response = call(local, method, path, new_body(), token=a_token())
        assert outcome(response) == (401, 1002)
        assert response.json()["message"] == "The current API does not support AK/SK"


# What may be asked.


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LEGACY, {"model_name": "kling-v3", "prompt": "a fox"}),
        (LEGACY, legacy_body(model_name="kling-v3", duration="15", mode="4k", sound="on")),
        (LEGACY, legacy_body(model_name="kling-v2-5-turbo", sound=None, negative_prompt="fog")),
        (LEGACY, legacy_body(mode="pro", sound="on", duration="10", aspect_ratio="1:1")),
        ("/v1/videos/image2video", legacy_body(image="https://example.com/fox.png")),
        ("/v1/videos/image2video", legacy_body(image="aGVsbG8=")),
        ("/v1/videos/omni-video", legacy_body(model_name="kling-video-o1", sound=None)),
        (NEW, {"prompt": "a fox"}),
        (NEW, new_body({"audio": "native", "resolution": "1080p"})),
        ("/text-to-video/kling-3.0", new_body({"multi_shot": False, "resolution": "4k", "duration": 3})),
        ("/text-to-video/kling-3.0", {"prompt": "x" * 3072}),
        ("/text-to-video/kling-3.0-turbo", new_body({"duration": 15})),
        ("/image-to-video/kling-2.6", frame_body()),
        ("/omni-video/kling-3.0-omni", frame_body(audio="native")),
        ("/omni-video/kling-o1", {"contents": [{"type": "prompt", "text": "a fox"}]}),
    ],
)
def test_what_kling_makes_is_taken(local, path, body):
    response = call(local, "POST", path, body)
    assert outcome(response) == (200, 0), response.text


@pytest.mark.parametrize(
    ("path", "body", "expected", "message"),
    [
        (LEGACY, legacy_body(model_name=None), (404, 1203), "model kling-v1 is no longer available"),
        (LEGACY, legacy_body(model_name="kling-v1-6"), (404, 1203), "model kling-v1-6 is no longer available"),
        (LEGACY, legacy_body(model_name="kling-v3-0"), (400, 1201), "model_name value 'kling-v3-0' is invalid"),
        (LEGACY, legacy_body(model_name="kling-2.6"), (400, 1201), "model_name value 'kling-2.6' is invalid"),
        (LEGACY, legacy_body(model_name=["kling-v3"]), (400, 1201), "model_name value '['kling-v3']' is invalid"),
        (
            LEGACY,
            legacy_body(model_name="kling-v3-omni"),
            (400, 1201),
            "model_name kling-v3-omni is not supported by text2video",
        ),
        (LEGACY, legacy_body(duration=5), (400, 1201), "duration value '5' is invalid"),
        (LEGACY, legacy_body(duration="7"), (400, 1201), "duration value '7' is invalid"),
        (LEGACY, legacy_body(mode="standard"), (400, 1201), "mode value 'standard' is invalid"),
        (LEGACY, legacy_body(mode="720p"), (400, 1201), "mode value '720p' is invalid"),
        (LEGACY, legacy_body(mode="4k"), (400, 1201), "4k without audio is not supported by kling-2.6"),
        (LEGACY, legacy_body(sound="on"), (400, 1201), "720p with audio is not supported by kling-2.6"),
        (LEGACY, legacy_body(sound=True), (400, 1201), "sound value 'True' is invalid"),
        (
            LEGACY,
            legacy_body(model_name="kling-v2-5-turbo"),
            (400, 1201),
            "sound is not supported by kling-v2-5-turbo",
        ),
        (LEGACY, legacy_body(aspect_ratio="4:3"), (400, 1201), "aspect_ratio value '4:3' is invalid"),
        (LEGACY, legacy_body(prompt=None), (400, 1201), "prompt is required"),
        (LEGACY, legacy_body(prompt="x" * 2501), (400, 1201), "prompt length must not exceed 2500"),
        (LEGACY, legacy_body(negative_prompt="x" * 2501), (400, 1201), "negative_prompt length must not exceed 2500"),
        (LEGACY, legacy_body(settings={}), (400, 1201), "settings is not supported here"),
        (LEGACY, legacy_body(external_task_id=7), (400, 1201), "external_task_id value '7' is invalid"),
        ("/v1/videos/image2video", legacy_body(), (400, 1201), "image is not an image URL or base64"),
        (
            "/v1/videos/image2video",
            legacy_body(image="data:image/png;base64,aGk="),
            (400, 1201),
            "image is not an image URL or base64",
        ),
        (
            "/v1/videos/omni-video",
            legacy_body(model_name="kling-v3-omni", negative_prompt="fog"),
            (400, 1201),
            "negative_prompt is not supported here",
        ),
        ("/text-to-video/kling-v2-6", new_body(), (404, 1203), "model kling-v2-6 does not exist"),
        ("/text-to-video/kling-o1", new_body(), (404, 1203), "model kling-o1 does not exist"),
        (NEW, new_body({"duration": "5"}), (400, 1201), "settings.duration value '5' is invalid"),
        (NEW, new_body({"duration": True}), (400, 1201), "settings.duration value 'True' is invalid"),
        (NEW, new_body({"resolution": "9000p"}), (400, 1201), "settings.resolution value '9000p' is invalid"),
        (NEW, new_body({"audio": "on"}), (400, 1201), "settings.audio value 'on' is invalid"),
        (NEW, new_body({"audio": "native"}), (400, 1201), "720p with audio is not supported by kling-2.6"),
        (NEW, new_body({"mode": "std"}), (400, 1201), "settings.mode is not supported here"),
        (NEW, new_body(negative_prompt="fog"), (400, 1201), "negative_prompt is not supported here"),
        (NEW, new_body(prompt="x" * 2501), (400, 1201), "prompt length must not exceed 2500"),
        (NEW, {"prompt": "a fox", "settings": []}, (400, 1201), "settings value '[]' is invalid"),
        (NEW, frame_body(), (400, 1201), "contents is not supported here"),
        (
            "/text-to-video/kling-3.0-turbo",
            new_body({"audio": "native"}),
            (400, 1201),
            "settings.audio is not supported here",
        ),
        (
            "/text-to-video/kling-3.0",
            new_body({"multi_shot": "no"}),
            (400, 1201),
            "settings.multi_shot value 'no' is invalid",
        ),
        ("/image-to-video/kling-2.6", new_body(), (400, 1201), "prompt is not supported here"),
        (
            "/image-to-video/kling-2.6",
            frame_body(aspect_ratio="1:1"),
            (400, 1201),
            "settings.aspect_ratio is not supported here",
        ),
        (
            "/image-to-video/kling-2.6",
            frame_body(url="fox.png!"),
            (400, 1201),
            "contents.url is not an image URL or base64",
        ),
        (
            "/image-to-video/kling-2.6",
            {"contents": [{"type": "prompt", "text": "a"}]},
            (400, 1201),
            "contents first_frame is required",
        ),
        (
            "/omni-video/kling-o1",
            frame_body({"type": "base_video", "url": "https://example.com/v.mp4"}),
            (400, 1201),
            "contents.type value '['prompt', 'first_frame', 'base_video']' is invalid",
        ),
        (
            LEGACY,
            legacy_body(prompt="FORBIDDEN fruit"),
            (400, 1301),
            "Trigger the content security policy of the platform",
        ),
    ],
)
def test_what_kling_does_not_make_is_refused_with_the_reason(local, path, body, expected, message):
    response = call(local, "POST", path, body)
    assert (outcome(response), response.json()["message"]) == (expected, message)
    assert local.kling.tasks == []


def test_a_body_that_is_no_json_object_is_refused(local):
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    for body in ("", "{", "[]", "null"):
        assert outcome(requests.post(local.root + NEW, data=body, headers=headers, timeout=30)) == (400, 1200)
    headers["Content-Type"] = "text/plain"
    assert outcome(requests.post(local.root + NEW, data="{}", headers=headers, timeout=30)) == (400, 1200)


def test_a_wrong_method_and_a_wrong_path_have_codes_too(local):
    assert outcome(call(local, "DELETE", LEGACY)) == (404, 1202)
    assert outcome(call(local, "GET", "/v1/models")) == (404, 1203)


# What an account allows.


@pytest.mark.parametrize(("path", "body"), [(LEGACY, legacy_body()), (NEW, new_body())])
def test_an_account_makes_as_many_at_once_as_it_has_slots(serve, path, body):
    local = serve(concurrency=2)
    assert [outcome(call(local, "POST", path, body)) for _ in range(3)] == [(200, 0), (200, 0), (429, 1303)]
    refused = call(local, "POST", path, body).json()
    assert refused == {
        "code": 1303,
        "message": "parallel task over resource pack limit",
        "request_id": refused["request_id"],
    }
    local.finish_tasks()
    assert outcome(call(local, "POST", path, body)) == (200, 0)


def test_units_promised_to_running_tasks_cannot_be_spent_twice(serve):
    local = serve(units=Decimal("3.2"))
    codes = [outcome(call(local, "POST", NEW, new_body())) for _ in range(3)]
    assert codes == [(200, 0), (200, 0), (429, 1102)]
    local.finish_tasks()
    assert outcome(call(local, "POST", NEW, new_body())) == (429, 1102)
    assert local.kling.charged == Decimal("3.0")


def test_a_failed_task_gives_its_units_back(serve):
    local = serve(units=Decimal("1.5"))
    assert outcome(call(local, "POST", NEW, new_body(prompt="it fails"))) == (200, 0)
    assert outcome(call(local, "POST", NEW, new_body())) == (429, 1102)
    local.finish_tasks()
    assert outcome(call(local, "POST", NEW, new_body())) == (200, 0)
    assert local.kling.charged == 0


def with_id(external_id):
    return new_body(options={"external_task_id": external_id})


def test_a_second_task_with_the_same_external_id_is_refused(local):
    assert outcome(call(local, "POST", NEW, with_id("job-1"))) == (200, 0)
    for path, body in ((NEW, with_id("job-1")), (LEGACY, legacy_body(external_task_id="job-1"))):
        response = call(local, "POST", path, body)
        assert outcome(response) == (400, 1201)
        assert response.json()["message"] == "External_task_id job-1 already exists"
    assert len(local.kling.tasks) == 1


def test_where_ids_need_not_be_unique_the_second_task_is_a_second_bill(serve):
    local = serve(unique_ids=False)
    for _ in range(2):
        assert outcome(call(local, "POST", NEW, with_id("job-1"))) == (200, 0)
    local.finish_tasks()
    assert len(call(local, "GET", "/tasks?external_task_ids=job-1").json()["data"]) == 2
    assert local.kling.charged == Decimal("3.0")


# What is told about a task.


def test_what_is_ordered_is_told_about_tasks_with_that_word_once_they_are_done(local):
    order = {"word": "odd", "fields": {"message": "\ud800", "task_status_msg": "\ud800"}}
    assert call(local, "POST", "/control/kling-oddities", order, token=None).status_code == 204
    for word in ("odd", "even"):
        call(local, "POST", NEW, new_body(prompt=f"an {word} fox", options={"external_task_id": word}))
    call(local, "POST", LEGACY, legacy_body(prompt="an odd fox", external_task_id="old"))

    def told():
        new = call(local, "GET", "/tasks?external_task_ids=odd,even").json()["data"]
        old = call(local, "GET", f"{LEGACY}/old").json()["data"]
        return {task["external_id"]: task["message"] for task in new} | {"old": old["task_status_msg"]}

    assert told() == {"odd": "", "even": "", "old": ""}
    local.finish_tasks()
    assert told() == {"odd": "\ud800", "even": "", "old": "\ud800"}


@pytest.mark.parametrize("order", [{}, {"word": "odd"}, {"word": "", "fields": {}}, {"word": 5, "fields": {}}])
def test_an_oddity_without_a_word_or_fields_is_refused(local, order):
    assert call(local, "POST", "/control/kling-oddities", order, token=None).status_code == 400


def test_a_legacy_task_is_shown_in_the_legacy_shape(local):
    created = call(local, "POST", LEGACY, legacy_body(external_task_id="job-1")).json()["data"]
    task_id = created["task_id"]
    assert (created["task_status"], created["task_info"]) == ("submitted", {"external_task_id": "job-1"})
    local.clock.turn(30)
    assert call(local, "GET", f"{LEGACY}/job-1").json()["data"]["task_status"] == "processing"
    local.finish_tasks()

    done = call(local, "GET", f"{LEGACY}/{task_id}").json()["data"]
    assert done == call(local, "GET", f"{LEGACY}/job-1").json()["data"]
    assert (done["task_status"], done["final_unit_deduction"]) == ("succeed", "1.5")
    (video,) = done["task_result"]["videos"]
    assert (video["url"], video["duration"]) == (f"{local.root}/results/wide-5/{task_id}.mp4", "5")


def test_a_new_task_is_shown_in_the_new_shape(local):
    created = call(local, "POST", NEW, with_id("job-1")).json()["data"]
    assert (created["status"], created["external_id"]) == ("submitted", "job-1")
    (running,) = call(local, "GET", f"/tasks?task_ids={created['id']}").json()["data"]
    assert (running["billing"], running["outputs"]) == ([], [])
    local.finish_tasks()

    (done,) = call(local, "GET", "/tasks?external_task_ids=job-1,unknown").json()["data"]
    assert done["status"] == "succeeded"
    assert done["billing"] == [{"charge_type": "unit", "amount": "1.5", "package_type": "video"}]
    assert done["outputs"][0]["duration"] == "5.041"


def test_a_failed_task_says_why_and_costs_nothing(local):
    call(local, "POST", NEW, with_id("new") | {"prompt": "it fails"})
    call(local, "POST", LEGACY, legacy_body(external_task_id="old", prompt="it fails"))
    local.finish_tasks()
    (new,) = call(local, "GET", "/tasks?external_task_ids=new").json()["data"]
    assert (new["status"], new["outputs"], new["billing"][0]["amount"]) == ("failed", [], "0")
    old = call(local, "GET", f"{LEGACY}/old").json()["data"]
    assert (old["task_status"], old["task_result"]) == ("failed", {})
    assert "final_unit_deduction" not in old
    assert new["message"] == old["task_status_msg"] == "Failure to pass the risk control system"


def test_shots_are_cut_unless_the_request_says_not_to(local):
    call(local, "POST", "/text-to-video/kling-3.0", new_body())
    call(local, "POST", "/text-to-video/kling-3.0", new_body({"multi_shot": False}))
    assert [task.ask.with_shots for task in local.kling.tasks] == [True, False]


@pytest.mark.parametrize("query", ["", "?task_id=1", "?task_ids=", "?task_ids=1&external_task_ids=2"])
def test_a_query_names_one_kind_of_id(local, query):
    response = call(local, "GET", f"/tasks{query}")
    assert outcome(response) == (400, 1201)
    assert response.json()["message"] == "task_ids or external_task_ids is required"


@pytest.mark.parametrize("parameter", ["task_ids", "external_task_ids"])
def test_one_query_names_at_most_twenty_ids(local, parameter):
    ids = [f"id-{number}" for number in range(21)]
    assert outcome(call(local, "GET", f"/tasks?{parameter}={','.join(ids[:20])}")) == (200, 0)
    response = call(local, "GET", f"/tasks?{parameter}={','.join(ids)}")
    assert outcome(response) == (400, 1201)
    assert response.json()["message"] == "task_ids and external_task_ids cannot exceed 20 in total"


def test_an_unknown_id_is_an_empty_list_on_one_standard_and_not_found_on_the_other(local):
    call(local, "POST", LEGACY, legacy_body(external_task_id="old"))
    call(local, "POST", NEW, with_id("new"))
    assert call(local, "GET", "/tasks?external_task_ids=nothing").json()["data"] == []
    for path, unknown in ((LEGACY, "nothing"), (LEGACY, "new"), ("/v1/videos/image2video", "old")):
        response = call(local, "GET", f"{path}/{unknown}")
        assert outcome(response) == (400, 1201)
        assert response.json()["message"] == f"Task not found by id/external id: {unknown}"


def test_the_new_standard_also_tells_about_tasks_of_the_legacy_one(local):
    call(local, "POST", LEGACY, legacy_body(external_task_id="old"))
    (task,) = call(local, "GET", "/tasks?external_task_ids=old").json()["data"]
    assert (task["external_id"], task["status"]) == ("old", "submitted")


def test_the_legacy_list_is_in_pages_newest_first(local):
    for number in range(5):
        call(local, "POST", LEGACY, legacy_body(external_task_id=f"job-{number}"))
    page = call(local, "GET", f"{LEGACY}?pageNum=2&pageSize=2").json()["data"]
    assert [item["task_info"]["external_task_id"] for item in page] == ["job-2", "job-1"]
    assert len(call(local, "GET", LEGACY).json()["data"]) == 5
    assert outcome(call(local, "GET", f"{LEGACY}?pageSize=501")) == (400, 1201)


# Videos.


def video_of(local, task_id):
    (task,) = call(local, "GET", f"/tasks?task_ids={task_id}").json()["data"]
    return task["outputs"][0]["url"]


def test_only_what_is_a_clip_is_served(local):
    for path in ("/results/wide-7/sample.mp4", "/results/../tasks.py/x.mp4", "/results/%2e%2e%2ftasks/x.mp4"):
        assert requests.get(local.root + path, timeout=30).status_code == 404


@pytest.mark.parametrize(
    ("aspect", "seconds", "clip"),
    [("16:9", 5, "wide-5"), ("9:16", 10, "tall-10"), ("1:1", 5, "square-5"), ("16:9", 10, "wide-10")],
)
def test_a_finished_video_is_a_real_file_that_can_be_played_from_the_middle(local, aspect, seconds, clip):
    settings = {"aspect_ratio": aspect, "duration": seconds}
    task_id = call(local, "POST", NEW, new_body(settings)).json()["data"]["id"]
    url = f"{local.root}/results/{clip}/{task_id}.mp4"
    assert requests.get(url, timeout=30).status_code == 404
    local.finish_tasks()
    assert video_of(local, task_id) == url

    whole = requests.get(url, timeout=30)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    assert whole.content == (CLIPS / f"{clip}.mp4").read_bytes()
    part = requests.get(url, headers={"Range": "bytes=1000-1999"}, timeout=30)
    assert (part.status_code, part.content) == (206, whole.content[1000:2000])


def test_every_clip_is_small_and_starts_playing_before_it_has_arrived():
    clips = {path.stem: path.read_bytes() for path in CLIPS.glob("*.mp4")}
    assert set(clips) == {f"{shape}-{seconds}" for shape in ("wide", "tall", "square") for seconds in (5, 10)}
    for name, content in clips.items():
        assert len(content) < 120_000, name
        assert content.index(b"moov") < content.index(b"mdat"), f"{name} keeps its index at the end"


@pytest.mark.slow
@pytest.mark.browser
def test_a_browser_plays_every_clip(local):
    script = """async (url) => {
        const video = document.createElement("video");
        Object.assign(video, { muted: true, src: url });
        await video.play();
        return [video.videoWidth, video.videoHeight, Math.round(video.duration)];
    }"""
    sizes = {"16:9": [640, 360], "9:16": [360, 640], "1:1": [480, 480]}
    with launch() as browser:
        page = browser.new_page()
        for aspect, size in sizes.items():
            for seconds in (5, 10):
                settings = {"aspect_ratio": aspect, "duration": seconds}
                task_id = call(local, "POST", NEW, new_body(settings)).json()["data"]["id"]
                local.finish_tasks()
                url = video_of(local, task_id)
                page.goto(url)
                assert page.evaluate(script, url) == [*size, seconds]


@pytest.mark.parametrize(
    ("public_url", "expected"), [(None, "{root}/kling"), ("http://localhost:1/k/", "http://localhost:1/k")]
)
def test_a_kling_mounted_below_another_app_gives_addresses_that_work(public_url, expected):
    kling = LocalKling(api_key=API_KEY, seconds_per_task=0, public_url=public_url)
    with serving(Starlette(routes=[Mount("/kling", app=kling.app)])) as root:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        for path, body in ((NEW, new_body()), (LEGACY, legacy_body(external_task_id="job-1"))):
            created = requests.post(f"{root}/kling{path}", json=body, headers=headers, timeout=30)
            assert outcome(created) == (200, 0)
        (video,) = requests.get(f"{root}/kling{LEGACY}/job-1", headers=headers, timeout=30).json()["data"][
            "task_result"
        ]["videos"]
        assert video["url"].startswith(expected.format(root=root) + "/results/")
        if public_url is None:
            assert requests.get(video["url"], timeout=30).status_code == 200


# A restart.


def test_a_task_of_an_earlier_run_is_finished_and_played_in_the_next(serve, tmp_path):
    file = tmp_path / "tasks.jsonl"
    first = serve(storage=file)
    task_id = call(first, "POST", NEW, with_id("job-1")).json()["data"]["id"]
    call(first, "POST", LEGACY, legacy_body(external_task_id="job-2", mode="pro", sound="on"))
    taken = first.kling.tasks

    second = serve(storage=file)
    assert second.kling.tasks == taken
    assert outcome(call(second, "POST", NEW, with_id("job-1"))) == (400, 1201)
    third = call(second, "POST", NEW, new_body()).json()["data"]["id"]
    assert third not in {task.task_id for task in taken}
    second.finish_tasks()
    assert second.kling.charged == Decimal("8.0")
    assert requests.get(video_of(second, task_id), timeout=30).status_code == 200


# Trouble to order.


def test_faults_happen_to_the_next_calls_of_their_kind_and_then_stop(local):
    local.kling.faults.add(Fault("create", "code", code=1302), times=2)
    local.kling.faults.add(Fault("query", "garbage"))
    codes = [outcome(call(local, "POST", NEW, with_id("job-1"))) for _ in range(3)]
    assert codes == [(429, 1302), (429, 1302), (200, 0)]
    assert call(local, "GET", "/tasks?external_task_ids=job-1").status_code == 502
    assert outcome(call(local, "GET", "/tasks?external_task_ids=job-1")) == (200, 0)


@pytest.mark.parametrize("taken", [True, False])
def test_a_dropped_connection_may_or_may_not_have_taken_the_task(local, taken):
    local.kling.faults.add(Fault("create", "drop", taken=taken))
    with pytest.raises(requests.RequestException):
        call(local, "POST", NEW, new_body())
    assert len(local.kling.tasks) == taken


def test_another_process_can_order_faults_and_count_tasks_over_http(local):
    order = {"on": "create", "ending": "code", "code": 5001, "taken": True, "times": 1}
    assert call(local, "POST", "/control/kling-faults", order, token=None).status_code == 204
    assert outcome(call(local, "POST", NEW, with_id("job-1"))) == (503, 5001)
    local.finish_tasks()
    (task,) = call(local, "GET", "/control/tasks", token=None).json()
    assert task == {
        "task_id": local.kling.tasks[0].task_id,
        "external_task_id": "job-1",
        "route": NEW,
        "status": "succeeded",
        "units": "1.5",
    }


@pytest.mark.parametrize("order", [{}, {"on": "sleep"}, {"on": "create", "code": 7}, {"on": "create", "colour": "red"}])
def test_a_fault_that_makes_no_sense_is_refused(local, order):
    assert call(local, "POST", "/control/kling-faults", order).status_code == 400


# What an account is told about itself.


DAY_MS = 86_400_000


def costs(local, start, end, **options):
    return call(local, "GET", f"/account/costs?start_time={start}&end_time={end}", **options)


def test_packs_are_listed_by_when_they_were_bought_and_lag_behind(serve):
    local = serve(units=Decimal(100))
    local.kling.account_pause_seconds = 0
    call(local, "POST", NEW, new_body())
    local.finish_tasks()
    local.clock.turn(60 * 86_400)
    now = round(local.clock() * 1000)
    lately = costs(local, now - 30 * DAY_MS, now).json()["data"]
    assert "resource_pack_subscribe_infos" not in lately, "bought 60 days ago, so a month shows nothing"
    [pack, _] = costs(local, now - 400 * DAY_MS, now).json()["data"]["resource_pack_subscribe_infos"]
    assert (pack["total_quantity"], pack["remaining_quantity"], pack["status"]) == (100.0, 98.5, "online")


def test_a_balance_shows_a_charge_only_after_half_a_day(serve):
    local = serve(units=Decimal(100))
    local.kling.account_pause_seconds = 0
    call(local, "POST", NEW, new_body())
    local.finish_tasks()
    now = round(local.clock() * 1000)
    [pack, _] = costs(local, 0, now).json()["data"]["resource_pack_subscribe_infos"]
    assert pack["remaining_quantity"] == 100.0
    local.clock.turn(12 * 3_600)
    [pack, _] = costs(local, 0, now).json()["data"]["resource_pack_subscribe_infos"]
    assert pack["remaining_quantity"] == 98.5


def test_an_account_without_packs_has_no_list_of_them(local):
    assert costs(local, 0, 1).json()["data"] == {"code": 0, "msg": ""}


def test_questions_about_the_account_want_a_span_and_a_second_between_them(local):
    assert outcome(call(local, "GET", "/account/costs?start_time=1")) == (400, 1201)
    assert outcome(costs(local, 0, 1)) == (429, 1302)
    assert outcome(call(local, "POST", "/account/billing/package", {"start_time": 0, "end_time": 1})) == (429, 1302)


def test_the_bill_is_read_page_by_page_with_a_cursor_alone(serve):
    local = serve(units=Decimal(100))
    local.kling.account_pause_seconds = 0
    for _ in range(3):
        call(local, "POST", NEW, new_body())
    local.finish_tasks()
    bill, span = "/account/billing/package", {"start_time": 0, "end_time": round(local.clock() * 1000)}
    first = call(local, "POST", bill, {**span, "limit": 2}).json()["data"]["result"]
    assert (len(first["detail"]), first["count"], first["has_more"]) == (2, 3, True)
    last = call(local, "POST", bill, {"cursor": first["next_cursor"]}).json()["data"]["result"]
    assert (len(last["detail"]), last["has_more"], last["next_cursor"]) == (1, False, "")
    assert {row["deduction_amount"] for row in [*first["detail"], *last["detail"]]} == {"1.5"}
    assert outcome(call(local, "POST", bill, {**span, "cursor": first["next_cursor"]})) == (400, 1201)
    assert outcome(call(local, "POST", bill, {**span, "limit": 501})) == (400, 1201)
    assert outcome(call(local, "POST", bill, {"cursor": "made up"})) == (400, 1201)


def test_the_bill_wants_an_api_key(local):
    assert outcome(call(local, "POST", "/account/billing/package", {}, token=a_token())) == (401, 1002)
