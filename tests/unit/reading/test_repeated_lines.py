"""A line that is repeated is read as if it were not."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.builders import Pipe, Record, line, record

from envoylogs.reading import reference_reader, repeated_lines
from envoylogs.reading.block_reader import BlockReader
from envoylogs.reading.fates import LineFates
from envoylogs.reading.mending.json_documents import MAX_LINES
from envoylogs.reading.payloads import Origin
from envoylogs.reading.repeated_lines import LEAST_LINES, Piece, pieces_of
from envoylogs.sources.blocks import BLOCK_BYTES, Block, blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.reading.payloads import RawRecords

_TEXT = (
    b'[2026-01-02T03:04:05.678Z] "GET / HTTP/1.1" 200 - "-" 0 1 2 3 "192.0.2.7" "curl/8.5.0" '
    b'"6f867212-d7cf-4c68-9468-6fbc5f927335" "a.example.com" "192.0.2.1:80"'
)
_LINES = (
    b"{", b'{"a":', b"", b"}", b'"a",', b"text", line(record(path="/a")), b"[", b'{"a":[', b"]",
    b'{"a":1},', b'{"a":1,', b'"b":2,', b"{}", b'{"k":1,"m":{"n":2}}', b"17", b'"x', b'{"a":"x',
    b'{"response_code":200,', b'"path":"/"}', b'{"a":1},{"b":2,', b'  {"a":', b"{\r", b"\r", b"{,",
    b'{"log":{"response_code":200,"response_flags":"-"}}', b'{"a":[],"b":', b"]}}", b"},",
    b'[pod/a/istio-proxy] {"a":', b"[pod/a/istio-proxy] ", b'"{""response_code"":1', b'""}"',
    b'2026-01-02T03:04:05Z stdout P {"a":', b"2026-01-02T03:04:05Z stdout F {", b"\xef\xbb\xbf{",
    b"# note", b"\xff", b"\0", _TEXT, _TEXT[:60], b'{"level":"info","msg":"\\ud800"}',
)  # fmt: skip
"""Lines that are whole, open something, close it, or do neither, alone and in envelopes."""

_runs = st.lists(
    st.tuples(st.sampled_from(_LINES), st.sampled_from((1, 2, 3, 5, 9, 70, 130, MAX_LINES + 5))),
    min_size=1,
    max_size=6,
)


class _Read(NamedTuple):
    records: list[tuple[int, Record, bytes]]
    texts: list[tuple[int, str, bytes]]
    origins: dict[int, Origin]
    counts: dict[tuple[str, str, str], int]
    keys: dict[str, int]
    examples: list[object]
    rejected: list[bytes]
    waiting: list[set[int] | None]
    next_line: int


def _read(items: Sequence[Block]) -> _Read:
    rejected: list[bytes] = []
    fates = LineFates(on_malformed=lambda lines: rejected.extend(lines.split(b"\n")))
    reader = BlockReader("a.log", keep_text=True)
    read = _Read([], [], {}, {}, {}, [], rejected, [], 0)
    for item in items:
        _take(reader.read(item, fates), read)
    read.waiting.append(reader.waiting)
    _take(reader.finish(fates), read)
    read.counts.update(fates.counts)
    for keys in fates.keys.values():
        read.keys.update(keys.counts)
    read.examples.extend(fates.examples)
    read.records.sort(key=lambda found: found[0])
    read.texts.sort()
    return read._replace(next_line=reader.next_line)


def _take(found: RawRecords, read: _Read) -> None:
    read.records.extend(zip(found.lines, found.objects, found.texts, strict=True))
    for run in found.runs:
        read.texts.extend(
            (number, value, found.run_texts[number])
            for number, value in zip(run.numbers, run.values, strict=True)
        )
    read.origins.update(found.origins)


def _line_by_line(data: bytes) -> _Read:
    """Read data in blocks of one line, without any repetition."""
    return _read([Block(one, len(one) + 1) for one in data.removesuffix(b"\n").split(b"\n")])


@pytest.mark.property
@given(_runs, st.sampled_from((1, 4, LEAST_LINES)), st.lists(st.integers(1, 400), max_size=6))
@example([(b'{"a":', 300), (line(record()), 1), (b"", 99)], LEAST_LINES, [])
@example([(b"{", 1), (b'"b":2,', MAX_LINES + 5)], 4, [50])
@example([(b"text", 9), (b"\xef\xbb\xbf{", 9)], 4, [9])
@example([(b'[pod/a/istio-proxy] {"a":', 200), (b"}", 200)], LEAST_LINES, [4000])
@example([(b"{", 5)], 1, [])
@example([(b"{}", 500), (b'{"a":1},', 500), (b"17", 500)], LEAST_LINES, [])
def test_lines_have_the_same_fate_however_often_they_are_repeated(
    runs: list[tuple[bytes, int]], least: int, sizes: list[int]
) -> None:
    data = b"".join((text + b"\n") * times for text, times in runs)
    with ExitStack() as patched:
        for module in (reference_reader, repeated_lines):
            patched.enter_context(mock.patch.object(module, "LEAST_LINES", least))
        patched.enter_context(mock.patch.object(repeated_lines, "_SHORT", 10_000))

        # Blocks are cut anywhere at line ends.
        items = blocks(Pipe(data, [*sizes, 20_000]))
        found = _read([item for item in items if isinstance(item, Block)])

    expected = _line_by_line(data)
    for name, ours, theirs in zip(_Read._fields, found, expected, strict=True):
        assert ours == theirs, name


@pytest.mark.parametrize("text", [b'{"a":', b"{", b"", b"}", b"text", b'{"a":[', b"{}", b"\xff"])
def test_lines_of_a_block_that_repeats_one_are_not_read_each(text: bytes) -> None:
    n = BLOCK_BYTES // (len(text) + 1)
    fates, reader = LineFates(), BlockReader("a.log")
    reference = reader._reference  # noqa: SLF001  # what is left out
    with mock.patch.object(reference, "_read_lines", wraps=reference._read_lines) as read:  # noqa: SLF001
        for _ in range(3):
            reader.read(Block(b"\n".join([text] * n), n * (len(text) + 1)), fates)

    lines_read = sum(call.args[0].count(b"\n") + 1 for call in read.call_args_list)
    assert fates.counts["a.log", "lines", ""] == 3 * n
    assert reader.next_line == 3 * n + 1
    assert lines_read < 1000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a",
        b"a\na",
        b"\n" * 200,
        b"a\n" * 200 + b"a",
        b"a\n" * 200 + b"aa",
        b"a\n" * 200 + b"b",
        b"aa\n" * 200 + b"a",
        b"b\n" * 9 + b"a\n" * 200 + b"b\n" * 9,
        (line(record()) + b"\n") * 100,
        (line(record()) + b"\n") * 100 + b"{",
    ],
)
def test_the_pieces_of_a_block_are_the_block(data: bytes) -> None:
    pieces = pieces_of(data)

    assert b"\n".join(b"\n".join([piece.data] * piece.times) for piece in pieces) == data
    assert all(piece.times == 1 or piece.times >= LEAST_LINES for piece in pieces)


def test_repetitions_are_told_apart_within_a_block() -> None:
    assert pieces_of(b"{\n" * 99 + b"x\ny\n" + b"\n" * 99 + b"z") == [
        Piece(b"{", 99),
        Piece(b"x\ny"),
        Piece(b"", 99),
        Piece(b"z"),
    ]
