"""Temporary files of runs that were killed are taken away, and no others."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.program import run

from envoylogs.sources.temporary import temporary_file, temporary_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    _Maker = Callable[[Path, str], AbstractContextManager[Path]]

_OTHER_RUN = """
import sys, time
from pathlib import Path
from envoylogs.sources.temporary import temporary_file, temporary_folder

folder = Path(sys.argv[1])
with temporary_file(folder, "a") as file, temporary_folder(folder, "b") as made:
    file.write_bytes(b"half")
    (made / "inside").write_bytes(b"half")
    print(file, made, sep="\\n", flush=True)
    time.sleep(60)
"""


@contextmanager
def _other_run(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[Path]]]:
    with subprocess.Popen(
        [sys.executable, "-c", _OTHER_RUN, str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, [Path(process.stdout.readline().strip()) for _ in range(2)]
        process.kill()


def test_they_are_hidden_and_gone_at_the_end(tmp_path: Path) -> None:
    with temporary_file(tmp_path, "a") as file, temporary_folder(tmp_path, "b") as folder:
        (folder / "inside").touch()
        assert file.is_file()
        assert all(path.name.startswith(".") for path in (file, folder))

    assert list(tmp_path.iterdir()) == []


def test_what_was_moved_into_place_stays(tmp_path: Path) -> None:
    with temporary_file(tmp_path, "a") as file:
        file.rename(tmp_path / "a")
    with temporary_file(tmp_path, "b"):
        pass

    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.parametrize("make", [temporary_file, temporary_folder])
def test_the_next_run_takes_away_what_a_killed_one_left(make: _Maker, tmp_path: Path) -> None:
    with _other_run(tmp_path) as (process, left):
        process.kill()
        process.wait()
        assert all(path.exists() for path in left)
        with make(tmp_path, "c") as mine:
            assert list(tmp_path.iterdir()) == [mine]


def test_what_a_run_that_is_alive_has_made_stays(tmp_path: Path) -> None:
    with _other_run(tmp_path) as (_, left):
        with temporary_file(tmp_path, "c"):
            pass

        assert sorted(tmp_path.iterdir()) == sorted(left)
        assert left[0].read_bytes() == b"half"
        assert (left[1] / "inside").exists()


def test_files_and_links_of_others_stay(tmp_path: Path) -> None:
    others = [tmp_path / name for name in (".a.abcdefgh", "a.envoylogs-part", "logs")]
    for path in others:
        path.touch()
    link = tmp_path / ".link.envoylogs-part"
    link.symlink_to(others[2])

    with temporary_file(tmp_path, "a"):
        pass

    assert set(tmp_path.iterdir()) == {*others, link}


def test_a_run_takes_away_what_is_beside_its_state_and_its_outputs(tmp_path: Path) -> None:
    (tmp_path / "gw.log").write_bytes(b'{"response_code":200,"path":"/","response_flags":"-"}\n')
    for name in ("state", "out"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / ".file.abcdefgh.envoylogs-part").write_bytes(b"half")

    found = run("summarize", "gw.log", "--state", "state/s", "-o", "out/o", folder=tmp_path)

    assert found.returncode == 0, found.stderr
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["s", "s.lock"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["o"]
