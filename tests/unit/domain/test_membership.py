"""Who counts as one of us: what a request proves, and what Slack's description of a user says."""

from __future__ import annotations

from typing import Any

import pytest

from klingbot.domain.membership import Actor, Home, Membership, Profile, from_profile, from_request
from klingbot.slack.interactions import actors

HOME = Home("T1", bot_user_id="UBOT")
GRID = Home("T1", "E1", "UBOT")
ORGANIZATION = Home("", "E1", "UBOT")
NOTHING: frozenset[str] = frozenset()


def actor(*team_ids: str) -> Actor:
    return Actor("U1", frozenset(team_ids))


@pytest.mark.parametrize(
    ("home", "team_ids", "proven"),
    [
        (HOME, ("T1",), None),
        (HOME, (), None),
        (HOME, ("T2",), Membership.OUTSIDER),
        (HOME, ("E2",), Membership.OUTSIDER),
        (HOME, ("T2", "E2"), Membership.OUTSIDER),
        (GRID, ("T2",), None),
        (GRID, ("E1",), None),
        (GRID, ("T2", "E1"), None),
        (GRID, ("E2",), Membership.OUTSIDER),
        (GRID, ("T2", "E2"), Membership.OUTSIDER),
        (ORGANIZATION, ("T7",), None),
        (ORGANIZATION, ("E2",), Membership.OUTSIDER),
    ],
)
def test_a_request_alone_proves_an_outsider_and_never_a_member(
    home: Home, team_ids: tuple[str, ...], proven: Membership | None
) -> None:
    assert from_request(home, actor(*team_ids)) is proven


def test_the_bot_itself_and_other_bots_are_bots_wherever_they_are_from() -> None:
    assert from_request(HOME, Actor("UBOT", frozenset({"T1"}))) is Membership.BOT
    assert from_request(HOME, Actor("U9", frozenset({"T2"}), is_bot=True)) is Membership.BOT
    assert from_profile(HOME, actor("T1"), Profile(frozenset({"T1"}), is_bot=True)) is Membership.BOT


@pytest.mark.parametrize(
    ("home", "teams", "found"),
    [
        (HOME, {"T1"}, Membership.MEMBER),
        (HOME, {"T2"}, Membership.OUTSIDER),
        (HOME, {"T2", "E2"}, Membership.OUTSIDER),
        (GRID, {"T2", "E1"}, Membership.MEMBER),
        (GRID, {"T2", "E2"}, Membership.OUTSIDER),
        (ORGANIZATION, {"T7", "E1"}, Membership.MEMBER),
        (ORGANIZATION, {"T7"}, Membership.OUTSIDER),
        (HOME, set(), Membership.OUTSIDER),
    ],
)
def test_a_member_is_of_the_same_workspace_or_the_same_organization(
    home: Home, teams: set[str], found: Membership
) -> None:
    assert from_profile(home, Actor("U1"), Profile(frozenset(teams))) is found


def test_what_the_profile_says_of_the_workspace_goes_before_what_the_request_says() -> None:
    assert from_profile(HOME, actor("T1"), Profile(frozenset({"T2"}))) is Membership.OUTSIDER
    assert from_profile(HOME, actor("T1"), Profile(NOTHING)) is Membership.MEMBER
    assert from_profile(HOME, actor(), Profile(NOTHING)) is Membership.OUTSIDER


def test_a_stranger_is_an_outsider_also_with_the_right_workspace() -> None:
    assert from_profile(HOME, actor("T1"), Profile(frozenset({"T1"}), is_stranger=True)) is Membership.OUTSIDER


def test_guests_and_deactivated_accounts_are_told_apart_from_members() -> None:
    ours = frozenset({"T1"})
    assert from_profile(HOME, actor(), Profile(ours, is_guest=True)) is Membership.GUEST
    assert from_profile(HOME, actor(), Profile(ours, is_guest=True, is_deactivated=True)) is Membership.DEACTIVATED


def event(**said: Any) -> dict[str, Any]:
    return {"type": "event_callback", "team_id": "T9", "event": {"type": "app_mention", "user": "U1", **said}}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"command": "/kling", "user_id": "U1", "team_id": "T1"}, Actor("U1", frozenset({"T1"}))),
        (
            {"command": "/kling", "user_id": "W1", "team_id": "T2", "enterprise_id": "E1"},
            Actor("W1", frozenset({"T2", "E1"})),
        ),
        ({"type": "block_actions", "user": {"id": "U1", "team_id": "T2"}, "team": {"id": "T1"}}, actor("T2")),
        ({"type": "view_submission", "user": {"id": "U1"}, "team": {"id": "T2"}}, actor()),
        ({"type": "shortcut", "user": {"id": "U1", "team_id": None}}, actor()),
        (event(user_team="T2", source_team="T1"), actor("T2")),
        (event(source_team="T2"), actor("T2")),
        (event(user_team="E1", source_team="T2"), actor("E1")),
        (event(), actor()),
        (event(bot_id="B1"), Actor("U1", NOTHING, is_bot=True)),
        (event(subtype="bot_message", user=None), Actor("", NOTHING, is_bot=True)),
        (event(user="USLACKBOT"), Actor("USLACKBOT", NOTHING, is_bot=True)),
        (event(user=None, subtype="message_changed"), None),
        (event(user={"id": "U1"}), None),
        ({"type": "event_callback", "event": "none"}, None),
        ({"type": "block_actions", "user": {"id": 7}}, None),
        ({"command": "/kling"}, None),
        ({}, None),
    ],
)
def test_a_request_says_who_acts_and_whose_they_are(body: dict[str, Any], found: Actor | None) -> None:
    """Where it happened, which `team`, `team_id` and `authorizations` tell, is not whose the user is."""
    assert actors.read(body) == found
