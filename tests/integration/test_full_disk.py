"""What can't be written is told in one line, and is whole or not there."""

from __future__ import annotations

import resource
import subprocess
import sys
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
@pytest.mark.parametrize("what", ["parquet", "csv", "ndjson", "rejects", "tally", "output", "page"])
def test_a_full_device_is_told(what: str) -> None:
    suffix = Path(_WRITERS[what][-1]).suffix
    Path(f"full{suffix}").symlink_to("/dev/full")

    found = run(*_WRITERS[what][:-1], f"full{suffix}")

    assert found.returncode == 1
    assert b"can't be written: No space left on device." in found.stderr
    assert b"Traceback" not in found.stderr
