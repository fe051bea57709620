"""A stream as blocks of whole lines: nothing is lost, added or moved, in bounded memory."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.builders import Pipe

from envoylogs.sources.blocks import BLOCK_BYTES, MAX_LINE_BYTES, Block, LongLine, blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 16

# Few different bytes, so that line ends stand where it matters.
_bytes = st.lists(
    st.sampled_from((b"a", b"b\r", b"\n", b"\0", b"\xff", b"x" * 15, b"x" * 16, b"x" * 17)),
    max_size=25,
).map(b"".join)
_portions = st.lists(st.integers(1, 40), max_size=10)


def _items(data: bytes, portions: Sequence[int] = ()) -> list[Block | LongLine]:
    return list(blocks(Pipe(data, portions)))


def _items_of_short_lines(data: bytes, portions: Sequence[int]) -> list[Block | LongLine]:
    """Cut a stream with all limits so small that every case is met."""
    with mock.patch.multiple(
        "envoylogs.sources.blocks", MAX_LINE_BYTES=_LONGEST, BLOCK_BYTES=8, _HEAD_BYTES=4
    ):
        return _items(data, portions)


def _lines(items: Sequence[Block | LongLine]) -> list[bytes | LongLine]:
    found: list[bytes | LongLine] = []
    for item in items:
        found += [item] if isinstance(item, LongLine) else bytes(item.data).split(b"\n")
    return found


def _whole_lines(data: bytes) -> list[bytes]:
    """Return the lines of a text; a line end ends a line and begins none."""
    return data.removesuffix(b"\n").split(b"\n") if data else []


@pytest.mark.property
@given(_bytes, _portions)
@example(b"x" * 17 + b"\n\n", [8])
@example(b"\n", [1])
@example(b"\n\n", [1])
@example(b"x" * 16 + b"\n", [40])
@example(b"x" * 17, [1])
@example(b"x" * 17 + b"\n\n", [40])
@example(b"a\n" + b"x" * 17 + b"\nb", [40])
def test_the_lines_of_the_blocks_are_the_lines_of_the_stream(
    data: bytes, portions: list[int]
) -> None:
    items = _items_of_short_lines(data, portions)

    expected = _whole_lines(data)
    found = _lines(items)
    assert len(found) == len(expected)
    for one, line in zip(found, expected, strict=True):
        if isinstance(one, LongLine):
            assert len(line) > _LONGEST
            assert one.head
            assert line.startswith(one.head)
        else:
            assert one == line
            assert len(line) <= _LONGEST


@pytest.mark.property
@given(_bytes, _portions)
@example(b"x" * 17 + b"\n\n", [8])
def test_the_sizes_add_up_to_the_bytes_of_the_stream(data: bytes, portions: list[int]) -> None:
    items = _items_of_short_lines(data, portions)

    assert sum(item.size for item in items) == len(data)
    last = items[-1] if items else None
    for item in items:
        end = 0 if item is last and not data.endswith(b"\n") else 1
        if isinstance(item, Block):
            assert item.size == len(item.data) + end


@pytest.mark.property
@given(st.binary(max_size=200))
def test_any_bytes_come_out_as_they_went_in(data: bytes) -> None:
    items = _items(data)

    assert _lines(items) == _whole_lines(data)


def test_an_empty_stream_has_no_block() -> None:
    assert _items(b"") == []


def test_the_last_line_counts_without_its_line_end() -> None:
    assert _lines(_items(b"a\nb")) == [b"a", b"b"]
    assert _lines(_items(b"a\nb\n")) == [b"a", b"b"]


def test_a_line_at_the_limit_is_read_whole() -> None:
    at_the_limit = b"x" * MAX_LINE_BYTES

    for data in (at_the_limit, at_the_limit + b"\n", b"a\n" + at_the_limit + b"\nb\n"):
        assert at_the_limit in _lines(_items(data))


@pytest.mark.parametrize("portion", [BLOCK_BYTES, 100_003])
def test_a_line_over_the_limit_is_told_by_its_head_and_size(portion: int) -> None:
    over = b"y" * (MAX_LINE_BYTES + 1)

    items = _items(b"a\n" + over + b"\nb\n", [portion])

    before, long_line, after = items
    assert before == Block(b"a", 2)
    assert isinstance(long_line, LongLine)
    assert long_line.size == len(over) + 1
    assert over.startswith(long_line.head)
    assert after == Block(b"b", 2)


def test_lines_over_the_limit_one_after_the_other_are_told_apart() -> None:
    over = b"y" * (MAX_LINE_BYTES + 1)

    items = _items(over + b"\n" + over + b"\n\n" + over, [BLOCK_BYTES])

    assert [type(item) for item in items] == [LongLine, LongLine, Block, LongLine]
    assert [item.size for item in items] == [len(over) + 1, len(over) + 1, 1, len(over)]


class _Endless:
    """A line without an end, made as it is read."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read1(self, size: int, /) -> bytes:
        n = min(size, self._left)
        self._left -= n
        return b"z" * n


def test_a_line_of_50_mb_is_skipped_in_bounded_memory() -> None:
    size = 50_000_000
    tracemalloc.start()
    try:
        items = list(blocks(_Endless(size)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [(type(item), item.size) for item in items] == [(LongLine, size)]
    assert peak < 8 * MAX_LINE_BYTES


def test_what_is_in_a_pipe_is_handed_on_before_more_arrives() -> None:
    pipe = Pipe(b"a\nb\nhalf", [4])

    first = next(blocks(pipe))

    assert first == Block(b"a\nb", 4)
    assert pipe.tell() == 4
