"""Real pipes and real processes: slow writers, readers that stop, named pipes."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks import generator

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMAND = [sys.executable, "-m", "envoylogs", "summarize"]


def test_a_slow_writer_is_read_to_its_end(tmp_path: Path) -> None:
    log = b"".join(generator.lines(200, hosts=3))
    with subprocess.Popen(
        [*_COMMAND, "-", "--format", "json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        for start in range(0, len(log), 9973):
            process.stdin.write(log[start : start + 9973])
            process.stdin.flush()
        found, _ = process.communicate()

    path = tmp_path / "whole.log"
    path.write_bytes(log)
    whole = subprocess.run(
        [*_COMMAND, str(path), "--format", "json"], capture_output=True, check=True
    )
    streamed, read = json.loads(found), json.loads(whole.stdout)
    assert streamed["accounts"]["records"] == 200
    for table in ("overview", "by", "groups", "rejections", "splits", "timeline"):
        assert streamed[table] == read[table]


def _assert_quiet_end(command: list[str]) -> None:
    """Read a little of what a command prints, and no more."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read().decode()

    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "Broken" not in errors


def test_a_reader_that_stops_ends_it_quietly(tmp_path: Path) -> None:
    path = tmp_path / "gateway.log"
    path.write_bytes(b"".join(generator.lines(3000)))
    for output_format in ("text", "json"):
        _assert_quiet_end([*_COMMAND, str(path), "--limit", "0", "--format", output_format])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_pipe_gives_the_same_json_as_a_plain_one(
    pack: Callable[[bytes], bytes],
) -> None:
    log = b"".join(generator.lines(500)) + b"agent text\n{bad\n"
    half = len(log) // 2

    plain, packed = (
        subprocess.run(
            [*_COMMAND, "--format", "json"], input=data, capture_output=True, check=True
        ).stdout
        for data in (log, pack(log[:half]) + pack(log[half:]))
    )

    assert json.loads(plain)["accounts"]["records"] == 500
    assert packed == plain


def test_a_named_pipe_is_a_source(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(
        target=lambda: path.write_bytes(b"".join(generator.lines(50, hosts=2)))
    )
    writer.start()
    found = subprocess.run(
        [*_COMMAND, str(path), "--format", "json"], capture_output=True, check=True, timeout=60
    )
    writer.join()

    assert json.loads(found.stdout)["accounts"]["records"] == 50


def test_output_goes_to_standard_output_and_words_to_standard_error(tmp_path: Path) -> None:
    path = tmp_path / "gateway.log"
    path.write_bytes(b"".join(generator.lines(20, hosts=2)))

    found = subprocess.run(
        [*_COMMAND, str(path), "--format", "json"], capture_output=True, text=True, check=True
    )

    assert json.loads(found.stdout)["version"] == 1
    assert found.stderr.startswith("20 records of 20 lines, in 1 source, ")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_memory_does_not_follow_the_length_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    record = next(iter(generator.lines(1, hosts=1)))
    with path.open("wb") as file:
        file.write(record)
        file.writelines(b'{"path": "' + b"a" * 1_000_000 for _ in range(200))
        file.write(b"\n" + record)
    code = (
        "import re, sys\n"
        f"sys.argv = ['envoylogs', 'summarize', {str(path)!r}, '--format', 'json', '-o', "
        f"{str(tmp_path / 'out.json')!r}]\n"
        "from envoylogs.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        # Not ru_maxrss: it begins with the memory of the process that started this one.
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    document = json.loads((tmp_path / "out.json").read_text())
    assert document["accounts"]["malformed_by_reason"] == {"line_too_long": 1}
    assert document["accounts"]["records"] == 2
    assert document["accounts"]["bytes"] == path.stat().st_size
    assert int(found.stdout.splitlines()[-1]) < 190_000  # KiB; the line alone is 200 MB


_DEVICE = Path("/dev/stdout")
_OUTPUTS = {
    "summarize": ["summarize", "LOG", "--format", "json"],
    "report": ["report", "LOG"],
    "query": ["query", "LOG", "SELECT path FROM logs", "--format", "csv"],
    "merge": ["merge", "LOG"],
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.log"
    path.write_bytes(b"".join(generator.lines(300)))
    return path


def _to_output(name: str, log: Path, output: Path | str) -> list[str]:
    """Return a command that writes to an output; ``merge`` what was saved of the log."""
    source = log
    if name == "merge":
        source = log.with_name("saved.tally")
        subprocess.run(
            [*_COMMAND, str(log), "--save-tally", str(source)], capture_output=True, check=True
        )
    words = [str(source) if word == "LOG" else word for word in _OUTPUTS[name]]
    return [sys.executable, "-m", "envoylogs", *words, "-o", str(output)]


@pytest.mark.skipif(not _DEVICE.exists(), reason="no /dev/stdout")
@pytest.mark.parametrize("name", _OUTPUTS)
def test_the_device_of_standard_output_is_written_to_when_it_is_a_pipe(
    name: str, log: Path, tmp_path: Path
) -> None:
    file = tmp_path / "output"
    subprocess.run(_to_output(name, log, file), capture_output=True, check=True)

    piped = subprocess.run(_to_output(name, log, _DEVICE), capture_output=True, check=True)

    assert piped.stdout == file.read_bytes()
    assert len(piped.stdout) > 1000
    left = {path.name for path in tmp_path.iterdir()} - {"saved.tally"}
    assert left == {"gateway.log", "output"}


@pytest.mark.skipif(not _DEVICE.exists(), reason="no /dev/stdout")
@pytest.mark.parametrize("name", _OUTPUTS)
def test_a_file_that_the_shell_has_opened_keeps_what_is_in_it(
    name: str, log: Path, tmp_path: Path
) -> None:
    file = tmp_path / "output"
    file.write_bytes(b"before\n")
    with file.open("ab") as opened:
        subprocess.run(_to_output(name, log, _DEVICE), stdout=opened, check=True)
        opened.write(b"after\n")

    found = file.read_bytes()
    assert found.startswith(b"before\n")
    assert found.endswith(b"after\n")
    assert len(found) > 1000


@pytest.mark.parametrize("name", _OUTPUTS)
def test_an_output_that_is_a_named_pipe_stays_one(name: str, log: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command, found = _to_output(name, log, pipe), tmp_path / "found"
    with (
        found.open("wb") as file,
        subprocess.Popen(["/bin/cat", str(pipe)], stdout=file) as reader,
    ):
        try:
            subprocess.run(command, capture_output=True, check=True)
            reader.wait()
        finally:
            reader.kill()

    assert found.stat().st_size > 1000
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", _OUTPUTS)
def test_an_output_may_be_thrown_away(name: str, log: Path) -> None:
    subprocess.run(_to_output(name, log, os.devnull), capture_output=True, check=True)

    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(not _DEVICE.exists(), reason="no /dev/stdout")
@pytest.mark.parametrize("name", ["report", "query"])
def test_a_reader_of_the_device_that_stops_ends_it_quietly(name: str, log: Path) -> None:
    log.write_bytes(b"".join(generator.lines(9000)))
    _assert_quiet_end(_to_output(name, log, _DEVICE))
