"""Many files, plain and compressed, that are one log: what lies in a bucket."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

from benchmarks import generator

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LINES_OF_EACH", "OBJECTS", "write_many"]

OBJECTS = 2_000 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 300
LINES_OF_EACH = 36


def write_many(folder: Path) -> Path:
    """Write files into a new folder, a day a folder of it; returns the folder."""
    folder.mkdir()
    whole = folder / "whole.log"
    generator.write(whole, OBJECTS * LINES_OF_EACH)
    lines = whole.read_bytes().splitlines(keepends=True)
    whole.unlink()
    for number in range(OBJECTS):
        part = b"".join(lines[number * LINES_OF_EACH : (number + 1) * LINES_OF_EACH])
        day = folder / f"2026-11-{1 + number % 3:02}"
        day.mkdir(exist_ok=True)
        if number % 2:
            (day / f"gw {number:04}.log.gz").write_bytes(gzip.compress(part, 1))
        else:
            (day / f"gw {number:04}.log").write_bytes(part)
    return folder
