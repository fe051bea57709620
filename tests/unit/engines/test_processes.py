"""Processes of this machine count what this process would, and one that dies loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from benchmarks import generator
from tests.builders import lines, record
from tests.program import run

import envoylogs
from envoylogs.engines.processes import LocalProcesses
from envoylogs.engines.threads import cores
from envoylogs.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence


def _sum(found: Sequence[int]) -> int:
    return sum(found)


def _square_or_die(item: tuple[int, str]) -> int:
    """Return a square; a multiple of 5 dies, the first time if there is a file to remember it."""
    n, memory = item
    if n % 5 == 0 and not (memory and Path(memory, str(n)).exists()):
        if memory:
            Path(memory, str(n)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return n * n


def test_a_process_that_dies_loses_nothing(tmp_path: Path) -> None:
    engine = LocalProcesses(2)
    with engine.open():
        found = engine.map_merge(_square_or_die, [(n, str(tmp_path)) for n in range(12)], _sum)

    assert found == sum(n * n for n in range(12))
    assert {path.name for path in tmp_path.iterdir()} == {"0", "5", "10"}


def test_what_kills_each_process_is_told_and_the_rest_is_done() -> None:
    lost: list[tuple[int, str]] = []

    def told(item: tuple[int, str]) -> int:
        lost.append(item)
        return 1_000

    engine = LocalProcesses(2)
    with engine.open():
        found = engine.map_merge(_square_or_die, [(n, "") for n in range(1, 12)], _sum, lost=told)
        with pytest.raises(EngineError, match="die of what they are given"):
            engine.map_merge(_square_or_die, [(5, "")], _sum)

    assert found == sum(n * n for n in range(1, 12) if n % 5) + 2_000
    assert sorted(lost) == [(5, ""), (10, "")]


def test_nothing_is_left_running(tmp_path: Path) -> None:
    (tmp_path / "gateway.log").write_bytes(lines(record()))
    before = os.environ.get("POLARS_MAX_THREADS")

    envoylogs.analyze(tmp_path, engine="processes")

    assert os.environ.get("POLARS_MAX_THREADS") == before
    names = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert not any("multiprocessing.spawn" in name for name in names)


@pytest.mark.parametrize("decoder", ["", "reference"])
def test_the_program_says_the_same(tmp_path: Path, decoder: str) -> None:
    generator.write(tmp_path / "a.log", 40_000)
    generator.write(tmp_path / "b.log", 3_000, seed=7)
    environment = {**os.environ, **({"ENVOYLOGS_DECODER": decoder} if decoder else {})}
    words = ("summarize", tmp_path, "--format", "json", "--by", "method")

    found = run(*words, "--workers", "2", environment=environment)

    here = run(*words, environment=environment)
    assert found.returncode == 0, found.stderr.decode()
    assert json.loads(found.stdout) == json.loads(here.stdout)


def test_a_pipe_is_read_beside_files(tmp_path: Path) -> None:
    (tmp_path / "gateway.log").write_bytes(lines(record(path="/file")))
    words = [sys.executable, "-m", "envoylogs", "summarize", "-", str(tmp_path), "-f", "json"]

    found = subprocess.run(
        [*words, "--engine", "processes"], input=lines(record(path="/pipe")), capture_output=True,
        check=True,
    )  # fmt: skip

    assert json.loads(found.stdout)["accounts"]["records"] == 2


def test_ctrl_c_prints_what_was_counted_and_ends_all(tmp_path: Path) -> None:
    generator.write(tmp_path / "gateway.log", 200_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "envoylogs", "summarize", tmp_path, "--workers", "2", "-f", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "ENVOYLOGS_DECODER": "reference"},
    )  # fmt: skip
    running = psutil.Process(process.pid)
    while sum(child.cpu_times().user > 1 for child in running.children()) < 2:
        time.sleep(0.05)

    os.killpg(process.pid, signal.SIGINT)

    began = time.monotonic()
    out, said = process.communicate(timeout=60)
    assert process.returncode == 130, said.decode()
    assert time.monotonic() - began < 30
    found = json.loads(out)
    assert 0 < found["accounts"]["records"] < 200_000
    assert found["accounts"]["lines"] == found["accounts"]["records"]
    assert b"Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_one_that_started_them(tmp_path: Path, number: int) -> None:
    generator.write(tmp_path / "gateway.log", 60_000)
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "envoylogs", "summarize", tmp_path, "--workers", "2"],
            stdout=said, stderr=said, env={**os.environ, "ENVOYLOGS_DECODER": "reference"},
        )  # fmt: skip
    running = psutil.Process(process.pid)
    while sum(child.cpu_times().user > 0.3 for child in running.children()) < 2:
        time.sleep(0.02)
    children = running.children()

    process.send_signal(number)

    process.wait(timeout=30)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert (tmp_path / "said").read_bytes() == b""


def test_a_process_that_nobody_waits_for_ends_in_silence(
    capfd: pytest.CaptureFixture[str],
) -> None:
    engine = LocalProcesses(2)

    with engine.open():
        pass

    assert capfd.readouterr().err == ""


def test_no_more_processes_are_started_than_there_is_work_for(tmp_path: Path) -> None:
    (tmp_path / "gateway.log").write_bytes(lines(record()))
    engine = LocalProcesses(1_000)

    found = envoylogs.analyze(tmp_path, engine=engine)

    assert found.accounts.records == 1
    assert len(engine._all) <= cores() + 2  # noqa: SLF001


def test_a_script_that_is_read_anew_by_each_process_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import envoylogs\nprint(envoylogs.analyze('sample_logs/canary', engine='processes'))\n"
    )

    found = subprocess.run([sys.executable, script], capture_output=True, check=False, timeout=60)

    assert found.returncode == 1
    assert b"behind if __name__ == '__main__'" in found.stderr.splitlines()[-1]
