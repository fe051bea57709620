"""Sources as a stream of batches."""

from __future__ import annotations

import gzip
import io
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import (
    EVERY_ROLE,
    Record,
    accounted,
    counts,
    frame,
    line,
    lines,
    printed,
    reading,
    record,
)
from tests.strategies import cuts, records

from envoylogs import schema
from envoylogs.errors import SourceError
from envoylogs.keyed.batches import Batch
from envoylogs.keyed.decoding import BATCH_RECORDS, batches, decode
from envoylogs.keyed.plan import Hooks, ReadPlan
from envoylogs.sources.locate import locate
from envoylogs.sources.source import Source


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is the current one too."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _read(*words: str, batch_records: int = BATCH_RECORDS) -> list[Batch]:
    decoded = decode(
        locate(words), ReadPlan(tuple(schema.NORMALIZED), EVERY_ROLE), batch_records=batch_records
    )
    return [one.normalized() for one in decoded]


def _together(read: list[Batch]) -> tuple[pl.DataFrame, Counter[tuple[str, str, str]]]:
    fates = sum((batch.fates.counts for batch in read), start=Counter[tuple[str, str, str]]())
    return pl.concat([batch.frame for batch in read if batch.frame is not None]), fates


@pytest.mark.usefixtures("folder")
def test_sources_are_read_one_after_the_other_with_their_names_and_lines() -> None:
    Path("b.log").write_bytes(b"\n" + lines(record(path="/1"), record(path="/2")))
    Path("a.log").write_bytes(lines(record(path="/3")))

    (batch,) = batches(locate(["b.log", "a.log"]))

    assert frame(batch).select("source", "line", "path").rows() == [
        ("b.log", 2, "/1"),
        ("b.log", 3, "/2"),
        ("a.log", 1, "/3"),
    ]
    assert batch.fates.counts[("b.log", "lines", "")] == 3
    assert batch.fates.counts[("a.log", "lines", "")] == 1


@pytest.mark.usefixtures("folder")
def test_an_object_never_goes_on_in_the_next_source() -> None:
    Path("a.log").write_bytes(b'{"response_flags":"-",\n')
    Path("b.log").write_bytes(b'"path":"/"}\n' + lines(record()))

    (batch,) = batches(locate(["a.log", "b.log"]))

    assert frame(batch).height == 1
    assert batch.fates.counts[("a.log", "malformed", "cut_at_end")] == 1
    assert batch.fates.counts[("b.log", "other", "")] == 1


@pytest.mark.usefixtures("folder")
def test_a_byte_order_mark_may_begin_each_source() -> None:
    for name in ("a.log", "b.log"):
        Path(name).write_bytes(b"\xef\xbb\xbf" + lines(record(path=f"/{name}")))

    (batch,) = batches(locate(["a.log", "b.log"]))

    assert frame(batch).height == 2


@pytest.mark.usefixtures("folder")
def test_a_batch_ends_once_it_holds_enough_records() -> None:
    Path("a.log").write_bytes(lines(*[record(path="/a")] * 5))
    Path("b.log").write_bytes(lines(*[record(path="/b")] * 5))

    heights = [frame(batch).height for batch in _read("a.log", "b.log", batch_records=4)]

    assert heights == [5, 5]


@pytest.mark.usefixtures("folder")
def test_a_batch_ends_once_its_records_are_of_enough_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envoylogs.keyed.decoding._BATCH_BYTES", 1_500_000)
    for name in ("a.log", "b.log", "c.log", "d.log"):
        Path(name).write_bytes(lines(*[record(path=f"/{name}" + "x" * 60_000)] * 10))
    Path("e.log").write_bytes(lines(*[record()] * 10))

    first, rest = (frame(batch) for batch in _read("a.log", "b.log", "c.log", "d.log", "e.log"))

    # 25 records are of so many bytes, and a block of 256 KiB has four or five of them.
    assert first.height in range(25, 30)
    assert rest.height == 50 - first.height


@pytest.mark.usefixtures("folder")
def test_lines_without_a_record_are_a_batch_too() -> None:
    Path("a.log").write_bytes(b"# note\n")

    (batch,) = batches(locate(["a.log"]))

    assert batch.frame is None
    assert counts(batch.fates) == {"bytes": 7, "lines": 1, "other": 1}


@pytest.mark.usefixtures("folder")
def test_an_empty_source_has_no_batch() -> None:
    Path("a.log").write_bytes(b"")

    assert list(batches(locate(["a.log"]))) == []
    assert list(batches([])) == []


@pytest.mark.usefixtures("folder")
def test_columns_come_in_the_order_of_the_schema_whatever_the_order_asked_for() -> None:
    Path("a.log").write_bytes(lines(record()))

    (batch,) = batches(locate(["a.log"]), columns=("response_code", "path"))

    assert frame(batch).columns == ["path", "response_code", "source", "line"]


@pytest.mark.usefixtures("folder")
def test_every_malformed_line_is_handed_over_as_it_was() -> None:
    Path("a.log").write_bytes(lines(record()) + b"# note\n {bad}\r\n\n" + line(record())[:50])
    rejected: list[bytes] = []

    list(batches(locate(["a.log"]), hooks=Hooks(on_malformed=rejected.append)))

    assert rejected == [b" {bad}\r", line(record())[:50]]


@pytest.mark.usefixtures("folder")
def test_of_an_over_long_line_the_beginning_is_handed_over() -> None:
    Path("a.log").write_bytes(b"x" * 1_500_000 + b"\n")
    rejected: list[bytes] = []

    list(batches(locate(["a.log"]), hooks=Hooks(on_malformed=rejected.append)))

    assert rejected == [b"x" * 200]


@pytest.mark.usefixtures("folder")
def test_a_source_that_cannot_be_opened_is_an_error_that_names_it() -> None:
    with pytest.raises(SourceError, match=r"gone\.log"):
        list(batches([Source("gone.log", "gone.log")]))
    with pytest.raises(SourceError, match="can't be read"):
        list(batches([Source(".", ".")]))


@pytest.mark.usefixtures("folder")
def test_an_archive_is_read_as_what_it_holds() -> None:
    data = lines(record(path="/1"), record(path="/2"))
    Path("a.log").write_bytes(data)
    Path("b.log").write_bytes(gzip.compress(data))

    (plain,), (packed,) = batches(locate(["a.log"])), batches(locate(["b.log"]))

    assert frame(packed).drop("source").equals(frame(plain).drop("source"))
    assert counts(packed.fates) == counts(plain.fates)


@pytest.mark.usefixtures("folder")
def test_a_damaged_source_is_counted_once_and_the_next_is_read() -> None:
    data = lines(*[record()] * 4)
    Path("a.log").write_bytes(gzip.compress(data)[:-1])
    Path("b.log").write_bytes(lines(*[record(path="/b")] * 4))

    read, fates = _together(_read("a.log", "b.log", batch_records=3))

    assert read["source"].value_counts(sort=True).sort("source")["count"].to_list() == [4, 4]
    damaged = {key: n for key, n in fates.items() if key[1] == "damaged"}
    assert damaged == {("a.log", "damaged", "truncated_gzip"): 1}
    assert fates["a.log", "bytes", ""] == len(data)


@pytest.mark.usefixtures("folder")
def test_a_damaged_source_without_a_byte_is_a_batch_too() -> None:
    Path("a.log").write_bytes(gzip.compress(b"")[:-1])

    (batch,) = batches(locate(["a.log"]))

    assert batch.frame is None
    assert batch.fates.counts == {("a.log", "damaged", "truncated_gzip"): 1}


class _Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.bytes: list[int] = []
        self.lines: list[int] = []

    def bytes_read(self, n: int) -> None:
        self.bytes.append(n)

    def lines_read(self, n: int) -> None:
        self.lines.append(n)


@pytest.mark.usefixtures("folder")
def test_raw_bytes_are_told_as_they_are_read() -> None:
    packed = gzip.compress(lines(*[record()] * 500))
    Path("a.log").write_bytes(packed)
    Path("b.log").write_bytes(b"# note\n")
    progress = _Told()

    list(decode(locate(["a.log", "b.log"]), ReadPlan(("path",)), hooks=Hooks(progress=progress)))

    assert sum(progress.bytes) == len(packed) + 7
    assert all(progress.bytes)
    assert sum(progress.lines) == 501


def test_the_pipe_is_read_and_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.BytesIO(lines(record()))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=pipe))

    (batch,) = batches(locate(["-"]))

    assert frame(batch)["source"].to_list() == ["<stdin>"]
    assert not pipe.closed


@pytest.mark.property
@given(
    st.lists(records, min_size=1, max_size=12).flatmap(
        lambda found: st.tuples(st.just(found), cuts(len(found)))
    ),
    st.integers(1, 5),
)
def test_files_and_batches_change_neither_records_nor_accounts(
    tmp_path_factory: pytest.TempPathFactory,
    cut: tuple[list[Record], list[slice]],
    batch_records: int,
) -> None:
    found, slices = cut
    folder = tmp_path_factory.mktemp("logs")
    for number, one in enumerate(found):
        # Parts that are equal would be copies of one log.
        key = "x-request-id" if "x-request-id" in one else "request_id"
        one[key] = f"{number}"
    for n, part in enumerate(slices):
        (folder / f"{n}.log").write_bytes(b"".join(printed(one) + b"\n" for one in found[part]))

    read, fates = _together(_read(str(folder), batch_records=batch_records))

    whole = reading(b"".join(printed(one) + b"\n" for one in found))
    # But for roles: a file shows whose it is, and a part of it may not.
    unlike = [*schema.POSITION, "role"]
    assert read.drop(unlike).equals(frame(whole).drop(unlike))
    without_source: Counter[tuple[str, str]] = Counter()
    for (_, fate, detail), n in fates.items():
        if fate != "role":
            without_source[fate, detail] += n
    assert without_source == {
        key[1:]: n for key, n in whole.fates.counts.items() if key[1] != "role"
    }


@pytest.mark.usefixtures("folder")
def test_every_line_of_every_source_is_accounted_for_over_all_batches() -> None:
    Path("a.log").write_bytes((lines(record()) + b"# note\n\n{bad}\n") * 10)
    Path("b.log").write_bytes(b"\n".join([printed(record())] * 3) + b"\n{")

    read = _read("a.log", "b.log", batch_records=3)

    assert all(accounted(batch.fates) for batch in read)
    found, fates = _together(read)
    assert fates["a.log", "lines", ""] == 40
    assert fates["b.log", "lines", ""] == 3 * 26 + 1
    assert found.height == 13
    sizes = {name: fates[name, "bytes", ""] for name in ("a.log", "b.log")}
    assert sizes == {name: Path(name).stat().st_size for name in sizes}
