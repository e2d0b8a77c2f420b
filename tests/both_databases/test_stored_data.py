"""What an earlier version stored in the ledger or posted in Slack is still understood: `tests/golden/stored.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from klingbot import blocks
from klingbot.domain.notifications import from_json, to_json
from klingbot.engine import Engine
from klingbot.slack.interactions import buttons, modals
from klingbot.store import Store, outbox, outbox_leases
from tests.conftest import FakeClock

pytestmark = pytest.mark.both_databases

STORED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "stored.json").read_text(encoding="utf-8"))
QUEUED = """
    INSERT INTO outbox (key, kind, line, content, state, created_at, due_at)
    VALUES (:key, :kind, :line, :content, 'waiting', :at, :at)"""


@pytest.mark.parametrize("kind", STORED["outbox"])
def test_a_stored_message_keeps_every_field(kind: str) -> None:
    stored = STORED["outbox"][kind]
    assert missing(stored, to_json(from_json(kind, stored))) == []


def missing(old: Any, new: Any, path: str = "") -> list[str]:
    """Return where the new value lacks or changes something of the old one; more fields are fine."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [wrong for name in old for wrong in missing(old[name], new.get(name), f"{path}.{name}")]
    if isinstance(old, list) and isinstance(new, list | tuple) and len(old) == len(new):
        return [wrong for n, pair in enumerate(zip(old, new, strict=True)) for wrong in missing(*pair, f"{path}[{n}]")]
    return [] if old == new else [f"{path}: {old!r} became {new!r}"]


@pytest.mark.parametrize("kind", STORED["outbox"])
def test_a_message_that_an_earlier_version_queued_is_claimed_and_shown(
    kind: str, engine: Engine, clock: FakeClock
) -> None:
    row = {"key": f"an old {kind}", "kind": kind, "line": "C0FINANCE1", "at": clock.at}
    with engine.store.write() as tx:
        tx.execute(QUEUED, row | {"content": json.dumps(STORED["outbox"][kind])})
    with engine.store.write() as tx:
        claimed = outbox_leases.claim(tx, now=clock.at, lease_until=clock.at + 1)
    assert claimed is not None
    assert blocks.render(from_json(claimed.kind, claimed.content), engine.calendar).text


@pytest.mark.parametrize("meaning", STORED["outbox lines"])
def test_a_line_keeps_its_meaning(meaning: str, store: Store, clock: FakeClock) -> None:
    """The default line is routed, the others are claimed as they are."""
    line = STORED["outbox lines"][meaning]
    content = json.dumps(STORED["outbox"]["submitting resumed"])
    with store.write() as tx:
        tx.execute(QUEUED, {"key": "k", "kind": "turned away", "line": line, "content": content, "at": clock.at})
        outbox_leases.route(tx, default="C0ALERTS01", admins_only=())
        claimed = outbox_leases.claim(tx, now=clock.at, lease_until=clock.at + 1)
    assert claimed is not None
    assert claimed.line == ("C0ALERTS01" if line == outbox.DEFAULT else line)
    begins = {outbox.QUIET: "a channel in its quiet hours", outbox.CLIP: "a clip on its way"}
    assert [meant for start, meant in begins.items() if line.startswith(start)] in ([], [meaning])
    assert (line == outbox.ADMINS) == (meaning == "the admins")


def test_every_button_that_was_ever_posted_is_still_answered() -> None:
    assert STORED["buttons"].keys() - buttons.ACTIONS.keys() == set()


def test_every_form_that_may_be_open_is_still_taken() -> None:
    assert STORED["form fields"].keys() - modals.FORMS.keys() == {"refused"}, "which can only be read and closed"


def test_no_column_was_renamed_or_dropped(store: Store) -> None:
    for table, columns in STORED["columns"].items():
        assert store.read().execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall() is not None, table
