"""Runs that are killed at any moment lose nothing and count nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.builders import NO_ROUTE, Record, lines, record
from tests.program import start
from tests.rotating import PACKERS, RotatingLog

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
_KILLS = 50 if _THOROUGH else 12
"""How many runs are killed by each of four tests: 200 in all, if there is time."""


class _Gateway:
    """Writes records to a log, a few bytes at a time, and rotates it at the ends of lines."""

    def __init__(self, log: RotatingLog, random: Random) -> None:
        self.log = log
        self._random = random
        self._waiting = b""
        self._written = 0

    def write_for(self, seconds: float) -> None:
        """Write, and rotate now and then, for some time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self._waiting and self._random.random() < 0.04:
                self._rotate()
            self._waiting = self._waiting or self._records()
            cut = self._random.randrange(1, len(self._waiting) + 1)
            self.log.append(self._waiting[:cut])
            self._waiting = self._waiting[cut:]
            time.sleep(self._random.uniform(0, 0.02))

    def finish(self) -> None:
        """Write the rest of the last line."""
        self.log.append(self._waiting)
        self._waiting = b""

    def _rotate(self) -> None:
        if self._random.random() < 0.5:
            self.log.pack(self._random.choice(list(PACKERS)), keep=self._random.random() < 0.5)
        else:
            self._random.choice([self.log.rename, self.log.copy_and_truncate])()

    def _records(self) -> bytes:
        first, self._written = self._written, self._written + self._random.randrange(1, 9)
        return lines(*(self._record(number) for number in range(first, self._written)))

    def _record(self, number: int) -> Record:
        hours, minutes, seconds = number // 3600, number // 60 % 60, number % 60
        return record(
            start_time=f"2026-01-02T{hours:02d}:{minutes:02d}:{seconds:02d}.678Z",
            request_id=f"r{number}",
            duration=self._random.randrange(5000),
            authority=self._random.choice(["shop.example.com", "api.example.com"]),
            **self._random.choice([{}, {}, {}, NO_ROUTE]),
        )


def _without_places(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer but for the names of sources and the numbers of lines."""
    for name in ("sources", "examples"):
        del answer["accounts"][name]
    for finding in answer["findings"]:
        del finding["next"]
        for example in finding["examples"]:
            del example["source"], example["line"]
    return answer


def _answer(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "envoylogs", "summarize", *words, "--format", "json"]
    run = subprocess.run(command, capture_output=True, check=True, text=True)
    return _without_places(json.loads(run.stdout))


@pytest.mark.property
@pytest.mark.parametrize("seed", range(4))
def test_runs_that_are_killed_at_any_moment_lose_nothing(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    folder, pieces, state = tmp_path / "logs", tmp_path / "pieces", tmp_path / "gw.state"
    folder.mkdir()
    pieces.mkdir()
    gateway = _Gateway(RotatingLog(folder), random)
    errors = tmp_path / "errors"
    killed, usual_s = 0, 0.5
    with Path(os.devnull).open("r+b") as nothing, errors.open("wb") as said:
        streams = (nothing.fileno(), nothing.fileno(), said.fileno())
        while killed < _KILLS:
            run = start("summarize", folder, "--state", state, "--format", "json", streams=streams)
            gateway.write_for(usual_s * random.uniform(0, 1.2))
            run.kill()
            code = run.wait()
            if code == -signal.SIGKILL:
                killed += 1
                usual_s *= 1.03
            else:
                assert code == 0, errors.read_text()
                usual_s *= 0.9
    gateway.finish()

    after_crashes = _answer(str(folder), "--state", str(state))

    for number, piece in enumerate(gateway.log.pieces):
        (pieces / f"{number:04d}.log").write_bytes(piece)
    assert after_crashes == _answer(str(pieces))
