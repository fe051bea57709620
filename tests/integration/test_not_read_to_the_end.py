"""What of the sources could not be read is told, and nobody takes the rest for everything."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.builders import line, lines, record
from tests.program import run

from envoylogs.keyed.plan import Hooks
from envoylogs.pipeline import tally_sources
from envoylogs.sources.source import Source
from envoylogs.summary.accounts import accounts

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = lines(*(record(request_id=str(number)) for number in range(4000)))


def _deep_folder(parent: Path) -> None:
    """Make a folder that nobody can list, not even root: its path is longer than paths may be."""
    at = os.open(parent, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=at)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)


def test_a_folder_that_can_not_be_listed_is_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "gw.log").write_bytes(_LOG)
    _deep_folder(tmp_path / "logs")

    found = run("summarize", "logs", "--format", "json", folder=tmp_path)

    document = json.loads(found.stdout)
    assert found.returncode == 1
    assert b"the system refuses to list the folder (unlisted_folder)" in found.stderr
    assert not document["complete"]
    assert document["overview"]["requests"] == 4000
    problems = [source["problem"] for source in document["accounts"]["sources"]]
    assert sorted(filter(None, problems)) == ["unlisted_folder"]


def test_with_a_state_too(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "gw.log").write_bytes(_LOG)
    _deep_folder(tmp_path / "logs")
    for _ in range(2):
        found = run("logs", "--state", "s", "--format", "json", folder=tmp_path)

        assert found.returncode == 1
        assert b"unlisted_folder" in found.stderr
        assert not json.loads(found.stdout)["complete"]


class _Meanwhile:
    """Does something to a log once, as soon as some of it was read."""

    def __init__(self, happens: Callable[[], None]) -> None:
        self._happens: Callable[[], None] | None = happens

    def bytes_read(self, n: int) -> None:
        happens, self._happens = self._happens, None
        if n and happens is not None:
            happens()

    def lines_read(self, n: int) -> None:
        """Nobody asks."""


def _cut(path: Path) -> None:
    os.truncate(path, 1000)


def _cut_and_written_on(path: Path) -> None:
    os.truncate(path, 0)
    path.write_bytes(line(record(path="/other")) + b"\n" + _LOG * 2)


def _zeros_where_it_was(path: Path) -> None:
    os.truncate(path, 0)
    os.truncate(path, 2 * len(_LOG))


def _grown(path: Path) -> None:
    with path.open("ab") as log:
        log.write(line(record()) + b"\n")


def _unlinked(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


@pytest.mark.parametrize(
    ("happens", "problem"),
    [
        (_cut, "cut_log"),
        (_cut_and_written_on, "cut_log"),
        (_zeros_where_it_was, "cut_log"),
        (_grown, None),
        (_unlinked, None),
    ],
)
def test_a_log_that_is_cut_while_it_is_read_is_told(
    happens: Callable[[Path], None], problem: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "gw.log"
    path.write_bytes(_LOG)
    hooks = Hooks(progress=_Meanwhile(lambda: happens(path)))

    found = accounts(tally_sources([Source("gw.log", str(path))], hooks=hooks))

    assert found.sources["problem"].to_list() == [problem]
