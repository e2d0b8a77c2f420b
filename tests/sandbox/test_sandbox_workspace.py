"""Who sees what, and what subscribers and the file are told."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from klingbot.sandbox.slack.roster import ALICE, BOB, BOT, CAROL, CHANNELS, Channel
from klingbot.sandbox.slack.workspace import Workspace

GENERAL, LOUNGE, ALICES_DM = "C0GENERAL1", "C0LOUNGE01", "D0ALICE001"
BOARD = Channel("G0BOARD001", "board", is_private=True, members=frozenset({ALICE.id}))


def test_a_sidebar_shows_public_channels_own_private_ones_and_the_own_dm() -> None:
    workspace = Workspace(channels=[*CHANNELS, BOARD])
    public = {"general", "marketing", "video-lab", "finance", "lounge"}
    assert {c.name for c in workspace.channels_of(BOB.id)} == public | {"klingbot"}
    assert {c.name for c in workspace.channels_of(ALICE.id)} == public | {"klingbot", "board"}
    assert {c.id for c in workspace.channels_of(CAROL.id) if c.is_im} == {"D0CAROL001"}


def test_a_direct_message_is_for_its_members_and_an_ephemeral_for_one_person() -> None:
    workspace = Workspace()
    direct = workspace.post(ALICES_DM, BOT.id, "between us")
    assert workspace.messages(ALICES_DM, ALICE.id) == [direct]
    assert workspace.messages(ALICES_DM, BOB.id) == []

    whisper = workspace.post(GENERAL, BOT.id, "psst", ephemeral_to=BOB.id)
    assert workspace.messages(GENERAL, BOB.id) == [whisper]
    assert workspace.messages(GENERAL, ALICE.id) == []
    assert not workspace.sees(ALICE.id, whisper)


def test_subscribers_hear_every_change_in_order_until_they_leave() -> None:
    workspace = Workspace()
    heard = workspace.subscribe()
    ts = workspace.post(GENERAL, BOT.id, "draft").ts
    workspace.update(GENERAL, ts, text="final")
    workspace.delete(GENERAL, ts)
    workspace.unsubscribe(heard)
    workspace.post(GENERAL, BOT.id, "unheard")

    changes = [heard.get_nowait() for _ in range(heard.qsize())]
    assert [(c.kind, c.message.text) for c in changes] == [
        ("posted", "draft"),
        ("updated", "final"),
        ("deleted", "final"),
    ]


def test_what_is_not_there_cannot_be_changed() -> None:
    workspace = Workspace()
    assert workspace.update(GENERAL, "1.000001", text="x") is None
    assert workspace.delete(GENERAL, "1.000001") is None


def test_every_message_has_its_own_ts_however_many_are_posted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_795_479_275_019_594_637)
    workspace = Workspace()
    with ThreadPoolExecutor(8) as pool:
        pool.map(lambda _: workspace.post(GENERAL, BOT.id, "x"), range(200))

    stamps = [message.ts for message in workspace.messages(GENERAL, ALICE.id)]
    assert len(stamps) == 200
    assert stamps == sorted(set(stamps))


def test_a_line_cut_short_by_a_crash_costs_that_line_only(tmp_path: Path) -> None:
    file = tmp_path / "conversation.jsonl"
    before = Workspace(storage=file)
    kept = before.post(GENERAL, BOT.id, "kept")
    before.post(GENERAL, BOT.id, "cut short")
    file.write_text(file.read_text()[:-20])
    later = Workspace(storage=file).post(GENERAL, BOT.id, "later")

    assert Workspace(storage=file).messages(GENERAL, ALICE.id) == [kept, later]
