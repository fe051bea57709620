"""Records that were converted to Parquet are counted as their log is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.builders import lines, record
from tests.program import run

import envoylogs
from envoylogs.errors import TallyError, TallyQuestionError

_LOG = str(Path(__file__).parents[2] / "sample_logs" / "canary")
_OF_RECORDS = ("lines", "records", "filtered", "untimed_left_out", "roles", "gateways", "overlap")


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _run("convert", _LOG, "-o", "records.parquet")
    _run("convert", _LOG, "--by-day", "-o", "days")


def _run(*arguments: str, code: int = 0) -> tuple[bytes, str]:
    found = run(*arguments)
    errors = found.stderr.decode()
    assert found.returncode == code, errors
    assert "Traceback" not in errors
    return found.stdout, errors


def _summary(*arguments: str) -> dict[str, Any]:
    """Return a summary without what only the lines of a log can say."""
    found: dict[str, Any] = json.loads(_run("summarize", *arguments, "--format", "json")[0])
    found["accounts"] = {name: found["accounts"][name] for name in _OF_RECORDS}
    return {name: part for name, part in found.items() if name != "findings"} | {
        "findings": [
            {name: value for name, value in finding.items() if name != "examples"}
            for finding in found["findings"]
        ]
    }


@pytest.mark.parametrize("options", [
    (), ("--code", "5xx"), ("--by", "method,path_group"), ("--since", "2026-11-24T18:14:40Z"),
    ("--where", "duration_ms > 20"), ("--role", "all"),
])  # fmt: skip
def test_what_was_converted_says_what_the_log_says(options: tuple[str, ...]) -> None:
    expected = _summary(_LOG, *options)

    assert _summary("records.parquet", *options) == expected
    assert _summary("days", *options) == expected


def test_what_was_selected_or_anonymized_before_is_said() -> None:
    _run("convert", _LOG, "--code", "5xx", "-o", "errors.parquet")
    _run("convert", _LOG, "--anonymize", "-o", "hidden.parquet")

    errors = _summary("errors.parquet", "--host", "*")
    assert errors["selection"] == "--code 5xx --host '*'"
    assert errors["overview"]["requests"] == 33
    assert _summary("hidden.parquet")["anonymized"]
    assert _summary("records.parquet", "--anonymize")["anonymized"]
    _, said = _run("summarize", "errors.parquet", _LOG, code=1)
    assert "tallies that remember different things can't be added" in said


def test_records_and_logs_and_tallies_add_up() -> None:
    Path("gw.log").write_bytes(lines(record(), record(request_id="2")))
    _run("summarize", "gw.log", "--save-tally", "t")

    total = _summary("records.parquet", "gw.log", "t")

    assert total["overview"]["requests"] == _summary(_LOG)["overview"]["requests"] + 4


def test_the_library_reads_them_too() -> None:
    of_log, of_records = (envoylogs.analyze(what) for what in (_LOG, "records.parquet"))

    assert of_records.overview == of_log.overview
    assert [found.title for found in of_records.findings] == [f.title for f in of_log.findings]


def test_what_parquet_is_for_is_said() -> None:
    pl.DataFrame({"a": [1]}).write_parquet("sales.parquet")

    for name in ("sales.parquet", "records.parquet"):
        with pytest.raises(TallyQuestionError, match=r"pl\.scan_parquet reads it"):
            envoylogs.scan(name)
        assert "pl.scan_parquet reads it" in _run("lines", name, "--code", "404", code=2)[1]
    with pytest.raises(TallyError, match=r"read by pl\.scan_parquet"):
        envoylogs.analyze("sales.parquet")
    for options in (("--last", "1h"), ("--distinct-requests",), ("--map", "path=url")):
        _run("summarize", "records.parquet", *options, code=2)
    assert "is a Parquet file" in _run("summarize", "records.parquet", "--state", "s", code=2)[1]
    before = Path("records.parquet").read_bytes()
    _run("summarize", "records.parquet", "-o", "records.parquet", code=2)
    assert Path("records.parquet").read_bytes() == before
