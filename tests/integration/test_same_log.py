"""The same log gives the same numbers, however it is stored, cut or fetched."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator

if TYPE_CHECKING:
    from collections.abc import Callable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ROOT = Path(__file__).parents[2]
_STORIES = sorted(path.name for path in (_ROOT / "sample_logs" / "text").iterdir())
_SAMPLES = sorted(
    path.name
    for path in (_ROOT / "sample_logs").iterdir()
    if path.is_dir() and path.name != "manifests"
)


def _run(*arguments: str | Path, stdin: bytes = b"") -> bytes:
    found = subprocess.run(
        [sys.executable, "-m", "envoylogs", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=True,
        timeout=120,
    )
    return found.stdout


def _numbers(document: bytes) -> bytes:
    """Return a summary without the names of sources and the places of lines in them."""
    summary: dict[str, Any] = json.loads(document)
    for name in ("sources", "examples"):
        del summary["accounts"][name]
    for finding in summary["findings"]:
        for example in finding["examples"]:
            del example["source"], example["line"]
    return json.dumps(summary).encode()


def _summary(*words: str | Path, stdin: bytes = b"") -> bytes:
    return _numbers(_run("summarize", *words, "--format", "json", stdin=stdin))


@cache
def _log() -> bytes:
    return b"".join(generator.lines(3000, hosts=8, era=generator.Era.V1_28))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "gateway.log"
    path.write_bytes(_log())
    return path


@pytest.fixture(scope="module")
def expected(plain: Path) -> bytes:
    return _summary(plain)


@pytest.fixture(scope="module")
def ten_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ten")
    lines = _log().splitlines(keepends=True)
    for number in range(10):
        part = lines[number * 300 : (number + 1) * 300]
        # Named so that they are not read in the order of time.
        (folder / f"part-{(number * 7) % 10}.log").write_bytes(b"".join(part))
    return folder


_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("kind", _PACKERS)
def test_a_compressed_file_gives_the_same(kind: str, expected: bytes, tmp_path: Path) -> None:
    path = tmp_path / "gateway.log"
    path.write_bytes(_PACKERS[kind](_log()))

    assert _summary(path) == expected


@pytest.mark.parametrize("kind", _PACKERS)
def test_a_compressed_pipe_gives_the_same(kind: str, expected: bytes) -> None:
    assert _summary("-", stdin=_PACKERS[kind](_log())) == expected


def test_a_pipe_gives_the_same(expected: bytes) -> None:
    assert _summary("-", stdin=_log()) == expected


def test_ten_files_a_folder_and_a_glob_give_the_same(expected: bytes, ten_files: Path) -> None:
    assert _summary(*ten_files.iterdir()) == expected
    assert _summary(ten_files) == expected
    assert _summary(f"{ten_files}/*.log") == expected


def test_merged_tallies_give_the_same(expected: bytes, ten_files: Path, tmp_path: Path) -> None:
    tallies = []
    for path in ten_files.iterdir():
        tallies.append(tmp_path / f"{path.stem}.tally")
        _run("summarize", path, "--save-tally", tallies[-1])
    total = tmp_path / "total.tally"
    _run("merge", *tallies, "-o", total)

    assert _summary(total) == expected
    assert _summary(tmp_path / "part-*.tally") == expected
    assert _summary(*tallies[:5], *tallies[5:]) == expected


def test_logs_and_tallies_add_up(expected: bytes, ten_files: Path, tmp_path: Path) -> None:
    first, *others = sorted(ten_files.iterdir())
    tally = tmp_path / "first.tally"
    _run("summarize", first, "--save-tally", tally)

    assert _summary(*others, tally) == expected


def test_byte_equal_but_for_the_name_of_the_source(plain: Path, tmp_path: Path) -> None:
    packed = tmp_path / "gateway.log.gz"
    packed.write_bytes(gzip.compress(_log()))
    names = str(plain).encode(), str(packed).encode()

    of_plain, of_packed = (_run("summarize", path, "--format", "json") for path in (plain, packed))

    assert of_plain.replace(names[0], b"NAME") == of_packed.replace(names[1], b"NAME")


@pytest.mark.parametrize("sample", _STORIES)
def test_a_sample_as_a_tally_gives_the_same(sample: str, tmp_path: Path) -> None:
    folder, tally = _ROOT / "sample_logs" / sample, tmp_path / "sample.tally"
    of_log = _run("summarize", folder, "--format", "json", "--save-tally", tally)

    assert _run("summarize", tally, "--format", "json") == of_log


@pytest.mark.parametrize("story", _STORIES)
def test_a_sample_as_text_gives_the_same(story: str) -> None:
    of_json, of_text = (
        json.loads(_numbers(_run("summarize", folder, "--format", "json")))
        for folder in (_ROOT / "sample_logs" / story, _ROOT / "sample_logs" / "text" / story)
    )
    for document in (of_json, of_text):
        # A log of TEXT has fewer bytes.
        del document["accounts"]["bytes"]

    assert of_text == of_json
