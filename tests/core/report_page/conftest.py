"""A headless browser, and the pages that the tests open in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clika_core.pictures.preprocessed import preprocessed_picture
from clika_core.pictures.svg import find_program, render_svg
from clika_core.planning.plan import Plan
from clika_core.report_page.page import render_page
from tests.core.report_page.open_page import OpenPage

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Chromium through its driver, both installed by the system; a profile of its own."""
    program = next((path for path in map(shutil.which, BROWSERS) if path), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("needs a browser: install chromium and chromium-driver")
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options=options, service=ChromeService(driver))
    chrome.set_page_load_timeout(60)
    yield chrome
    chrome.quit()


@pytest.fixture
def opened(browser: Chrome, tmp_path: Path) -> Iterator[OpenPage]:
    """Opens pages; at the end nothing may stand in the console, and nothing may have been asked of a network."""
    page = OpenPage(browser, tmp_path)
    yield page
    assert page.complaints() == []
    assert page.requests() == []


def drawn_page(plan: Plan) -> str:
    """The page of a plan with its picture; without graphviz, without."""
    picture = preprocessed_picture(plan)
    svg = render_svg(picture.render()) if find_program() else None
    return render_page(plan.graph, picture, svg, plan=plan, note="no graphviz here")
