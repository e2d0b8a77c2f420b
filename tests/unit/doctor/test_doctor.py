"""`doctor` says what is wrong, how to mend it, and changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

import bot
from klingbot import doctor, sandbox
from klingbot.doctor import Finding, Health, check_up, lines, network, storage
from klingbot.doctor import ledger_health as ledger_checks
from klingbot.doctor.findings import ok
from klingbot.domain.budgets import WORKSPACE, project_scope, user_scope
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets, first_budget, kling_results, project_rules, projects
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.roster import ERIN, GWEN
from klingbot.settings import host, read
from klingbot.slack import manifest
from klingbot.slack.api.account_checks import Account
from klingbot.store import Store, circuit_breakers, open_store, outbox, outbox_leases
from klingbot.store.backend import sqlite
from tests.conftest import FakeClock
from tests.support.ledger_checks import everything, hold, prove, settle, submit

pytestmark = pytest.mark.both_databases

TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "KLING_API_KEY": "k"}
NEW_SQLITE = (3, 53, 0, "final", 0)


@pytest.fixture
def new_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "VERSION", NEW_SQLITE)


@pytest.fixture
def busy(engine: Engine) -> Engine:
    """A ledger with jobs that ended each way and one in each live state."""
    settle(engine, hold(engine, "done"))
    kling_results.failed(engine, submit(engine, hold(engine, "failed")), "too dark")
    submit(engine, hold(engine, "at Kling"))
    hold(engine, "waiting")
    return engine


def found(engine: Engine, what: str, *, later: float = 0) -> Finding:
    """The finding of that name, `later` seconds from now."""
    findings = ledger_checks.check(engine.store.place, engine.clock() + round(later * 1000))
    return next(finding for finding in findings if finding.what == what)


def spoil(store: Store, sql: str) -> None:
    with store.write() as tx:
        tx.execute(sql)


@pytest.mark.backend("sqlite")
def test_a_sound_ledger_is_ok_in_every_respect_while_the_bot_has_it_open(busy: Engine, new_sqlite: None) -> None:
    limit(busy, WORKSPACE)
    findings = ledger_checks.check(busy.store.place, busy.clock())
    assert [finding.health for finding in findings] == [Health.OK] * 13, list(lines(findings))


def limit(engine: Engine, scope: str) -> None:
    change = budgets.Change(scope, PeriodKind.MONTHLY, limit_millicredits=1_000_000)
    budgets.set_budget(engine, change, by="U0ADMIN")


def test_doctor_warns_while_anything_is_unlimited(busy: Engine) -> None:
    first_budget.require(busy, by="U0ADMIN")
    said = found(busy, "budgets")
    assert (said.health, said.said) == (Health.WARNING, "there are none, so the bot starts no videos")

    first_budget.waive(busy, by="U0ADMIN")
    said = found(busy, "budgets")
    assert said.health is Health.WARNING
    assert "anyone can spend any amount, as U0ADMIN chose" in said.said

    limit(busy, project_scope("marketing"))
    limit(busy, user_scope("U1"))
    said = found(busy, "budgets")
    assert said.health is Health.WARNING
    assert said.said == "anyone without a budget of their own can spend any amount for default, sales"

    limit(busy, project_scope("default"))
    projects.decide(busy, "sales", is_open=False, by="UADMIN")
    assert found(busy, "budgets").health is Health.OK

    projects.set_project(busy, "C1", "video-lab", by="U0ADMIN")
    assert "any amount for video-lab" in found(busy, "budgets").said
    project_rules.set_rules(
        busy, project_rules.RuleChange("video-lab", people=("U1",)), by="U0ADMIN"
    )  # who has a budget
    assert found(busy, "budgets").health is Health.OK
    project_rules.set_rules(busy, project_rules.RuleChange("video-lab", people=("U1", "U2")), by="U0ADMIN")
    assert "any amount for video-lab" in found(busy, "budgets").said

    limit(busy, WORKSPACE)
    assert found(busy, "budgets").health is Health.OK


def test_looking_changes_nothing_in_the_file(busy: Engine) -> None:
    before = everything(busy.store)
    ledger_checks.check(busy.store.place, busy.clock())
    assert everything(busy.store) == before


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    finding = ledger_checks.check(path, 0)[-1]
    assert (finding.health, finding.what) == (Health.WARNING, "database")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_fails(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("milk, eggs, a budget" * 100)
    finding = ledger_checks.check(path, 0)[-1]
    assert finding.health is Health.FAILED
    assert "not a database" in finding.said


def test_a_database_that_cannot_be_made_fails_and_one_that_can_is_only_told(tmp_path: Path) -> None:
    assert ledger_checks.check(tmp_path / "new.db", 0)[-1].health is Health.WARNING
    finding = ledger_checks.check(tmp_path / "nowhere" / "new.db", 0)[-1]
    assert (finding.health, f"no folder {tmp_path / 'nowhere'}" in finding.said) == (Health.FAILED, True)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_was_never_migrated_is_told_to_migrate(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    finding = ledger_checks.check(path, 0)[-1]
    assert finding.health is Health.WARNING
    assert "python bot.py migrate" in (finding.fix or "")
    assert path.stat().st_size == 0


@pytest.mark.backend("sqlite")
def test_a_database_of_a_newer_klingbot_fails(store: Store) -> None:
    spoil(store, "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('klingbot', 'm999_x', '')")
    finding = ledger_checks.check(store.place, 0)[-1]
    assert finding.health is Health.FAILED
    assert "newer Klingbot" in finding.said


def test_a_total_that_its_entries_do_not_prove_fails_and_rebuild_mends_it(busy: Engine) -> None:
    spoil(busy.store, "UPDATE totals SET settled_microusd = settled_microusd + 1 WHERE scope = 'workspace'")
    totals = found(busy, "totals")
    assert (totals.health, totals.said[:2]) == (Health.FAILED, "3 ")
    assert "doctor --rebuild" in (totals.fix or "")
    doctor.rebuild_sums(busy.store.place)
    assert found(busy, "totals").health is Health.OK
    prove(busy.store)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE daily_spend SET jobs = jobs + 1",
        "DELETE FROM daily_spend",
        "INSERT INTO daily_spend VALUES (0, 'U9', 'ghost', 'kling-pro', 1, 0, 0, 0, 1, 1)",
    ],
)
def test_daily_spend_that_its_entries_do_not_prove_fails_and_rebuild_mends_it(busy: Engine, sql: str) -> None:
    spoil(busy.store, sql)
    spend = found(busy, "daily spend")
    assert (spend.health, spend.said[:2]) == (Health.FAILED, "1 ")
    doctor.rebuild_sums(busy.store.place)
    assert found(busy, "daily spend").health is Health.OK


def test_a_live_job_without_a_hold_fails(busy: Engine) -> None:
    job = settle(busy, hold(busy, "wrongly live"))
    spoil(busy.store, f"UPDATE jobs SET state = 'held' WHERE id = '{job.id}'")
    holds = found(busy, "holds")
    assert (holds.health, holds.said) == (Health.FAILED, f"live jobs without a hold: {job.id}")


def test_a_hold_that_outlived_its_job_fails(busy: Engine) -> None:
    job = hold(busy, "wrongly over")
    spoil(busy.store, f"UPDATE jobs SET state = 'released' WHERE id = '{job.id}'")
    holds = found(busy, "holds")
    assert (holds.health, holds.said) == (Health.FAILED, f"jobs that have ended while their hold has not: {job.id}")


@pytest.mark.backend("sqlite")
def test_an_entry_of_no_job_fails_integrity(busy: Engine) -> None:
    connection = busy.store.read()
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("INSERT INTO entries VALUES (99, 'nobody', 'hold', 0, 0, 0, 0, 'U1', NULL, 0)")
    integrity = found(busy, "integrity")
    assert (integrity.health, integrity.said) == (Health.FAILED, "entries row 99 refers to no jobs")


def test_a_job_without_a_verdict_is_mentioned_after_a_day_and_not_before(busy: Engine) -> None:
    assert found(busy, "verdicts", later=86_000).health is Health.OK
    late = found(busy, "verdicts", later=87_000)
    assert late.health is Health.WARNING
    assert "no word from Kling" in late.said


def test_messages_that_wait_for_long_or_were_given_up_are_mentioned(engine: Engine, clock: FakeClock) -> None:
    with engine.store.write() as tx:
        outbox.put(tx, "a", "crossed", {}, at=clock())
    assert found(engine, "outbox", later=14 * 60).said == "1 waiting, 0 given up"
    old = found(engine, "outbox", later=16 * 60)
    assert (old.health, old.said) == (Health.WARNING, "1 waiting, the oldest for 16 minutes")
    with engine.store.write() as tx:
        message = outbox.find(tx, "a")
        assert message is not None
        outbox_leases.failed(tx, message, problem="no place")
    assert (found(engine, "outbox").health, found(engine, "outbox").said) == (Health.WARNING, "0 waiting, 1 given up")


def test_an_account_that_kling_refuses_fails_with_klings_reason(engine: Engine) -> None:
    with engine.store.write() as tx:
        circuit_breakers.close(tx, circuit_breakers.ACCOUNT, opens_at=None, code=1102, reason="No units left.", at=0)
    submitting = found(engine, "submitting")
    assert submitting.health is Health.FAILED
    assert "No units left." in submitting.said


@pytest.mark.parametrize(("version", "health"), [((3, 51, 2), Health.WARNING), ((3, 51, 3), Health.OK)])
@pytest.mark.backend("sqlite")
def test_a_sqlite_with_the_wal_reset_bug_is_mentioned(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], health: Health
) -> None:
    monkeypatch.setattr(sqlite, "VERSION", version)
    finding = found(engine, "SQLite")
    assert finding.health is health
    assert "3.51" in finding.said


def test_hosts_that_forget_their_disk_are_known_by_their_variables() -> None:
    assert host({"DYNO": "worker.1"}) == "Heroku"
    assert host({"FLY_APP_NAME": "klingbot"}) == "Fly.io"
    assert host({"RAILWAY_ENVIRONMENT": "production"}) == "Railway"
    assert host({"RENDER": "true"}) == "Render"
    assert host({"PATH": "/bin", "RENDERER": "x", "DYNO": ""}) is None


def test_a_ledger_on_a_disk_that_a_restart_deletes_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, mounts = Path("/data/klingbot.db"), tmp_path / "mounts"
    mounts.write_text("/dev/vda / ext4 rw 0 0\n/dev/vdb /data ext4 rw 0 0\n")
    monkeypatch.setattr(storage, "MOUNTS", mounts)
    monkeypatch.setattr(Path, "is_mount", lambda folder: folder == Path("/"))
    assert storage.check(path, None).health is Health.OK
    assert storage.check(path, "Fly.io").health is Health.FAILED
    monkeypatch.setattr(Path, "is_mount", lambda folder: folder in (Path("/"), Path("/data")))
    assert storage.check(path, "Fly.io").health is Health.OK
    assert storage.check(path, "Heroku").health is Health.FAILED


@pytest.mark.parametrize(
    ("path", "health", "words"),
    [
        ("/var/lib/klingbot/klingbot.db", Health.OK, ""),
        ("/klingbot.db", Health.WARNING, "inside a container (overlay)"),
        ("/srv/my files/klingbot.db", Health.FAILED, "in memory (tmpfs)"),
        ("/srv/klingbot.db", Health.WARNING, "inside a container (overlay)"),
        ("/tmp/klingbot.db", Health.WARNING, "a folder that systems empty"),
        ("/tmpfoo/klingbot.db", Health.WARNING, "inside a container (overlay)"),
    ],
)
def test_a_place_that_does_not_last_is_known_by_its_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, health: Health, words: str
) -> None:
    mounts = [("overlay", "/", "overlay"), ("/dev/sda", "/tmp", "ext4"), ("/dev/sdb", "/var/lib", "ext4")]
    mounts.append(("tmpfs", "/srv/my\\040files", "tmpfs"))
    monkeypatch.setattr(storage, "MOUNTS", tmp_path / "mounts")
    (tmp_path / "mounts").write_text("".join(f"{what} {where} {kind} rw 0 0\n" for what, where, kind in mounts))
    finding = storage.check(Path(path), None)
    assert (finding.health, words in finding.said) == (health, True), finding


def test_a_system_that_does_not_tell_its_mounts_is_taken_at_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MOUNTS", Path("/nowhere"))
    assert storage.check(Path("/data/klingbot.db"), None).health is Health.OK


def test_everything_not_ok_has_a_fix_under_it_once_for_neighbours_that_share_it() -> None:
    checked = check_up({"DYNO": "worker.1"}, 0)
    assert all(finding.fix for finding in checked.findings if finding.health is not Health.OK)
    told = list(lines(checked.findings))
    problems = sum(finding.what == "settings" for finding in checked.findings)
    assert problems > 2
    assert [at for at, line in enumerate(told) if "See .env.example" in line] == [problems]


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    opened = sandbox.start()
    yield opened
    opened.stop()


def settings_of(running: Sandbox, **changes: str) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": running.bot_token,
        "SLACK_APP_TOKEN": running.app_token,
        "SLACK_API_URL": running.slack_api_url,
        "KLING_API_KEY": running.kling_api_key,
        "KLING_API_URL": running.kling_api_url,
        **changes,
    }


def now() -> int:
    return time.time_ns() // 1_000_000


def asked(env: dict[str, str]) -> dict[str, Finding]:
    config = read(env)
    return {each.what: each for each in (*network.check_slack(config, now()), network.check_kling(config))}


def test_slack_and_kling_that_know_the_bot_are_ok_and_nothing_is_bought(running: Sandbox) -> None:
    findings = asked(settings_of(running))
    assert {finding.health for finding in findings.values()} == {Health.OK}, findings
    assert set(findings) == {"Slack bot token", "Slack scopes", "Slack app token", "clock", "Kling"}
    assert running.kling.tasks == []


def test_wrong_tokens_and_keys_are_told_apart_and_never_shown(running: Sandbox) -> None:
    wrong = settings_of(running, SLACK_APP_TOKEN="xapp-s3cret", KLING_API_KEY="s3cret")
    findings = asked(wrong)
    assert findings["Slack bot token"].health is Health.OK
    assert "SLACK_APP_TOKEN" in (findings["Slack app token"].fix or "")
    assert "1002" in findings["Kling"].said
    assert "s3cret" not in "".join(lines(findings.values()))
    bad_bot = asked(settings_of(running, SLACK_BOT_TOKEN="xoxb-wrong"))["Slack bot token"]
    assert (bad_bot.health, bad_bot.said) == (Health.FAILED, "Slack does not take it (invalid_auth)")


@pytest.mark.parametrize(
    ("channel", "health", "said"),
    [
        ("C0FINANCE1", Health.OK, "#finance, and the bot is in it"),
        ("C0LOUNGE01", Health.WARNING, "the bot is not in #lounge"),
        ("C0NOWHERE1", Health.WARNING, "the bot cannot see C0NOWHERE1 (channel_not_found)"),
    ],
)
def test_an_alerts_channel_that_will_not_hear_the_bot_is_mentioned(
    running: Sandbox, channel: str, health: Health, said: str
) -> None:
    found = asked(settings_of(running, KLINGBOT_ALERTS_CHANNEL=channel))["alerts channel"]
    assert (found.health, found.said) == (health, said)


def test_an_archived_alerts_channel_is_mentioned(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    channels = running.workspace.channels
    monkeypatch.setitem(channels, "C0FINANCE1", replace(channels["C0FINANCE1"], is_archived=True))
    found = asked(settings_of(running, KLINGBOT_ALERTS_CHANNEL="C0FINANCE1"))["alerts channel"]
    assert (found.health, found.said) == (Health.WARNING, "#finance is archived")


def test_admins_who_are_no_members_and_a_shared_alerts_channel_are_mentioned() -> None:
    shared = sandbox.start()
    try:
        for stranger in (ERIN, GWEN):
            shared.workspace.join(stranger, "C0FINANCE1")
        admins = f"U0ALICE001,{ERIN.id},{GWEN.id}"
        config = read(settings_of(shared, KLINGBOT_ALERTS_CHANNEL="C0FINANCE1", KLINGBOT_ADMINS=admins))
        found = [each for each in network.check_slack(config, now()) if each.health is not Health.OK]
    finally:
        shared.stop()
    assert [(each.health, each.said) for each in found] == [
        (Health.WARNING, f"{ERIN.id} is no admin: they aren't in this workspace"),
        (Health.WARNING, f"{GWEN.id} is no admin: guests don't use Klingbot here"),
        (Health.WARNING, "#finance is shared with another company, which reads the alerts"),
    ]


def test_hosts_that_cannot_be_reached_fail_and_are_not_called_a_wrong_token(running: Sandbox) -> None:
    nowhere = "http://127.0.0.1:9/"
    findings = asked(settings_of(running, SLACK_API_URL=nowhere, KLING_API_URL=nowhere))
    assert "could not be reached" in findings["Slack bot token"].said
    assert "could not be connected to" in findings["Kling"].said


def test_a_key_pair_is_tried_where_key_pairs_are_taken(running: Sandbox) -> None:
    env = settings_of(running, KLING_API_KEY="", KLING_ACCESS_KEY="local-access-key", KLING_SECRET_KEY="x" * 32)
    assert "1000" in asked(env)["Kling"].said
    env["KLING_SECRET_KEY"] = "local-secret-key-of-the-sandbox-only"
    assert asked(env)["Kling"].health is Health.OK


def test_missing_scopes_are_named() -> None:
    wanted = frozenset(manifest.read().scopes)
    finding = network._scopes(Account("Acme", "klingbot", wanted - {"chat:write", "im:write"}, None))
    assert (finding.health, finding.said) == (Health.FAILED, "missing chat:write, im:write")
    assert network._scopes(Account("Acme", "klingbot", wanted | {"files:read"}, None)).health is Health.OK


@pytest.mark.parametrize(
    ("ahead", "health"),
    [(0, Health.OK), (30, Health.OK), (-31, Health.WARNING), (300, Health.WARNING), (-301, Health.FAILED)],
)
def test_a_clock_that_is_off_is_told_by_how_much(ahead: int, health: Health) -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    finding = network._clock(Account("Acme", "klingbot", frozenset(), noon), round((noon.timestamp() + ahead) * 1000))
    assert finding.health is health
    assert health is Health.OK or f"{abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'}" in finding.said


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run from, without settings of this machine's."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "KLING_API_KEY", "KLINGBOT_DB", "DATABASE_URL", "DYNO"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(bot.cli, ["doctor", *words], env=env or {})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_the_exit_code_is_2_for_settings_1_for_a_failure_and_0_when_all_is_well(at_home: Path) -> None:
    code, said = run("--offline")
    assert code == 2
    assert "SLACK_BOT_TOKEN is missing" in said
    assert run("--offline", env=TOKENS)[0] == 0
    assert run("--offline", env=TOKENS | {"DYNO": "worker.1"})[0] == 1


def test_wrong_settings_do_not_keep_the_ledger_from_being_checked(at_home: Path) -> None:
    open_store(at_home / "klingbot.db").close()
    assert "ok       totals" in run("--offline")[1]


def test_offline_asks_nobody(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(network, "check_slack", lambda *_: asked.append("Slack") or [])
    monkeypatch.setattr(network, "check_kling", lambda *_: asked.append("Kling") or ok("Kling", ""))
    run("--offline", env=TOKENS)
    assert asked == []
    run(env=TOKENS)
    assert asked == ["Slack", "Kling"]


def test_rebuild_mends_the_sums_and_then_looks(at_home: Path) -> None:
    store = open_store(at_home / "klingbot.db")
    spoil(store, "INSERT INTO totals VALUES ('workspace', 'daily', 0, 0, 0, 1, 1)")
    store.close()
    assert run("--offline", env=TOKENS)[0] == 1
    assert run("--offline", "--rebuild", env=TOKENS)[0] == 0
