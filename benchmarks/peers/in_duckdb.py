"""Run ``in_duckdb.sql`` over a log, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb


def main(log: str, width_s: str) -> None:
    """Print the tables, with time buckets of so many seconds."""
    connection = duckdb.connect()
    connection.execute("SET VARIABLE log = ?", [log])
    connection.execute("SET VARIABLE width = ?", [int(width_s)])
    connection.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(*sys.argv[1:])
