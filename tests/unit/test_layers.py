"""The house's rules, read off its own code: who may reach where. Each failure says what to do instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted([ROOT / "bot.py", *(ROOT / "klingbot").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")])

PURE = (
    "klingbot/common/clean_text.py",
    "klingbot/domain/money.py",
    "klingbot/common/web_addresses.py",
    "klingbot/domain/pricing.py",
    "klingbot/domain/prices/",
    "klingbot/domain/periods.py",
    "klingbot/domain/budgets.py",
    "klingbot/domain/digests.py",
    "klingbot/domain/digest_schedules.py",
    "klingbot/domain/charts.py",
    "klingbot/domain/forecast.py",
    "klingbot/domain/alert_history.py",
    "klingbot/domain/jobs.py",
    "klingbot/domain/membership.py",
    "klingbot/domain/source_images.py",
    "klingbot/domain/request_limits.py",
    "klingbot/domain/increases.py",
    "klingbot/domain/project_rules.py",
    "klingbot/domain/project_access.py",
    "klingbot/domain/reconciliation.py",
    "klingbot/domain/notifications.py",
    "klingbot/domain/overdue_work.py",
    "klingbot/common/dataclass_json.py",
    "klingbot/domain/quiet_hours.py",
    "klingbot/blocks/",
    *(
        f"klingbot/slack/{name}.py"
        for name in ("parse", "asked", "grammar", "syntax", "words", "flags", "values", "actors")
    ),
    *(f"klingbot/slack/{name}.py" for name in ("attempts", "decoding", "emoji", "folding", "helping", "lists")),
    *(f"klingbot/slack/{name}" for name in ("readers/", "scopes.py", "mistakes.py", "spoken.py", "payloads.py")),
    "klingbot/common/suggestions.py",
    "klingbot/doctor/findings.py",
)
# What each room may be reached by, from the foundations up: nothing imports anything above itself.
LEVELS = (
    (
        "klingbot/common/clock.py",
        "klingbot/domain/ledger_faults.py",
        "klingbot/common/log_format.py",
        "klingbot/common/counters.py",
        "klingbot/domain/money.py",
    ),
    ("klingbot/common/private_files.py", "klingbot/common/suggestions.py", "klingbot/common/web_addresses.py"),
    ("klingbot/common/clean_text.py",),
    ("klingbot/domain/membership.py",),
    (
        "klingbot/domain/overdue_work.py",
        "klingbot/domain/source_images.py",
    ),
    (
        "klingbot/domain/periods.py",
        "klingbot/domain/pricing.py",
        "klingbot/domain/form_choices.py",
        "klingbot/domain/prices/",
        "klingbot/domain/charts.py",
    ),
    (
        "klingbot/domain/budgets.py",
        "klingbot/domain/jobs.py",
        "klingbot/domain/reconciliation.py",
        "klingbot/common/dataclass_json.py",
        "klingbot/domain/digest_schedules.py",
    ),
    ("klingbot/domain/request_limits.py",),
    (
        "klingbot/domain/digests.py",
        "klingbot/domain/forecast.py",
        "klingbot/domain/increases.py",
        "klingbot/domain/quiet_hours.py",
        "klingbot/domain/project_rules.py",
        "klingbot/domain/alert_history.py",
    ),
    ("klingbot/domain/notifications.py", "klingbot/domain/project_access.py"),
    ("klingbot/common/deadlines.py",),
    ("klingbot/common/url_openers.py", "klingbot/common/safe_fetch.py", "klingbot/workers/work_pool.py"),
    ("klingbot/domain/retry_delays.py",),
    ("klingbot/kling/",),
    ("migrations/",),
    ("klingbot/store/",),
    ("klingbot/engine/", "klingbot/engine/export.py"),
    ("klingbot/settings/", "klingbot/workers/kling_poller.py"),
    ("klingbot/sdk/",),
    ("klingbot/blocks/",),
    ("klingbot/slack/",),
    ("klingbot/doctor/", "klingbot/workers/message_routing.py"),
    (
        "klingbot/workers/nightly.py",
        "klingbot/workers/digest_sender.py",
        "klingbot/workers/submitter.py",
        "klingbot/workers/shutdown.py",
        "klingbot/workers/reconciler.py",
        "klingbot/workers/notifier.py",
        "klingbot/workers/heartbeat.py",
        "klingbot/workers/scheduler.py",
        "klingbot/workers/clip_uploader.py",
        "klingbot/http/kling_callbacks.py",
    ),
    (
        "klingbot/http/prometheus.py",
        "klingbot/http/status_page.py",
        "klingbot/http/operator_access.py",
        "klingbot/http/server.py",
        "klingbot/http/connection_gate.py",
        "klingbot/http/connection_limits.py",
        "klingbot/http/request_bodies.py",
        "klingbot/http/paced_selector.py",
    ),
    ("klingbot/sandbox/",),
    ("klingbot/cli.py",),
    ("bot.py",),
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module imported anywhere in the file, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: import by the full name, not relatively"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reaches(path: Path, *packages: str) -> list[str]:
    return [name for name in imports(path) if name.split(".")[0] in packages]


def level_of(name: str) -> int | None:
    for height, rooms in enumerate(LEVELS):
        if any(name == room or (room.endswith("/") and name.startswith(room)) for room in rooms):
            return height
    return None


def file_of(module: str) -> str | None:
    base = ROOT / module.replace(".", "/")
    if base.with_suffix(".py").exists():
        return name_of(base.with_suffix(".py"))
    return name_of(base / "__init__.py") if (base / "__init__.py").exists() else None


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_sql_lives_in_the_store_and_the_migrations(path: Path) -> None:
    if name_of(path).startswith(("klingbot/store/", "migrations/")):
        return
    found = reaches(path, "sqlite3", "sqlite_utils", "psycopg")
    assert not found, f"{name_of(path)} reaches {found}: put the statement into klingbot/store/ and call it"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_settings_knows_the_environment(path: Path) -> None:
    if name_of(path).startswith("klingbot/settings/"):
        return
    names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert not names & {"environ", "getenv"}, f"{name_of(path)}: read it in klingbot/settings/"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_slack_is_known_only_in_its_room_at_the_front_door_and_in_the_sandbox(path: Path) -> None:
    if name_of(path).startswith(("klingbot/slack/", "klingbot/sandbox/")) or name_of(path) == "bot.py":
        return
    assert not reaches(path, "slack_bolt", "slack_sdk"), f"{name_of(path)}: Slack's libraries belong in klingbot/slack/"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_kling_is_called_only_by_its_client(path: Path) -> None:
    if name_of(path).startswith(("klingbot/kling/", "klingbot/sandbox/")):
        return
    assert not reaches(path, "requests"), f"{name_of(path)}: HTTP to Kling belongs in klingbot/kling/"


@pytest.mark.parametrize("path", [p for p in MODULES if name_of(p).startswith(PURE)], ids=name_of)
def test_pure_rooms_know_no_clock_no_network_and_no_database(path: Path) -> None:
    forbidden = reaches(path, "time", "socket", "random", "requests", "slack_sdk", "slack_bolt", "sqlite3", "threading")
    assert not forbidden, f"{name_of(path)} reaches {forbidden}: take what it needs as an argument"
    for clock in (".now(", ".today(", ".utcnow("):
        assert clock not in path.read_text(), f"{name_of(path)} asks {clock}): take the instant as an argument"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_imports_anything_above_it(path: Path) -> None:
    own = level_of(name_of(path))
    for module in imports(path):
        target = file_of(module)
        height = level_of(target) if target else None
        if own is None or height is None:
            continue
        assert height <= own, f"{name_of(path)} imports {module}, which is above it: pass the thing down instead"


def test_the_local_kling_and_the_client_are_independent_readings_of_klings_docs() -> None:
    local_kling = [path for path in MODULES if name_of(path).startswith("klingbot/sandbox/kling/")]
    assert local_kling
    for path in local_kling:
        found = [name for name in imports(path) if name.startswith(("klingbot.kling", "klingbot.domain.prices"))]
        assert not found, f"{name_of(path)} takes {found} from the side it is meant to check"


def test_every_room_has_its_place_in_the_order() -> None:
    homeless = [name_of(p) for p in MODULES if level_of(name_of(p)) is None and p.name != "__init__.py"]
    assert not homeless, f"{homeless}: add them to LEVELS, as low as they can stand"
