"""The real program: selections, tables, saved tallies, lines, and what a user may get wrong."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator
from tests.handmade import (
    Record,
    connection,
    reset,
    served,
    text_of,
    unrouted,
)
from tests.program import run

from envoylogs.envoy.details import RESPONSE_CODE_DETAILS
from envoylogs.envoy.flags import RESPONSE_FLAGS
from envoylogs.envoy.outcomes import OUTCOMES
from envoylogs.mesh.causes import CAUSE_KINDS
from envoylogs.summary.findings.catalog import FINDING_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

_COMMAND = [sys.executable, "-m", "envoylogs"]
_FULL = Path("/dev/full")


@dataclass(frozen=True)
class _Ended:
    """What a run of the program printed, and its exit code."""

    code: int
    output: bytes
    errors: str

    @property
    def document(self) -> Any:
        return json.loads(self.output)


class _Folder:
    """A folder with logs, in which the program is run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, data: bytes | Iterable[Record]) -> str:
        content = data if isinstance(data, bytes) else text_of(data)
        (self.path / name).write_bytes(content)
        return name

    def run(self, *arguments: str, pipe: bytes = b"", code: int | None = 0) -> _Ended:
        """Run the program; null takes any exit code but that of a crash."""
        found = run(*arguments, folder=self.path, pipe=pipe)
        errors = found.stderr.decode("utf-8", "replace")
        assert "Traceback" not in errors, errors
        assert found.returncode in ({0, 1, 2} if code is None else {code}), errors
        return _Ended(found.returncode, found.stdout, errors)

    def json(self, *arguments: str, pipe: bytes = b"") -> Any:
        return self.run("summarize", *arguments, "--format", "json", pipe=pipe).document


@pytest.fixture
def folder(tmp_path: Path) -> _Folder:
    return _Folder(tmp_path)


_STORY: list[Record] = [
    *(served(n, path=f"/cart/{n}?token=secret") for n in range(20)),
    *(served(n, method="POST", authority="api.example.com") for n in range(20, 30)),
    *(unrouted(n, path="/gone") for n in range(30, 36)),
    *(reset(n, downstream_remote_address="192.0.2.9:1") for n in range(36, 40)),
    *(connection(n) for n in range(40, 43)),
    served(None),
]


def _counts(table: list[dict[str, Any]], key: str) -> dict[Any, int]:
    return {row[key]: row["requests"] for row in table}


# --- Selections ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "requests", "text"),
    [
        (["--code", "5xx", "--code", "404"], 10, "--code 5xx --code 404"),
        (["--outcome", "error", "--client", "192.0.2.9"], 4, "--outcome error --client 192.0.2.9"),
        (["--where", "method = 'POST' AND duration_ms < 50"], 10, None),
        (["--since", "2026-11-01T12:00:30Z", "--until", "2026-11-01T13:00:36+01:00"], 6,
         "--since 2026-11-01T12:00:30Z --until 2026-11-01T12:00:36Z"),
    ],
)  # fmt: skip
def test_a_summary_is_of_the_selected_records(
    folder: _Folder, arguments: list[str], requests: int, text: str | None
) -> None:
    folder.write("gateway.log", _STORY)

    document = folder.json("gateway.log", *arguments)

    assert document["overview"]["requests"] == requests
    assert sum(row["requests"] for row in document["groups"]) == requests
    assert document["accounts"]["records"] == len(_STORY)
    assert document["accounts"]["filtered"] == len(_STORY) - requests
    assert text is None or document["selection"] == text


def test_a_selection_that_no_record_fits_names_the_window(folder: _Folder) -> None:
    folder.write("gateway.log", _STORY)

    ended = folder.run("summarize", "gateway.log", "--code", "999", "--save-tally", "t", code=1)

    assert "none of 44 records fits --code 999" in ended.errors
    assert "2026-11-01 12:00:00 to 12:00:42 UTC" in ended.errors
    assert "envoylogs help empty-selection" in ended.errors
    assert ended.output == b""
    assert not (folder.path / "t").exists()


def test_an_empty_log_with_a_selection_is_no_error(folder: _Folder) -> None:
    ended = folder.run("summarize", "--code", "404")

    assert "the input is empty" in ended.errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--where", "CAST(path AS INT) > 1"], "envoylogs help selection"),
        (["--by", "bytes_sent"], "'bytes_sent' is not a known column to count by"),
        (["--table", "groups", "--by", "method"], "not both"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    folder: _Folder, arguments: list[str], words: str
) -> None:
    folder.write("gateway.log", _STORY)

    ended = folder.run("summarize", "gateway.log", *arguments, code=2)

    assert words in ended.errors
    assert ended.output == b""


def test_a_length_of_time_before_all_calendars_is_everything_or_an_error_in_words(
    folder: _Folder,
) -> None:
    folder.write("gateway.log", _STORY)

    ended = folder.run("gateway.log", "--last", "800000d", "-f", "json", code=None)

    assert ended.code == 2 or ended.document["accounts"]["filtered"] == 1


# --- The last minutes ---------------------------------------------------------------------------


def test_the_last_seconds_are_those_before_the_newest_record_of_all_sources(
    folder: _Folder,
) -> None:
    folder.write("a.log", [served(0), served(50)])
    folder.write("b.log", [served(100), served(70), served(90), served(None)])
    whole = (folder.path / "a.log").read_bytes() + (folder.path / "b.log").read_bytes()

    of_files = folder.json("a.log", "b.log", "--last", "30s")
    of_a_pipe = folder.json("-", "--last", "30s", pipe=whole)

    assert of_files["overview"]["requests"] == of_a_pipe["overview"]["requests"] == 3
    assert of_files["selection"] == of_a_pipe["selection"] == "--since 2026-11-01T12:01:10Z"
    assert of_a_pipe["accounts"]["sources"][0]["source"] == "<stdin>"
    assert of_a_pipe["overview"] == of_files["overview"]


def test_the_last_seconds_and_a_start_are_both_kept(folder: _Folder) -> None:
    folder.write("a.log", [served(n) for n in range(100)])

    later = folder.json("a.log", "--last", "30s", "--since", "2026-11-01T12:01:30Z")
    earlier = folder.json("a.log", "--last", "30s", "--since", "2026-11-01T12:00:30Z")

    assert later["overview"]["requests"] == 10
    assert earlier["overview"]["requests"] == 31


@pytest.mark.parametrize("command", ["summarize", "lines"])
def test_records_without_a_time_are_not_in_the_last_minutes(folder: _Folder, command: str) -> None:
    folder.write("a.log", [served(None), served(None)])

    ended = folder.run(command, "a.log", "--last", "15m", code=1)

    assert "envoylogs help empty-selection" in ended.errors


# --- Tables -------------------------------------------------------------------------------------


def test_a_table_by_any_columns_is_the_same_in_every_format(
    folder: _Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("gateway.log", _STORY)
    asked = ("gateway.log", "--by", "method,path_group", "--by", "host")

    rows = folder.json(*asked)["by"]["method,path_group,host"]
    ndjson = folder.run("summarize", *asked, "--format", "ndjson").output
    table = folder.run("summarize", *asked, "--format", "csv").output.decode()
    monkeypatch.setenv("COLUMNS", "200")
    text = folder.run("summarize", *asked, "--limit", "0").output.decode()
    markdown = folder.run("summarize", *asked, "--format", "markdown").output.decode()

    assert sum(row["requests"] for row in rows) == 41
    assert {row["path_group"] for row in rows} == {"/cart/{id}", "/", "/gone"}
    assert [json.loads(line) for line in ndjson.splitlines()] == rows
    cells = list(csv.DictReader(io.StringIO(table)))
    assert [(row["method"], row["path_group"], row["requests"]) for row in cells] == [
        (row["method"], row["path_group"], str(row["requests"])) for row in rows
    ]
    for shown in (text, markdown):
        assert all(row["path_group"] in shown for row in rows)


def test_csv_and_json_lines_are_groups_unless_told_otherwise(folder: _Folder) -> None:
    folder.write("gateway.log", _STORY)

    groups = folder.json("gateway.log")["groups"]

    ndjson = folder.run("summarize", "gateway.log", "-f", "ndjson", "-n", "2").output
    assert [json.loads(line) for line in ndjson.splitlines()] == groups[:2]
    table = folder.run("gateway.log", "-f", "csv").output.decode()
    assert [row["requests"] for row in csv.DictReader(io.StringIO(table))] == [
        str(row["requests"]) for row in groups
    ]


def test_values_of_queries_are_shown_only_if_that_was_asked_for(folder: _Folder) -> None:
    folder.write("gateway.log", _STORY)
    asked = ("summarize", "gateway.log", "--by", "path", "--format", "ndjson")

    assert b"secret" not in folder.run(*asked).output
    assert b"?token=secret" in folder.run(*asked, "--show-query").output


@pytest.mark.skipif(not _FULL.exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("arguments", [["summarize"], ["lines", "--code", "200"]])
def test_a_full_disk_is_an_error_in_words(folder: _Folder, arguments: list[str]) -> None:
    folder.write("gateway.log", _STORY)
    with _FULL.open("wb") as full:
        found = subprocess.run(
            [*_COMMAND, *arguments, "gateway.log"], cwd=folder.path, stdout=full,
            stderr=subprocess.PIPE, check=False,
        )  # fmt: skip

    assert b"Traceback" not in found.stderr
    assert b"No space left" in found.stderr
    assert found.returncode == 1


def test_a_file_name_that_is_no_text_is_read_or_refused_in_words(folder: _Folder) -> None:
    name = os.fsdecode(b"gate\xffway.log")
    folder.write(name, _STORY)

    folder.run("lines", name, "--code", "404", code=None)


# --- Saved tallies ------------------------------------------------------------------------------


def _two_logs(folder: _Folder) -> tuple[str, str]:
    bad = b"agent text\n{oops}\n\x00\n"
    eras = (generator.Era.V1_5, generator.Era.V1_28)
    data = [b"".join(generator.lines(600, seed=n, era=era, hosts=20)) + bad
            for n, era in enumerate(eras)]  # fmt: skip
    return folder.write("monday.log", data[0]), folder.write("tuesday.log", data[1])


def test_merged_tallies_say_byte_by_byte_what_the_logs_together_say(folder: _Folder) -> None:
    logs = _two_logs(folder)
    by = ("--by", "method,path_group")
    for log in logs:
        folder.run("summarize", log, *by, "--save-tally", f"{log}.tally", "--format", "csv")

    ended = folder.run("merge", "monday.log.tally", "tuesday.log.tally", "-o", "week.tally")

    assert ended.output == b""
    assert "2 saved tallies added: week.tally" in ended.errors
    together = folder.run("summarize", *logs, *by, "--format", "json").output
    assert folder.run("summarize", "week.tally", *by, "--format", "json").output == together
    # One column of two was not asked for and is rolled up; a log may stand beside a tally.
    rolled_up = folder.json("week.tally", "--by", "path_group")["by"]["path_group"]
    assert rolled_up == folder.json(*logs, "--by", "path_group")["by"]["path_group"]
    mixed = folder.run("tuesday.log.tally", "monday.log", *by, "--format", "json").output
    assert mixed == together


def test_a_selection_is_kept_with_a_tally(folder: _Folder) -> None:
    folder.write("gateway.log", _STORY)
    selection = ("--host", "shop.example.com", "--code", "404")
    before = folder.run("gateway.log", *selection, "--save-tally", "t", "-f", "json").output

    assert folder.run("t", *selection, "-f", "json").output == before
    ended = folder.run("t", "--code", "404", code=2)
    assert "--host shop.example.com --code 404" in ended.errors


def test_a_log_beside_a_tally_of_selected_records_is_selected_from_too(folder: _Folder) -> None:
    folder.write("a.log", [served(0), unrouted(1)])
    folder.write("b.log", [served(2), unrouted(3)])
    folder.run("a.log", "--code", "404", "--save-tally", "a.tally", "-f", "csv")

    ended = folder.run("a.tally", "b.log", "-f", "json", code=None)

    assert ended.code or _counts(ended.document["by"]["response_code"], "response_code") == {404: 2}


def test_what_a_tally_can_not_answer_is_a_usage_error_with_what_it_has(folder: _Folder) -> None:
    story = [*(served(n) for n in range(20)), *(unrouted(n) for n in range(20, 40))]
    folder.write("gateway.log", story)
    folder.run("gateway.log", "--save-tally", "t.tally", "-f", "csv")

    for (command, *rest), words in (
        (["summarize", "--code", "404"], ["--code 404", "authority", "response_code"]),
        (["summarize", "--last", "5m"], ["--last"]),
        (["summarize", "--by", "method"], ["no counts by method", "authority", "upstream_host"]),
        (["lines", "--finding", "1"], ["--finding 1", "has counts, not records"]),
        (["summarize", "--since", "14:05"], ["--since 14:05"]),
        (["summarize", "--map", "path=url"], ["no lines", "--map would change nothing"]),
        (["report", "-o", "r.html", "--map", "path=url"], ["--map would change nothing"]),
        (["summarize", "--rejects", "r"], ["no lines", "--rejects would change nothing"]),
        (
            ["summarize", "--text-format", "%RESPONSE_CODE% %START_TIME%"],
            ["--text-format would change nothing"],
        ),
        (["summarize", "--show-query"], ["without the values of their queries"]),
    ):
        ended = folder.run(command, "t.tally", *rest, code=2)
        assert ended.output == b""
        assert [word for word in words if word not in ended.errors] == []
        assert "envoylogs help tally-question" in ended.errors


def test_options_that_a_tally_honors_or_that_a_log_beside_it_needs_are_taken(
    folder: _Folder,
) -> None:
    folder.write("gateway.log", text_of(_STORY) + b'{"response_code":404,"path"')
    folder.run("gateway.log", "--save-tally", "t.tally", "-f", "csv")
    folder.run("gateway.log", "--save-tally", "q.tally", "-f", "csv", "--show-query")
    options = "--role gateway --role sidecar"
    folder.run("gateway.log", "--save-tally", "roles.tally", "-f", "csv", *options.split())

    folder.run("t.tally", "--role", "gateway", "--no-show-query", "-f", "csv")
    folder.run("t.tally", "gateway.log", "--map", "path=url", "--rejects", "r", "-f", "csv")
    assert "are malformed" in folder.run("t.tally", "--strict", "-f", "csv", code=1).errors
    larger = folder.run("t.tally", "--max-names", "20000", "-f", "csv")
    assert "--max-names 20,000: a saved tally was made with 10,000" in larger.errors
    assert "--max-names" not in folder.run("t.tally", "--max-names", "100", "-f", "csv").errors
    folder.run("q.tally", "--no-show-query", code=2)
    assert "--role sidecar" in folder.run("roles.tally", "--role", "gateway", code=2).errors


def test_settings_about_lines_do_not_keep_a_tally_from_being_read(folder: _Folder) -> None:
    folder.write("gateway.log", _STORY)
    folder.run("gateway.log", "--save-tally", "t.tally", "-f", "csv")
    (folder.path / "envoylogs.toml").write_text("show_query = true\n[map]\npath = ['url']\n")

    folder.run("t.tally", "-f", "csv")


def test_tallies_that_remember_other_things_are_not_added(folder: _Folder) -> None:
    folder.write("gateway.log", _STORY)
    folder.run("gateway.log", "--save-tally", "a", "-f", "csv")
    folder.run("gateway.log", "--by", "method", "--save-tally", "b", "-f", "csv")
    (folder.path / "sum").write_bytes(b"as it was")

    ended = folder.run("merge", "a", "b", "-o", "sum", code=1)

    assert "what every tally remembers and --by method." in ended.errors
    assert (folder.path / "sum").read_bytes() == b"as it was"
    assert sorted(path.name for path in folder.path.iterdir()) == ["a", "b", "gateway.log", "sum"]


def test_a_merge_that_can_not_be_is_an_error_in_words(folder: _Folder) -> None:
    folder.write("gateway.log", _STORY[:3])
    folder.run("gateway.log", "--save-tally", "t.tally", "-f", "csv")
    folder.write("cut.tally", (folder.path / "t.tally").read_bytes()[:-9])

    for arguments, code, words in (
        (["t.tally", "-o", "nowhere/x"], 1, "nowhere/x: can't be written"),
        (["cut.tally", "-o", "x"], 1, "cut.tally: is a damaged tally"),
    ):
        assert words in folder.run("merge", *arguments, code=code).errors
    assert not (folder.path / "x").exists()


def test_a_named_pipe_is_written_to_and_not_replaced(folder: _Folder) -> None:
    folder.write("gateway.log", _STORY)
    pipe = folder.path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        folder.run("gateway.log", "--save-tally", "pipe", "-f", "csv", code=None)
    finally:
        os.close(reader)

    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_stays_a_link_to_the_file_that_is_written(folder: _Folder) -> None:
    # /dev/stdout is such a link.
    folder.write("gateway.log", _STORY)
    for option in ("--save-tally", "--output"):
        target = folder.path / f"target{option}"
        target.write_bytes(b"as it was")
        link = folder.path / f"link{option}"
        link.symlink_to(target)
        folder.run("gateway.log", option, link.name, "-f", "csv")

        assert link.is_symlink()
        assert target.read_bytes() != b"as it was"


# --- Lines --------------------------------------------------------------------------------------


def _one_line(record: Record, end: bytes = b"\n") -> bytes:
    return json.dumps(record).encode() + end


_LOST = unrouted(1, path="/lost")
_BROKEN = _one_line(_LOST).replace(b"curl/8.5.0", b"caf\xe9\xff")
_PRINTED = json.dumps(_LOST, indent=2).encode()


_NAMED = _LOST | {"x": {"y": [1, 2]}, "user_agent": "é\u2028"}
_LINES = [
    _one_line(_LOST),
    _one_line(_LOST, b"\r\n"),
    b"  " + _one_line(_LOST, b"  \t\n"),
    _BROKEN,
    _BROKEN.replace(b"\n", b"\r\n"),
    _PRINTED + b"\n",
    _PRINTED.replace(b"\n", b"\r\n") + b"\r\n",
    _PRINTED + b",\n",
    _one_line(_LOST).replace(b'"path": "/lost"', b'"path":"/l\\u006fst"'),
    json.dumps(_NAMED, ensure_ascii=False).encode() + b"\n",
]
"""A record in all the ways in which it may stand in a log."""


def test_lines_are_the_bytes_of_the_log_with_the_number_of_their_first_line(
    folder: _Folder,
) -> None:
    log, expected = b"agent text\n\n", b""
    for line in _LINES:
        expected += b"gateway.log:%d:" % (log.count(b"\n") + 1) + line
        log += line + b'{"level":"info"}\n' + _one_line(served(2))
    folder.write("gateway.log", log)

    bare = folder.run("lines", "gateway.log", "--path", "/lost", "--bare").output
    named = folder.run("lines", "gateway.log", "--path", "/lost").output

    assert bare == b"".join(_LINES)
    assert named == expected


def test_a_line_behind_an_object_that_never_ends_is_untouched(folder: _Folder) -> None:
    line = b"  " + _BROKEN.replace(b"\n", b" \r\n")
    folder.write("gateway.log", b'{"half":\n' + line)

    assert folder.run("lines", "gateway.log", "--path", "/lost", "--bare").output == line


def test_a_last_line_without_an_end_gets_one(folder: _Folder) -> None:
    folder.write("gateway.log", _one_line(_LOST, b""))

    assert folder.run("lines", "gateway.log", "--path", "/lost").output == (
        b"gateway.log:1:" + _one_line(_LOST)
    )


def test_lines_of_several_sources_are_in_their_order(folder: _Folder) -> None:
    folder.write("b.log", [served(0), unrouted(9), unrouted(1)])
    folder.write("a.log", [unrouted(5)])

    ended = folder.run("lines", "b.log", "a.log", "-", "--outcome", "no_route",
                       pipe=text_of([served(0), unrouted(2)]))  # fmt: skip

    places = [line.split(b":{")[0] for line in ended.output.splitlines()]
    assert places == [b"b.log:2", b"b.log:3", b"a.log:1", b"<stdin>:2"]
    limited = folder.run("lines", "b.log", "a.log", "--outcome", "no_route", "-n", "2").output
    assert limited.splitlines() == ended.output.splitlines()[:2]


def test_lines_of_an_archive_that_ends_too_early_are_told_to_be_a_part(folder: _Folder) -> None:
    packed = gzip.compress(text_of(served(n, request_id=f"{n * n:x}") for n in range(500)))
    folder.write("gateway.log.gz", packed[: len(packed) // 2])

    ended = folder.run("lines", "gateway.log.gz", "--code", "200", code=1)

    assert ended.output.startswith(b"gateway.log.gz:1:{")
    assert "envoylogs help incomplete-source" in ended.errors


def test_lines_of_an_archive_are_numbered_as_they_are_unpacked(folder: _Folder) -> None:
    packed = gzip.compress(text_of([served(0), _LOST, served(2)]))

    ended = folder.run("lines", "--finding", "1", pipe=packed, code=2)
    assert "there is none with this number" in ended.errors
    ended = folder.run("lines", "-", "--code", "404", pipe=packed)
    assert ended.output == b"<stdin>:2:" + _one_line(_LOST)


def test_control_characters_in_a_file_name_are_shown_as_escapes(folder: _Folder) -> None:
    folder.write("\x1b[31m\n.log", [unrouted(1)])

    output = folder.run("lines", "\x1b[31m\n.log", "--code", "404").output

    assert output.startswith(b"\\x1b[31m\\n.log:1:{")


def test_bare_lines_fed_back_in_give_the_same_numbers(folder: _Folder) -> None:
    log, _ = _two_logs(folder)
    selection = ("--where", "response_code >= 200 AND host IS NOT NULL", "--code", "2xx")

    bare = folder.run("lines", log, *selection, "--bare").output
    again = folder.json("-", pipe=bare)

    selected = folder.json(log, *selection)
    assert again["overview"]["requests"] > 100
    for table in ("overview", "by", "groups", "splits", "timeline"):
        assert again[table] == selected[table], table


def test_the_lines_of_every_finding_are_the_requests_that_it_counts(folder: _Folder) -> None:
    folder.write("gateway.log", b"".join(generator.lines(1500, seed=6, hosts=20)))
    findings = folder.json("gateway.log")["findings"]

    assert len(findings) >= 3
    for number, finding in enumerate(findings[:3], 1):
        found = folder.run("lines", "gateway.log", "--finding", str(number), "--bare").output
        assert found.count(b"\n") == finding["requests"], finding["title"]
    asked = ("--where", findings[2]["where"], "--bare")
    assert folder.run("lines", "gateway.log", *asked).output == found


def test_a_finding_is_that_of_the_summary_with_the_same_selection(folder: _Folder) -> None:
    data = b"".join(generator.lines(1500, seed=6, hosts=20))
    selection = ("--outcome", "error", "--code", "503")
    (finding, *_) = folder.json("-", *selection, pipe=data)["findings"]

    ended = folder.run("lines", "-", "--finding", "1", *selection, pipe=data)

    assert ended.output.count(b"<stdin>:") == ended.output.count(b"\n") == finding["requests"]


def test_the_finding_of_a_host_that_strangers_named_is_an_error_without_control_characters(
    folder: _Folder,
) -> None:
    host = "\x1b[31m\x9b\u202e.example.com"
    story = [
        *(served(n, authority=host) for n in range(20)),
        *(unrouted(n, authority=host) for n in range(30, 60)),
    ]
    folder.write("gateway.log", story)

    ended = folder.run("lines", "gateway.log", "--finding", "99", code=2)

    assert "lost its route" in ended.errors
    assert not set(ended.errors) & set("\x1b\x9b\u202e")


def test_a_finding_with_thousands_of_methods_has_its_lines(folder: _Folder) -> None:
    # Clients choose methods; a condition with an alternative for each must not be too deep.
    n = 8000
    story = [
        *(served(k, path="/kept") for k in range(n)),
        *(make(k + m * n, method=f"M{k}", path="/lost")
          for m, make in enumerate((served, unrouted)) for k in range(n)),
    ]  # fmt: skip
    folder.write("gateway.log", story)

    ended = folder.run("lines", "gateway.log", "--finding", "1", "--bare")

    assert ended.output.count(b"\n") == n


def test_a_finding_that_there_is_not_is_a_usage_error_with_those_that_there_are(
    folder: _Folder,
) -> None:
    folder.write("gateway.log", _STORY)

    ended = folder.run("lines", "gateway.log", "--finding", "99", code=2)

    assert "there is none with this number" in ended.errors
    assert "1. upstream_reset: shop.shop:80 closes connections" in ended.errors


def test_a_finding_about_the_log_itself_has_no_lines(folder: _Folder) -> None:
    folder.write("gateway.log", text_of([served(0)]) + b'{"response_code": oops\n' * 50)

    ended = folder.run("lines", "gateway.log", "--finding", "1", code=2)

    assert "about the log itself" in ended.errors
    assert "--rejects" in ended.errors


def test_a_pipe_is_answered_as_it_arrives(folder: _Folder) -> None:
    with subprocess.Popen(
        [*_COMMAND, "lines", "--code", "404"], cwd=folder.path,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2):
            process.stdin.write(_one_line(_LOST))
            process.stdin.flush()
            assert process.stdout.readline() == b"<stdin>:%d:" % number + _one_line(_LOST)
        process.stdin.close()

    assert process.returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [["lines", "--code", "*"], ["summarize", "--format", "ndjson", "--by", "request_id"]],
)
def test_a_reader_that_has_seen_enough_ends_it_quietly(
    folder: _Folder, arguments: list[str]
) -> None:
    folder.write("gateway.log", b"".join(generator.lines(4000)))
    with subprocess.Popen(
        [*_COMMAND, *arguments, "gateway.log"], cwd=folder.path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read().decode()

    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "Broken" not in errors


def test_nothing_is_left_of_a_pipe_that_was_kept(
    folder: _Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = folder.path / "tmp"
    kept.mkdir()
    monkeypatch.setenv("TMPDIR", str(kept))

    folder.run("lines", "--finding", "1", code=2, pipe=text_of(_STORY[:3]))
    folder.run("lines", "--last", "1s", pipe=text_of(_STORY))

    assert list(kept.iterdir()) == []


# --- Explanations -------------------------------------------------------------------------------


def test_explanations_as_json_are_of_everything_there_is(folder: _Folder) -> None:
    rows = folder.run("flags", "--format", "json").document

    names: dict[str, list[str]] = {}
    for row in rows:
        names.setdefault(row["kind"], []).append(row["name"])
        assert all(isinstance(value, str) and value for value in row.values()), row
        assert row["meaning"]
    assert names == {
        "response_flag": [flag.short for flag in RESPONSE_FLAGS],
        "response_code_detail": [detail.match for detail in RESPONSE_CODE_DETAILS],
        "outcome": [outcome.name for outcome in OUTCOMES],
        "finding": [kind.code for kind in FINDING_KINDS],
        "cause": [kind.code for kind in CAUSE_KINDS],
    }


def test_an_explanation_as_json_is_of_the_name_that_was_asked_for(folder: _Folder) -> None:
    asked = ("UF,urx", "NoHealthyUpstream", "overflow", "via_upstream", "no_route")

    rows = folder.run("flags", *asked, "--format", "json").document

    assert [(row["kind"], row["name"]) for row in rows] == [
        ("response_flag", "UF"),
        ("response_flag", "URX"),
        ("response_flag", "UH"),
        ("finding", "overflow"),
        ("outcome", "overflow"),
        ("response_code_detail", "via_upstream"),
        ("outcome", "no_route"),
    ]
