"""One reading of the environment: each variable in turn, and every problem met on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from klingbot.common.log_format import SHAPES
from klingbot.domain.periods import WEEKDAYS, Calendar
from klingbot.domain.prices import PriceListError, load
from klingbot.domain.pricing import PriceList
from klingbot.kling import ApiKey, Credentials, KeyPair, callback_signature
from klingbot.settings.setting_values import LOOPBACK, LedgerSettings, Settings
from klingbot.settings.time_zones import zone_of
from klingbot.store.backend.location import Place, database_url

KLING_API_URL = "https://api-singapore.klingai.com"

_SLACK_ID = re.compile(r"[UW][A-Z0-9]{2,}")
_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]{2,}")
_SECRET = re.compile(r"[!-~]+")
"""Printable ASCII without spaces: what every token of Slack's and Kling's is made of, and what HTTP headers take."""

_LEAST_TOKEN = 16
"""Characters: nobody guesses so many over HTTP."""


class Reading:
    """One reading of an environment, and the problems met on the way."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.problems: list[str] = []

    def settings(self) -> Settings:
        credentials = self.credentials()
        app_token = self.token("SLACK_APP_TOKEN", "xapp-")
        self.transport()
        self.log_shape()
        ledger = self.ledger(legacy_only=isinstance(credentials, KeyPair))
        return Settings(
            slack_bot_token=self.token("SLACK_BOT_TOKEN", "xoxb-", required=True) or "",
            slack_app_token=app_token,
            slack_signing_secret=self.secret("SLACK_SIGNING_SECRET"),
            slack_api_url=self.url("SLACK_API_URL", "https://slack.com/api/"),
            kling_credentials=credentials,
            kling_api_url=self.url("KLING_API_URL", KLING_API_URL),
            kling_webhook_secret=self.webhook_secret(),
            public_url=self.url("KLINGBOT_PUBLIC_URL", "").rstrip("/") if "KLINGBOT_PUBLIC_URL" in self.env else None,
            metrics_token=self.metrics_token(),
            database=ledger.database,
            unused_file=self.env.get("KLINGBOT_DB") if "DATABASE_URL" in self.env else None,
            prices=ledger.prices,
            calendar=ledger.calendar,
            admins=self.admins(),
            guests=self.switch("KLINGBOT_GUESTS"),
            alerts_channel=self.alerts_channel(),
            poll_ms=self.poll_ms(),
            stuck_ms=(self.whole("KLINGBOT_STUCK_HOURS", 1, 720) or 24) * 3_600_000,
            keep_prompts_days=self.whole("KLINGBOT_KEEP_PROMPTS_DAYS", 1, 36_500),
            host=self.env.get("HOST", "0.0.0.0"),
            port=self.whole("PORT", 1, 65535) or (None if app_token else 3000),
        )

    def ledger(self, *, legacy_only: bool) -> LedgerSettings:
        return LedgerSettings(self.place(), self.prices(legacy_only=legacy_only), self.calendar())

    def place(self) -> Place:
        url = self.env.get("DATABASE_URL")
        if url is None:
            return Path(self.env.get("KLINGBOT_DB", "klingbot.db"))
        try:
            return database_url(url)
        except ValueError as e:
            self.problems.append(f"DATABASE_URL {e}")
            return Path("klingbot.db")

    def transport(self) -> None:
        if "SLACK_APP_TOKEN" in self.env or "SLACK_SIGNING_SECRET" in self.env:
            return
        self.problems.append(
            "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET is missing: set the app-level token (xapp-…) for Socket Mode, or "
            "the signing secret for HTTP mode."
        )

    def log_shape(self) -> None:
        shape = self.env.get("KLINGBOT_LOG", SHAPES[0])
        if shape.lower() not in SHAPES:
            self.problems.append(f"KLINGBOT_LOG must be {' or '.join(SHAPES)}, got {shape}")

    def token(self, name: str, prefix: str, *, required: bool = False) -> str | None:
        token = self.secret(name)
        if token is None and required:
            self.problems.append(
                f"{name} is missing: it starts with {prefix} and is on your Slack app's settings page."
            )
        if token is not None and not token.startswith(prefix):
            self.problems.append(f"{name} must start with {prefix}; this is another kind of token.")
        if token == prefix:
            self.problems.append(f"{name} is not filled in yet: copy it whole from your Slack app's settings page.")
        return token

    def secret(self, name: str) -> str | None:
        secret = self.env.get(name)
        if secret and not _SECRET.fullmatch(secret):
            self.problems.append(f"{name} has a space or a character that is in no token, such as “…”: copy it again.")
        return secret

    def credentials(self) -> Credentials:
        key, access, secret = (self.secret(f"KLING_{name}") for name in ("API_KEY", "ACCESS_KEY", "SECRET_KEY"))
        if key and (access or secret):
            self.problems.append("KLING_API_KEY and KLING_ACCESS_KEY/KLING_SECRET_KEY are both set: keep one of them.")
        if not key and bool(access) != bool(secret):
            missing = "KLING_SECRET_KEY" if access else "KLING_ACCESS_KEY"
            self.problems.append(f"{missing} is missing: the access key and the secret key go together.")
        if not (key or access or secret):
            self.problems.append("KLING_API_KEY is missing: make one in Kling's console (API keys).")
        return KeyPair(access, secret) if access and secret else ApiKey(key or "")

    def webhook_secret(self) -> str | None:
        secret, url = self.env.get("KLING_WEBHOOK_SECRET"), self.env.get("KLINGBOT_PUBLIC_URL")
        if secret and not callback_signature.is_secret(secret):
            self.problems.append(
                "KLING_WEBHOOK_SECRET is not a webhook secret: copy it from Kling's console; it starts with whsec_."
            )
        if secret and not url:
            self.problems.append(
                "KLINGBOT_PUBLIC_URL is missing: with KLING_WEBHOOK_SECRET, Kling must be told where its callbacks go."
            )
        if url and not secret:
            self.problems.append(
                "KLING_WEBHOOK_SECRET is missing: callbacks to KLINGBOT_PUBLIC_URL are taken only when they are signed."
            )
        if secret and "SLACK_APP_TOKEN" in self.env and "PORT" not in self.env:
            self.problems.append(
                "PORT is missing: in Socket Mode there is a web server for Kling's callbacks only when PORT is set."
            )
        return secret

    def metrics_token(self) -> str | None:
        token = self.secret("KLINGBOT_METRICS_TOKEN")
        if token and len(token) < _LEAST_TOKEN:
            self.problems.append(
                f"KLINGBOT_METRICS_TOKEN is too short to be a secret: use at least {_LEAST_TOKEN} characters. "
                'To make one: python -c "import secrets; print(secrets.token_urlsafe(32))"'
            )
        return token

    def url(self, name: str, default: str) -> str:
        url = self.env.get(name, default)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            self.problems.append(f"{name} must be a URL that starts with https://, got {url}")
        elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
            self.problems.append(f"{name} would send secrets unencrypted to {parts.hostname}; use https://")
        return url

    def prices(self, *, legacy_only: bool) -> PriceList:
        name, pack = self.env.get("KLINGBOT_PRICE_LIST", "credits"), self.whole("KLINGBOT_PACK", 1, 10**9)
        try:
            return load(name, pack=pack, legacy_only=legacy_only)
        except PriceListError as e:
            self.problems.append(f"KLINGBOT_PRICE_LIST, KLINGBOT_PACK: {e}")
            return load()

    def calendar(self) -> Calendar:
        name, start = self.env.get("KLINGBOT_TIMEZONE", "UTC"), self.env.get("KLINGBOT_WEEK_START", "monday").lower()
        zone = ZoneInfo("UTC")
        try:
            zone = zone_of(name)
        except ValueError as e:
            self.problems.append(f"KLINGBOT_TIMEZONE: {e}")
        if start not in WEEKDAYS:
            self.problems.append(f"KLINGBOT_WEEK_START must be a weekday such as monday or sunday, got {start}")
            return Calendar(zone)
        return Calendar(zone, WEEKDAYS.index(start))

    def admins(self) -> tuple[str, ...]:
        ids = tuple(re.sub("[,;]", " ", self.env.get("KLINGBOT_ADMINS", "")).split())
        for each in ids:
            if not _SLACK_ID.fullmatch(each):
                self.problems.append(f"KLINGBOT_ADMINS: {each} is not a Slack user id; they look like U012AB3CD.")
        return ids

    def switch(self, name: str) -> bool:
        """Read `on` or `off`; off where it is unset."""
        word = self.env.get(name, "off").lower()
        if word not in ("on", "off"):
            self.problems.append(f"{name} must be on or off, got {word}")
        return word == "on"

    def alerts_channel(self) -> str | None:
        channel = self.env.get("KLINGBOT_ALERTS_CHANNEL")
        if channel and not _CHANNEL_ID.fullmatch(channel):
            self.problems.append(
                f"KLINGBOT_ALERTS_CHANNEL: {channel} is not a channel's id; it looks like C012AB3CD and is at the "
                "end of the channel's details in Slack."
            )
        return channel

    def poll_ms(self) -> int:
        text = self.env.get("KLINGBOT_POLL_SECONDS", "5")
        if re.fullmatch(r"\d{1,4}(\.\d+)?", text) and 0.05 <= float(text) <= 3600:
            return round(float(text) * 1000)
        self.problems.append(f"KLINGBOT_POLL_SECONDS must be seconds from 0.05 to 3600, got {text}")
        return 5000

    def whole(self, name: str, least: int, most: int) -> int | None:
        text = self.env.get(name)
        if text is None:
            return None
        if text.isascii() and text.isdecimal() and least <= int(text) <= most:
            return int(text)
        self.problems.append(f"{name} must be a whole number from {least} to {most:,}, got {text}")
        return None
