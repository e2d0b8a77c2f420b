"""`python bot.py doctor`: everything that can be checked without changing anything, each with its fix.

`ledger` looks at the ledger, `storage` at where it is, `network` asks Slack and Kling. Each returns findings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from klingbot import settings
from klingbot.doctor import ledger_health, network, storage
from klingbot.doctor.findings import Finding, Health, failed, lines, ok, warning
from klingbot.doctor.ledger_health import prove, rebuild_sums
from klingbot.settings import Settings, SettingsError

__all__ = ["CheckUp", "Finding", "Health", "check_up", "lines", "prove", "rebuild_sums"]


@dataclass(frozen=True, slots=True)
class CheckUp:
    """All findings, and the exit code: 2 when the settings are wrong, 1 when something else failed, else 0."""

    findings: tuple[Finding, ...]
    exit_code: int


def check_up(env: Mapping[str, str], now: int, *, offline: bool = False) -> CheckUp:
    """Every check that can be made with these environment variables; `now` is UTC epoch milliseconds."""
    try:
        config = settings.read(env)
    except SettingsError as e:
        wrong = [failed("settings", problem, "See .env.example.") for problem in e.problems]
        return CheckUp((*wrong, *_database_if_named(env, now)), exit_code=2)
    found = [*_settings(config), *_database(env, now)]
    if not offline:
        found += [*network.check_slack(config, now), network.check_kling(config)]
        found += network.check_packs(config, now)
    return CheckUp(tuple(found), exit_code=int(any(finding.health is Health.FAILED for finding in found)))


def _database_if_named(env: Mapping[str, str], now: int) -> list[Finding]:
    try:
        return _database(env, now)
    except SettingsError:  # told already
        return []


def _database(env: Mapping[str, str], now: int) -> list[Finding]:
    place = settings.database(env)
    return [storage.check(place, settings.host(env)), *ledger_health.check(place, now)]


def _settings(config: Settings) -> list[Finding]:
    prices = f"price list “{config.prices.name}”, pack {config.prices.pack:,}, {config.calendar}"
    warned = [warning("settings", said, "Change it unless it is meant.") for said in config.warnings]
    return [ok("settings", prices), *warned]
