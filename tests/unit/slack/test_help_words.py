"""Asking for help in the middle of a command never does anything else."""

from __future__ import annotations

import pytest

from klingbot.slack.command_line.command_usage import USAGE
from klingbot.slack.command_line.parser import parse
from klingbot.slack.command_line.types import BudgetShow, Generate, Help, Options, ProjectRef, ProjectSet, WriteOff

WORDS = [
    "help",
    "-h",
    "--help",
    "-?",
    "?",
    "HELP",
    "—help",
    "help?",
    "-help",
    "--h",
    "/?",
    "？",
    "??",
    "?!",
    "❓",
    ":question:",
    ":grey_question:",
    "؟",
    "¿?",
]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("command", USAGE)
def test_every_command_answers_a_call_for_help(command: str, word: str) -> None:
    found = parse(f"{command} {word}")
    assert found == Help(command) or (command == "help" and found == Help())


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("?", None),
        ("??", None),
        (":question:", None),
        ("-h", None),
        ("help?", None),
        ("help ?", None),
        ("generate?", "generate"),
        ("help generate?", "generate"),
        ("help budget set.", "budget set"),
        ("generate -h a fox", "generate"),
        ("generate a fox -h", "generate"),
        ("generate ? a fox", "generate"),
        ("generate --duration 10 help", "generate"),
        ("budget help set", "budget set"),
        ("project marketing ?", "project"),
        ("project help me", "project"),
        ("write-off abc ?", "write-off"),
        ("write-off abc help", "write-off"),
        ("cancel waiting ?", "cancel waiting"),
        ("digest marketing help", "digest"),
        ("rules marketing -?", "rules"),
        ("ask ?", "ask"),
    ],
)
def test_help_is_about_the_command(text: str, topic: str | None) -> None:
    assert parse(text) == Help(topic)


def test_a_prompt_may_begin_with_help_and_a_project_may_be_called_so() -> None:
    assert parse("generate help me find a fox") == Generate(Options("help me find a fox"))
    assert parse('generate "help"') == Generate(Options("help"))
    assert parse("generate un renard ?") == Generate(Options("un renard ?"))
    assert parse("project project:help") == ProjectSet("help")
    assert parse("budget show project:help") == BudgetShow(ProjectRef("help"))
    assert parse("write-off abc Kling could not help") == WriteOff("abc", "Kling could not help")
