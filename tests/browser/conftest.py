"""A real Chromium without a network, and pages in it that may not complain."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Opened = Callable[..., AbstractContextManager[Page]]

_NAMES = ("chromium", "chromium-browser", "google-chrome")

_NOTES_WHAT_IS_SAID = """
window.said = [];
new MutationObserver(() => {
  const words = document.querySelector("#status")?.textContent;
  if (words && words !== said.at(-1)) said.push(words);
}).observe(document, { childList: true, subtree: true, characterData: true });
"""
"""The page says things for a few seconds only, which a busy machine may take to ask for them."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        words = "needs Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    with sync_playwright() as playwright:
        # In a container Chromium's own sandbox can't be made.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser) -> Opened:
    """Return what opens a page from a file, with the network cut, and waits until it is drawn.

    What the page says in passing stays in its ``said``.

    Leaving it fails if the page complained: an error, a warning of the console,
    a violation of its policy, or a request to anywhere.
    """

    @contextmanager
    def opened(path: Path, *, fragment: str = "", **context: Any) -> Iterator[Page]:
        settings: dict[str, Any] = {
            "viewport": {"width": 1440, "height": 900},
            "offline": True,
            "locale": "en-US",
        }
        # Another time zone than UTC, which the page must not show.
        settings |= {"timezone_id": "America/New_York"}
        with browser.new_context(**(settings | context)) as opened:
            page = opened.new_page()
            complaints: list[str] = []
            page.on("console", lambda said: complaints.append(f"{said.type}: {said.text}"))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda asked: complaints.append(asked.url))
            page.add_init_script(
                "addEventListener('securitypolicyviolation', e => console.error(e.blockedURI))"
            )
            page.add_init_script(_NOTES_WHAT_IS_SAID)
            address = path.as_uri() + fragment
            page.goto(address)
            # Not by polling a function, which is evaluated: the page's policy forbids that.
            page.wait_for_selector("html.ready")
            yield page
            own = (address, path.as_uri(), "data:", "blob:")
            assert [said for said in complaints if not said.startswith(own)] == []

    return opened
