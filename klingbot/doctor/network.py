"""Whether Slack and Kling know the bot. Each question is free and has a short timeout."""

from __future__ import annotations

from klingbot.doctor.findings import Finding, failed, ok, warning
from klingbot.kling import ApiKey, KlingClient, LookUp, Rejected
from klingbot.settings import Settings
from klingbot.slack import manifest
from klingbot.slack.api import account_checks
from klingbot.slack.api.account_checks import Account, Trouble
from klingbot.slack.api.directory import Directory, quick_client
from klingbot.slack.api.network_errors import SlackUnavailableError

PACK_DAYS = 400
"""Kling lists packs by when they were bought, and sells them for up to a year."""
SKEW_SECONDS = 30
TOO_MUCH_SKEW_SECONDS = 300
"""Slack's requests carry a time; older than five minutes they must be refused (Slack's docs, verifying requests)."""

_SECONDS = 8
"""How long Kling may take for the whole answer."""

_NOBODY = "klingbot-doctor-asks"
"""The id of a job that nobody has: a look-up of it says whether the credentials are good, and costs nothing."""


def check_slack(config: Settings, now: int) -> list[Finding]:
    """`now` is UTC epoch milliseconds."""
    known = account_checks.look_up(config.slack_bot_token, config.slack_api_url)
    if isinstance(known, Trouble):
        return [_trouble("Slack bot token", known, "SLACK_BOT_TOKEN")]
    found = [ok("Slack bot token", f"@{known.bot} in {known.team}"), _scopes(known), _clock(known, now)]
    if config.slack_app_token:
        found.append(_app_token(config.slack_app_token, config.slack_api_url))
    found += _admins(config)
    if config.alerts_channel:
        found.append(_alerts_channel(config, config.alerts_channel))
    return found


def check_kling(config: Settings) -> Finding:
    """Looks up a job that does not exist, at an endpoint that takes these credentials."""
    client = KlingClient(config.kling_api_url, config.kling_credentials, connect_timeout=3, call_seconds=_SECONDS)
    new_standard = isinstance(config.kling_credentials, ApiKey)
    route = "/text-to-video/kling-2.6" if new_standard else "/v1/videos/text2video"
    said = client.look_up(route, job_ids=[_NOBODY])
    if isinstance(said, LookUp):
        return ok("Kling", f"{config.kling_api_url} takes the credentials")
    if isinstance(said, Rejected):
        fix = "Look at KLING_API_KEY (or KLING_ACCESS_KEY and KLING_SECRET_KEY), KLING_API_URL and the account."
        return failed("Kling", f"{said.plain} (code {said.code})", fix)
    return failed("Kling", f"{config.kling_api_url}: {said.reason}", "Look at the network and at KLING_API_URL.")


def check_packs(config: Settings, now: int) -> list[Finding]:
    """Compare `KLINGBOT_PACK`, which sets the price of a unit, with the packs that Kling has for this account.

    Nothing is found where Kling cannot be asked, has no packs (the account pays in cash), or units are not Kling's.
    """
    if not config.prices.kling_units:
        return []
    client = KlingClient(config.kling_api_url, config.kling_credentials, connect_timeout=3, read_timeout=5)
    packs = client.packs(now - PACK_DAYS * 86_400_000, now)
    sizes = sorted({int(pack.total) for pack in packs}) if isinstance(packs, tuple) else []
    if not sizes:
        return []
    bought = ", ".join(f"{size:,}" for size in sizes)
    if config.prices.pack in sizes:
        return [ok("Kling packs", f"{bought} units in force, and KLINGBOT_PACK is one of them")]
    said = f"{bought} units in force, and KLINGBOT_PACK is {config.prices.pack:,}: amounts in USD may be wrong"
    return [
        warning("Kling packs", said, "Set KLINGBOT_PACK to the pack that you bought; docs/price-lists.md has more.")
    ]


def _trouble(what: str, trouble: Trouble, variable: str) -> Finding:
    if trouble.refused:
        fix = f"Copy {variable} again from your Slack app's settings page."
        return failed(what, f"Slack does not take it ({trouble.word})", fix)
    return failed(what, f"Slack could not be reached ({trouble.word})", "Look at the network and at SLACK_API_URL.")


def _scopes(known: Account) -> Finding:
    missing = sorted(set(manifest.read().scopes) - known.scopes)
    if not missing:
        return ok("Slack scopes", ", ".join(sorted(known.scopes)))
    fix = "Add them under OAuth & Permissions (manifest.yml lists all), then install the app again."
    return failed("Slack scopes", f"missing {', '.join(missing)}", fix)


def _clock(known: Account, now: int) -> Finding:
    if known.slack_time is None:
        return warning("clock", "Slack did not say what time it is", "Compare this machine's clock yourself.")
    ahead = round(now / 1000 - known.slack_time.timestamp())
    said = f"{abs(ahead):,} s {'ahead of' if ahead > 0 else 'behind'} Slack's"
    fix = "Set this machine's clock by NTP."
    if abs(ahead) > TOO_MUCH_SKEW_SECONDS:
        return failed("clock", f"{said}: Slack's signed requests would be refused", fix)
    if abs(ahead) > SKEW_SECONDS:
        return warning("clock", f"{said}: jobs near midnight may land in the wrong period", fix)
    return ok("clock", f"within {SKEW_SECONDS} s of Slack's")


def _app_token(token: str, api_url: str) -> Finding:
    trouble = account_checks.try_app_token(token, api_url)
    if trouble:
        return _trouble("Slack app token", trouble, "SLACK_APP_TOKEN")
    return ok("Slack app token", "Slack offers a Socket Mode connection")


def _alerts_channel(config: Settings, channel_id: str) -> Finding:
    """Only a warning: what the channel does not take goes to the admins."""
    what, until_then = "alerts channel", "until then alerts go to the admins"
    seen = account_checks.room(config.slack_bot_token, config.slack_api_url, channel_id)
    if isinstance(seen, Trouble):
        fix = f"Look at KLINGBOT_ALERTS_CHANNEL; a private channel is seen once the bot was invited; {until_then}."
        return warning(what, f"the bot cannot see {channel_id} ({seen.word})", fix)
    if seen.is_archived:
        fix = f"Let KLINGBOT_ALERTS_CHANNEL name another channel; {until_then}."
        return warning(what, f"#{seen.name} is archived", fix)
    if not seen.is_member:
        return warning(what, f"the bot is not in #{seen.name}", f"Type /invite @klingbot there; {until_then}.")
    if seen.is_shared:
        fix = "Let KLINGBOT_ALERTS_CHANNEL name a channel of your own."
        return warning(what, f"#{seen.name} is shared with another company, which reads the alerts", fix)
    return ok(what, f"#{seen.name}, and the bot is in it")


def _admins(config: Settings) -> list[Finding]:
    """Only a warning: Slack may name them wrongly for a while, and the others can act."""
    directory = Directory(quick_client(config.slack_bot_token, config.slack_api_url), guests=config.guests)
    try:
        reasons = {user_id: directory.why_not_admitted(user_id) for user_id in config.admins}
    except SlackUnavailableError:
        return [warning("admins", "Slack could not be asked who they are", "Look again in a minute.")]
    fix = "Take it out of KLINGBOT_ADMINS: it has no say, and hears nothing."
    return [warning("admins", f"{user_id} is no admin: {why}", fix) for user_id, why in reasons.items() if why]
