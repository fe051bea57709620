from __future__ import annotations

import io
import itertools
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, BinaryIO, Never

import pytest
from benchmarks import generator
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import fewer_examples, served, source_of, text_of

from envoylogs import pipeline
from envoylogs.errors import SourceError
from envoylogs.keyed.batches import Decoded
from envoylogs.keyed.decoding import BATCH_RECORDS
from envoylogs.keyed.plan import Hooks
from envoylogs.pipeline import tally_sources
from envoylogs.sources.source import Source
from envoylogs.summary.accounts import accounts
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec
from envoylogs.tally.tally import Tally
from envoylogs.tally.tally_sum import TallySum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STATES_WITHOUT_PLACES = ("traffic", "latency_by_group", "latency_by_trait", "timeline", "paths")
"""States that do not say where a line stands, so that the cut into files can't show."""


def _log(count: int = 400) -> list[bytes]:
    return list(generator.lines(count))


def _file(path: Path, data: bytes) -> Source:
    path.write_bytes(data)
    return Source(str(path), str(path))


def _names_of_running_threads() -> set[str]:
    # Threads of Polars that have called Python come and go as it likes.
    others = ("MainThread", "Dummy-")
    return {t.name for t in threading.enumerate() if not t.name.startswith(others)}


def test_no_source_gives_the_tally_of_nothing() -> None:
    assert tally_sources([]) == Tally.empty()


def test_an_empty_file_gives_the_tally_of_nothing(tmp_path: Path) -> None:
    assert tally_sources([_file(tmp_path / "empty.log", b"")]) == Tally.empty()


def test_the_specification_is_that_of_the_tally() -> None:
    spec = TallySpec(timeline_buckets=7)

    tally = tally_sources([source_of(b"".join(_log(1000)))], spec=spec)

    assert tally.spec == spec
    assert tally.timeline.frame["start"].n_unique() <= 7
    assert tally_sources([]).spec == DEFAULT_SPEC


def test_files_give_the_same_as_one_file(tmp_path: Path) -> None:
    lines = _log()
    parts = [lines[:1], lines[1:150], [], lines[150:]]
    one = tally_sources([_file(tmp_path / "one.log", b"".join(lines))])

    many = tally_sources(
        [_file(tmp_path / f"{n}.log", b"".join(part)) for n, part in enumerate(parts)]
    )

    for name in _STATES_WITHOUT_PLACES:
        assert getattr(many, name) == getattr(one, name)
    counted = [part for part in parts if part]
    assert accounts(many).sources["lines"].to_list() == [len(part) for part in counted]
    assert accounts(many).lines == accounts(one).lines == len(lines)


@pytest.mark.property
@fewer_examples(10)
@given(cuts=st.lists(st.integers(0, 400), max_size=5), piece=st.integers(1, 60_000))
def test_the_cut_into_sources_and_reads_does_not_matter(cuts: list[int], piece: int) -> None:
    lines = _log()
    ends = [0, *sorted(cuts), len(lines)]
    parts = [b"".join(lines[start:end]) for start, end in itertools.pairwise(ends)]
    sources = [source_of(part, piece=max(piece, 500)) for part in parts]

    found = tally_sources(sources)

    whole = tally_sources([source_of(b"".join(lines))])
    for name in _STATES_WITHOUT_PLACES:
        assert getattr(found, name) == getattr(whole, name)


def test_more_records_than_a_few_batches_are_all_counted() -> None:
    count = 3 * BATCH_RECORDS + 17
    lines = b"".join(generator.lines(1000))
    data = lines * (count // 1000) + b"".join(generator.lines(count % 1000))

    tally = tally_sources([source_of(data)])

    assert tally.traffic.frame["requests"].sum() == count
    assert accounts(tally).records == count


def test_standard_input_is_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    data = text_of([served(0), served(1)])
    with source_of(data).open_raw() as stream:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
        tally = tally_sources([Source("<stdin>", None)])
        assert not stream.closed

    assert accounts(tally).sources.select("source", "records").rows() == [("<stdin>", 2)]


# --- Malformed lines ----------------------------------------------------------------------------


def test_the_callback_gets_every_malformed_line_as_it_was() -> None:
    bad = [b"\x00%d" % n for n in range(50)] + [b'{"response_code": oops, "x": %d}' % n
                                                for n in range(50)]  # fmt: skip
    good = _log(100)
    mixed = [line for pair in zip(bad, good, strict=True) for line in (pair[0] + b"\n", pair[1])]
    got: list[bytes] = []

    tally = tally_sources(
        [source_of(b"".join(mixed[:120])), source_of(b"".join(mixed[120:]))],
        hooks=Hooks(on_malformed=got.append),
    )

    assert got == bad
    assert accounts(tally).malformed == len(bad)
    assert accounts(tally).records == 100


def test_the_callback_gets_no_other_line() -> None:
    got: list[bytes] = []

    tally_sources(
        [source_of(b"agent text\n\n" + b"".join(_log(10)) + b'{"level":"info"}\n')],
        hooks=Hooks(on_malformed=got.append),
    )

    assert got == []


def test_malformed_lines_of_every_batch_reach_the_callback() -> None:
    block = b"".join(generator.lines(2000)) + b"\x00bad\n"
    got: list[bytes] = []

    tally = tally_sources([source_of(block * 20)], hooks=Hooks(on_malformed=got.append))

    assert got == [b"\x00bad"] * 20
    assert accounts(tally).malformed == 20
    assert accounts(tally).examples.height == DEFAULT_SPEC.line_examples


# --- Errors -------------------------------------------------------------------------------------


class _Broken(Exception):  # noqa: N818 - stands for any exception
    """Raised by a test."""


@dataclass(frozen=True, slots=True)
class _VanishingSource(Source):
    """A source that can't be read any more after some bytes."""

    data: bytes = b""

    @contextmanager
    def open_raw(self) -> Iterator[BinaryIO]:
        yield _Vanishing(self.data)


class _Vanishing(io.BytesIO):
    def read1(self, size: int | None = -1, /) -> bytes:
        data = super().read1(size)
        if not data:
            raise OSError(5, "Input/output error")
        return data


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "gone.log")

    with pytest.raises(SourceError, match=r"gone\.log: no such file"):
        tally_sources([source_of(b"".join(_log(10))), Source(path, path)])


def test_a_folder_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="can't be read"):
        tally_sources([Source(str(tmp_path), str(tmp_path))])


def test_a_source_that_vanishes_while_it_is_read_is_named() -> None:
    data = b"".join(generator.lines(18_000, hosts=2))
    before = _names_of_running_threads()

    with pytest.raises(SourceError, match=r"nfs\.log: can't be read: Input/output error"):
        tally_sources([_VanishingSource("nfs.log", None, data=data)])

    assert _names_of_running_threads() == before


def test_an_error_of_the_worker_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def broken(_: object, __: object) -> Never:
        raise _Broken

    def endless() -> Iterator[Source]:
        nonlocal read
        data = b"".join(generator.lines(2000, hosts=2))
        while read < 200:
            read += 1
            yield source_of(data)

    monkeypatch.setattr(TallySum, "add", broken)
    monkeypatch.setattr(pipeline, "COMPACT_RECORDS", 80_000)
    before = _names_of_running_threads()

    with pytest.raises(_Broken):
        tally_sources(endless())

    # Some batches are ahead of the worker; not all of the input is.
    assert read < 100
    assert _names_of_running_threads() == before


def test_an_error_in_the_last_batch_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Never:
        raise _Broken

    monkeypatch.setattr(Decoded, "selected_by", broken)

    with pytest.raises(_Broken):
        tally_sources([source_of(b"".join(_log(10)))])


def test_an_error_of_the_callback_surfaces() -> None:
    def broken(_: bytes) -> Never:
        raise _Broken

    with pytest.raises(_Broken):
        tally_sources([source_of(b"\x00\n")], hooks=Hooks(on_malformed=broken))


def test_an_interruption_while_reading_surfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> Iterator[Decoded]:
        yield from ()
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "decode", interrupted)
    before = _names_of_running_threads()

    with pytest.raises(KeyboardInterrupt):
        tally_sources([source_of(b"")])

    assert _names_of_running_threads() == before
