"""SQL over saved tallies: every table of a summary, with the columns of its CSV."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.program import run

import envoylogs
from envoylogs.summary.tables import TABLE_NAMES

if TYPE_CHECKING:
    from subprocess import CompletedProcess

_LOG = Path(__file__).parents[2] / "sample_logs" / "shop" / "gateway.log"


@pytest.fixture(scope="module")
def tally(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tally") / "week.tally"
    envoylogs.analyze(_LOG).save_tally(path)
    return path


def _asked(source: Path, sql: str, *more: str | Path) -> CompletedProcess[bytes]:
    return run("query", source, *more, sql, "-f", "ndjson")


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_every_table_can_be_asked(tally: Path, name: str) -> None:
    analysis = envoylogs.analyze(_LOG)
    ended = _asked(tally, f'SELECT count(*) AS n FROM "{name}"')  # noqa: S608

    assert ended.returncode == 0
    assert json.loads(ended.stdout) == {"n": analysis.table(name).height}


def test_its_columns_are_those_of_the_csv(tally: Path) -> None:
    csv = run("summarize", tally, "--table", "authority", "-f", "csv", "--limit", "1").stdout
    queried = run("query", tally, "SELECT * FROM authority LIMIT 1", "-f", "csv").stdout

    assert queried == csv


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM logs", b"a saved tally has counts and no records"),
        ("SELECT * FROM authorities", b"Did you mean authority"),
        ("SELECT hots FROM authority", b"The columns are authority, requests"),
    ],
)
def test_what_it_has_not_is_told_with_what_it_has(tally: Path, sql: str, words: bytes) -> None:
    ended = _asked(tally, sql)

    assert ended.returncode == 2
    assert words in ended.stderr


def test_tables_are_listed(tally: Path) -> None:
    rows = _asked(tally, "SHOW TABLES").stdout.splitlines()

    assert {json.loads(row)["name"] for row in rows} == set(TABLE_NAMES)


def test_logs_and_tallies_are_not_asked_together(tally: Path) -> None:
    ended = _asked(tally, "SELECT count(*) FROM logs", _LOG)

    assert ended.returncode == 2
    assert b"is a saved tally" in ended.stderr
