"""The real program with `--state`, `--keep-last` and logs that are there twice."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from tests.builders import Record, line, lines, printed, record
from tests.program import run


@dataclass(frozen=True)
class _Ended:
    code: int
    output: str
    errors: str

    @property
    def requests(self) -> int:
        return int(json.loads(self.output)["overview"]["requests"])

    @property
    def accounts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.output)["accounts"]
        return found


def _run(*arguments: str, code: int = 0, pipe: bytes = b"") -> _Ended:
    found = run(*arguments, pipe=pipe)
    errors = found.stderr.decode()
    assert "Traceback" not in errors, errors
    assert found.returncode == code, errors
    return _Ended(found.returncode, found.stdout.decode(), errors)


def _json(*arguments: str, code: int = 0, pipe: bytes = b"") -> _Ended:
    return _run("summarize", *arguments, "--format", "json", code=code, pipe=pipe)


def _records(first: int, n: int, day: int = 1, **changes: object) -> list[Record]:
    return [
        record(
            request_id=f"{day}-{number}",
            start_time=f"2026-01-{day:02d}T03:{number // 60:02d}:{number % 60:02d}.678Z",
            **changes,
        )
        for number in range(first, first + n)
    ]


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _append(name: str, data: bytes) -> None:
    with Path(name).open("ab") as log:
        log.write(data)


# --- What is new -------------------------------------------------------------------------------


def test_only_what_is_new_is_read_and_the_sum_is_shown() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    first = _json("gw.log", "--state", "s")
    _append("gw.log", lines(*_records(3, 2)))

    second = _json("gw.log", "--state", "s")
    third = _json("gw.log", "--state", "s")

    assert (first.requests, second.requests, third.requests) == (3, 5, 5)
    new = len(lines(*_records(3, 2))) / 1000
    assert f"{new:.1f} kB new in" in second.errors
    assert "0 B new in" in third.errors
    assert json.loads(second.output) == json.loads(_json("gw.log").output)
    assert json.loads(second.output) == json.loads(_json("s").output)


def test_a_half_line_is_counted_once_it_is_whole() -> None:
    text = lines(*_records(0, 2))
    _append("gw.log", text[:-30])

    half = _json("gw.log", "--state", "s")
    _append("gw.log", text[-30:])
    whole = _json("gw.log", "--state", "s")

    assert (half.requests, whole.requests) == (1, 2)
    left = len(text) - 30 - len(lines(*_records(0, 1)))
    assert f"{left} B of last lines without a line feed: left for the next run." in half.errors
    assert half.accounts["malformed"] == whole.accounts["malformed"] == 0


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_a_log_in_another_encoding_is_counted_once_wherever_it_was_cut(
    encoding: str, mark: str
) -> None:
    text = lines(*_records(0, 5, user_agent="caf\u00e9")).decode()
    data = (mark + text).encode(encoding)
    cut = 0
    for end in (len(data) // 3 + 1, len(data) // 2 + 2, len(data) - 1, len(data)):
        _append("gw.log", data[cut:end])
        cut = end
        found = _json("gw.log", "--state", "s")
        assert found.accounts["malformed"] == found.accounts["other"] == 0

    assert found.requests == 5
    Path("same.log").write_text(text, encoding="utf-8")
    same = _json("same.log").accounts
    same["sources"][0]["source"] = "gw.log"
    assert found.accounts == same


def test_a_printed_object_is_counted_once_it_has_an_end() -> None:
    before, last = _records(0, 2)
    text = printed(last) + b"\n"
    cut = text.index(b'"path"')
    cut = text.index(b"\n", cut) + 1
    _append("gw.log", line(before) + b"\n" + text[:cut])

    half = _json("gw.log", "--state", "s")
    _append("gw.log", text[cut:])
    whole = _json("gw.log", "--state", "s")

    assert (half.requests, whole.requests) == (1, 2)
    waiting = text[:cut].count(b"\n")
    assert f"{waiting} lines of records without an end: left for the next run." in half.errors
    assert half.accounts["lines"] == 1
    assert whole.accounts == _json("gw.log").accounts


def test_a_log_that_is_named_alone_is_followed_to_its_rotated_files() -> None:
    Path("gw.log.1").write_bytes(lines(*_records(0, 5, day=1)))
    os.utime("gw.log.1", (1, 1))
    _append("gw.log", lines(*_records(0, 3, day=2)))
    assert _json("gw.log", "--state", "s").requests == 3
    _append("gw.log", lines(*_records(3, 1, day=2)))
    Path("gw.log.1").rename("gw.log.3")
    Path("gw.log").rename("gw.log.2")
    time.sleep(0.01)
    Path("gw.log.1").write_bytes(lines(*_records(0, 7, day=3)))
    _append("gw.log", lines(*_records(0, 11, day=4)))

    found = _json("gw.log", "--state", "s")

    # What was there before the first run was never asked for.
    assert found.requests == 3 + 1 + 7 + 11


def test_a_rotated_log_that_is_gone_is_said() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    _json("gw.log", "--state", "s")
    Path("gw.log").write_bytes(lines(*_records(0, 2, day=2)))

    found = _json("gw.log", "--state", "s")

    assert found.requests == 5
    assert "gw.log: the log that was there last time is gone, and is not beside it." in found.errors


def test_an_archive_of_the_beginning_is_not_where_a_grown_log_is() -> None:
    Path("logs").mkdir()
    Path("logs/b.log.gz").write_bytes(gzip.compress(lines(*_records(0, 20))))
    Path("logs/d.log").write_bytes(lines(*_records(0, 30)))
    Path("logs/j.log").write_bytes(lines(*_records(0, 90)))
    assert _json("logs", "--state", "s").requests == 90

    again = _json("logs", "--state", "s")
    _append("logs/j.log", lines(*_records(90, 5)))
    grown = _json("logs", "--state", "s")

    assert (again.requests, grown.requests) == (90, 95)
    assert "not there any more" not in again.errors + grown.errors


def test_a_log_that_was_cut_in_place_and_grew_past_its_old_size_is_said() -> None:
    _append("gw.log", lines(*_records(0, 9)))
    _json("gw.log", "--state", "s")
    Path("gw.log").write_bytes(lines(*_records(0, 4), *_records(0, 20, day=2)))

    found = _json("gw.log", "--state", "s")
    again = _json("gw.log", "--state", "s")

    assert (found.requests, again.requests) == (9 + 24, 9 + 24)
    assert "gw.log: begins with 2.0 kB or more that were counted before" in found.errors
    assert "what stands before the cut twice" in found.errors
    assert "gw.log:" not in again.errors


def test_what_stands_beside_a_named_log_and_was_not_rotated_is_not_read() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    files = ["gw.log", "--state", "gw.log.state", "--rejects", "gw.log.rejects"]
    _run("summarize", *files, "--format", "json", "-o", "gw.log.json")
    Path("gw.log").rename("gw.log.1")
    _append("gw.log-egress", lines(*_records(0, 9, day=2)))
    _append("gw.log", lines(*_records(0, 2, day=3)))

    assert _json(*files).accounts["lines"] == 5


def test_the_state_and_its_lock_are_no_logs_of_their_folder() -> None:
    Path("logs").mkdir()
    _append("logs/gw.log", lines(*_records(0, 3)))
    _json("logs", "--state", "logs/s")

    found = _json("logs", "--state", "logs/s")

    assert found.requests == 3
    assert [source["source"] for source in found.accounts["sources"]] == ["logs/gw.log"]


def test_what_runs_with_a_state_have_written_is_no_log_of_their_folder() -> None:
    Path("logs").mkdir()
    _append("logs/gw.log", lines(*_records(0, 3)) + b"{\n")
    options = ["--state", "logs/s", "--rejects", "logs/r", "--save-tally", "logs/t"]
    runs = [_run("summarize", "logs", *options, "--format", "json", "-o", "logs/out.json")]
    _append("logs/gw.log", lines(*_records(3, 1)))
    runs.append(_run("summarize", "logs", *options, "--format", "json", "-o", "logs/out.json"))
    runs.append(_json("logs", "--state", "logs/s"))

    assert [source["source"] for source in runs[2].accounts["sources"]] == ["logs/gw.log"]
    assert runs[2].requests == 4
    assert "passed over" not in "".join(run.errors for run in runs)
    for name in ("gw.log", "later.log"):
        Path("logs/later.log").write_bytes(lines(*_records(9, 1)))
        refused = _json("logs", "--state", "logs/s", "-o", f"logs/{name}", code=1)
        assert f"logs/{name}: is one of the logs to read." in refused.errors


def test_tallies_in_a_folder_of_logs_are_passed_over_and_named() -> None:
    Path("logs").mkdir()
    _append("logs/gw.log", lines(*_records(0, 3)))
    _json("logs/gw.log", "--save-tally", "logs/t")
    _json("logs/gw.log", "--state", "logs/other")

    found = _json("logs", "--state", "logs/s")

    assert found.requests == 3
    for name in ("logs/t", "logs/other"):
        assert f"envoylogs: {name}: passed over, it is a saved tally." in found.errors
        named = _json(name, "--state", "logs/s", code=2)
        assert f"{name} is a saved tally" in named.errors


def test_what_never_gets_an_end_is_said_once() -> None:
    Path("logs").mkdir()
    begun = b"\n".join(printed(record()).split(b"\n")[:5]) + b"\n"
    Path("logs/gw.log.2").write_bytes(lines(*_records(0, 2)) + b'{"half')
    Path("logs/gw.log.1.gz").write_bytes(gzip.compress(lines(*_records(2, 2)) + b'{"half'))
    Path("logs/gw.log.3").write_bytes(lines(*_records(4, 2)) + begun)

    found = [_json("logs", "--state", "s").errors for _ in range(3)]

    assert "12 B of last lines without a line feed: left for the next run." in found[0]
    assert "5 lines of records without an end: left for the next run." in found[0]
    assert "left for the next run" not in found[1] + found[2]
    _append("logs/gw.log.2", b'": 1')
    assert "10 B of last lines without a line feed" in _json("logs", "--state", "s").errors


def test_less_than_a_record_is_not_said_to_be_nothing() -> None:
    _append("gw.log", b'{\n"authority"')

    found = _json("gw.log", "--state", "s")
    again = _json("gw.log", "--state", "s")
    Path("none.log").touch()

    assert "there is no whole record yet" in found.errors
    assert "there is no whole record yet" in again.errors
    assert "the input is empty" in _json("none.log", "--state", "t").errors
    Path("gw.log").write_bytes(b'{"authority"')
    assert "there is no whole record yet" in _json("gw.log", "--state", "t").errors


def test_strict_and_rejects_are_about_what_is_new() -> None:
    words = ["gw.log", "--state", "s", "--strict", "--rejects", "r"]
    bad = b'{"authority": bad}\n'
    _append("gw.log", lines(*_records(0, 2)) + bad + lines(*_records(2, 1)))

    first = _json(*words, code=1)
    _append("gw.log", lines(*_records(3, 2)))
    second = _json(*words)
    rejects = Path("r").read_bytes()
    _append("gw.log", bad + lines(*_records(5, 1)))
    third = _json(*words, code=1)

    assert "1 of 4 new lines are malformed (invalid_json 1)" in first.errors
    assert second.accounts["malformed"] == 1
    assert rejects == b""
    assert "1 of 2 new lines are malformed" in third.errors
    assert Path("r").read_bytes() == bad


def test_an_archive_that_is_still_written_goes_on_when_it_is_whole() -> None:
    text = lines(*_records(0, 50))
    packed = gzip.compress(text)
    Path("logs").mkdir()
    Path("logs/gw.log.1.gz").write_bytes(packed[: len(packed) // 2])
    half = _json("logs", "--state", "s", code=1)
    Path("logs/gw.log.1.gz").write_bytes(packed)

    whole = _json("logs", "--state", "s")
    again = _json("logs", "--state", "s")

    assert 0 < half.requests < 50
    assert "truncated_gzip" in half.errors
    assert (whole.requests, again.requests) == (50, 50)
    assert json.loads(whole.output)["complete"] is True


def test_an_archive_of_which_nothing_or_nothing_new_came_is_named() -> None:
    text = lines(*_records(0, 500))
    packed = gzip.compress(text)
    Path("a.log").write_bytes(text[: len(text) // 2])
    Path("b.gz").write_bytes(packed[: len(packed) // 4])
    Path("c.gz").write_bytes(packed[:5])

    for words in (["a.log", "b.gz"], ["a.log", "c.gz"]):
        for state in ([], ["--state", f"s-{words[1]}"]):
            found = _json(*words, *state, code=1)
            assert f"{words[1]}: the archive ends too early" in found.errors
            assert json.loads(found.output)["complete"] is False


def test_a_sidecar_stays_one_in_later_runs() -> None:
    inbound = record(upstream_cluster="inbound|8080||")
    client = record(
        downstream_local_address="10.8.1.2:80", upstream_local_address="10.8.7.7:51234",
        upstream_cluster="outbound|80||cart.shop.svc.cluster.local",
    )  # fmt: skip
    _append("side.log", lines(inbound))
    _append("gw.log", lines(*_records(0, 3)))
    _json("side.log", "gw.log", "--state", "s")
    _append("side.log", lines(client))

    found = _json("side.log", "gw.log", "--state", "s")

    assert found.requests == 3
    assert found.accounts["roles_left_out"] == {"sidecar": 2}


def test_a_waypoint_stays_one_in_later_runs() -> None:
    vip = record(upstream_cluster="inbound-vip|80|http|cart.shop.svc.cluster.local")
    unrouted = record(upstream_cluster=None, response_code=404, response_flags="NR")
    _append("waypoint.log", lines(vip))
    _append("gw.log", lines(*_records(0, 3)))
    _json("waypoint.log", "gw.log", "--state", "s")
    _append("waypoint.log", lines(unrouted))

    found = _json("waypoint.log", "gw.log", "--state", "s")

    assert found.requests == 3
    assert found.accounts["roles_left_out"] == {"waypoint": 2}


# --- What can't be -----------------------------------------------------------------------------


def test_two_runs_at_once_are_refused() -> None:
    _append("gw.log", lines(*_records(0, 3)))

    with FileLock(str(Path("s.lock").resolve())):
        found = _json("gw.log", "--state", "s", code=1)

    assert "s: another run is adding to it." in found.errors
    assert not Path("s").exists()
    assert _json("gw.log", "--state", "s").requests == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--since", "14:05"], "--since can't choose among them again"),
        (["--last", "15m"], "--last can't choose among them again"),
        (["--distinct-requests"], "--distinct-requests can't tell"),
    ],
)
def test_what_moves_from_run_to_run_is_wrong_usage(options: list[str], words: str) -> None:
    _append("gw.log", lines(*_records(0, 3)))

    found = _json("gw.log", "--state", "s", *options, code=2)

    assert words in found.errors.replace("\n", " ")
    assert not Path("s").exists()


def test_pipes_and_tallies_are_wrong_usage() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    _json("gw.log", "--save-tally", "t")

    assert "can't be known again" in _json("-", "--state", "s", code=2, pipe=b"").errors
    assert "is a saved tally" in _json("t", "--state", "s", code=2).errors
    assert "--state" in _json("gw.log", "--keep-last", "3d", code=2).errors


def test_a_saved_tally_is_no_state_and_a_log_is_none_either() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    _json("gw.log", "--save-tally", "t")
    _append("other.log", b"text\n")

    assert "was not made by --state" in _json("gw.log", "--state", "t", code=1).errors
    other = _json("gw.log", "--state", "other.log", code=1)
    assert "other.log: is a damaged Parquet file" in other.errors
    assert "If it was something else, name another file." in other.errors
    assert Path("other.log").read_bytes() == b"text\n"
    assert _json("t").requests == 3


def test_a_damaged_state_says_what_to_do_and_an_empty_one_is_begun() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    _json("gw.log", "--state", "s")
    whole = Path("s").read_bytes()
    for damaged in (whole[:200], whole[:4] + whole[200:], whole[:-8]):
        Path("s").write_bytes(damaged)
        found = _json("gw.log", "--state", "s", code=1)
        assert "s: is a damaged " in found.errors
        assert "delete it, and the next run counts anew" in found.errors
        assert "envoylogs help state" in found.errors
        assert Path("s").read_bytes() == damaged
    Path("s").write_bytes(b"")

    assert _json("gw.log", "--state", "s").requests == 3
    assert _json("gw.log", "--state", "s").requests == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_what_is_no_file_is_no_state_and_gets_no_lock() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("null").symlink_to(os.devnull)

    for name in ("folder", "pipe", "null"):
        found = _json("gw.log", "--state", name, code=1)
        assert f"{name}: is no file, and a state is kept in one." in found.errors
    assert not list(Path().glob("*.lock"))
    assert not Path(f"{os.devnull}.lock").exists()


def test_nothing_else_is_written_in_the_place_of_a_state() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    _json("gw.log", "--state", "s")

    for command in (
        ["merge", "s", "-o", "s"],
        ["summarize", "gw.log", "--save-tally", "s"],
        ["summarize", "gw.log", "-o", "s"],
        ["summarize", "gw.log", "--rejects", "s"],
        ["report", "gw.log", "-o", "s"],
    ):
        assert "s: is a file of --state" in _run(*command, code=1).errors
    assert (
        "two outputs" in _run("summarize", "gw.log", "--state", "s", "-o", "s.lock", code=1).errors
    )
    assert _json("gw.log", "--state", "s").requests == 3


def test_who_may_read_a_state_stays_so() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    _json("gw.log", "--state", "s")
    Path("s").chmod(0o600)
    _append("gw.log", lines(*_records(3, 3)))

    _json("gw.log", "--state", "s")

    assert Path("s").stat().st_mode & 0o777 == 0o600


def test_other_options_than_those_of_the_state_are_refused() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    _json("gw.log", "--state", "s", "--max-names", "50")
    _append("gw.log", lines(*_records(3, 3)))

    for options, before in (
        (["--by", "method"], "no --by"),
        (["--joint", "host"], "no --joint"),
        (["--host", "shop.example.com"], "all records"),
        (["--max-names", "60"], "--max-names 50"),
        (["--max-joint-rows", "6000"], "--max-joint-rows 250000"),
        (["--show-query"], "--no-show-query"),
        (["--map", "authority=vhost"], "no --map"),
        (["--text-format", "%RESPONSE_CODE% %PROTOCOL%"], "no --text-format"),
    ):
        found = _json("gw.log", "--state", "s", *options, code=1)
        asked = " ".join(options)
        assert f"s: was made with {before}, and this run was asked for {asked}. " in found.errors

    # What is not given is taken from the file.
    assert _json("gw.log", "--state", "s").requests == 6


def test_queries_that_a_state_keeps_are_not_hidden_by_the_way() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    _json("gw.log", "--state", "s", "--show-query")

    found = _json("gw.log", "--state", "s", "--no-show-query", code=1)

    assert "s: was made with --show-query, and this run was asked for --no-show-query." in (
        found.errors
    )
    assert _json("gw.log", "--state", "s").requests == 3


def test_lines_mean_the_same_in_every_run_of_a_state() -> None:
    log = lines(*({**found, "vhost": "a.example", "verb": "GET"} for found in _records(0, 3)))
    _append("gw.log", log)
    mapped = ["--map", "method=verb", "--map", "authority=vhost,authority=authority"]
    _json("gw.log", "--state", "s", *mapped)

    assert _json("gw.log", "--state", "s", *mapped).requests == 3
    # Only the order of the keys of one column says anything.
    assert _json("gw.log", "--state", "s", *mapped[2:], *mapped[:2]).requests == 3
    for options, words in (
        ([], "no --map"),
        (["--map", "authority=authority,authority=vhost,method=verb"], "--map authority=authority"),
    ):
        found = _json("gw.log", "--state", "s", *options, code=1)
        assert "s: was made with --map authority=vhost,authority=authority,method=verb, and" in (
            found.errors
        )
        assert f"asked for {words}" in found.errors


def test_a_folder_that_is_not_there_is_not_made() -> None:
    _append("gw.log", lines(*_records(0, 3)))

    found = _json("gw.log", "--state", "missing/s", code=1)

    assert "missing/s: can't be locked: No such file or directory." in found.errors
    assert not Path("missing").exists()


# --- Days --------------------------------------------------------------------------------------


def test_old_days_are_forgotten_and_not_counted_again() -> None:
    for day in (1, 2, 3):
        _append("gw.log", lines(*_records(0, day, day=day)))
        found = _json("gw.log", "--state", "s", "--keep-last", "30h")

    assert found.requests == 2 + 3
    assert "1 day forgotten: older than --keep-last." in found.errors
    again = _json("gw.log", "--state", "s", "--keep-last", "30h")
    assert again.requests == 5
    assert again.accounts["records"] == 5
    assert _json("s").requests == 5


def test_a_record_of_the_future_makes_nothing_old() -> None:
    _append("gw.log", lines(*_records(0, 3)))
    _json("gw.log", "--state", "s", "--keep-last", "36500d")
    future = record(start_time="2999-01-01T00:00:00.000Z")
    _append("gw.log", lines(future))

    found = _json("gw.log", "--state", "s", "--keep-last", "36500d")

    assert found.requests == 4
    assert "forgotten" not in found.errors


def test_a_record_of_the_future_keeps_no_day_and_ends_no_span() -> None:
    future = record(start_time="2999-01-01T00:00:00.000Z")
    for day in (1, 2, 3):
        _append("gw.log", lines(*_records(0, day, day=day), future))
        found = _json("gw.log", "--state", "s", "--keep-last", "30h")

    assert found.requests == 3 + 4
    assert "1 day forgotten: older than --keep-last." in found.errors


def test_merging_leaves_out_tallies_that_are_older_than_the_newest_one_up_to_now() -> None:
    future = record(start_time="2999-01-01T00:00:00.000Z", path="/future")
    for day in (1, 2, 3):
        Path("day.log").write_bytes(lines(*_records(0, day, day=day), future))
        _json("day.log", "--save-tally", f"{day}.tally")
    Path("day.log").write_bytes(lines(future))
    _json("day.log", "--save-tally", "future.tally")

    tallies = ["1.tally", "2.tally", "3.tally", "future.tally"]
    found = _run("merge", *tallies, "--keep-last", "30h", "-o", "sum")

    assert "1 saved tally left out, older than --keep-last: 1.tally." in found.errors
    assert _json("sum").requests == 3 + 4 + 1


def test_merging_leaves_out_old_tallies() -> None:
    for day in (1, 2, 3):
        Path("day.log").write_bytes(lines(*_records(0, day, day=day)))
        _json("day.log", "--save-tally", f"{day}.tally")

    found = _run("merge", "1.tally", "2.tally", "3.tally", "--keep-last", "30h", "-o", "sum")

    assert "1 saved tally left out, older than --keep-last: 1.tally." in found.errors
    assert _json("sum").requests == 5


def test_tallies_of_many_days_add_up_whatever_their_widths() -> None:
    logs = []
    for day in range(1, 20):
        Path(f"{day}.log").write_bytes(lines(*_records(0, 100 if day % 2 else 1, day=day)))
        _json(f"{day}.log", "--save-tally", f"{day}.tally")
        logs.append(f"{day}.log")
    _run("merge", *(name.replace("log", "tally") for name in logs), "-o", "sum")

    merged, at_once = json.loads(_json("sum").output), json.loads(_json(*logs).output)

    assert merged == at_once
    assert merged["timeline"]["bucket_seconds"] > 1


# --- The same log twice ------------------------------------------------------------------------


def test_copies_of_a_log_are_counted_once_and_named() -> None:
    text = lines(*_records(0, 20))
    Path("a.log").write_bytes(text)
    shutil.copyfile("a.log", "b.log")
    Path("c.log.gz").write_bytes(gzip.compress(text))
    Path("longer.log").write_bytes(text + lines(*_records(20, 3)))
    Path("shorter.log").write_bytes(lines(*_records(0, 5)))

    names = ["a.log", "b.log", "c.log.gz", "longer.log", "shorter.log"]
    found = _json(*names)

    assert found.requests == 23
    sizes = [len(text)] * 3 + [len(lines(*_records(0, 5)))]
    assert found.accounts["copies"] == [
        {"source": name, "of": "a.log", "bytes": size}
        for name, size in zip(names[1:], sizes, strict=True)
    ]
    assert (
        f"b.log: {len(text) / 1000:.1f} kB of it are those of a.log; they are counted once."
        in found.errors
    )
    shown = _run("lines", *names, "--code", "200").output
    assert len(shown.splitlines()) == 23


def test_requests_that_two_gateways_have_are_counted_once_on_demand() -> None:
    Path("a.log").write_bytes(lines(*_records(0, 5, downstream_local_address="10.0.0.1:8443")))
    Path("b.log").write_bytes(
        lines(
            *_records(3, 4, downstream_local_address="10.0.0.2:8443"),
            *(record(request_id=None, path=f"/{n}") for n in range(2)),
        )
    )

    assert _json("a.log", "b.log").requests == 11
    found = _json("a.log", "b.log", "--distinct-requests")

    assert found.requests == 9
    assert found.accounts["seen_before"] == 2
    _json("a.log", "--save-tally", "t", "--distinct-requests")
    assert _json("t", "--distinct-requests").requests == 5
    for words in (["a.log", "t"], ["t", "b.log"], ["t", "a.log", "b.log"]):
        beside = _json(*words, "--distinct-requests", code=2).errors.replace("\n", " ")
        assert "--distinct-requests can't look into t: a saved tally has no request ids" in beside
    assert found.accounts["records"] == 11
    shown = _run("lines", "a.log", "b.log", "--code", "200", "--distinct-requests")
    assert len(shown.output.splitlines()) == 9
