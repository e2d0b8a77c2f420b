"""The Web API through the real client, with Slack's own words for what it refuses."""

from dataclasses import replace
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from klingbot import sandbox as local
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.roster import ALICE, BOB, BOT_USER_ID, CAROL
from tests.sandbox.bolt_bot import seen, web_client

GENERAL, LOUNGE, FINANCE, ALICES_DM = "C0GENERAL1", "C0LOUNGE01", "C0FINANCE1", "D0ALICE001"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*bold*"}}


def refusal(call: Any, *args: Any, **kwargs: Any) -> Any:
    """The response of a call that Slack refuses."""
    with pytest.raises(SlackApiError) as raised:
        call(*args, **kwargs)
    return raised.value.response


def test_auth_test_says_who_the_bot_is_and_what_it_may_do(shared_client: WebClient) -> None:
    reply = shared_client.auth_test()
    assert reply["user_id"] == BOT_USER_ID
    assert "chat:write" in reply.headers["x-oauth-scopes"].split(",")


@pytest.mark.parametrize(
    ("address", "channel"),
    [(GENERAL, GENERAL), ("#finance", FINANCE), ("finance", FINANCE), (ALICE.id, ALICES_DM)],
)
def test_a_message_is_addressed_by_id_by_name_or_by_person(
    sandbox: Sandbox, client: WebClient, address: str, channel: str
) -> None:
    reply = client.chat_postMessage(channel=address, text="hello", blocks=[SECTION], unfurl_media=False)

    (message,) = sandbox.workspace.messages(channel, ALICE.id)
    assert (reply["channel"], reply["ts"]) == (channel, message.ts)
    assert (message.user, message.text) == (BOT_USER_ID, "hello")
    (block,) = message.blocks
    assert {**SECTION, "block_id": block["block_id"]} == block
    assert not message.unfurl


def test_a_reply_belongs_to_its_thread_and_to_the_channel_only_when_it_is_broadcast(
    sandbox: Sandbox, client: WebClient
) -> None:
    root = client.chat_postMessage(channel=GENERAL, text="80.4%")["ts"]
    client.chat_postMessage(channel=GENERAL, text="85.0%", thread_ts=root)
    client.chat_postMessage(channel=GENERAL, text="79.0%", thread_ts=root, reply_broadcast=True)

    said = sandbox.workspace.messages(GENERAL, ALICE.id)
    assert [(m.text, m.thread_ts, m.broadcast) for m in said] == [
        ("80.4%", None, False),
        ("85.0%", root, False),
        ("79.0%", root, True),
    ]


def test_a_bot_that_wants_no_previews_of_links_still_shows_its_videos(sandbox: Sandbox, client: WebClient) -> None:
    client.chat_postMessage(channel=GENERAL, text="hello", unfurl_links=False)
    (message,) = sandbox.workspace.messages(GENERAL, ALICE.id)
    assert message.unfurl


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"channel": LOUNGE, "text": "hi"}, "not_in_channel"),
        ({"channel": "#nowhere", "text": "hi"}, "channel_not_found"),
        ({"channel": "D0NOBODY01", "text": "hi"}, "channel_not_found"),
        ({"channel": GENERAL, "text": ""}, "no_text"),
        ({"channel": GENERAL, "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": GENERAL, "text": "x", "blocks": "not json"}, "invalid_blocks_format"),
        ({"channel": GENERAL, "text": "x", "attachments": [{"text": "old"}]}, "invalid_attachments"),
    ],
)
def test_a_message_that_slack_would_refuse_is_refused(
    shared_sandbox: Sandbox, shared_client: WebClient, args: dict[str, Any], error: str
) -> None:
    before = shared_sandbox.workspace.messages(args["channel"], ALICE.id)
    assert refusal(shared_client.api_call, "chat.postMessage", json=args)["error"] == error
    assert shared_sandbox.workspace.messages(args["channel"], ALICE.id) == before


def test_an_archived_channel_is_closed(sandbox: Sandbox, client: WebClient) -> None:
    channels = sandbox.workspace.channels
    channels[GENERAL] = replace(channels[GENERAL], is_archived=True)
    assert refusal(client.chat_postMessage, channel=GENERAL, text="hi")["error"] == "is_archived"


def test_a_private_channel_without_the_bot_does_not_exist_for_it(sandbox: Sandbox, client: WebClient) -> None:
    channels = sandbox.workspace.channels
    channels[LOUNGE] = replace(channels[LOUNGE], is_private=True)
    assert refusal(client.chat_postMessage, channel=LOUNGE, text="hi")["error"] == "channel_not_found"
    assert refusal(client.conversations_info, channel=LOUNGE)["error"] == "channel_not_found"


def test_51_blocks_are_refused_with_the_place_of_the_problem(shared_client: WebClient) -> None:
    reply = refusal(shared_client.chat_postMessage, channel=GENERAL, text="x", blocks=[{"type": "divider"}] * 51)
    assert reply["error"] == "invalid_blocks"
    assert reply["response_metadata"]["messages"] == ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]


def test_an_unknown_block_is_refused(shared_client: WebClient) -> None:
    reply = refusal(shared_client.chat_postMessage, channel=GENERAL, text="x", blocks=[{"type": "hologram"}])
    assert reply["errors"] == ["unsupported type: hologram [json-pointer:/blocks/0/type]"]


def test_blocks_too_long_together_are_refused(shared_client: WebClient) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2700}}
    assert shared_client.chat_postMessage(channel=GENERAL, text="x", blocks=[section] * 4)["ok"]
    reply = refusal(shared_client.chat_postMessage, channel=GENERAL, text="x", blocks=[section] * 5)
    assert reply["error"] == "msg_blocks_too_long"


def test_an_ephemeral_message_is_for_a_member_of_the_channel(shared_sandbox: Sandbox, shared_client: WebClient) -> None:
    shared_client.chat_postEphemeral(channel=GENERAL, user=BOB.id, text="psst")
    assert seen(shared_sandbox, GENERAL, BOB.id, "psst") is not None
    assert seen(shared_sandbox, GENERAL, CAROL.id, "psst") is None

    reply = refusal(shared_client.chat_postEphemeral, channel=ALICES_DM, user=BOB.id, text="psst")
    assert reply["error"] == "user_not_in_channel"


def test_text_without_blocks_takes_the_old_blocks_away(sandbox: Sandbox, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=GENERAL, text="working", blocks=[SECTION])["ts"]
    client.chat_update(channel=GENERAL, ts=ts, text="done")

    (message,) = sandbox.workspace.messages(GENERAL, ALICE.id)
    assert (message.text, message.blocks, message.edited) == ("done", (), True)


def test_the_bot_changes_and_deletes_its_own_messages_only(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.send(ALICE.id, GENERAL, "mine")
    (alices,) = sandbox.workspace.messages(GENERAL, ALICE.id)
    own = client.chat_postMessage(channel=GENERAL, text="own")["ts"]
    whisper = client.chat_postEphemeral(channel=GENERAL, user=BOB.id, text="psst")["message_ts"]

    assert refusal(client.chat_update, channel=GENERAL, ts=alices.ts, text="x")["error"] == "cant_update_message"
    assert refusal(client.chat_delete, channel=GENERAL, ts=alices.ts)["error"] == "cant_delete_message"
    assert refusal(client.chat_update, channel=GENERAL, ts=whisper, text="x")["error"] == "message_not_found"
    assert refusal(client.chat_update, channel="#general", ts=own, text="x")["error"] == "channel_not_found"
    client.chat_delete(channel=GENERAL, ts=own)
    assert sandbox.workspace.messages(GENERAL, ALICE.id) == [alices]


def test_a_reply_goes_into_the_thread_of_a_message_that_is_there(sandbox: Sandbox, client: WebClient) -> None:
    root = client.chat_postMessage(channel=GENERAL, text="root")["ts"]
    whisper = client.chat_postEphemeral(channel=GENERAL, user=BOB.id, text="psst")["message_ts"]
    reply = client.chat_postMessage(channel=GENERAL, text="reply", thread_ts=root)
    assert reply["message"]["thread_ts"] == root
    assert [m.thread_ts for m in sandbox.workspace.messages(GENERAL, ALICE.id)] == [None, root]

    def answered(ts: str, channel: str = GENERAL) -> Any:
        return refusal(client.chat_postMessage, channel=channel, text="x", thread_ts=ts)["error"]

    assert answered("1.000001") == answered(whisper) == answered(root, FINANCE) == "thread_not_found"
    assert answered(reply["ts"]) == "cannot_reply_to_message"


def test_nothing_in_an_archived_channel_is_changed(sandbox: Sandbox, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=GENERAL, text="own")["ts"]
    channels = sandbox.workspace.channels
    channels[GENERAL] = replace(channels[GENERAL], is_archived=True)
    assert refusal(client.chat_update, channel=GENERAL, ts=ts, text="x")["error"] == "is_inactive"


def test_a_permalink_is_for_messages_that_exist(shared_sandbox: Sandbox, shared_client: WebClient) -> None:
    ts = shared_client.chat_postMessage(channel=GENERAL, text="look")["ts"]
    link = shared_client.chat_getPermalink(channel=GENERAL, message_ts=ts)["permalink"]
    assert link == f"{shared_sandbox.url}/archives/{GENERAL}/p{ts.replace('.', '')}"
    missing = refusal(shared_client.chat_getPermalink, channel=GENERAL, message_ts="1.000001")
    assert missing["error"] == "message_not_found"


def test_people_are_listed_page_by_page(shared_client: WebClient) -> None:
    pages = [page["members"] for page in shared_client.users_list(limit=2)]
    assert [len(page) for page in pages] == [2, 2, 1]
    by_id = {person["id"]: person for page in pages for person in page}
    assert {user for user, person in by_id.items() if person["is_admin"]} == {ALICE.id}
    assert shared_client.users_info(user=BOB.id)["user"] == by_id[BOB.id]
    assert refusal(shared_client.users_info, user="U0NOBODY01")["error"] == "user_not_found"


def test_channels_are_listed_with_the_bots_membership(shared_client: WebClient) -> None:
    channels = {c["name"]: c["is_member"] for c in shared_client.conversations_list()["channels"]}
    assert channels == {"general": True, "marketing": True, "video-lab": True, "finance": True, "lounge": False}
    assert shared_client.conversations_info(channel=FINANCE)["channel"]["name"] == "finance"


def test_the_direct_message_with_a_person_can_be_opened(shared_client: WebClient) -> None:
    assert shared_client.conversations_open(users=ALICE.id)["channel"]["id"] == ALICES_DM
    assert refusal(shared_client.conversations_open, users="U0NOBODY01")["error"] == "user_not_found"


def test_a_scope_that_the_manifest_does_not_ask_for_is_missing(shared_client: WebClient) -> None:
    reply = refusal(shared_client.conversations_list, types="public_channel,im")
    assert (reply["error"], reply["needed"]) == ("missing_scope", "im:read")
    assert "chat:write" in reply["provided"]
    assert refusal(shared_client.conversations_open, users=f"{ALICE.id},{BOB.id}")["needed"] == "mpim:write"


def test_only_the_right_token_opens_a_method(shared_sandbox: Sandbox) -> None:
    def error(method: str, token: str | None) -> str:
        client = WebClient(token, base_url=shared_sandbox.slack_api_url)
        return refusal(client.api_call, method)["error"]

    assert error("auth.test", None) == "not_authed"
    assert error("auth.test", "xoxb-someone-else") == "invalid_auth"
    assert error("auth.test", shared_sandbox.app_token) == "not_allowed_token_type"
    assert error("apps.connections.open", shared_sandbox.bot_token) == "not_allowed_token_type"


def test_a_method_that_is_not_there_never_succeeds(shared_client: WebClient) -> None:
    assert refusal(shared_client.api_call, "files.upload")["error"] == "unknown_method"


def test_a_form_is_understood_too(shared_sandbox: Sandbox) -> None:
    form = {"token": shared_sandbox.bot_token, "channel": GENERAL, "text": "übers Formular", "unfurl_media": "false"}
    assert requests.post(f"{shared_sandbox.slack_api_url}chat.postMessage", form, timeout=30).json()["ok"]
    message = seen(shared_sandbox, GENERAL, ALICE.id, "übers Formular")
    assert message is not None and not message.unfurl


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        ("{", "application/json", "invalid_json"),
        ("[]", "application/json;charset=utf-8", "json_not_object"),
        ("<x/>", "text/xml", "invalid_post_type"),
    ],
)
def test_a_body_that_is_no_call_is_refused(shared_sandbox: Sandbox, body: str, kind: str, error: str) -> None:
    reply = requests.post(f"{shared_sandbox.slack_api_url}api.test", body, headers={"Content-Type": kind}, timeout=30)
    assert reply.json() == {"ok": False, "error": error}


def test_a_channel_takes_a_burst_and_then_one_message_a_second() -> None:
    sandbox = local.start()
    try:
        client = web_client(sandbox)
        for number in range(5):
            client.chat_postMessage(channel=GENERAL, text=f"{number}")
        reply = refusal(client.chat_postMessage, channel=GENERAL, text="one too many")
        assert (reply["error"], reply.status_code) == ("ratelimited", 429)
        assert reply.headers["Retry-After"] == "1"
        client.chat_postMessage(channel=FINANCE, text="another channel has its own rate")
    finally:
        sandbox.stop()
