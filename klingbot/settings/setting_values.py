"""What the bot runs with: frozen, complete, and without a secret in its `repr`."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from klingbot.domain.periods import Calendar
from klingbot.domain.pricing import PriceList
from klingbot.kling import Credentials
from klingbot.store.backend.location import Place

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SettingsError(Exception):
    """Settings that cannot be run with; `problems` has a sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """What the ledger is kept with: enough for scripts, and for the words that need neither Slack nor Kling."""

    database: Place
    prices: PriceList
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Settings:
    """What the bot runs with. Intervals are milliseconds."""

    slack_bot_token: str = field(repr=False)
    slack_app_token: str | None = field(repr=False)
    """Socket Mode when set; HTTP otherwise."""
    slack_signing_secret: str | None = field(repr=False)
    slack_api_url: str
    kling_credentials: Credentials
    kling_api_url: str
    kling_webhook_secret: str | None = field(repr=False)
    """With it, Kling's signed callbacks are taken."""
    public_url: str | None
    """Where the bot's web server is reached from outside; set when the secret is."""
    metrics_token: str | None = field(repr=False)
    """Opens the pages for operators, such as /metrics, to those who send it; None: to nobody."""
    database: Place
    unused_file: str | None
    """What KLINGBOT_DB names although DATABASE_URL is set."""
    prices: PriceList
    calendar: Calendar
    admins: tuple[str, ...]
    """Slack user ids; empty: Slack's own admins and owners."""
    guests: bool
    """Whether guests of the workspace may use the bot."""
    alerts_channel: str | None
    poll_ms: int
    stuck_ms: int
    """How long Kling may keep a job without a verdict before the admins are asked about it."""
    keep_prompts_days: int | None
    """None: for ever."""
    host: str
    port: int | None
    """None: no web server (Socket Mode without PORT)."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed but probably not meant."""
        said = []
        if not self.prices.kling_units and urlsplit(self.kling_api_url).hostname not in LOOPBACK:
            said.append(
                f"KLINGBOT_PRICE_LIST: “{self.prices.name}” is not what {self.kling_api_url} charges; budgets will not "
                "match the bill. Set KLINGBOT_PRICE_LIST=kling-api for Kling's own prices."
            )
        if self.unused_file:
            said.append(
                f"KLINGBOT_DB: {self.unused_file} is not used, because DATABASE_URL is set. To carry a ledger over: "
                "python bot.py move --from FILE --to postgresql://…"
            )
        return tuple(said)
