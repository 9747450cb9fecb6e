"""A page in a browser: opened from a file, asked through scripts, driven by clicks and keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

SETTLE_SECONDS = 20


class OpenPage:
    """What a test does with a page; `browser` is there for what only one test needs."""

    def __init__(self, browser: Chrome, folder: Path) -> None:
        self.browser = browser
        self._folder = folder

    def open(
        self, text: str, *, width: int = 1300, height: int = 900, dark: bool = False, fragment: str = ""
    ) -> None:
        """Open a page and wait until its table stands."""
        file = self._folder / "page.html"
        file.write_text(text, encoding="utf-8")
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.browser.get("about:blank")
        self.requests()
        self.complaints()
        self.browser.get(file.as_uri() + fragment)
        self.until(lambda: self.ask("document.documentElement.dataset.ready === 'yes'"))

    def ask(self, expression: str, *arguments: Any) -> Any:
        """The value of a JavaScript expression; `arguments[0]`, ... are what is passed."""
        return self.browser.execute_script(f"return ({expression})", *arguments)

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds, for a while."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.browser, SETTLE_SECONDS, poll_frequency=0.05).until(lambda _: holds())

    def find(self, selector: str) -> WebElement:
        """The first element of a CSS selector."""
        found: WebElement = self.browser.find_element("css selector", selector)
        return found

    def press(self, selector: str, *keys: str) -> None:
        """Keys typed into an element."""
        self.find(selector).send_keys(*keys)

    def click(self, selector: str) -> None:
        """A click, wherever the element is on the page."""
        self.ask("arguments[0].scrollIntoView({block: 'center'})", self.find(selector))
        self.find(selector).click()

    def click_at(self, selector: str, share: float) -> None:
        """A click at `share` of an element's width, half-way down."""
        from selenium.webdriver.common.action_chains import ActionChains

        element = self.find(selector)
        self.ask("arguments[0].scrollIntoView({block: 'center'})", element)
        across = round((share - 0.5) * element.size["width"])
        ActionChains(self.browser).move_to_element_with_offset(element, across, 0).click().perform()

    def choose(self, selector: str, option: str) -> None:
        """An option of a list."""
        from selenium.webdriver.support.ui import Select

        self.ask("arguments[0].scrollIntoView({block: 'center'})", self.find(selector))
        Select(self.find(selector)).select_by_visible_text(option)

    def shown_layers(self) -> list[str]:
        """The names in the rows of the table that are drawn, from the top."""
        names: list[str] = self.ask("[...document.querySelectorAll('button.layer')].map(b => b.textContent)")
        return names

    def complaints(self) -> list[str]:
        """What stands in the console."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """The addresses asked for since the last call, without files and data in the page."""
        found = []
        for entry in self._log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return [url for url in found if not url.startswith(("file:", "data:", "about:"))]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        """What was logged since the last look."""
        entries: list[dict[str, Any]] = self.browser.get_log(kind)  # type: ignore[no-untyped-call]
        return entries
