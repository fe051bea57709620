"""Archives as streams: the same bytes as before packing, in bounded pieces, as they arrive."""

from __future__ import annotations

import bz2
import gc
import gzip
import io
import lzma
import random
import struct
import sys
import tarfile
import tracemalloc
import weakref
import zipfile
import zlib
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from envoylogs.problems import PROBLEMS
from envoylogs.sources.compression import READ_BYTES, UnpackedStream

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


def _zstd(data: bytes) -> bytes:
    """Return a frame with a checksum, as the tool makes them."""
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": _zstd,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
_MODULE = "envoylogs.sources.compression"

each_format = pytest.mark.parametrize("name", PACK)

_formats = st.sampled_from(list(PACK))
# Random bytes don't become smaller, repeated ones do.
_data = st.one_of(
    st.binary(max_size=3000),
    st.tuples(st.binary(min_size=1, max_size=40), st.integers(0, 2000)).map(lambda a: a[0] * a[1]),
)
_portions = st.lists(st.integers(1, 500), max_size=4)


def _stream(packed: bytes, portions: Sequence[int] = ()) -> UnpackedStream:
    """Return a stream whose raw bytes arrive in portions, of which the last repeats."""
    raw, left = io.BytesIO(packed), list(portions)

    def read(size: int) -> bytes:
        portion = (left.pop(0) if len(left) > 1 else left[0]) if left else size
        return raw.read(min(size, portion))

    return UnpackedStream(read)


def _all(stream: UnpackedStream, sizes: Iterable[int] = ()) -> bytes:
    """Read to the end, in reads of these sizes and then of the usual one."""
    found = []
    size = iter(sizes)
    while piece := stream.read1(next(size, READ_BYTES)):
        found.append(piece)
    assert stream.read1(1) == b""
    return b"".join(found)


def _unpacked(packed: bytes) -> tuple[bytes, str | None]:
    stream = _stream(packed)
    return _all(stream), stream.problem


def _lines(count: int) -> bytes:
    """Return lines that differ, about 40 bytes each."""
    random.seed(count)
    return b"".join(
        b'{"id":"%016x","n":%06d}\n' % (random.getrandbits(64), n) for n in range(count)
    )


# --- What comes out -----------------------------------------------------------------------------


@pytest.mark.property
@given(
    _formats,
    st.lists(_data, min_size=1, max_size=4),
    st.integers(0, 9),
    _portions,
    st.lists(st.integers(1, 300), max_size=10),
)
def test_any_bytes_in_any_members_and_reads_come_out_as_they_went_in(
    name: str, members: list[bytes], zeros: int, portions: list[int], sizes: list[int]
) -> None:
    data = b"".join(members)
    # Archives in archives are told, not followed.
    assume(_unpacked(data) == (data, None))
    stream = _stream(b"".join(PACK[name](one) + bytes(zeros) for one in members), portions)

    assert _all(stream, sizes) == data
    assert stream.problem is None


@pytest.mark.property
@given(_data, _portions, st.lists(st.integers(1, 300), max_size=10))
@example(b"B", [1], [])
@example(b"PK", [1], [])
@example(b"[\x2a", [1], [1])
@example(b"\x28\xb5\x2f", [1], [])
def test_bytes_that_are_no_archive_come_out_as_they_are(
    data: bytes, portions: list[int], sizes: list[int]
) -> None:
    stream = _stream(data, portions)
    found = _all(stream, sizes)

    assume(stream.problem is None)
    assert found == data


@each_format
def test_many_small_members_are_handed_on_together(name: str) -> None:
    members = [b"%d\n" % n for n in range(2000)]
    stream = _stream(b"".join(map(PACK[name], members)))

    first = stream.read1(READ_BYTES)

    assert len(first) > 1000
    assert first + _all(stream) == b"".join(members)


def test_frames_of_zstd_that_are_to_be_skipped_are_skipped() -> None:
    skipped = b"\x5f\x2a\x4d\x18" + struct.pack("<I", 5) + b"hello"

    assert _unpacked(skipped + _zstd(b"a") + skipped + _zstd(b"b") + skipped) == (b"ab", None)


@each_format
def test_an_archive_of_nothing_is_empty(name: str) -> None:
    assert _unpacked(PACK[name](b"")) == (b"", None)


def test_gzip_with_a_name_and_a_comment_is_read() -> None:
    header = b"\x1f\x8b\x08\x1c" + bytes(6) + struct.pack("<H", 2) + b"xx" + b"a.log\0" + b"old\0"
    plain = gzip.compress(b"a")

    assert _unpacked(header + plain[10:]) == (b"a", None)


# --- As it arrives ------------------------------------------------------------------------------


class _Arriving:
    """Raw bytes that are there only after they were put; reading more than that fails."""

    def __init__(self) -> None:
        self.waiting = b""

    def read(self, size: int) -> bytes:
        assert self.waiting, "the stream waits for bytes that have not come"
        data, self.waiting = self.waiting[:size], self.waiting[size:]
        return data


def _flushed_gzip(parts: Iterable[bytes]) -> Iterable[bytes]:
    packer = zlib.compressobj(wbits=31)
    for part in parts:
        yield packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)


def _flushed_zstd(parts: Iterable[bytes]) -> Iterable[bytes]:
    packer = zstd.ZstdCompressor()
    for part in parts:
        yield packer.compress(part, zstd.ZstdCompressor.FLUSH_BLOCK)


def _members(name: str) -> Callable[[Iterable[bytes]], Iterable[bytes]]:
    return lambda parts: map(PACK[name], parts)


@pytest.mark.parametrize(
    "packing",
    [_flushed_gzip, _flushed_zstd, *map(_members, PACK)],
    ids=["flushed gzip", "flushed zstd", *(f"members of {name}" for name in PACK)],
)
def test_what_has_arrived_is_handed_on_before_more_arrives(
    packing: Callable[[Iterable[bytes]], Iterable[bytes]],
) -> None:
    parts = [_lines(1), _lines(20), _lines(2), _lines(3000)]
    raw = _Arriving()
    stream = UnpackedStream(raw.read)

    for part, packed in zip(parts, packing(parts), strict=True):
        raw.waiting = packed
        found = b""
        while len(found) < len(part):
            found += stream.read1(READ_BYTES)
        assert found == part


def test_plain_lines_are_handed_on_before_more_arrives() -> None:
    raw = _Arriving()
    stream = UnpackedStream(raw.read)

    # One byte alone may be half of a character.
    for part in (b'{"', b'a":1}\n', b"[1]\n"):
        raw.waiting = part
        assert stream.read1(READ_BYTES) == part


# --- In bounded memory --------------------------------------------------------------------------


@each_format
def test_memory_does_not_follow_the_size_of_what_is_unpacked(name: str) -> None:
    stream = _stream(PACK[name](bytes(30_000_000)))

    tracemalloc.start()
    try:
        size = 0
        while piece := stream.read1(READ_BYTES):
            assert len(piece) <= READ_BYTES
            size += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (size, stream.problem) == (30_000_000, None)
    # A decoder of bzip2 has 3.7 MB, one of xz its dictionary of 8 MB at most.
    assert peak < 8 * READ_BYTES + 8_500_000


@each_format
def test_an_archive_that_unpacks_to_far_too_much_is_broken_off(name: str) -> None:
    packed = PACK[name](bytes(2_000_000))

    with mock.patch(f"{_MODULE}._BOMB_BYTES", 1_000_000):
        found, problem = _unpacked(packed)

    assert problem == f"bomb_{name}"
    assert 1_000_000 < len(found) <= 1_000_000 + READ_BYTES


@each_format
def test_much_of_a_little_is_no_bomb_and_little_of_much_is_none(name: str) -> None:
    with mock.patch(f"{_MODULE}._BOMB_BYTES", 100_000):
        long_log = _lines(20_000)
        assert _unpacked(PACK[name](long_log)) == (long_log, None)
        assert _unpacked(PACK[name](bytes(100_000))) == (bytes(100_000), None)


def test_a_real_bomb_is_broken_off() -> None:
    packer = zstd.ZstdCompressor()
    zeros = bytes(1 << 20)
    packed = b"".join(packer.compress(zeros) for _ in range(300)) + packer.flush()
    stream = _stream(packed)

    size = 0
    while piece := stream.read1(READ_BYTES):
        size += len(piece)

    assert stream.problem == "bomb_zstd"
    assert 1 << 28 < size <= (1 << 28) + 2 * READ_BYTES


def test_a_frame_of_zstd_with_a_window_over_the_limit_is_not_unpacked() -> None:
    def frame(window_log: int) -> bytes:
        one_raw_byte_last = b"\x09\x00\x00" + b"a"
        return b"\x28\xb5\x2f\xfd\x00" + bytes(((window_log - 10) << 3,)) + one_raw_byte_last

    assert _unpacked(frame(27)) == (b"a", None)
    assert _unpacked(frame(28)) == (b"", "oversized_zstd")


def test_an_xz_archive_with_a_dictionary_over_the_limit_is_not_unpacked() -> None:
    # The dictionary of xz -9.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 64 << 20}]
    packed = lzma.compress(b"a", filters=filters)

    assert _unpacked(packed) == (b"a", None)
    with mock.patch(f"{_MODULE}._XZ_MEMORY_BYTES", 60 << 20):
        assert _unpacked(packed) == (b"", "oversized_xz")


# --- Damage -------------------------------------------------------------------------------------


@each_format
def test_an_archive_cut_anywhere_gives_what_comes_before_the_cut_and_is_named(name: str) -> None:
    data = _lines(30)
    packed = PACK[name](data)
    longest_magic = 6

    sizes = []
    for cut in range(longest_magic, len(packed)):
        found, problem = _unpacked(packed[:cut])
        assert problem == f"truncated_{name}"
        assert data.startswith(found)
        sizes.append(len(found))
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(data)


@each_format
def test_of_a_second_member_that_is_cut_the_first_is_read_whole(name: str) -> None:
    data = _lines(30)
    packed = PACK[name](data)

    for cut in (1, len(packed) // 2, len(packed) - 1):
        found, problem = _unpacked(packed + packed[:cut])
        assert problem == f"truncated_{name}"
        assert found.startswith(data)


@each_format
@pytest.mark.parametrize("garbage", [b"x", b"\0\0x", b"more lines\n", b"\xff" * 100_000])
@pytest.mark.parametrize("portions", [[], [7]])
def test_bytes_after_an_archive_are_told_and_the_archive_is_read(
    name: str, garbage: bytes, portions: list[int]
) -> None:
    stream = _stream(PACK[name](b"a\n") + garbage, portions)

    assert _all(stream) == b"a\n"
    assert stream.problem == f"damaged_{name}"


@each_format
def test_an_archive_of_another_format_after_an_archive_is_damage(name: str) -> None:
    other = next(format_ for format_ in PACK if format_ != name)

    assert _unpacked(PACK[name](b"a\n") + PACK[other](b"b\n")) == (b"a\n", f"damaged_{name}")


@pytest.mark.property
@given(
    _formats,
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=5),
    _portions,
)
def test_damage_anywhere_raises_nothing(
    name: str, flips: list[tuple[int, int]], portions: list[int]
) -> None:
    data = _lines(30)
    packed = bytearray(PACK[name](data))
    for place, change in flips:
        packed[place % len(packed)] ^= change
    stream = _stream(bytes(packed), portions)

    _all(stream)

    # Damaged first bytes may be those of another format, or of none.
    assert stream.problem is None or stream.problem.partition("_")[0] in PROBLEMS


@pytest.mark.parametrize("lines", [1, 30, 50_000])
def test_of_a_gzip_archive_with_a_wrong_checksum_all_but_the_last_byte_is_read(lines: int) -> None:
    data = _lines(lines)
    packed = bytearray(gzip.compress(data))
    packed[-5] ^= 1

    assert _unpacked(bytes(packed)) == (data[:-1], "damaged_gzip")


@pytest.mark.parametrize("name", [name for name in PACK if name != "gzip"])
@pytest.mark.parametrize("lines", [30, 50_000])
def test_of_another_archive_with_a_wrong_checksum_a_step_is_lost(name: str, lines: int) -> None:
    data = _lines(lines)
    packed = bytearray(PACK[name](data))
    # The checksum of the only block stands here: at the end, or before the index of xz.
    packed[{"zstd": -1, "bzip2": -2, "xz": -40}[name]] ^= 1

    found, problem = _unpacked(bytes(packed))

    assert problem == f"damaged_{name}"
    assert data.startswith(found)
    assert len(data) - len(found) <= min(4096, 64 + len(data) // 32)


# --- What is not followed -----------------------------------------------------------------------


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("gateway.log")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"a\n"))
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("gateway.log", "a\n")
    return out.getvalue()


_LZ4 = bytes.fromhex("04224d186440a702000080610a00000000")
_OTHERS: dict[str, bytes] = {"tar": _tar(), "zip": _zip(), "lz4": _LZ4}


@pytest.mark.parametrize("name", _OTHERS)
def test_an_archive_of_another_kind_is_named_and_not_read(name: str) -> None:
    assert _unpacked(_OTHERS[name]) == (b"", f"unread_{name}")


@pytest.mark.parametrize("name", ["zip", "lz4"])
def test_an_archive_is_told_however_slowly_it_begins(name: str) -> None:
    stream = _stream(_OTHERS[name], [1])

    assert _all(stream) == b""
    assert stream.problem == f"unread_{name}"


@each_format
def test_a_tar_archive_inside_is_named_as_one(name: str) -> None:
    assert _unpacked(PACK[name](_tar())) == (b"", "unread_tar")


@each_format
@pytest.mark.parametrize("inner", [*PACK, "zip", "lz4"])
def test_an_archive_in_an_archive_is_named_and_not_followed(name: str, inner: str) -> None:
    data = PACK[inner](b"a\n") if inner in PACK else _OTHERS[inner]

    assert _unpacked(PACK[name](data)) == (b"", f"nested_{name}")


def test_a_log_that_says_ustar_where_a_tar_archive_does_is_a_log() -> None:
    data = (b"{" + b"x" * 256 + b"ustar").ljust(1000, b"y") + b"\n"

    assert _unpacked(data) == (data, None)
    assert _unpacked(gzip.compress(data)) == (data, None)


def test_only_the_beginning_of_a_stream_tells_an_archive() -> None:
    data = b"\n" + gzip.compress(b"a")

    assert _unpacked(data) == (data, None)


def test_what_the_stream_reads_raises_is_raised() -> None:
    def read(_: int) -> Any:
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        UnpackedStream(read).read1(10)


def test_a_stream_that_is_not_read_to_its_end_is_let_go_of_at_once() -> None:
    packed = io.BytesIO(gzip.compress(b"a line\n" * 100_000))
    gc.disable()
    try:
        stream = UnpackedStream(packed.read)
        assert stream.read1(100)
        gone = weakref.ref(stream)

        del stream

        assert gone() is None
    finally:
        gc.enable()
