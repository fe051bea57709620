"""Take the picture of a page that the documentation shows, in a real Chromium.

``python docs/screenshot.py`` from the top of the project, after a change of
how a page looks.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

_LOG = "sample_logs/shop"
_PICTURE = Path(__file__).parent / "report.png"


def main() -> None:
    """Write the picture beside this file."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "report.html"
        command = [sys.executable, "-m", "envoylogs", "report", _LOG, "-o", str(page_file)]
        subprocess.run(command, check=True)  # noqa: S603  # this project's own command
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(page_file.as_uri())
        page.wait_for_selector("html.ready")
        page.wait_for_timeout(500)
        page.screenshot(path=_PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
