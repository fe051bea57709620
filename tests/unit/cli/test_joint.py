from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from tests.handmade import served, text_of, unrouted
from typer.testing import CliRunner, Result

from envoylogs.cli.app import app_of
from envoylogs.errors import StateError, TallyQuestionError


@pytest.fixture
def log(tmp_path: Path) -> str:
    path = tmp_path / "gateway.log"
    path.write_bytes(text_of([served(0.5), served(0, duration=40), unrouted(61), served(None)]))
    return str(path)


def _run(*arguments: str, code: int = 0) -> Result:
    found = CliRunner().invoke(app_of(), ["summarize", *arguments])
    assert found.exit_code == code, found.exception
    return found


def _rows(*arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(_run(*arguments, "--format", "csv").stdout)))


def test_the_table_has_a_row_for_each_bucket_and_slice(log: str) -> None:
    rows = _rows(log, "--joint", "host,outcome", "--joint", "method", "--table", "joint")

    assert list(rows[0])[:8] == [
        "start", "width_s", "host", "outcome", "method", "requests", "connections",
        "errors",
    ]  # fmt: skip
    found = [(row["start"], row["outcome"], row["requests"], row["latency_ms_p99"]) for row in rows]
    assert found == [
        ("2026-11-01T12:00:00.000Z", "served", "2", "40"),
        ("2026-11-01T12:01:01.000Z", "no_route", "1", ""),
        ("", "served", "1", "12"),
    ]


def test_a_saved_tally_has_the_table_of_the_log(log: str, tmp_path: Path) -> None:
    tally = str(tmp_path / "day.tally")
    asked = ("--joint", "host,outcome", "--table", "joint")

    of_log = _rows(log, *asked, "--save-tally", tally)

    assert _rows(tally, "--table", "joint") == of_log == _rows(tally, *asked)


@pytest.fixture
def long_log(tmp_path: Path) -> str:
    """Return a log of so many different requests that they don't fit the least limit."""
    path = tmp_path / "long.log"
    path.write_bytes(text_of(served(n, duration=n, upstream_host=f"h{n}") for n in range(5_001)))
    return str(path)


def test_rows_past_the_limit_are_said_to_have_less_detail(log: str, long_log: str) -> None:
    asked = ("--joint", "host,outcome", "--max-joint-rows", "5000")

    document = json.loads(_run(long_log, *asked, "--format", "json").stdout)

    assert document["folded"]["joint"]["latency_relative_error"] > 0
    assert "latencies are within 6.25 %" in _run(long_log, *asked).stderr
    assert json.loads(_run(log, "--joint", "host", "--format", "json").stdout)["folded"] == {}


def test_a_limit_that_may_not_hold_is_refused(log: str) -> None:
    found = CliRunner().invoke(app_of(), ["summarize", log, "--max-joint-rows", "4999"])

    assert found.exit_code == 2
    assert "greater than or equal to 5000" in found.stderr


def _joint_detail(*arguments: str) -> dict[str, object] | None:
    folded = json.loads(_run(*arguments, "--format", "json").stdout)["folded"]
    detail: dict[str, object] | None = folded.get("joint")
    return detail


def test_a_saved_tally_is_held_to_a_smaller_limit_and_not_to_a_larger_one(
    long_log: str, log: str, tmp_path: Path
) -> None:
    exact, tight = str(tmp_path / "exact.tally"), str(tmp_path / "tight.tally")
    joint = ("--joint", "host,outcome")
    _run(long_log, *joint, "--save-tally", exact)
    _run(long_log, *joint, "--max-joint-rows", "5000", "--save-tally", tight)
    less = _joint_detail(tight)

    assert less is not None
    assert _joint_detail(exact) is None
    assert _joint_detail(exact, "--max-joint-rows", "5000") == less
    assert _joint_detail(tight, "--max-joint-rows", "9000") == less
    # Tallies of two limits and a log add up where all are held to the smaller one.
    found = _run(exact, tight, log, "--max-joint-rows", "5000", "--format", "json")
    assert json.loads(found.stdout)["overview"]["requests"] == 2 * 5001 + 4


def test_a_saved_tally_is_held_to_fewer_names(tmp_path: Path) -> None:
    path, saved = tmp_path / "hosts.log", str(tmp_path / "hosts.tally")
    path.write_bytes(text_of(served(authority=f"{n}.example.com") for n in range(9)))
    _run(str(path), "--save-tally", saved)

    found = json.loads(_run(saved, "--max-names", "3", "--format", "json").stdout)

    assert found["folded"]["columns"]["authority"] == {"requests": 6, "names_at_least": 6}
    assert found["overview"]["requests"] == 9


@pytest.mark.parametrize(
    ("asked", "saved", "words"),
    [
        (["--table", "joint"], None, "--joint host,path_group,outcome"),
        (["--table", "joint"], [], "save the tally with --joint host,path_group,outcome"),
        (["--joint", "host"], [], "it has none"),
        (["--joint", "host"], ["--joint", "outcome"], "it has them by outcome"),
    ],
)
def test_what_was_not_counted_is_a_question_that_says_how_to_count_it(
    log: str, tmp_path: Path, asked: list[str], saved: list[str] | None, words: str
) -> None:
    source = log
    if saved is not None:
        source = str(tmp_path / "day.tally")
        _run(log, *saved, "--save-tally", source)

    found = CliRunner().invoke(app_of(), ["summarize", source, *asked])

    assert isinstance(found.exception, TallyQuestionError)
    assert words in str(found.exception)


def test_a_state_goes_on_with_the_columns_that_it_has(log: str, tmp_path: Path) -> None:
    state = str(tmp_path / "gateway.state")
    _run(log, "--joint", "host", "--state", state)

    assert [row["requests"] for row in _rows(log, "--state", state, "--table", "joint")] == [
        "2", "1", "1",
    ]  # fmt: skip
    other = CliRunner().invoke(app_of(), ["summarize", log, "--state", state, "--joint", "outcome"])
    assert isinstance(other.exception, TallyQuestionError | StateError)
