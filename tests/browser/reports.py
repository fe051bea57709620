"""Pages that the real command wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests.program import run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.handmade import Record

__all__ = ["SAMPLES", "report_of", "report_of_records"]

SAMPLES = Path(__file__).parents[2] / "sample_logs"


def report_of(log: Path, folder: Path, *options: str) -> Path:
    """Write the page of a log into a folder."""
    page = folder / "report.html"
    done = run("report", log, "-o", page, *options)
    assert done.returncode == 0, done.stderr.decode()
    return page


def report_of_records(records: Iterable[Record], folder: Path) -> Path:
    """Write the page of some records into a folder."""
    log = folder / "gateway.log"
    log.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return report_of(log, folder)
