"""What people ask day by day, each in one command, against plain loops over the log."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator
from typer.testing import CliRunner

from envoylogs.cli.app import app_of

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]
_DAYS = 3


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return three days of a gateway with a host whose second subset fails now and then."""
    path = tmp_path_factory.mktemp("jobs") / "gateway.log"
    lines = list(generator.lines(3000, seed=11, rate_per_second=3000 / 86_400 / _DAYS))
    path.write_bytes(b"".join(lines))
    return path


def _run(*words: str | Path) -> str:
    found = CliRunner().invoke(app_of(), list(map(str, words)))
    assert found.exit_code == 0, (found.stderr, found.exception)
    return found.stdout


def _csv(*words: str | Path) -> list[Row]:
    return list(csv.DictReader(io.StringIO(_run(*words, "--format", "csv"))))


def _records(log: Path) -> list[Row]:
    """Return what Python's own parser finds: HTTP requests of the gateway's clients."""
    records = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [
        record
        for record in records
        if record["method"] is not None
        and not str(record["upstream_cluster"] or "").startswith(("agent", "prometheus_stats"))
        and not str(record["downstream_local_address"]).endswith((":15021", ":15090"))
    ]


def _host(record: Row) -> str | None:
    authority = record["authority"]
    return None if authority is None else authority.lower().rsplit(":", 1)[0]


def _subset(record: Row) -> str | None:
    parts = str(record["upstream_cluster"] or "").split("|")
    return (parts[2] or None) if len(parts) == 4 else None


def _start(record: Row, width: timedelta) -> str:
    moment = datetime.fromisoformat(record["start_time"])
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    start = day + (moment - day) // width * width
    return start.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _p99(values: Iterable[int]) -> int:
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * 0.99) - 1]


def test_requests_and_errors_an_hour(log: Path) -> None:
    rows = _csv("summarize", log, "--every", "1h")

    requests = Counter(_start(record, timedelta(hours=1)) for record in _records(log))
    errors = Counter(
        _start(record, timedelta(hours=1))
        for record in _records(log)
        if record["response_code"] >= 500
    )
    assert {row["start_time"]: int(row["requests"]) for row in rows} == requests
    # Answers that broke off after a good code are errors too.
    broken = sum(int(row["errors"]) for row in rows) - sum(errors.values())
    assert broken >= 0
    assert {
        row["start_time"]: int(row["codes_5xx"]) for row in rows if row["codes_5xx"] != "0"
    } == {start: n for start, n in errors.items() if n}


def test_the_share_of_each_subset_by_hour(log: Path) -> None:
    rows = _csv("summarize", log, "--every", "1h", "--table", "splits")

    sent: Counter[tuple[str | None, str, str]] = Counter()
    refused = {"UAEX", "RL", "NR", "FI"}
    for record in _records(log):
        flags = set(str(record["response_flags"] or "-").split(","))
        details = str(record["response_code_details"])
        turned_away = flags & refused or details.startswith(("rbac", "jwt", "ext_authz", "direct"))
        if record["upstream_cluster"] and not turned_away:
            sent[_host(record), record["upstream_cluster"], _start(record, timedelta(hours=1))] += 1
    found: Counter[tuple[str | None, str, str]] = Counter()
    for row in rows:
        if "||" not in row["upstream_cluster"]:
            key = row["authority"], row["upstream_cluster"], row["start"]
            found[key] += int(row["requests"])
    assert found
    for key, n in found.items():
        assert sent[key] == n, key
    of_group: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        of_group[row["route_name"], row["authority"], row["start"]] += int(row["requests"])
    for row in rows:
        total = of_group[row["route_name"], row["authority"], row["start"]]
        assert float(row["share"]) == pytest.approx(int(row["requests"]) / total)


def test_the_slowest_paths_of_a_host_by_their_p99(log: Path) -> None:
    records = [r for r in _records(log) if r["response_code_details"] == "via_upstream"]
    ((host, _),) = Counter(map(_host, records)).most_common(1)

    rows = _csv("summarize", log, "--host", str(host), "--by", "path_group", "--sort", "p99")

    ranked = [int(row["latency_ms_p99"]) for row in rows if row["latency_ms_p99"]]
    assert ranked == sorted(ranked, reverse=True)
    assert len(ranked) > 2
    took: defaultdict[str, list[int]] = defaultdict(list)
    for record in records:
        bare = str(record["path"]).split("?")[0]
        if _host(record) == host and record["duration"] is not None:
            took[bare].append(record["duration"])
    for row in rows:
        if row["path_group"] in took and "{" not in row["path_group"]:
            assert int(row["latency_ms_p99"]) == _p99(took[row["path_group"]])


def test_the_requests_behind_a_finding_by_client_and_path(log: Path) -> None:
    finding = json.loads(_run("summarize", log, "--format", "json"))["findings"][0]

    rows = _csv("summarize", log, "--finding", "1", "--by", "client,path_group", "--limit", "0")

    assert sum(int(row["requests"]) for row in rows) == finding["requests"]
    lines = _run("lines", log, "--finding", "1", "--bare").splitlines()
    behind = Counter(
        json.loads(line)["downstream_remote_address"].rsplit(":", 1)[0] for line in lines
    )
    clients: Counter[str] = Counter()
    for row in rows:
        clients[row["client"]] += int(row["requests"])
    assert clients == behind


def test_days_add_up_to_a_month_that_is_read_by_day(log: Path, tmp_path: Path) -> None:
    by_day: defaultdict[str, list[str]] = defaultdict(list)
    for line in log.read_text().splitlines(keepends=True):
        by_day[json.loads(line)["start_time"][:10]].append(line)
    assert len(by_day) >= _DAYS
    tallies = []
    for day, lines in by_day.items():
        (tmp_path / f"{day}.log").write_text("".join(lines))
        tallies.append(tmp_path / f"{day}.tally")
        _run("summarize", tmp_path / f"{day}.log", "--every", "1h", "--save-tally", tallies[-1])
    month = tmp_path / "month.tally"
    _run("merge", *tallies, "-o", month)

    rows = _csv("summarize", month, "--every", "1d")

    requests = Counter(_start(record, timedelta(days=1)) for record in _records(log))
    assert {row["start_time"]: int(row["requests"]) for row in rows} == requests
    whole = _csv("summarize", log, "--every", "1d")
    assert rows == whole


def test_days_of_tallies_without_hours_are_read_from_their_timelines(
    log: Path, tmp_path: Path
) -> None:
    _run("summarize", log, "--save-tally", tmp_path / "a.tally")

    rows = _csv("summarize", tmp_path / "a.tally", "--every", "1d")

    requests = Counter(_start(record, timedelta(days=1)) for record in _records(log))
    assert {row["start"]: int(row["requests"]) for row in rows} == requests
