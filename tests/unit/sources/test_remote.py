"""URLs and what they mean, and an object as a file, without a store."""

from __future__ import annotations

import glob
import io
import tracemalloc
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from envoylogs.sources.locate import locate
from envoylogs.sources.remote import file as remote_file
from envoylogs.sources.remote import listing
from envoylogs.sources.remote.ahead import begun, expanded
from envoylogs.sources.remote.file import RemoteFile
from envoylogs.sources.remote.urls import RemoteObject, Url, is_url, parsed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize(
    ("word", "store", "key"),
    [
        ("s3://logs/a/b.log", "s3://logs", "a/b.log"),
        ("s3://logs", "s3://logs", ""),
        ("S3://logs/a?b#c %20.log", "s3://logs", "a?b#c %20.log"),
        ("gs://logs/2026-*/x", "gs://logs", "2026-*/x"),
        ("az://container/a", "az://container", "a"),
        ("https://host/a/b.log?sig=1", "https://host/a?sig=1", "b.log"),
        ("https://host/a%20b.log", "https://host", "a b.log"),
    ],
)
def test_a_url_has_a_store_and_a_key(word: str, store: str, key: str) -> None:
    assert is_url(word)
    assert parsed(word) == Url(store, key)


@pytest.mark.parametrize("word", ["a.log", "-", "", "s3:/a", "/s3://a", "file:///a", "C:\\a"])
def test_other_words_are_none(word: str) -> None:
    assert not is_url(word)


def test_neither_a_query_nor_a_password_is_shown() -> None:
    assert shown("https://me:secret@host/a?sig=secret", "b c.log") == "https://host/a/b c.log"
    assert RemoteObject("s3://logs", "a/b", 1, None).name == "s3://logs/a/b"


_NAMES = st.text("ab.1-", min_size=1, max_size=4).filter(lambda name: name.strip("."))
_STEPS = st.sampled_from(["**", "*", "a*", "?", "[ab]*", "[!a]*", "*.1", "a", "b", "a-?"])


@pytest.mark.property
@given(
    paths=st.lists(st.lists(_NAMES, min_size=1, max_size=3), min_size=1, max_size=6),
    steps=st.lists(_STEPS, min_size=1, max_size=3),
)
def test_patterns_fit_what_they_fit_of_files(
    tmp_path_factory: pytest.TempPathFactory, paths: list[list[str]], steps: list[str]
) -> None:
    folder: Path = tmp_path_factory.mktemp("files")
    keys = set()
    for path in paths:
        place = folder.joinpath(*path)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        except OSError:
            continue  # One is a file where another one needs a folder.
        if place.is_file():
            keys.add("/".join(path))
    pattern = "/".join(steps)

    found = set(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207

    visible = {key for key in keys if not any(part.startswith(".") for part in key.split("/"))}
    meant = {
        key
        for key in visible
        if key in found or any(f"{parent}" in found for parent in PurePosixPath(key).parents)
    }
    assert {key for key in visible if Url("s3://logs", pattern).fits(key)} == meant


_DATA = bytes(range(256)) * 40


@pytest.mark.property
@given(
    size=st.integers(0, len(_DATA)),
    first=st.integers(1, 600),
    reads=st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 11_000)), st.integers(0, 3000))),
)
@example(size=16, first=1, reads=[(None, 8), (0, 2)])
def test_a_file_reads_as_its_bytes_wherever_it_is_read(
    size: int, first: int, reads: list[tuple[int | None, int]]
) -> None:
    data = _DATA[:size]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote_file, "fetched", lambda _, start, end: memoryview(data[start:end]))
        patch.setattr(remote_file, "_FIRST_BYTES", first)
        patch.setattr(remote_file, "_MOST_BYTES", first * 8)
        patch.setattr(remote_file, "SMALL_BYTES", first * 2)
        file, expected = RemoteFile(RemoteObject("s3://logs", "a", size, None)), io.BytesIO(data)
        for place, n in reads:
            if place is not None:
                assert file.seek(place) == expected.seek(place)
            found = b""
            # It hands out what is at hand, which may be less.
            while len(found) < n and (more := file.read(n - len(found))):
                found += more
            assert found == expected.read(n)
            assert file.tell() == expected.tell()


def test_reading_on_asks_for_every_byte_once() -> None:
    asked: list[tuple[int, int]] = []

    def fetched(_: object, start: int, end: int) -> memoryview:
        asked.append((start, end))
        return memoryview(bytes(end - start))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote_file, "fetched", fetched)
        file = RemoteFile(RemoteObject("s3://logs", "a", 100_000_000, None))
        while file.read(1_000_000):
            pass

    asked.sort()
    assert asked[0][0] == 0
    assert asked[-1][1] == 100_000_000
    assert all(end == start for (_, end), (start, _) in pairwise(asked))
    assert len(asked) < 40


class _Pages:
    """A list of many objects, page by page."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.asked = 0

    def __call__(self, _url: str, _prefix: str, _after: str | None) -> Iterator[list[Any]]:
        for page in range(self.n):
            self.asked += 1
            yield [
                {"path": f"logs/{page:04}-{place:03}.log", "size": 10, "e_tag": None}
                for place in range(1000)
            ]


def test_many_objects_are_listed_while_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = _Pages(60)
    monkeypatch.setattr(listing, "listed", pages)
    monkeypatch.setattr(
        remote_file, "fetched", lambda _, start, end: memoryview(bytes(end - start))
    )

    sources = locate(["s3://bucket/logs/"])
    at_first = pages.asked
    first = next(begun(sources))

    assert at_first == 1
    assert pages.asked <= 3
    assert first.name == "s3://bucket/logs/0000-000.log"
    tracemalloc.start()
    assert sum(1 for _ in expanded(sources)) == 60_000
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


def test_an_object_that_is_named_twice_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "listed", _Pages(1))
    words = ["s3://bucket/logs/", "s3://bucket/logs/*", "s3://bucket/*/0000-00?.log"]

    assert len([*expanded(locate(words))]) == 1000
    assert len([*expanded(locate(words[2:]))]) == 10
