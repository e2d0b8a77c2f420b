"""Options as phones, keyboards and copied text write them: each is the option that was meant, or is asked about.

What must never happen is another video than the one that was wanted: it is paid for.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingbot.slack.command_line.parser import UsageError, parse
from klingbot.slack.command_line.slack_encoding import clean
from klingbot.slack.command_line.types import (
    Approve,
    BudgetSet,
    ChannelRef,
    Command,
    DefaultChannel,
    DigestOff,
    DigestSet,
    Generate,
    Options,
    ProjectRef,
    ProjectSet,
    RulesSet,
    UserRef,
    WorkspaceRef,
)

HYPHENS = "-\u2010\u2011\u2043\u2212\ufe63\uff0d\u058a\u1806\u02d7\u00ad"
DASHES = "\u2012\u2013\u2014\u2015\ufe58\u2e3a"
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u200e\u200f\u202a\u202c\u202e\u2066\u2069\ufe0f"
SPACES = " \u00a0\u202f\u3000\u2003\u2009\t\n\u1680\u205f"
QUOTES = ['""', "“”", "„“", "«»", "‹›", "‘’", "‚‘", "''", "„”", "””", "＂＂", "「」", "『』", "``", "〝〞", "»«", "´´"]

PLAIN = Options("a fox in the snow")
WISHES = {
    "duration": ("10", replace(PLAIN, duration_seconds=10)),
    "model": ("kling-pro", replace(PLAIN, model="kling-pro")),
    "resolution": ("1080p", replace(PLAIN, resolution="1080p")),
    "aspect": ("16:9", replace(PLAIN, aspect="16:9")),
    "audio": ("on", replace(PLAIN, audio=True)),
    "negative": ('"blurry, text"', replace(PLAIN, negative="blurry, text")),
    "image": ("<https://x.com/a.png>", replace(PLAIN, image_url="https://x.com/a.png")),
    "project": ("marketing", replace(PLAIN, project="marketing")),
}


def sentence(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(text)
    return caught.value.sentence


def outcome(text: str) -> Command | None:
    """Return the command; None where the person is asked."""
    try:
        return parse(text)
    except UsageError:
        return None


@pytest.mark.parametrize("dash", [*HYPHENS, *DASHES])
@pytest.mark.parametrize("name", WISHES)
def test_any_dash_before_an_options_name_makes_an_option(name: str, dash: str) -> None:
    value, wanted = WISHES[name]
    for dashes in (dash, dash * 2):
        assert parse(f"generate a fox in the snow {dashes}{name} {value}") == Generate(wanted)
        assert parse(f"generate a fox in the snow {dashes}{name}={value}") == Generate(wanted)
        assert outcome(f"generate {dashes}{name} {value} a fox in the snow") in (Generate(wanted), None)


@pytest.mark.parametrize("unseen", UNSEEN)
@pytest.mark.parametrize("name", WISHES)
def test_marks_of_no_width_change_no_option(name: str, unseen: str) -> None:
    value, wanted = WISHES[name]
    for typed in (
        f"{unseen}--{name} {value}",
        f"--{unseen}{name} {value}",
        f"-{unseen}-{name} {value}",
        f"--{name[:2]}{unseen}{name[2:]} {value}",
        f"--{name}{unseen} {value}",
        f"--{name} {unseen}{value}",
        f"--{name} {value}{unseen}",
        f"{unseen} --{name}={unseen}{value}",
    ):
        assert parse(f"{unseen}generate a fox in the snow {typed}") == Generate(wanted), ascii(typed)


@pytest.mark.parametrize("space", SPACES)
def test_any_space_separates(space: str) -> None:
    text = f"generate{space}a fox in the snow{space}--duration{space}10{space}--negative{space}blurry"
    assert parse(text) == Generate(replace(PLAIN, duration_seconds=10, negative="blurry"))


@pytest.mark.parametrize("marks", QUOTES)
def test_any_quotes_keep_a_value_and_a_prompt_together(marks: str) -> None:
    quoted, prompt = f"{marks[0]}blurry, text{marks[1]}", f"{marks[0]}a fox in the snow{marks[1]}"
    wanted = Generate(replace(PLAIN, negative="blurry, text"))
    assert parse(f"generate a fox in the snow --negative {quoted}") == wanted
    assert parse(f"generate --negative={quoted} {prompt}") == wanted
    kept = Generate(Options("--audio at dawn"))
    assert outcome(f"generate {marks[0]}--audio at dawn{marks[1]}") == (None if marks in ("``", "´´") else kept)


def test_japanese_quotes_inside_a_prompt_stay() -> None:
    assert parse("generate 「狐」が「雪」を見る") == Generate(Options("「狐」が「雪」を見る"))


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("－－ｄｕｒａｔｉｏｎ　１０", replace(PLAIN, duration_seconds=10)),
        ("--duration １０秒", None),
        ("--duration １０ｓ", replace(PLAIN, duration_seconds=10)),
        ("--duration＝１０", replace(PLAIN, duration_seconds=10)),
        ("--duration ١٠", replace(PLAIN, duration_seconds=10)),
        ("--duration १०", replace(PLAIN, duration_seconds=10)),
        ("--duration 𝟏𝟎", replace(PLAIN, duration_seconds=10)),
        ("--duration 10 min", None),
        ("--duration <tel:10|10>", replace(PLAIN, duration_seconds=10)),
        ("--aspect １６：９", replace(PLAIN, aspect="16:9")),
        ("--aspect 16∶9", replace(PLAIN, aspect="16:9")),
        ("--duration 10, ", replace(PLAIN, duration_seconds=10)),
        ("--audio no", replace(PLAIN, silent=True)),
        ("--audio=yes;", replace(PLAIN, audio=True)),
        ("--audio no people", None),
        ("--resolution １０８０ｐ", replace(PLAIN, resolution="1080p")),
        ("--model ｋｌｉｎｇ－ｐｒｏ", replace(PLAIN, model="kling-pro")),
        ("--model kling–pro", replace(PLAIN, model="kling-pro")),
        ("--model kling‑pro", replace(PLAIN, model="kling-pro")),
        ("--model `kling-pro`", replace(PLAIN, model="kling-pro")),
        ("--project ｍarketing", replace(PLAIN, project="marketing")),
    ],
)
def test_other_digits_and_full_width_signs_are_read(typed: str, wanted: Options | None) -> None:
    assert outcome(f"generate a fox in the snow {typed}") == (wanted and Generate(wanted))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("budget set workspace --credits １０，０００", BudgetSet(WorkspaceRef(), "monthly", millicredits=10_000_000)),
        ("budget set workspace --credits <tel:10000|10,000>", BudgetSet(WorkspaceRef(), "monthly", 10_000_000)),
        ("budget set workspace --credits <tel:1000000|1000000>", BudgetSet(WorkspaceRef(), "monthly", 1_000_000_000)),
        ("budget set workspace --credits '10\u202f000'", BudgetSet(WorkspaceRef(), "monthly", 10_000_000)),
        ("budget set workspace --usd ＄６００．５０", BudgetSet(WorkspaceRef(), "monthly", microusd=600_500_000)),
        ("budget set workspace --alert ８０％，１００％", BudgetSet(WorkspaceRef(), "monthly", thresholds=(80, 100))),
        ("budget set ＠bob --usd 5", BudgetSet(UserRef(None, "bob"), "monthly", microusd=5_000_000)),
        ("approve <tel:123456789012|123456789012> --credits <tel:500|500>", Approve("123456789012", 500_000)),
        ("digest workspace daily --at ０９：３０", DigestSet(WorkspaceRef(), "daily", 570)),
    ],
)
def test_amounts_and_names_are_read_as_slack_and_other_keyboards_write_them(text: str, wanted: Command) -> None:
    assert parse(text) == wanted


# What looks like an option and would be paid for as a part of the prompt.


@pytest.mark.parametrize(
    "typed",
    [
        "`--duration 10`",
        "-duration10",
        "-duration-10",
        "/duration 10",
        "__duration 10",
        "=duration 10",
        "+ duration 10",
        "• duration 10",
        "--“duration” 10",
        ":heavy_minus_sign::heavy_minus_sign:duration 10",
        "-durаtion 10",
        "-length 10",
        "-time=10",
        "-no-audio",
        "-silent",
        "-1080p",
        "--10s",
        "— 10s",
        "--4k",
        "-kling-pro",
        "— duration 10",
        "-- duration 10",
        "- duration 10",
        "– audio",
        "— model kling-pro",
        "- duration",
        "ーーduration 10",
        "—— aspect 16:9",
        "— durration 10",
        "-- dur 10",
        "-durration 10",
        "-dur 10",
        "-d 10",
        "-dur=10",
        "-duration: 10",
        "-audio, loud",
        "snow--duration 10",
        "snow—duration 10",
        "snow,--audio",
        "(--audio)",
        "snow-duration 10",
        "snow-aspect=16:9",
        '"--duration 10',
        "“—duration 10",
        "duration=10",
        "aspect:16:9",
        "model=kling-pro",
        "\u200b— \u200bduration 10",
        "－ ｄｕｒａｔｉｏｎ １０",
        "--negative blurry text",
        "--negative = blurry",
        "--negative - blurry",
        "--negative blurry, text",
        '--negative "blurry, --duration 10 "text"',
        "'tis dark --duration 10 in the dogs' den",
        "--duration 10 minutes",
        "¯duration 10",
        "ˉduration=10",
        "╴duration 10",
        "‾duration 10",
        "⁓duration: 10",
        "a\u0335duration 10".removeprefix("a"),
        "→aspect 16:9",
        "#model kling-pro",
        "duration: 10",
        "Duration: 10s",
        "duration = 10",
        "aspect : 16:9",
        "resolution:\u00a01080p",
    ],
)
@pytest.mark.parametrize("command", ["generate", "quote"])
def test_what_looks_like_an_option_is_asked_about_and_not_paid_for(command: str, typed: str) -> None:
    assert outcome(f"{command} a fox in the snow {typed}") is None
    assert outcome(f"{command} a fox {typed} --resolution 720p") is None


def test_quotes_that_do_not_match_swallow_no_option() -> None:
    assert outcome('generate "a fox --duration 10 says "hello"') is None
    assert outcome("generate “a fox --duration 10 says “hello”") is None


@pytest.mark.parametrize(
    "prompt",
    [
        "a fox -- running — fast – and – far",
        "a studio, a model, no audio, in high resolution",
        "a long-duration shot, 16-9 -fast -5 --5",
        "sci-fi, half-audio, -audiobook -durations",
        "rock 'n' roll for the dogs' sake, 'tis fun",
        "5' tall, 6\" wide",
        "the aspect: grim",
        "the car (model 3), #aspect of time",
        "audio: waves, duration: long",
        'a shirt says "--audio --duration 10" in red',
        "un renard dans la neige ?",
    ],
)
def test_ordinary_prompts_are_not_asked_about(prompt: str) -> None:
    assert parse(f"generate {prompt}") == Generate(Options(prompt))


def test_the_question_says_how_to_write_it_and_how_to_keep_it() -> None:
    assert sentence("generate a fox — duration 10") == (
        "“— duration” looks like an option. Write --duration 10 after a space, or put the whole prompt in quotes if it"
        " belongs there."
    )
    assert parse('generate "a fox — duration 10"') == Generate(Options("a fox — duration 10"))


DASH = st.sampled_from([*HYPHENS, *DASHES]).flatmap(lambda dash: st.sampled_from([dash, dash * 2, f"{dash}-"]))
NOISE = st.text(st.sampled_from(UNSEEN), max_size=2)
SPACE = st.sampled_from(SPACES)


@given(
    st.sampled_from(sorted(WISHES)),
    DASH,
    st.lists(NOISE, min_size=5, max_size=5),
    st.lists(SPACE, min_size=3, max_size=3),
    st.sampled_from([" ", "=", " = ", ": ", ":"]),
    st.booleans(),
    st.booleans(),
)
def test_an_option_written_in_any_way_is_the_option_or_a_question(
    name: str, dash: str, noise: list[str], spaces: list[str], joint: str, wide: bool, apart: bool
) -> None:
    value, wanted = WISHES[name]
    if wide and name not in ("negative", "image"):
        name, value = (text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}) for text in (name, value))
    gap = spaces[2] if apart else ""
    option = f"{noise[0]}{dash}{gap}{noise[1]}{name}{noise[2]}{joint}{noise[3]}{value}{noise[4]}"
    text = f"generate a fox in the snow{spaces[0]}{option}{spaces[1]}"
    assert outcome(text) in (Generate(wanted), None), ascii(text)


@given(st.sampled_from(QUOTES), st.sampled_from(QUOTES), st.sampled_from(["", " --duration 10"]), NOISE)
def test_quotes_that_match_or_not_keep_the_options_or_are_asked_about(
    first: str, second: str, option: str, noise: str
) -> None:
    wanted = replace(PLAIN, negative="blurry", duration_seconds=10 if option else None)
    text = f"generate a fox in the snow --negative {noise}{first[0]}blurry{second[1]}{noise}{option}"
    found = outcome(clean(text))
    assert found is None or (isinstance(found, Generate) and found.options.duration_seconds == wanted.duration_seconds)


# Lists.


@pytest.mark.parametrize(
    "typed",
    [
        "<@U1> ,<@U2>", "<@U1>, <@U2>", "<@U1> <@U2>", "<@U1>,<@U2>", "<@U1><@U2>", "<@U1>; <@U2>", "<@U1> and <@U2>",
        "<@U1> , <@U2>", "<@U1> &amp; <@U2>", "<@U1>, and <@U2>", '"<@U1> <@U2>"', "<@U1>、<@U2>",
        "<@U1>,\u200b <@U2>",
    ],
)  # fmt: skip
def test_people_are_named_as_slack_completes_them(typed: str) -> None:
    wanted = BudgetSet(ProjectRef("marketing"), "monthly", microusd=5_000_000, approvers=(UserRef("U1"), UserRef("U2")))
    assert parse(f"budget set marketing --usd 5 --approvers {typed}") == wanted
    assert parse(f"budget set marketing --approvers {typed} --usd 5") == wanted
    assert parse(f"budget set --approvers {typed} marketing --usd 5") == wanted


def test_people_are_named_as_they_are_typed() -> None:
    def approvers(text: str) -> tuple[UserRef, ...] | None:
        command = parse(f"budget set marketing --usd 5 --approvers {text}")
        assert isinstance(command, BudgetSet)
        return command.approvers

    bob, carol = UserRef(None, "bob"), UserRef(None, "carol")
    for typed in ("@bob ,@carol", "@bob @carol", "bob, carol", "bob carol", "@bob and @carol", "@bob,@carol,@bob"):
        assert approvers(typed) == (bob, carol)
    assert approvers('"@Bob Smith, @carol"') == (UserRef(None, "Bob Smith"), carol)
    assert approvers("<@U1|Smith, Bob> <@U2|Carol & Co>") == (UserRef("U1", "Smith, Bob"), UserRef("U2", "Carol & Co"))
    assert [approvers(text) for text in ("none", "off", "default", "-", "NONE")] == [()] * 5


@pytest.mark.parametrize("typed", ["80 90", "80, 90", "80 ,90", "80% 90%", "80 %, 90 %", "80;90", "80/90", "80 and 90"])
def test_thresholds_are_listed_in_any_way(typed: str) -> None:
    wanted = BudgetSet(ProjectRef("marketing"), "monthly", microusd=5_000_000, thresholds=(80, 90))
    assert parse(f"budget set marketing --alert {typed} --usd 5") == wanted
    assert parse(f"budget set marketing --usd 5 --alert {typed}") == wanted
    assert parse(f"budget set --usd 5 --alert {typed} marketing") == wanted


@pytest.mark.parametrize("typed", ["a, b", "a ,b", "a b", "a,b", "a; b", "a and b", "a, and b", "A，B"])
def test_models_are_listed_in_any_way(typed: str) -> None:
    wanted = RulesSet("marketing", models=("a", "b"), ceiling=5_000)
    assert parse(f"rules marketing --ceiling 5 --models {typed}") == wanted
    assert parse(f"rules marketing --models {typed} --ceiling 5") == wanted


EVERY_WAY = ["{},{}", "{} ,{}", "{}, {}", "{} , {}", "{} {}", "{} and {}", "{} &amp; {}", "{}; {}", '"{} {}"', "{}、{}"]


@pytest.mark.parametrize("way", EVERY_WAY)
def test_those_who_may_spend_and_where_are_listed_in_any_way(way: str) -> None:
    bob, carol = UserRef("U1", "bob"), UserRef("U2", "carol")
    general, finance = ChannelRef("C0GENERAL1", "general"), ChannelRef("C0FINANCE1", "finance")
    people, channels = (
        way.format("<@U1|bob>", "<@U2|carol>"),
        way.format("<#C0GENERAL1|general>", "<#C0FINANCE1|finance>"),
    )
    wanted = RulesSet("marketing", people=(bob, carol), channels=(general, finance))
    assert parse(f"rules marketing --people {people} --channels {channels}") == wanted
    assert parse(f"rules --channels {channels} marketing --people {people}") == wanted
    assert parse(f"rules --people {people} --channels {channels} marketing") == wanted


def test_a_list_may_be_as_long_as_the_rule_allows() -> None:
    people = " ".join(f"<@U0000000{number:02}|somebody.with.a.long.name.{number}>" for number in range(20))
    found = parse(f"rules marketing --people {people}")
    assert isinstance(found, RulesSet) and len(found.people or ()) == 20
    assert sentence(f"rules marketing --people {people} @dave").startswith(
        "--people names 21 people, and 20 is the most"
    )


@pytest.mark.parametrize("group", ["<!subteam^S0DESIGN01|@design>", "<!subteam^S0DESIGN01>", "<!here>", "<!channel>"])
def test_a_group_is_not_taken_for_a_person_of_that_name(group: str) -> None:
    for command in ("rules marketing --people", "budget set marketing --usd 5 --approvers"):
        assert sentence(f"{command} {group}").endswith("is a group. Name each person, like @bob.")


def test_a_word_after_a_list_that_may_stand_for_itself_is_asked_about() -> None:
    assert sentence("budget set --approvers @a @b --usd 5") == (
        "It is unclear whether “@b” belongs to --approvers. Put a comma before it if it does; else write it before"
        " --approvers, with the value after that."
    )
    assert "“marketing” belongs to --models" in sentence("rules --models a b marketing")
    assert parse("rules --models a marketing") == RulesSet("marketing", models=("a",))


# What takes an option back.


@pytest.mark.parametrize("none", ["none", "off", "default", "-", "None", "ＮＯＮＥ"])
def test_every_option_that_can_be_set_can_be_taken_back(none: str) -> None:
    assert parse(f"budget set workspace --channel {none}") == BudgetSet(
        WorkspaceRef(), "monthly", channel=DefaultChannel()
    )
    assert parse(f"digest workspace daily --channel {none}") == DigestSet(
        WorkspaceRef(), "daily", channel=DefaultChannel()
    )
    assert parse(f"digest workspace off --channel {none}") == DigestOff(WorkspaceRef(), DefaultChannel())
    assert parse(f"digest workspace daily --at {none}") == DigestSet(WorkspaceRef(), "daily", 540)
    assert parse(f"budget set workspace --credits {none} --usd 5") == BudgetSet(WorkspaceRef(), "monthly", 0, 5_000_000)
    assert parse(f"rules marketing --models {none} --ceiling {none} --confirm {none} --approve {none}") == RulesSet(
        "marketing", (), 0, 0, 0
    )
    assert parse(f"project {none}") == ProjectSet("default")
    on = none in ("default", "-")
    assert parse(f"budget set workspace --forecast {none} --spike {none}") == BudgetSet(
        WorkspaceRef(), "monthly", forecast=on, spike=on
    )


def test_a_channel_or_project_of_that_name_can_still_be_named() -> None:
    assert parse("budget set workspace --channel #none") == BudgetSet(
        WorkspaceRef(), "monthly", channel=ChannelRef(None, "none")
    )
    assert parse("project project:none") == ProjectSet("none")
    assert parse("rules project:help --ceiling 5") == RulesSet("help", ceiling=5_000)


@pytest.mark.parametrize("word", ["default", "-", "none", "maybe"])
def test_running_without_budgets_is_chosen_by_no_other_word(word: str) -> None:
    assert "neither on nor off" in sentence(f"budget unlimited {word}")
