"""The docs against the code: what can be compared is compared, so that neither changes alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from klingbot import sandbox
from klingbot.domain import prices
from klingbot.slack.command_line.command_usage import FLAGS_OF, USAGE

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:bench|docs|klingbot|migrations|tests)/[\w./-]*)`(?: \(((?:`\w+`(?:, )?)+)\))?")
"""A file or folder of the repository, and the names in it that are given in parentheses."""
_VARIABLE = re.compile(r"\b(?:SLACK|KLING|KLINGBOT)_[A-Z_]*[A-Z]\b|\bDATABASE_URL\b|\bHOST\b|\bPORT\b")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def variables(text: str) -> set[str]:
    return set(_VARIABLE.findall(text))


def headings(path: Path) -> Iterator[str]:
    """The anchors of a page, as they are made on the web: lower case, dashes, no marks."""
    for title in re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("key", USAGE)
def test_every_usage_line_is_in_the_docs_word_for_word(key: str) -> None:
    lines = page("docs/commands.md").splitlines()
    assert USAGE[key] in lines, f"docs/commands.md wants the line: {USAGE[key]}"


def test_every_flag_is_explained() -> None:
    flags = {flag for taken in FLAGS_OF.values() for flag in taken}
    text = page("docs/commands.md")
    assert not [flag for flag in flags if f"`--{flag}" not in text and f"[--{flag}" not in text]


def test_every_variable_that_settings_read_is_in_the_table_and_no_other() -> None:
    rows = "\n".join(line for line in page("docs/operating.md").splitlines() if line.startswith("| `"))
    assert variables(rows) == variables(page("klingbot/settings/variables.py"))


def test_the_example_environment_names_only_variables_that_are_read() -> None:
    assert variables(page(".env.example")) <= variables(page("klingbot/settings/variables.py"))


@pytest.mark.parametrize("name", prices.SHIPPED)
def test_every_model_of_a_shipped_list_is_in_the_docs(name: str) -> None:
    text = page("docs/price-lists.md")
    assert not [model for model in prices.load(name).models if f"`{model}`" not in text]


def test_the_price_tables_are_the_lists_own_figures() -> None:
    rows = {
        line.split("|")[1].strip(): line for line in page("docs/price-lists.md").splitlines() if line.startswith("| `")
    }
    table = {model.split("`")[1]: [cell.strip() for cell in row.split("|")[3:-1]] for model, row in rows.items()}
    listed = prices.load("kling-api")
    columns = (("720p", False), ("720p", True), ("1080p", False), ("1080p", True), ("4k", False))
    for name in listed.sold:
        rates = listed.models[name].rates
        written = [f"{rates[each] / 1000:.1f}" if each in rates else "–" for each in columns]
        written[-1] = "–" if ("4k", False) not in rates else written[-1]
        assert table[name] == written, name


def test_the_list_that_the_docs_show_can_be_loaded(tmp_path: Path) -> None:
    shown = re.search(r"```toml\n(.*?)```", page("docs/price-lists.md"), re.DOTALL)
    assert shown
    (tmp_path / "agency.toml").write_text(shown[1])
    assert prices.load(str(tmp_path / "agency.toml")).pack == 20_000


def test_the_scripts_that_the_docs_show_print_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = page("docs/scripts.md")
    local = sandbox.start(kling_seconds=0.1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KLING_API_URL", local.kling_api_url)
    monkeypatch.setenv("KLING_API_KEY", local.kling_api_key)
    try:
        for script in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            exec(script.replace('wait_for(job["job_id"]', 'wait_for(job["job_id"], poll_seconds=0.1'), {})
    finally:
        local.stop()
    printed = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("Budget set for")]
    assert printed == re.findall(r"^ *print\(.*\)  # (.*)$", text, re.MULTILINE)


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_every_relative_link_and_picture_leads_somewhere(path: Path) -> None:
    for link in _LINK.findall(path.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), f"{names(path)}: {link}"
        assert not anchor or anchor in headings(target), f"{names(path)}: {link} has no such heading"


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_every_file_and_name_that_a_page_gives_exists(path: Path) -> None:
    for file, listed in _PATH.findall(path.read_text(encoding="utf-8")):
        target = ROOT / file
        assert target.exists(), f"{names(path)}: there is no {file}"
        for name in re.findall(r"\w+", listed):
            defined = re.search(rf"^\s*(?:(?:async )?def |class )?{name}\b(?:\(|:| =)", page(file), re.MULTILINE)
            assert defined, f"{names(path)}: {file} defines no {name}"


def test_every_folder_of_the_package_is_in_the_table_of_layers() -> None:
    folders = {path.name for path in (ROOT / "klingbot").iterdir() if (path / "__init__.py").exists()}
    assert not [name for name in folders if f"| `klingbot/{name}/` |" not in page("docs/ARCHITECTURE.md")]


def test_the_modules_in_the_table_of_layers_exist() -> None:
    rows = re.findall(r"^\| `(klingbot/[\w/]+)/` \|[^|]*\|([^|]*)\|$", page("docs/ARCHITECTURE.md"), re.MULTILINE)
    assert rows
    for folder, modules in rows:
        for name in re.findall(r"`([\w/]+)`", modules):
            there = (ROOT / folder / name).is_dir() if name.endswith("/") else (ROOT / folder / f"{name}.py").exists()
            assert there, f"docs/ARCHITECTURE.md: {folder} has no {name}"
