"""The layers of the package: each imports only from its own layer and from those below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS: tuple[tuple[str, ...], ...] = (
    ("common",),
    ("domain",),
    ("kling", "store"),
    ("engine", "settings"),
    ("blocks",),
    ("http", "slack"),
    ("doctor",),
    ("workers",),
    ("sdk",),
    ("sandbox",),
    ("app", "cli", "__main__"),
)
"""The lowest first. `klingbot/__init__.py` loads `sdk` on demand and is left out."""
PURE = {"domain"}
IMPURE = {"os", "random", "requests", "slack_bolt", "slack_sdk", "socket", "sqlite3", "threading", "time"}
"""What pure code may not reach, not even through other modules: it takes the instant and the data as arguments."""
ONLY_IN: Mapping[str, tuple[str, ...]] = {
    "sqlite3": ("store", "common/sqlite_utils_loader.py"),
    "sqlite_utils": ("common/sqlite_utils_loader.py",),
    "psycopg": ("store",),
    "slack_bolt": ("slack", "sandbox"),
    "slack_sdk": ("slack", "sandbox"),
    "requests": ("kling", "sandbox"),
}
"""The libraries that belong to one layer."""

Imports = dict[str, set[str]]
"""For each module of the package, by dotted name, what it imports anywhere in its code."""


def read_imports(root: Path) -> Imports:
    files = {_module_of(path, root): path for path in (root / "klingbot").rglob("*.py")}
    return {module: {*_imported(path, files)} for module, path in files.items()}


def _module_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path, files: Mapping[str, Path]) -> Iterator[str]:
    """Yield modules of the package by their full names, and libraries by their first."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by the full name, not relatively"
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in files else str(node.module) for name in below]
        else:
            continue
        for name in names:
            yield name if name in files else name.partition(".")[0]


def layer_of(module: str) -> int | None:
    _, _, rest = module.partition("klingbot.")
    heights = {name: height for height, layer in enumerate(LAYERS) for name in layer}
    return heights.get(rest.partition(".")[0])


def upward(imports: Imports) -> list[str]:
    return [
        f"{module} imports {target}, which is above it: pass the thing down instead"
        for module, targets in imports.items()
        for target in targets
        if (own := layer_of(module)) is not None and (other := layer_of(target)) is not None and other > own
    ]


def impure(imports: Imports) -> list[str]:
    """Follow the imports of pure modules to their ends."""
    found = []
    for module in imports:
        if module.partition("klingbot.")[2].partition(".")[0] in PURE:
            reached = _reached(module, imports)
            found += [f"{module} reaches {name} through {reached[name]}" for name in sorted(IMPURE & reached.keys())]
    return found


def _reached(module: str, imports: Imports) -> dict[str, str]:
    """Return everything that a module imports, itself or through others, with who imports it."""
    reached: dict[str, str] = {}
    todo = [module]
    while todo:
        importer = todo.pop()
        for target in imports.get(importer, ()):
            if target not in reached:
                reached[target] = importer
                todo.append(target)
    return reached


def cyclic(imports: Imports) -> list[str]:
    """Return the modules that reach themselves. Packages are left out: they re-export what is below them."""
    packages = {module.rpartition(".")[0] for module in imports}
    inner = {module: targets - packages for module, targets in imports.items() if module not in packages}
    return sorted(module for module in inner if module in _reached(module, inner))


IMPORTS = read_imports(ROOT)


def test_every_module_has_a_layer() -> None:
    assert [module for module in IMPORTS if layer_of(module) is None] == ["klingbot"]


def test_nothing_imports_anything_above_it() -> None:
    assert upward(IMPORTS) == []


def test_no_module_imports_itself_through_others() -> None:
    assert cyclic(IMPORTS) == []


def test_pure_layers_reach_no_clock_network_or_database() -> None:
    assert impure(IMPORTS) == []


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_used_only_where_it_belongs(library: str) -> None:
    places = tuple(f"klingbot/{place}" for place in ONLY_IN[library])
    users = [module.replace(".", "/") + ".py" for module, targets in IMPORTS.items() if library in targets]
    assert [user for user in users if not user.startswith(places)] == []


def test_only_settings_knows_the_environment() -> None:
    users = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "klingbot").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    ]
    assert [user for user in users if not user.startswith("klingbot/settings/")] == []


def test_the_local_kling_does_not_use_the_client_that_it_checks() -> None:
    for module, targets in IMPORTS.items():
        if module.startswith("klingbot.sandbox.kling"):
            wrong = [each for each in targets if each.startswith(("klingbot.kling", "klingbot.domain.prices"))]
            assert wrong == [], module


PLANTED = {
    "an import from above": ("klingbot.store.jobs", "klingbot.engine.core", upward),
    "a clock in the domain": ("klingbot.domain.money", "time", impure),
    "a clock behind a pure module": ("klingbot.common.typo_suggestions", "time", impure),
    "a circle": ("klingbot.domain.money", "klingbot.domain.budgets", cyclic),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_violation_is_found(planted: str) -> None:
    module, target, check = PLANTED[planted]
    assert check({**IMPORTS, module: IMPORTS[module] | {target}}) != []
