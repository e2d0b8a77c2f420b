"""A real Chromium, and a real sandbox process to look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.acceptance.e2e.sandbox_process import SandboxPlace, a_place
from tests.support.browser import launch


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while it is open, Playwright's event loop runs in this thread, and others need their own."""
    with launch() as browser:
        yield browser


@pytest.fixture
def place(tmp_path: Path) -> SandboxPlace:
    return a_place(tmp_path)
