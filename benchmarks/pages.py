"""How long a page takes to open and to count again, in a real Chromium.

Each figure is the median of several pages that were opened anew. A change of a
filter is measured from the change until everything in sight is drawn, over
changes of every kind of filter; what is out of sight is drawn when filters are at
rest, and takes what is measured as the rest.
"""

from __future__ import annotations

import shutil
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Opened", "opened"]

_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
# One change of each filter to its most frequent value, and of time to the middle of the log.
_CHANGES = """async () => {
  const found = [];
  const rest = [];
  const changed = async (changes) => {
    delete envoylogs.timings.recompute_ms;
    envoylogs.view.set(changes);
    while (envoylogs.timings.recompute_ms === undefined) await new Promise(requestAnimationFrame);
    found.push(envoylogs.timings.recompute_ms);
    const began = performance.now();
    envoylogs.pending.finish();
    rest.push(performance.now() - began);
  };
  const rows = envoylogs.results().tables;
  for (const name of ["host", "path_group", "outcome", "upstream_cluster", "upstream_host"]) {
    await changed({ filters: { [name]: [rows[name][0][name]] } });
    await changed({ filters: {} });
  }
  await changed({ noise: "shown" });
  await changed({ noise: "apart" });
  const [first, last] = WINDOW;
  await changed({ from: first + (last - first) / 4, to: last - (last - first) / 4 });
  await changed({ from: null, to: null });
  return [found, rest];
}"""


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening a page took, in milliseconds."""

    first_paint_ms: float
    drawn_ms: float
    change_ms: float
    rest_ms: float
    slowest_change_ms: float


def opened(path: Path, runs: int) -> Opened:
    """Open a page and change its filters.

    Args:
        path: Of the page.
        runs: How often.
    """
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("needs Chromium: apt-get install chromium")
    paints, drawn, changes, rests, slowest = [], [], [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for _ in range(runs):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(path.as_uri())
            page.wait_for_selector("html.ready")
            drawn.append(float(page.evaluate("performance.now()")))
            paints.append(float(page.evaluate(_FIRST_PAINT)))
            window = page.evaluate("JSON.parse(document.querySelector('#meta').textContent).window")
            script = _CHANGES.replace("WINDOW", str([time / 1e6 for time in window]))
            times, rest = page.evaluate(script)
            changes.append(statistics.median(times))
            rests.append(statistics.median(rest))
            slowest.append(max(times))
            page.close()
        browser.close()
    return Opened(*map(statistics.median, (paints, drawn, changes, rests, slowest)))
