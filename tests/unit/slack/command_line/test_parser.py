"""What people type after `/kling`, and what the bot makes of it."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from klingbot.slack.command_line.command_usage import EXAMPLES, FLAGS_OF, SWITCHES, USAGE
from klingbot.slack.command_line.parser import UsageError, parse
from klingbot.slack.command_line.tokenizer import clean, is_blank, plain, split, trimmed
from klingbot.slack.command_line.types import (
    AlertsQuiet,
    AlertsRetry,
    AlertsShow,
    AlertsTest,
    Approve,
    AskForAmount,
    AskForRefused,
    BudgetList,
    BudgetRemove,
    BudgetSet,
    BudgetShow,
    Cancel,
    CancelWaiting,
    ChannelRef,
    Command,
    Deny,
    DigestList,
    DigestNow,
    DigestOff,
    DigestSet,
    Generate,
    Help,
    Jobs,
    KeepWaiting,
    Menu,
    Options,
    ProjectRef,
    ProjectSet,
    ProjectShow,
    Quote,
    Reconcile,
    Requests,
    ScopeRef,
    Thaw,
    Usage,
    UserRef,
    Withdraw,
    WorkspaceRef,
    WriteOff,
)

FOX = "a fox in the snow"


def options(text: str) -> Options:
    command = parse(text)
    assert isinstance(command, Generate | Quote)
    return command.options


def refusal(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse(text)
    return caught.value


# What each command means.


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (f"generate {FOX}", Generate(Options(FOX))),
        (f"GENERATE {FOX}", Generate(Options(FOX))),
        ("quote", Quote(Options(""))),
        ("quote --duration 10", Quote(Options("", duration_seconds=10))),
        ("budget", BudgetList()),
        ("budget list", BudgetList()),
        ("budget show marketing", BudgetShow(ProjectRef("marketing"))),
        ("budget set workspace --credits 10,000", BudgetSet(WorkspaceRef(), "monthly", millicredits=10_000_000)),
        ("budget set workspace --usd $600", BudgetSet(WorkspaceRef(), "monthly", microusd=600_000_000)),
        ("budget set workspace --usd none", BudgetSet(WorkspaceRef(), "monthly", microusd=0)),
        ("budget set workspace --forecast off", BudgetSet(WorkspaceRef(), "monthly", forecast=False)),
        ("budget set workspace --spike=ON", BudgetSet(WorkspaceRef(), "monthly", spike=True)),
        ("budget set workspace --alert 50", BudgetSet(WorkspaceRef(), "monthly", thresholds=(50,))),
        (
            "budget set marketing --approvers <@U1|bob>,@carol --usd 5",
            BudgetSet(
                ProjectRef("marketing"),
                "monthly",
                microusd=5_000_000,
                approvers=(UserRef("U1", "bob"), UserRef(None, "carol")),
            ),
        ),
        (
            "budget set marketing --approvers none",
            BudgetSet(ProjectRef("marketing"), "monthly", approvers=()),
        ),
        ("ask abc123", AskForRefused("abc123", "")),
        ('ask `abc123` --reason "launch week"', AskForRefused("abc123", "launch week")),
        (
            "ask marketing --credits 40 --period week --until 2026-12-31",
            AskForAmount(ProjectRef("marketing"), "weekly", "", 40_000, None, date(2026, 12, 31)),
        ),
        ("requests", Requests()),
        ("approve abc123", Approve("abc123")),
        ("approve abc123 --usd 3", Approve("abc123", None, 3_000_000)),
        ('deny abc123 --reason "next month"', Deny("abc123", "next month")),
        ("withdraw abc123", Withdraw("abc123")),
        ("budget marketing", BudgetShow(ProjectRef("marketing"))),
        ("budget <@U1|bob>", BudgetShow(UserRef("U1", "bob"))),
        (
            "Budget Set <@U1|bob> --Period WEEKLY --credits 1.5 --usd 1,250.50 --alert 100,80 --channel <#C1|finance>",
            BudgetSet(UserRef("U1", "bob"), "weekly", 1_500, 1_250_500_000, (80, 100), ChannelRef("C1", "finance")),
        ),
        ("budget remove marketing", BudgetRemove(ProjectRef("marketing"), "monthly")),
        ("budget remove marketing --period day", BudgetRemove(ProjectRef("marketing"), "daily")),
        ("usage", Usage(None, "monthly", None)),
        ("usage @bob --period week --by Model", Usage(UserRef(None, "bob"), "weekly", "model")),
        ("project", ProjectShow()),
        ("project Summer-Sale", ProjectSet("summer-sale")),
        ("project default", ProjectSet("default")),
        ("jobs", Jobs()),
        ("jobs all", Jobs(everybody=True)),
        ("jobs <@U1|bob>", Jobs(UserRef("U1", "bob"))),
        ("cancel waiting", CancelWaiting()),
        ("keep-waiting `7f3a`", KeepWaiting("7f3a")),
        ("write-off `7f3a` Kling is  “down”", WriteOff("7f3a", "Kling is “down”")),
        ("thaw", Thaw()),
        ("reconcile", Reconcile()),
        ("cancel 7f3a", Cancel("7f3a")),
        ("cancel #7f3a", Cancel("7f3a")),
        ("cancel `7f3a`", Cancel("7f3a")),
        ("cancel `#7f3a`", Cancel("7f3a")),
        ("", Menu()),
        ("  \n ", Menu()),
        ("\u200b", Menu()),
        ("help", Help(None)),
        ("--help", Help(None)),
        ("help budget set", Help("budget set")),
        ("help Generate", Help("generate")),
        ("generate --help", Help("generate")),
        ("budget set —help", Help("budget set")),
    ],
)
def test_a_command_means(text: str, command: Command) -> None:
    assert parse(text) == command


def test_every_option_of_a_video_is_understood_at_once() -> None:
    text = (
        f"generate {FOX} --duration 10 --model Kling-Pro --resolution 1080P --audio --aspect 16x9"
        ' --negative "Blurry, text" --image https://example.com/Fox.png --project Marketing'
    )
    assert options(text) == Options(
        prompt=FOX,
        duration_seconds=10,
        model="kling-pro",
        resolution="1080p",
        audio=True,
        aspect="16:9",
        negative="Blurry, text",
        image_url="https://example.com/Fox.png",
        project="marketing",
    )


def test_quote_takes_what_generate_takes() -> None:
    rest = f'{FOX} --duration 5s --audio --negative "blurry"'
    assert options(f"quote {rest}") == options(f"generate {rest}")


def test_every_flag_in_a_usage_line_is_taken_and_every_flag_taken_is_in_it() -> None:
    for command, usage in USAGE.items():
        in_usage = {word.strip("[]").split("=")[0] for word in usage.split() if word.startswith("[--")}
        assert in_usage == {f"--{flag}" for flag in FLAGS_OF.get(command, ())}


def test_every_example_value_shown_to_people_is_itself_accepted() -> None:
    for command, flags in FLAGS_OF.items():
        subject = {
            "generate": FOX,
            "quote": FOX,
            "digest": "marketing weekly",
            "alerts quiet": "#finance 22-8",
            "budget unlimited": "off",
        }.get(command, "marketing")
        command, subject = ("digest", "marketing now") if command == "digest now" else (command, subject)
        for flag in set(flags) - SWITCHES:
            limit = "--usd 1" if command == "budget set" and flag not in ("credits", "usd") else ""
            limit = "--ceiling 1" if (command, flag) == ("rules", "reason") else limit
            parse(f"{command} {subject} --{flag} {EXAMPLES[flag]} {limit}")


# Flags: anywhere, with any dash, once.


@pytest.mark.parametrize(
    "flag",
    [
        "--duration 10",
        "--duration=10",
        "—duration 10",
        "—duration=10",
        "–duration 10",
        "––duration 10",
        "——duration=10",
        "—-duration 10",
        "-–duration 10",
        "-duration 10",
        "-Duration=10",
        "--Duration 10",
        "--duration 10s",
        "--duration 10 s",
        "--duration 10 seconds",
        "--duration=10 sec",
        "--duration “10”",
        "--duration='10'",
        "--duration 010",
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        "generate {flag} a fox in snow",
        "generate a fox {flag} in snow",
        "generate a fox in snow {flag}",
        "{flag} generate a fox in snow",
    ],
)
def test_a_flag_is_understood_with_any_dash_and_in_any_place(flag: str, form: str) -> None:
    assert options(form.format(flag=flag)) == Options("a fox in snow", duration_seconds=10)


@pytest.mark.parametrize("separator", [" ", "\n", "\t", "\u00a0", "  "])
def test_any_white_space_separates_a_flag_from_its_value(separator: str) -> None:
    assert options(f"generate a fox{separator}--duration{separator}10") == Options("a fox", duration_seconds=10)


@pytest.mark.parametrize(
    ("flag", "audio", "silent"),
    [
        ("--audio", True, False),
        ("--audio=on", True, False),
        ("--audio=OFF", False, True),
        ("--audio off", False, True),
        ("--audio on --duration 5", True, False),
        ("", False, False),
    ],
)
def test_audio_is_a_switch(flag: str, audio: bool, silent: bool) -> None:
    asked = options(f"generate {FOX} {flag}")
    assert (asked.prompt, asked.audio, asked.silent) == (FOX, audio, silent)


def test_a_switch_leaves_the_next_word_to_the_prompt() -> None:
    assert options("generate a fox --audio in the snow") == Options(FOX, audio=True)


def test_a_prompt_in_quotes_is_never_taken_for_a_flags_unit_or_switch() -> None:
    assert options('generate --duration 5 "seconds"') == Options("seconds", duration_seconds=5)
    assert options('generate --audio "off"') == Options("off", audio=True)


def test_an_on_or_off_that_may_be_the_prompts_is_asked_about_rather_than_guessed() -> None:
    sentence = refusal("generate a ship --audio off the coast").sentence
    assert sentence == (
        "It is unclear whether “off” belongs to --audio or to the prompt. Write --audio=off, or put --audio at the end."
    )
    assert options("generate a ship --audio=off the coast") == Options("a ship the coast", silent=True)


@pytest.mark.parametrize("typed", ["16:9", "16x9", "16X9", "16×9", "16/9"])
def test_an_aspect_is_normalised(typed: str) -> None:
    assert options(f"generate {FOX} --aspect {typed}").aspect == "16:9"


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://example.com/a.png", "https://example.com/a.png"),
        ("<https://example.com/a.png>", "https://example.com/a.png"),
        ("<http://example.com/a.png|example.com/a.png>", "http://example.com/a.png"),
        ("<https://example.com/a.png?x=1&amp;y=2|a picture>", "https://example.com/a.png?x=1&y=2"),
        ('"https://example.com/a.png"', "https://example.com/a.png"),
    ],
)
@pytest.mark.parametrize("joint", [" ", "="])
def test_a_picture_is_taken_out_of_slacks_link(typed: str, url: str, joint: str) -> None:
    assert options(f"generate {FOX} --image{joint}{typed}") == Options(FOX, image_url=url)


# Prompts: as typed.


@pytest.mark.parametrize(
    ("typed", "prompt"),
    [
        ('"a fox"', "a fox"),
        ("“a fox”", "a fox"),
        ("‘a fox’", "a fox"),
        ("'a fox'", "a fox"),
        ("«a fox»", "a fox"),
        ("„a fox“", "a fox"),
        ('"a fox”', "a fox"),
        ("“a fox“", "a fox"),
        ("”a fox”", "a fox"),
        ("'the fox's den'", "the fox's den"),
        ("‘the fox’s den’", "the fox’s den"),
        ('"a man says “hello” loudly"', "a man says “hello” loudly"),
        ('"a shirt that says --audio"', "a shirt that says --audio"),
        ("a fox's den", "a fox's den"),
        ("rock 'n' roll", "rock 'n' roll"),
        ('a sign says "OPEN" above a door', 'a sign says "OPEN" above a door'),
        ('"a fox".', '"a fox".'),
        ('"a fox", "a dog"', '"a fox", "a dog"'),
        ('a shirt says "--audio"', 'a shirt says "--audio"'),
        ("A  Fox\n  at  Dawn", "A  Fox\n  at  Dawn"),
        ("a fox -- running — fast – and – far", "a fox -- running — fast – and – far"),
        ("a fox—running 16-9 -fast --5", "a fox—running 16-9 -fast --5"),
        ("a fox -d -5 - hidden", "a fox -d -5 - hidden"),
        ("sci-fi, half-audio -audiobook -durations", "sci-fi, half-audio -audiobook -durations"),
        ('a shirt says "-audio -duration 10" in red', 'a shirt says "-audio -duration 10" in red'),
        ('"a fox -duration 10"', "a fox -duration 10"),
        ("fish &amp; chips &lt;3 &gt; all", "fish & chips <3 > all"),
        ("the word &amp;lt;", "the word &lt;"),
        ("<@U1|bob> meets <@U2>", "@bob meets @U2"),
        ("a wall in <#C1|finance> and <#C2|>", "a wall in #finance and #C2"),
        ("<!here> <!subteam^S1|@design> <!subteam^S2>", "@here @design @S2"),
        ("like <http://x.com|x.com> or <https://y.com/?a&amp;b>", "like x.com or https://y.com/?a&b"),
        ("at <https://x.com|fish &amp; chips>", "at fish & chips"),
        ("write <mailto:a@b.c|a@b.c>", "write a@b.c"),
        ("a\x00 fox\x07 \x1b[31mred\x9b \ud800", "a fox [31mred"),
        ("a fox\r\nat dawn\rin snow", "a fox\nat dawn\nin snow"),
        ("🦊 👩‍🚀 لعبة", "🦊 👩‍🚀 لعبة"),
        ("help me budget", "help me budget"),
    ],
)
def test_a_prompt_keeps_what_was_typed(typed: str, prompt: str) -> None:
    assert options(f"generate {typed}") == Options(prompt)
    assert options(f"generate {typed} --audio") == Options(prompt, audio=True)


def test_a_quote_that_nothing_closes_is_plain_text_in_a_prompt() -> None:
    assert options('generate "a fox --duration 10 runs') == Options('"a fox runs', duration_seconds=10)


def test_a_quote_that_nothing_closes_is_a_mistake_in_a_flags_value() -> None:
    assert refusal(f"generate {FOX} --negative “blurry, low quality").sentence == (
        "The quote after --negative is never closed. Close it where the value ends."
    )


def test_a_prompt_of_exactly_3072_characters_is_taken_however_long_its_escapes_are() -> None:
    assert options("generate " + "&amp;" * 3_072).prompt == "&" * 3_072


def test_a_prompt_over_3072_characters_is_refused_with_the_numbers() -> None:
    error = refusal("generate " + "x" * 3_303)
    assert error.sentence == ("The prompt is 3,303 characters long and Kling takes up to 3,072. Shorten it by 231.")
    assert error.usage == USAGE["generate"]


def test_a_negative_prompt_over_2500_characters_is_refused_with_the_numbers() -> None:
    assert refusal(f'generate {FOX} --negative "{"y" * 2_501}"').sentence == (
        "The negative prompt is 2,501 characters long and Kling takes up to 2,500. Shorten it by 1."
    )


# Scopes, people, channels.


@pytest.mark.parametrize(
    ("typed", "scope"),
    [
        ("workspace", WorkspaceRef()),
        ("WorkSpace", WorkspaceRef()),
        ("marketing", ProjectRef("marketing")),
        ("Marketing_2.0-x", ProjectRef("marketing_2.0-x")),
        ("default", ProjectRef("default")),
        ("project:Marketing", ProjectRef("marketing")),
        ("project:daily", ProjectRef("daily")),
        ("<http://acme.io|acme.io>", ProjectRef("acme.io")),
        ("<@U1|bob>", UserRef("U1", "bob")),
        ("<@U1>", UserRef("U1", None)),
        ("@bob", UserRef(None, "bob")),
        ('"@Bob Smith"', UserRef(None, "Bob Smith")),
        ("user:U123", UserRef("U123", None)),
        ("user:@bob", UserRef(None, "bob")),
        ("user:bob", UserRef(None, "bob")),
        ("USER:<@U1|bob>", UserRef("U1", "bob")),
        ("a" * 40, ProjectRef("a" * 40)),
    ],
)
def test_a_scope_is_understood_as_slack_escapes_it_and_as_typed(typed: str, scope: ScopeRef) -> None:
    assert parse(f"budget show {typed}") == BudgetShow(scope)
    assert parse(f"usage {typed}") == Usage(scope, "monthly")


def test_a_mention_that_somebody_spelt_out_is_not_taken_for_one() -> None:
    # Slack sends a typed `<@U1>` as `&lt;@U1&gt;`; only Slack itself can send the real thing.
    assert "is not a scope" in refusal("budget show &lt;@U1|bob&gt;").sentence


@pytest.mark.parametrize(
    ("typed", "channel"),
    [
        ("<#C1|finance>", ChannelRef("C1", "finance")),
        ("<#C1|>", ChannelRef("C1", None)),
        ("<#C1>", ChannelRef("C1", None)),
        ("#Finance", ChannelRef(None, "finance")),
        ("finance_2", ChannelRef(None, "finance_2")),
        ("#büro", ChannelRef(None, "büro")),
        ("C0123ABCD", ChannelRef("C0123ABCD", None)),
    ],
)
def test_a_channel_is_understood_as_slack_escapes_it_and_as_typed(typed: str, channel: ChannelRef) -> None:
    command = parse(f"budget set workspace --usd 5 --channel {typed}")
    assert isinstance(command, BudgetSet)
    assert command.channel == channel


@pytest.mark.parametrize(
    ("typed", "thresholds"),
    [
        ("80,100", (80, 100)),
        ("100,80,80", (80, 100)),
        ("80%,100%", (80, 100)),
        ('"50, 75"', (50, 75)),
        ("80,", (80,)),
        ("80;100", (80, 100)),
        ("none", ()),
        ("default", (80, 100)),
        ("1", (1,)),
        ("200", (200,)),
    ],
)
def test_thresholds_are_ascending_and_each_once(typed: str, thresholds: tuple[int, ...]) -> None:
    command = parse(f"budget set workspace --usd 5 --alert {typed}")
    assert isinstance(command, BudgetSet)
    assert command.thresholds == thresholds


# Mistakes: what is wrong comes first, what to do comes last.

OPTIONS = "--duration, --model, --resolution, --audio, --aspect, --negative, --image, --project"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "genrate a fox",
            "Unknown command “genrate”. Did you mean generate? /kling help names them all.",
        ),
        (
            "I want to generate a fox",
            "Unknown command “I”. Did you mean generate? /kling help names them all.",
        ),
        (
            "Budget Sett marketing --usd 5",
            "Unknown word “Sett” after budget. Did you mean budget set?"
            " Write budget list, or budget show, budget set or budget remove and a scope.",
        ),
        (
            "alerts Tset",
            "Unknown word “Tset” after alerts. Did you mean alerts test? Write alerts alone, or alerts test,"
            " alerts retry or alerts quiet.",
        ),
        (
            "teleport marketing daily",
            "Unknown command “teleport”. /kling help names them all.",
        ),
        (
            "--duration 5",
            "The command is missing. Begin with one; /kling help names them all.",
        ),
        (
            "budget sett marketing --usd 5",
            "Unknown word “sett” after budget. Did you mean budget set?"
            " Write budget list, or budget show, budget set or budget remove and a scope.",
        ),
        (
            "generate a fox --durration 5",
            f"Unknown flag --durration. Did you mean --duration? generate takes {OPTIONS}.",
        ),
        (
            "generate a fox -usd 5",
            f"generate does not take --usd. Put the prompt in quotes if this belongs to it. generate takes {OPTIONS}.",
        ),
        ("generate a fox -duration 5 --duration 5", "--duration is given twice. Give it once."),
        ("generate a fox --dur 5", f"Unknown flag --dur. Did you mean --duration? generate takes {OPTIONS}."),
        (
            "generate a fox --duration:5",
            f"Unknown flag --duration:5. Did you mean --duration? generate takes {OPTIONS}.",
        ),
        (
            "generate a fox —jumping high",
            f"Unknown flag --jumping. Put the prompt in quotes if this belongs to it. generate takes {OPTIONS}.",
        ),
        (
            "generate a fox --usd 5",
            f"generate does not take --usd. Put the prompt in quotes if this belongs to it. generate takes {OPTIONS}.",
        ),
        (
            "budget set marketing --credit 5",
            "Unknown flag --credit. Did you mean --credits?"
            " budget set takes --period, --credits, --usd, --alert, --channel, --approvers, --forecast, --spike,"
            " --reason.",
        ),
        ("budget set workspace --spike never", "“never” is neither on nor off. Write on or off."),
        ("usage --model x", "usage does not take --model. usage takes --period, --by."),
        ("budget --usd 5", "budget does not take --usd. Leave it out: budget takes no flags."),
        ("cancel 7f3a --force", "Unknown flag --force. Leave it out: cancel takes no flags."),
        ("generate a fox --duration", "--duration needs a value, like --duration 10."),
        ("generate a fox --duration --audio", "--duration needs a value, like --duration 10."),
        ("generate a fox --duration= 5", "--duration needs a value, like --duration 10."),
        ("generate a fox --model ''", "--model needs a value, like --model kling-pro."),
        ("generate a fox --duration 5 —duration 5", "--duration is given twice. Give it once."),
        ("generate a fox --audio --audio", "--audio is given twice. Give it once."),
        ("generate a fox --audio=loud", "--audio is “loud”. Write --audio, or --audio=off for none."),
        (
            "generate a fox --audio=",
            "--audio is “”. Write --audio, or --audio=off for none.",
        ),
        (
            "generate a fox --duration long",
            "--duration is “long”. Give a whole number of seconds, like --duration 10.",
        ),
        ("generate a fox --duration -5", "--duration is “-5”. Give a whole number of seconds, like --duration 10."),
        ("generate a fox --duration 2.5", "--duration is “2.5”. Give a whole number of seconds, like --duration 10."),
        (
            "generate a fox --duration 0s",
            "--duration must be more than zero. Give it in seconds, like --duration 10.",
        ),
        (
            "generate a fox --duration 86400",
            "--duration “86400” is longer than any video. Give it in seconds, like --duration 10.",
        ),
        (
            "generate a fox --image fox.png",
            "--image is “fox.png”. Give the web address of a picture, like --image https://example.com/fox.png.",
        ),
        (
            "generate a fox --image <mailto:a@b.c|a@b.c>",
            "--image is “a@b.c”. Give the web address of a picture, like --image https://example.com/fox.png.",
        ),
        (
            "generate a fox --project 'two words'",
            "“two words” is not a project's name. Use up to 40 letters (a to z), digits, dots, dashes and"
            " underscores, beginning with a letter or digit.",
        ),
        (
            "project Workspace",
            "A project cannot be called workspace: that word means everybody. Choose another name.",
        ),
        (
            f"generate a fox --model {'m' * 101}",
            "The value of --model is too long: 101 characters, and 100 is the most. Write it like --model kling-pro.",
        ),
        ("budget show", "The scope is missing. Add workspace, @user or a project's name."),
        ("budget remove --period daily", "The scope is missing. Add workspace, @user or a project's name."),
        (
            "budget show <#C1|finance>",
            "“#finance” is not a scope. Write workspace, @user or a project's name (up to 40 letters, digits,"
            " dots, dashes and underscores).",
        ),
        ("budget show @", "“@” is nobody's name. Write a person like @bob."),
        ("budget show user:", "“” is nobody's name. Write a person like @bob."),
        ("budget show <@U1", "“<@U1” is nobody's name. Write a person like @bob."),
        ("budget show @" + "b" * 81, f"“@{'b' * 38}…” is nobody's name. Write a person like @bob."),
        (
            "usage daily",
            "“daily” is a period, not a scope. Write --period daily, or project:daily for a project.",
        ),
        *(
            (
                text,
                "The scope and the limit are missing. Write workspace, @user or a project's name, and --credits, --usd"
                " or both, like /kling budget set workspace --usd 600.",
            )
            for text in ("budget set", "budget set --period daily")
        ),
        ("budget set --usd 600", "The scope is missing. Add workspace, @user or a project's name."),
        ("budget set marketing", "The limit is missing. Give --credits, --usd or both, like --usd 600."),
        ("budget set marketing --period daily", "The limit is missing. Give --credits, --usd or both, like --usd 600."),
        ("ask", "The request is missing. Copy its id from the refusal, or from /kling requests."),
        ("ask x --until soon", "--until is “soon”. Give a day, like --until 2026-12-31."),
        ("approve", "The request is missing. Copy its id from the refusal, or from /kling requests."),
        ("deny (x)", "“(x)” is not a request's id. Copy it from the refusal, or from /kling requests."),
        (
            "approve x --credits none",
            "--credits: “none” is not an amount of credits; write it like 10000, 10,000 or 1.5.",
        ),
        ("budget set marketing --usd 0", "--usd: USD must be more than zero, got 0."),
        ("budget set marketing --usd -5", "--usd: USD must be more than zero, got -5."),
        (
            "budget set marketing --credits 1.2345",
            "--credits: credits can have at most 3 decimals, got 1.2345.",
        ),
        (
            "budget set marketing --credits 10.000",
            "--credits: 10.000 may mean 10 or 10,000; write 10 or 10000.",
        ),
        (
            "ask marketing --usd 1.000",
            "--usd: 1.000 may mean 1 or 1,000; write 1 or 1000.",
        ),
        (
            "budget set marketing --credits 9999999999",
            "--credits: 9,999,999,999 credits is more than Klingbot can keep; the most is 1,000,000,000.",
        ),
        (
            "budget set marketing --credits lots",
            "--credits: “lots” is not an amount of credits; write it like 10000, 10,000 or 1.5.",
        ),
        (
            "budget set marketing --usd 5 --period fortnight",
            "Unknown period “fortnight”. Write --period daily, weekly or monthly.",
        ),
        (
            "usage --period montly",
            "Unknown period “montly”. Did you mean monthly? Write --period daily, weekly or monthly.",
        ),
        ("usage --by users", "Unknown --by “users”. Did you mean user? Write --by model, user, project or day."),
        (
            "budget set marketing --usd 5 --channel @bob",
            "--channel is “@bob”. Give a channel, like --channel #finance.",
        ),
        ("budget set marketing 500 --usd 5", "Unexpected word “500”. Leave it out, or give it with its flag."),
        ("budget list everything", "Unexpected word “everything”. Leave it out, or give it with its flag."),
        ("project summer sale", "Unexpected word “sale”. Leave it out, or give it with its flag."),
        ("cancel", "The job is missing. /kling jobs shows the ids of yours."),
        ("cancel a!b", "“a!b” is not a job's id. /kling jobs shows the ids of yours."),
        ("cancel waiting please", "Unexpected word “please”. Leave it out, or give it with its flag."),
        ("jobs marketing", "Whose jobs? Write /kling jobs for yours, @ and a person's name, or all."),
        ("jobs all @bob", "Unexpected word “@bob”. Leave it out, or give it with its flag."),
        ("keep-waiting", "The job is missing. /kling jobs shows the ids of yours."),
        (
            "write-off abcdefghijkl",
            "The reason is missing. It stays in the ledger beside your name: say why nobody waits.",
        ),
        ("write-off abcdefghijkl " + "x" * 301, "The reason is 301 characters long. Say it in 300."),
        ("writeoff a no", "Unknown command “writeoff”. Did you mean write-off? /kling help names them all."),
        ("thaw now", "Unexpected word “now”. Leave it out, or give it with its flag."),
        (
            "help budgett",
            "No help about “budgett”. Did you mean help budget? /kling help names every command.",
        ),
    ],
)
def test_a_mistake_is_answered_with_a_sentence_to_act_on(text: str, sentence: str) -> None:
    error = refusal(text)
    assert error.sentence == sentence
    assert str(error) == sentence


@pytest.mark.parametrize("alert", ["0", "201", "-80", "80.5", "0.8", "often", "9999"])
def test_a_threshold_that_is_not_a_whole_percentage_is_refused(alert: str) -> None:
    assert refusal(f"budget set marketing --usd 5 --alert {alert}").sentence == (
        f"--alert is “{alert}”. Give whole percentages from 1 to 200, like --alert 80,100."
    )


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        ("nonsense", "help"),
        ("--usd 5", "help"),
        ("generate --duration x", "generate"),
        ("quote --duration x", "quote"),
        ("budget nonsense marketing", "budget"),
        ("budget show", "budget show"),
        ("budget set marketing", "budget set"),
        ("budget remove", "budget remove"),
        ("usage a b", "usage"),
        ("project a b", "project"),
        ("cancel", "cancel"),
    ],
)
def test_a_mistake_carries_the_usage_line_of_its_command(text: str, usage: str) -> None:
    assert refusal(text).usage == USAGE[usage]


def test_a_sentence_names_long_and_many_lined_words_on_one_short_line() -> None:
    sentence = refusal('budget show "' + "line\n" * 2_000 + '"').sentence
    assert "\n" not in sentence
    assert len(sentence) < 250


def test_a_sentence_carries_no_live_mention() -> None:
    for text in ("<@U1|bob> --x", "cancel <@U1|bob>", "generate a --x<!here>", "budget set a <!channel> --usd 5"):
        assert "<" not in refusal(text).sentence


# Anything at all.

TYPED = st.text(st.one_of(st.characters(), st.sampled_from(list("\"'“”‘’«»—–-= \n<>@#!|&;,$510akling"))))
VOCABULARY = """
    generate quote budget set show remove list usage project cancel help workspace
    waiting jobs all keep-waiting write-off thaw reconcile marketing a fox 5 5s 10,000 $600
    on off daily <@U1|bob> <#C1|x> @bob --duration --audio --usd --credits=5 —alert --period --by --model= --negative
    -duration -audio -usd=5 -5 --help --channel “ ” " ' -- — = &lt;
"""
WORDS = st.lists(st.sampled_from(VOCABULARY.split())).map(" ".join)


@given(st.one_of(TYPED, WORDS, WORDS.map("generate ".__add__), WORDS.map("budget set ".__add__)))
@example("\ud800")
@example("generate =--audio=")
@example("generate --duration " + "9" * 5_000)
@example("budget set x --usd " + "9" * 5_000)
def test_any_text_is_a_command_or_a_mistake_and_nothing_else(text: str) -> None:
    try:
        command = parse(text)
    except UsageError as error:
        assert error.sentence.endswith((".", "?"))
        assert error.usage in USAGE.values()
        assert "\n" not in error.sentence
    else:
        assert isinstance(command, Command)


@given(st.one_of(TYPED, WORDS))
def test_words_stand_in_order_without_overlap_and_lose_nothing_but_white_space(text: str) -> None:
    words = split(text)
    position = 0
    for word in words:
        assert word.start >= position
        assert is_blank(text[position : word.start])
        position = word.end
    assert is_blank(text[position:])


PIECES = [
    '"', '" ', ' "a', "'a ", " “", " «", "<@", "<https:", "<@U1|", "-", "— ", "--x=", " --a", " -", " -audio",
    "-audio ", "&amp;", "=\n",
]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_text_takes_a_moment_whatever_it_is_made_of(piece: str) -> None:
    text = "generate a " + piece * (200_000 // len(piece))
    began = time.perf_counter()
    with pytest.raises(UsageError):
        parse(text)
    assert time.perf_counter() - began < 20  # a quadratic step would take minutes


# What is written down comes back.

QUOTES = ['""', "“”", "«»", "‘’"]
PROSE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).map(lambda s: trimmed(clean(s)))
NAME = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
OPTION_VALUES = st.builds(
    Options,
    prompt=PROSE.filter(lambda text: not is_blank(text)),
    duration_seconds=st.none() | st.integers(1, 9_999),
    model=st.none() | NAME,
    resolution=st.none() | st.sampled_from(["720p", "1080p", "4k"]),
    audio=st.booleans(),
    aspect=st.none() | st.sampled_from(["16:9", "9:16", "1:1"]),
    negative=st.none() | PROSE.filter(lambda text: not is_blank(text)),
    image_url=st.none() | NAME.map("https://example.com/?a&b=".__add__),
    project=st.none() | NAME.filter(lambda name: name != "workspace"),
)


def slack_escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quoted(text: str) -> str:
    marks = next((pair for pair in QUOTES if not set(pair) & set(text)), None)
    assume(marks is not None)
    assert marks is not None
    return marks[0] + slack_escape(text) + marks[1]


def written(asked: Options, dashes: str, joint: str) -> list[str]:
    """The options as flags, as somebody would type them and Slack would escape them."""
    values = {
        "duration": asked.duration_seconds,
        "model": asked.model,
        "resolution": asked.resolution,
        "aspect": asked.aspect,
        "negative": asked.negative and quoted(asked.negative),
        "image": asked.image_url and f"<{slack_escape(asked.image_url)}>",
        "project": asked.project,
    }
    flags = [f"{dashes}{name}{joint}{value}" for name, value in values.items() if value is not None]
    return [*flags, *([f"{dashes}audio"] if asked.audio else [])]


@given(OPTION_VALUES, st.sampled_from(["--", "—", "–", "-"]), st.sampled_from([" ", "="]), st.data())
def test_options_written_down_in_any_order_are_read_back(
    asked: Options, dashes: str, joint: str, data: st.DataObject
) -> None:
    parts = data.draw(st.permutations([quoted(asked.prompt), *written(asked, dashes, joint)]))
    assert parse("generate " + " ".join(parts)) == Generate(asked)


VISIBLE = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1)


@given(st.lists(VISIBLE, min_size=1, max_size=6).map(" ".join))
def test_an_unquoted_prompt_without_flags_is_read_as_it_was_typed(prompt: str) -> None:
    assume(not is_blank(prompt))
    assume(not any(word.flag or word.quoted for word in split(slack_escape(prompt))))
    assume(":" not in prompt)
    try:
        assert options("generate " + slack_escape(prompt)).prompt == trimmed(prompt)
    except UsageError as mistake:
        assert "looks like an option" in mistake.sentence


@given(st.text())
def test_what_slack_escapes_is_unescaped_to_what_was_typed(text: str) -> None:
    assume(":" not in text)
    assert plain(slack_escape(text)) == text


# Digests.


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("digest", DigestList()),
        ("digest list", DigestList()),
        ("Digest LIST", DigestList()),
        ("digest list --help", Help("digest list")),
        ("digest project:list", DigestList(ProjectRef("list"))),
        ("digest list weekly", DigestSet(ProjectRef("list"), "weekly")),
        ("digest list now", DigestNow(ProjectRef("list"))),
        ("digest marketing", DigestList(ProjectRef("marketing"))),
        ("digest workspace weekly", DigestSet(WorkspaceRef(), "weekly")),
        ("digest marketing Week --at 9", DigestSet(ProjectRef("marketing"), "weekly", 540)),
        ("digest --at=17:30 <@U1|bob> daily", DigestSet(UserRef("U1", "bob"), "daily", 1050)),
        ("digest marketing monthly —at 9am —channel #finance",
         DigestSet(ProjectRef("marketing"), "monthly", 540, ChannelRef(None, "finance"))),
        ("digest marketing off", DigestOff(ProjectRef("marketing"))),
        ("digest marketing off --channel <#C1|finance>",
         DigestOff(ProjectRef("marketing"), ChannelRef("C1", "finance"))),
        ("digest marketing now", DigestNow(ProjectRef("marketing"))),
        ("digest marketing NOW --period month", DigestNow(ProjectRef("marketing"), "monthly")),
    ],
)  # fmt: skip
def test_digests_are_set_shown_and_turned_off(text: str, command: object) -> None:
    assert parse(text) == command


@pytest.mark.parametrize(
    ("typed", "minute"),
    [("0", 0), ("00:00", 0), ("9", 540), ("09:05", 545), ("9.30", 570), ("9h30", 570), ("12am", 0), ("12 pm", 720),
     ("11:59PM", 1439), ("23:59", 1439)],
)  # fmt: skip
def test_a_time_of_day_is_read_as_people_write_it(typed: str, minute: int) -> None:
    asked = parse(f'digest marketing daily --at "{typed}"')
    assert asked == DigestSet(ProjectRef("marketing"), "daily", minute)


@pytest.mark.parametrize("typed", ["24:00", "9:60", "13pm", "0am", "noon", "9:5", "-1", "1e1"])
def test_what_is_no_time_of_day_is_answered_with_one(typed: str) -> None:
    with pytest.raises(UsageError, match="Give a time of day, like --at 09:00"):
        parse(f'digest marketing daily --at "{typed}"')


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("digest marketing weakly", "“weakly” is not when a digest comes. Did you mean weekly?"),
        ("digest marketing hourly", "Write daily, weekly, monthly, off or now."),
        ("digest marketing off --at 9", "--at has no meaning with off. Leave it out."),
        ("digest marketing weekly please", "Unexpected word “please”."),
        ("digest now", "Whose digest? Write the scope first, like /kling digest workspace now."),
        ("digest weekly", "“weekly” is a period, not a scope."),
        ("digest marketing now --at 9", "digest now does not take --at."),
    ],
)
def test_a_digest_that_makes_no_sense_is_answered_with_what_does(text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text)
    assert sentence in raised.value.sentence


# Alerts.


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("alerts", AlertsShow()),
        ("alerts test", AlertsTest()),
        ("alerts test #finance", AlertsTest(ChannelRef(None, "finance"))),
        ("alerts test <#C0FINANCE1|finance>", AlertsTest(ChannelRef("C0FINANCE1", "finance"))),
        ("Alerts Retry", AlertsRetry()),
        ("alerts quiet #finance 22:00-08:00", AlertsQuiet(ChannelRef(None, "finance"), (1320, 480))),
        ("alerts quiet #finance 22:30–8 --except over", AlertsQuiet(ChannelRef(None, "finance"), (1350, 480), True)),
        ("alerts quiet --except=over finance 0-6:05", AlertsQuiet(ChannelRef(None, "finance"), (0, 365), True)),
        ("alerts quiet #finance off", AlertsQuiet(ChannelRef(None, "finance"), None)),
    ],
)
def test_alerts_are_shown_tested_put_back_and_quietened(text: str, meant: Command) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("alerts tset", "Unknown word “tset” after alerts. Did you mean alerts test?"),
        ("alerts test #a #b", "Unexpected word “#b”"),
        ("alerts test !!", "“!!” is not a channel. Write one like #finance."),
        ("alerts quiet #finance", "Say which channel and when"),
        ("alerts quiet #finance 22:00-25:00", "is not a span of hours. Write it like 22:00-08:00, or off."),
        ("alerts quiet #finance 22:60-8", "is not a span of hours"),
        ("alerts quiet #finance at night", "Unexpected word"),
        ("alerts quiet #finance 8-8:00", "begins and ends at once"),
        ("alerts quiet #finance 22-8 --except 80", "The one exception is over: budgets that are used up."),
        ("alerts quiet #finance off --except over", "--except has no meaning with off."),
    ],
)
def test_what_is_wrong_about_alerts_is_said(text: str, sentence: str) -> None:
    assert sentence in str(refusal(text))
