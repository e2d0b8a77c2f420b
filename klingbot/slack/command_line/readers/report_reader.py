"""What is said of alerts, digests and help. Pure."""

from __future__ import annotations

from klingbot.common.typo_suggestions import did_you_mean
from klingbot.slack.command_line import people_and_scopes, values
from klingbot.slack.command_line.command_usage import USAGE
from klingbot.slack.command_line.mistakes import MistakeError, shown
from klingbot.slack.command_line.parsed_command import Asked, only, reason_of, scope_of
from klingbot.slack.command_line.types import (
    AlertsQuiet,
    AlertsRetry,
    AlertsShow,
    AlertsTest,
    Command,
    DigestList,
    DigestNow,
    DigestOff,
    DigestSet,
    Help,
)


def alerts(asked: Asked) -> Command:
    return AlertsShow()


def alerts_test(asked: Asked) -> Command:
    only(asked.words, 1)
    named = bool(asked.words) and not values.is_cleared(asked.words[0].text)
    return AlertsTest(people_and_scopes.place(asked.words[0].text) if named else None)


def alerts_retry(asked: Asked) -> Command:
    only(asked.words, 0)
    return AlertsRetry()


def alerts_quiet(asked: Asked) -> Command:
    if len(asked.words) < 2:
        raise MistakeError("Say which channel and when, like /kling alerts quiet #finance 22:00-08:00, or off.")
    only(asked.words, 2)
    channel, hours = people_and_scopes.place(asked.words[0].text), values.hours(asked.words[1].text)
    excepted = asked.read("except", values.exception)
    if excepted and hours is None:
        raise MistakeError("--except has no meaning with off. Leave it out.")
    return AlertsQuiet(channel, hours, over_passes=excepted is not None)


def digest_list(asked: Asked) -> Command:
    if asked.words and asked.words[0].text.lower() in ("now", "off"):
        raise MistakeError(f"Whose digest? Write the scope first, like /kling digest workspace {asked.words[0].text}.")
    return DigestList(scope_of(asked.words) if asked.words else None)


def digest(asked: Asked) -> Command:
    scope, cadence = scope_of(asked.words[:1]), values.cadence(asked.words[1].text)
    only(asked.words, 2)
    minute, channel = asked.read("at", values.clock), asked.read("channel", people_and_scopes.channel)
    if cadence != "off":
        return DigestSet(scope, cadence, minute, channel, reason_of(asked))
    if minute is not None:
        raise MistakeError("--at has no meaning with off. Leave it out.")
    return DigestOff(scope, channel, reason_of(asked))


def digest_now(asked: Asked) -> Command:
    only(asked.words, 2)
    return DigestNow(scope_of(asked.words[:1]), asked.read("period", values.period))


def help(asked: Asked) -> Command:
    topic = " ".join(filter(None, (word.text.strip("?!.") for word in asked.words[:3]))).lower()
    if topic and topic not in USAGE:
        hint = did_you_mean(topic, USAGE, "help ")
        raise MistakeError(f"No help about {shown(topic)}.{hint} /kling help names every command.")
    return Help(topic or None)
