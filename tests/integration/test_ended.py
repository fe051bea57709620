"""A run that is ended from outside leaves nothing, and has the exit code of the signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.builders import lines, record

from envoylogs.cli.console import Exit

_LOG = lines(record())
_OF_SIGNAL = {signal.SIGTERM: Exit.TERMINATED, signal.SIGHUP: Exit.HUNG_UP}


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def _ended_by(number: int, *arguments: str, before: tuple[str, ...] = ()) -> int:
    """Start a run that waits for more of a pipe, send a signal when it keeps something."""
    with subprocess.Popen(
        [*before, sys.executable, "-m", "envoylogs", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as running:  # fmt: skip
        assert running.stdin is not None
        running.stdin.write(_LOG)
        running.stdin.flush()
        _wait_for_temporaries()
        os.kill(running.pid, number)
        try:
            return running.wait(timeout=20 if not before else 1)
        except subprocess.TimeoutExpired:
            assert before, "it did not end"
            running.stdin.close()
            return running.wait(timeout=20)


def _wait_for_temporaries() -> None:
    until = time.monotonic() + 30
    while not list(Path().glob(".*part")):
        assert time.monotonic() < until, "nothing was kept"
        time.sleep(0.02)


@pytest.mark.parametrize("number", _OF_SIGNAL, ids=lambda number: signal.Signals(number).name)
@pytest.mark.parametrize(
    "arguments",
    [("lines", "-", "--finding", "1"), ("summarize", "-", "--rejects", "out")],
    ids=["kept pipe", "output"],
)
def test_a_signal_that_ends_it_leaves_nothing(number: int, arguments: tuple[str, ...]) -> None:
    assert _ended_by(number, *arguments) == _OF_SIGNAL[signal.Signals(number)] == 128 + number
    assert list(Path().iterdir()) == []


def test_a_second_ctrl_c_leaves_nothing() -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from envoylogs.sources.stop import stopped_by_interrupt\n"
        "from envoylogs.sources.temporary import temporary_file\n"
        "with temporary_file(Path(), 'a'), stopped_by_interrupt() as stop:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    assert stop.requested\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('still there')\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30
    )

    assert (found.returncode, found.stdout, found.stderr) == (Exit.INTERRUPTED, "", "")
    assert list(Path().iterdir()) == []


def test_nohup_keeps_it_from_the_end_of_its_terminal() -> None:
    found = _ended_by(
        signal.SIGHUP, "summarize", "-", "--last", "1h", "-o", "out", before=("nohup",)
    )

    assert found == 0
    assert Path("out").exists()
