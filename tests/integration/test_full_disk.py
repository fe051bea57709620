"""What can't be written is told in one line, and is whole or not there."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.builders import lines, record
from tests.program import run

_MOST_BYTES = 3000
_LOG = (
    lines(*(record(request_id=str(number), path=f"/{number}") for number in range(3000)))
    + b'{"response_code": - }\n' * 1000
)
_WRITERS = {
    "parquet": ("convert", "gw.log", "-o", "out.parquet"),
    "csv": ("convert", "gw.log", "-o", "out.csv"),
    "ndjson": ("convert", "gw.log", "-o", "out.ndjson"),
    "days": ("convert", "gw.log", "--by-day", "-o", "out"),
    "rejects": ("summarize", "gw.log", "--rejects", "out"),
    "sqlite": ("convert", "gw.log", "-o", "out.sqlite"),
    "answer in sqlite": ("query", "gw.log", "SELECT * FROM logs", "-o", "out.sqlite"),
    "answer in parquet": ("query", "gw.log", "SELECT * FROM logs", "-o", "out.parquet"),
    "tally": ("summarize", "gw.log", "--save-tally", "out"),
    "state": ("summarize", "gw.log", "--state", "out"),
    "output": ("summarize", "gw.log", "--format", "json", "-o", "out"),
    "page": ("report", "gw.log", "-o", "out"),
    "pipe of a finding": ("lines", "-", "--finding", "1"),
    "pipe of a window": ("summarize", "-", "--last", "1h"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gw.log").write_bytes(_LOG)


def _with_no_room(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program; the system refuses to write further than the beginning of a file."""
    room = (_MOST_BYTES, _MOST_BYTES)
    return subprocess.run(
        [sys.executable, "-m", "envoylogs", *arguments],
        input=_LOG,
        capture_output=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, room),
    )


@pytest.mark.parametrize("what", _WRITERS)
def test_what_finds_no_room_is_told_and_leaves_nothing(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(Path.cwd()))

    found = _with_no_room(*_WRITERS[what])

    said = found.stderr.decode()
    assert found.returncode == 1, said
    assert "Traceback" not in said
    told = [line for line in said.splitlines() if "can't be written: " in line]
    assert len(told) == 1
    assert "File too large" in told[0] or "the system refuses to write" in told[0]
    assert {path.name for path in Path().iterdir()} - {"out.lock"} == {"gw.log"}


@pytest.mark.parametrize("what", ["rejects", "tally", "output", "csv"])
def test_a_file_of_before_is_kept(what: str) -> None:
    out = _WRITERS[what][-1]
    assert run(*_WRITERS[what]).returncode == 0
    before = Path(out).read_bytes()

    assert _with_no_room(*_WRITERS[what]).returncode == 1
    assert Path(out).read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("summarize", "gw.log", "--format", "json"),
        ("query", "gw.log", "SELECT path FROM logs", "-f", "csv"),
        ("lines", "gw.log", "--code", "200"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_answer_that_is_cut_by_a_full_disk_is_told(arguments: tuple[str, ...]) -> None:
    room = (_MOST_BYTES, _MOST_BYTES)
    with Path("answer").open("wb") as answer:
        found = subprocess.run(
            [sys.executable, "-m", "envoylogs", *arguments],
            stdout=answer,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, room),
        )

    assert Path("answer").stat().st_size <= _MOST_BYTES
    assert found.returncode == 1
    assert b"can't be written: File too large" in found.stderr
    assert b"Traceback" not in found.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_keep_no_file_from_being_written(closed: str) -> None:
    program = f"{sys.executable} -m envoylogs"
    found = subprocess.run(
        ["/bin/sh", "-c", f"exec {program} summarize gw.log --format json -o out {closed}"],
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert b"Traceback" not in found.stderr
    assert Path("out").read_bytes().startswith(b"{")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
@pytest.mark.parametrize(
    "what", ["parquet", "csv", "ndjson", "sqlite", "rejects", "tally", "output", "page"]
)
def test_a_full_device_is_told(what: str) -> None:
    suffix = Path(_WRITERS[what][-1]).suffix
    Path(f"full{suffix}").symlink_to("/dev/full")

    found = run(*_WRITERS[what][:-1], f"full{suffix}")

    assert found.returncode == 1
    assert b"can't be written: No space left on device." in found.stderr
    assert b"Traceback" not in found.stderr


_FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
_ANSWERS = {
    "help": "--help",
    "help of a command": "summarize -h",
    "version": "--version",
    "settings": "--show-config",
    "flags": "flags",
    "flag": "flags UF --format json",
    **{f: f"gw.log --format {f}" for f in ("text", "json", "csv", "ndjson", "markdown")},
    "metrics": "gw.log --format prometheus",
    "page": "report gw.log",
    "lines": "lines gw.log --code 200",
    "query": "query gw.log 'SELECT path FROM logs'",
}


def _in_shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m envoylogs {command}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@_FULL
@pytest.mark.parametrize("what", _ANSWERS)
def test_an_answer_that_nothing_takes_is_an_error_in_one_line(what: str) -> None:
    full, closed = (_in_shell(f"{_ANSWERS[what]} {to}") for to in (">/dev/full", ">&-"))

    for found, why in ((full, "No space left on device"), (closed, "Bad file descriptor")):
        assert found.returncode == 1
        told, see = [line for line in found.stderr.splitlines() if "passed over" not in line][-2:]
        assert told == f"envoylogs: standard output: can't be written: {why}."
        assert "output" in see
        assert "Traceback" not in found.stderr


@_FULL
@pytest.mark.parametrize("to", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("gw.log --format json", 0),
        ("convert gw.log -o out.csv", 0),
        ("--version", 0),
        ("gw.log --strict", 1),
        ("nothing.log", 1),
        ("--nothing", 2),
    ],
)
def test_words_that_nobody_hears_change_no_exit_code(command: str, code: int, to: str) -> None:
    heard = _in_shell(command)
    Path("out.csv").unlink(missing_ok=True)
    found = _in_shell(f"{command} {to}")

    assert (found.returncode, found.stdout) == (code, heard.stdout)
    assert heard.returncode == code


def test_a_pipe_that_is_full_for_now_is_waited_for() -> None:
    script = (
        "import fcntl, os, sys; fcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK);"
        "os.execv(sys.executable, [sys.executable, '-m', 'envoylogs', *sys.argv[1:]])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, "lines", "gw.log", "--code", "200", "--bare"],
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        # It has more to say than a pipe holds.
        time.sleep(1)
        said = running.stdout.read()

    assert running.returncode == 0
    assert said.count(b"\n") == 3000
