"""Run ``in_chdb.sql`` over a log, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from chdb import session


def main(log: str, width_s: str) -> None:
    """Print the tables, with time buckets of so many seconds."""
    connection = session.Session()
    values = {"log": log, "width": int(width_s)}
    text = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    for statement in text.strip().removesuffix(";").split(";\n"):
        sys.stdout.write(str(connection.query(statement, "JSONEachRow", params=values)))


if __name__ == "__main__":
    main(*sys.argv[1:])
