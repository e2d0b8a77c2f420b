"""Who is who: what Slack is asked, what is remembered, and what is said when a name fits nobody or several."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from klingbot.slack.api.directory import Directory, KnownChannel
from klingbot.slack.api.lookup_cache import FRESH_SECONDS
from klingbot.slack.api.network_errors import SlackUnavailableError
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.types import ChannelRef, UserRef

ALICE, BOB = "U0ALICE001", "U0BOB00001"


def test_slacks_admins_and_owners_are_admins(slack: Any, directory: Directory) -> None:
    slack.people[2]["is_owner"] = True
    assert directory.is_admin(ALICE) and directory.is_admin("U0CAROL001")
    assert not directory.is_admin(BOB)
    assert directory.known_admins() == (ALICE, "U0CAROL001")


def test_an_admin_who_left_is_none(slack: Any, directory: Directory) -> None:
    slack.people[0]["deleted"] = True
    assert not directory.is_admin(ALICE)
    assert directory.known_admins() == ()


def test_an_admin_of_another_workspace_is_none_and_one_without_a_workspace_is(slack: Any, directory: Directory) -> None:
    del slack.people[0]["team_id"]
    assert directory.is_admin(ALICE)
    slack.people[1] |= {"is_admin": True, "team_id": "T0PARTNER1"}
    assert not directory.is_admin(BOB)
    assert directory.known_admins() == (ALICE,)


def test_a_person_slack_does_not_know_is_no_admin(directory: Directory) -> None:
    assert not directory.is_admin("U0STRANGER")


def test_who_is_an_admin_is_remembered_for_some_minutes(slack: Any, directory: Directory, seconds: Any) -> None:
    assert not directory.is_admin(BOB)
    slack.people[1]["is_admin"] = True
    seconds.now += FRESH_SECONDS - 1
    assert not directory.is_admin(BOB)
    assert slack.asked == ["users.info"]
    seconds.now += 1
    assert directory.is_admin(BOB)


def test_slacks_silence_is_not_remembered(slack: Any, directory: Directory) -> None:
    slack.trouble = SlackApiError("no", {"ok": False, "error": "ratelimited"})
    with pytest.raises(SlackUnavailableError, match=r"whether you are an admin just now \(ratelimited\)"):
        directory.is_admin(ALICE)
    slack.trouble = None
    assert directory.is_admin(ALICE)


def test_without_an_answer_there_are_no_admins_to_tell(slack: Any, directory: Directory) -> None:
    slack.trouble = ConnectionResetError()
    assert directory.known_admins() == ()


@pytest.mark.parametrize("name", ["carol", "CAROL", "cc", "carol baker"])
def test_people_are_found_by_handle_and_by_shown_name_over_all_pages(directory: Directory, name: str) -> None:
    assert directory.user_id(UserRef(None, name)) == "U0CAROL001"


def test_an_escaped_person_needs_no_look_up(slack: Any, directory: Directory) -> None:
    assert directory.user_id(UserRef("U0ANYBODY1", "bob")) == "U0ANYBODY1"
    assert slack.asked == []


def test_a_handle_beats_somebody_elses_shown_name(slack: Any, directory: Directory) -> None:
    slack.people[2]["profile"]["display_name"] = "bob"
    assert directory.user_id(UserRef(None, "bob")) == BOB


def test_a_name_that_several_people_have_is_not_guessed(slack: Any, directory: Directory) -> None:
    slack.people[1]["profile"]["display_name"] = slack.people[2]["profile"]["display_name"] = "Sam"
    with pytest.raises(MistakeError, match="2 people are called “sam”"):
        directory.user_id(UserRef(None, "Sam"))


def test_somebody_who_joined_a_moment_ago_is_found(slack: Any, directory: Directory) -> None:
    directory.user_id(UserRef(None, "bob"))
    slack.people.append({"id": "U0DAVE0001", "name": "dave", "profile": {}})
    assert directory.user_id(UserRef(None, "dave")) == "U0DAVE0001"


def test_people_are_listed_once_for_many_names(slack: Any, directory: Directory) -> None:
    for name in ("alice", "bob", "carol"):
        directory.user_id(UserRef(None, name))
    assert slack.asked == ["users.list"] * 2, "two pages, once"


def test_channels_are_found_by_name_over_all_pages(directory: Directory) -> None:
    assert directory.channel(ChannelRef(None, "finance")) == KnownChannel("C0FINANCE1", is_member=True, name="finance")
    assert directory.channel(ChannelRef(None, "lounge")) == KnownChannel("C0LOUNGE01", is_member=False, name="lounge")


def test_a_channel_the_bot_was_invited_to_a_moment_ago_is_found(slack: Any, directory: Directory) -> None:
    with pytest.raises(MistakeError, match="I can't see #secrets"):
        directory.channel(ChannelRef(None, "secrets"))
    slack.channels.append({"id": "C0SECRETS1", "name": "secrets", "is_member": True})
    assert directory.channel(ChannelRef(None, "secrets")).is_member


def test_an_escaped_channel_is_looked_up_by_itself(slack: Any, directory: Directory) -> None:
    assert directory.channel(ChannelRef("C0LOUNGE01", "lounge")) == KnownChannel(
        "C0LOUNGE01", is_member=False, name="lounge"
    )
    assert slack.asked == ["conversations.info"]


def test_an_archived_channel_is_refused(slack: Any, directory: Directory) -> None:
    slack.channels[1]["is_archived"] = True
    with pytest.raises(MistakeError, match="private or archived"):
        directory.channel(ChannelRef("C0FINANCE1", "finance"))
