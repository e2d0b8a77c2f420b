"""Settings: every problem at once, each naming its variable, and no secret ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import cli
from klingbot.kling import ApiKey, KeyPair
from klingbot.settings import Settings, SettingsError, environment, read
from klingbot.settings.time_zones import zone_of

SLACK = {"SLACK_BOT_TOKEN": "xoxb-secret-bot", "SLACK_APP_TOKEN": "xapp-secret-app"}
LIVE = SLACK | {"KLING_API_KEY": "api-key-kling-secret"}


def problems(env: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        read(env)
    return caught.value.problems


def test_three_tokens_are_enough() -> None:
    settings = read(LIVE)
    assert settings.prices.name == "credits"
    assert settings.prices.pack == 2000
    assert str(settings.calendar) == "UTC monday"
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.kling_api_url == "https://api-singapore.klingai.com"
    assert settings.kling_credentials == ApiKey("api-key-kling-secret")
    assert (settings.poll_ms, settings.port, str(settings.database)) == (5000, None, "klingbot.db")


def test_with_a_signing_secret_instead_of_an_app_token_the_web_server_is_on() -> None:
    env = {**LIVE, "SLACK_SIGNING_SECRET": "s", "SLACK_APP_TOKEN": ""}
    assert read(env).port == 3000


def test_in_socket_mode_the_web_server_is_on_only_when_port_is_set() -> None:
    assert read(LIVE).port is None
    assert read(LIVE | {"PORT": "8080"}).port == 8080


def test_an_empty_environment_names_everything_that_is_missing_at_once() -> None:
    said = " ".join(problems({}))
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "KLING_API_KEY"):
        assert name in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is missing"),
        ({"SLACK_BOT_TOKEN": "xapp-swapped"}, "SLACK_BOT_TOKEN must start with xoxb-"),
        ({"SLACK_BOT_TOKEN": "xoxb-"}, "SLACK_BOT_TOKEN is not filled in yet"),
        ({"SLACK_APP_TOKEN": "xapp-"}, "SLACK_APP_TOKEN is not filled in yet"),
        ({"SLACK_BOT_TOKEN": "xoxb-…"}, "SLACK_BOT_TOKEN has a space or a character that is in no token"),
        ({"SLACK_SIGNING_SECRET": "half a secret"}, "SLACK_SIGNING_SECRET has a space"),
        ({"KLING_API_KEY": "“key”"}, "KLING_API_KEY has a space or a character that is in no token"),
        ({"SLACK_APP_TOKEN": ""}, "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET is missing"),
        ({"SLACK_APP_TOKEN": "xoxb-swapped"}, "SLACK_APP_TOKEN must start with xapp-"),
        ({"KLING_API_KEY": ""}, "KLING_API_KEY is missing"),
        ({"KLING_API_KEY": "", "KLING_ACCESS_KEY": "a"}, "KLING_SECRET_KEY is missing"),
        ({"KLING_API_KEY": "", "KLING_SECRET_KEY": "s"}, "KLING_ACCESS_KEY is missing"),
        ({"KLING_ACCESS_KEY": "a", "KLING_SECRET_KEY": "s"}, "both set"),
        ({"SLACK_API_URL": "slack.com"}, "SLACK_API_URL must be a URL"),
        ({"KLING_API_URL": "http://kling.example"}, "KLING_API_URL would send secrets unencrypted"),
        ({"KLINGBOT_PRICE_LIST": "cheap"}, "KLINGBOT_PRICE_LIST, KLINGBOT_PACK: cheap is neither"),
        ({"KLINGBOT_PRICE_LIST": "kling-api", "KLINGBOT_PACK": "2000"}, "no pack of 2000 is sold"),
        ({"KLINGBOT_PACK": "-5"}, "KLINGBOT_PACK must be a whole number"),
        ({"KLINGBOT_PACK": "٥٠٠"}, "KLINGBOT_PACK must be a whole number"),
        ({"KLINGBOT_TIMEZONE": "Mars/Olympus"}, "KLINGBOT_TIMEZONE: there is no time zone “Mars/Olympus”"),
        (
            {"KLINGBOT_TIMEZONE": "EST"},
            "KLINGBOT_TIMEZONE: “EST” has no summer time. Write a place, like America/New_York",
        ),
        ({"KLINGBOT_TIMEZONE": "mst"}, "like America/Denver"),
        ({"KLINGBOT_TIMEZONE": "HST"}, "like Pacific/Honolulu"),
        ({"KLINGBOT_TIMEZONE": "GMT"}, "like Europe/London (or UTC"),
        ({"KLINGBOT_TIMEZONE": "Etc/GMT+5"}, "“Etc/GMT+5” has no summer time"),
        ({"KLINGBOT_TIMEZONE": "UTC+2"}, "“UTC+2” has no summer time"),
        ({"KLINGBOT_TIMEZONE": "PST"}, "there is no time zone “PST”. Write a place, like America/Los_Angeles."),
        ({"KLINGBOT_TIMEZONE": "europe/berlin"}, "Did you mean Europe/Berlin?"),
        ({"KLINGBOT_TIMEZONE": "../../etc/passwd"}, "KLINGBOT_TIMEZONE: there is no time zone"),
        ({"KLINGBOT_WEEK_START": "someday"}, "KLINGBOT_WEEK_START must be a weekday"),
        ({"KLINGBOT_ADMINS": "alice, U123"}, "KLINGBOT_ADMINS: alice is not a Slack user id"),
        ({"KLINGBOT_GUESTS": "yes"}, "KLINGBOT_GUESTS must be on or off, got yes"),
        ({"KLINGBOT_ALERTS_CHANNEL": "#finance"}, "KLINGBOT_ALERTS_CHANNEL: #finance is not a channel's id"),
        ({"KLINGBOT_POLL_SECONDS": "0"}, "KLINGBOT_POLL_SECONDS must be seconds"),
        ({"KLINGBOT_POLL_SECONDS": "nan"}, "KLINGBOT_POLL_SECONDS must be seconds"),
        ({"KLINGBOT_STUCK_HOURS": "0"}, "KLINGBOT_STUCK_HOURS must be a whole number"),
        ({"KLINGBOT_LOG": "xml"}, "KLINGBOT_LOG must be text or json"),
        ({"KLINGBOT_KEEP_PROMPTS_DAYS": "0"}, "KLINGBOT_KEEP_PROMPTS_DAYS must be a whole number"),
        ({"KLING_WEBHOOK_SECRET": "guess"}, "KLING_WEBHOOK_SECRET is not a webhook secret"),
        ({"KLING_WEBHOOK_SECRET": "whsec_"}, "KLING_WEBHOOK_SECRET is not a webhook secret"),
        ({"KLING_WEBHOOK_SECRET": "whsec_c2VjcmV0"}, "KLINGBOT_PUBLIC_URL is missing"),
        ({"KLINGBOT_PUBLIC_URL": "https://bot.example"}, "KLING_WEBHOOK_SECRET is missing"),
        ({"KLING_WEBHOOK_SECRET": "whsec_c2VjcmV0"}, "PORT is missing"),
        ({"KLINGBOT_PUBLIC_URL": "http://bot.example"}, "KLINGBOT_PUBLIC_URL would send secrets unencrypted"),
        ({"KLINGBOT_METRICS_TOKEN": "short"}, "KLINGBOT_METRICS_TOKEN is too short"),
        ({"KLINGBOT_METRICS_TOKEN": "two words and a half"}, "KLINGBOT_METRICS_TOKEN has a space"),
        ({"PORT": "70000"}, "PORT must be a whole number"),
        ({"DATABASE_URL": "mysql://root:hush@db/x"}, "DATABASE_URL must start with postgresql://, not mysql://"),
        ({"DATABASE_URL": "host=db password=hush"}, "DATABASE_URL must be an address like postgresql://"),
        ({"DATABASE_URL": "postgresql://u:hush@[db/x"}, "DATABASE_URL must be an address like postgresql://"),
    ],
)
def test_a_wrong_value_is_named_with_its_fix(change: dict[str, str], words: str) -> None:
    assert any(words in problem for problem in problems(LIVE | change))


def test_callbacks_want_a_secret_an_address_and_a_web_server() -> None:
    both = LIVE | {"KLING_WEBHOOK_SECRET": "whsec_c2VjcmV0", "KLINGBOT_PUBLIC_URL": "https://bot.example/"}
    settings = read(both | {"PORT": "8080"})
    assert (settings.kling_webhook_secret, settings.public_url) == ("whsec_c2VjcmV0", "https://bot.example")
    assert "c2VjcmV0" not in repr(settings)
    assert read(both | {"SLACK_SIGNING_SECRET": "s", "SLACK_APP_TOKEN": ""}).port == 3000
    assert read(LIVE).public_url is None


def test_all_problems_are_told_together() -> None:
    assert len(problems(LIVE | {"PORT": "x", "KLINGBOT_TIMEZONE": "x", "KLINGBOT_POLL_SECONDS": "x"})) == 3


def test_no_problem_and_no_repr_shows_a_secret() -> None:
    wrong = {**LIVE, "SLACK_BOT_TOKEN": "secret-1", "SLACK_APP_TOKEN": "secret-2", "PORT": "x"}
    assert "secret" not in " ".join(problems(wrong)).replace("signing secret", "")
    both = {"SLACK_SIGNING_SECRET": "secret-3", "KLINGBOT_METRICS_TOKEN": "secret-4-that-is-long"}
    assert "secret" not in repr(read(LIVE | both))


def test_a_key_pair_is_sold_only_what_the_legacy_standard_makes() -> None:
    env = {**SLACK, "KLING_ACCESS_KEY": "a", "KLING_SECRET_KEY": "s", "KLINGBOT_PRICE_LIST": "kling-api"}
    settings = read(env)
    assert isinstance(settings.kling_credentials, KeyPair)
    assert "kling-3.0-turbo" not in settings.prices.models
    assert "kling-3.0" in settings.prices.models


def warned(**change: str) -> bool:
    settings: Settings = read(LIVE | change)
    return bool(settings.warnings)


def test_start_up_warns_when_the_seeds_credits_meet_a_real_host() -> None:
    assert warned()
    assert not warned(KLINGBOT_PRICE_LIST="kling-api")
    assert not warned(KLING_API_URL="http://127.0.0.1:9/kling")


def test_the_environment_wins_over_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PORT=1\nHOST=from-file\n")
    monkeypatch.setenv("PORT", "2")
    monkeypatch.delenv("HOST", raising=False)
    values = environment(tmp_path / ".env")
    assert (values["PORT"], values["HOST"]) == ("2", "from-file")


def test_the_example_as_it_is_copied_names_what_is_to_be_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "KLING_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    said = " ".join(problems(environment(Path(__file__).parents[3] / ".env.example")))
    for name in ("SLACK_BOT_TOKEN is not filled in", "SLACK_APP_TOKEN is not filled in", "KLING_API_KEY is missing"):
        assert name in said


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (b"PORT=1\nKLINGBOT ADMINS=U012AB3CD\n", ".env, line 2, is not NAME=value"),
        (b'HOST="unclosed\nPORT=1\n', ".env, line 1, is not NAME=value"),
        (b"KLINGBOT_TIMEZONE=\xe9\xff\n", "not UTF-8 text"),
    ],
)
def test_an_env_file_that_cannot_be_read_ends_with_a_sentence(tmp_path: Path, written: bytes, words: str) -> None:
    (tmp_path / ".env").write_bytes(written)
    with pytest.raises(SettingsError, match=words):
        environment(tmp_path / ".env")


def test_every_word_says_what_is_wrong_with_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes(b"\xff")
    monkeypatch.chdir(tmp_path)
    for word in ([], ["doctor", "--offline"], ["migrate"], ["backup", "copy.db"], ["export"], ["sandbox"]):
        ended = CliRunner().invoke(cli, word)
        assert ended.exit_code == 2
        assert ".env cannot be read: it is not UTF-8 text" in ended.output


@pytest.mark.parametrize(
    "name", ["UTC", "Etc/UTC", "Europe/Berlin", "America/Phoenix", "EST5EDT", "CET", "Pacific/Honolulu"]
)
def test_a_time_zone_that_says_what_is_meant_is_taken(name: str) -> None:
    assert zone_of(name).key == name
