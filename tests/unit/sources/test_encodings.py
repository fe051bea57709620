"""UTF-16 and UTF-32, with or without a mark, are the same text in UTF-8."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.builders import line, lines, record
from tests.handmade import source_of

from envoylogs.pipeline import tally_sources
from envoylogs.sources.compression import READ_BYTES, UnpackedStream, is_packed
from envoylogs.sources.encodings import TOLD_BY_BYTES, as_utf8, encoding_of
from envoylogs.summary.accounts import accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MARKS = {
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}

each_encoding = pytest.mark.parametrize("encoding", MARKS)

_encodings = st.sampled_from(list(MARKS))
# A log begins with two characters of ASCII, by which an encoding without a mark is told.
_texts = st.text(st.characters(exclude_categories=["Cs"])).map('{"'.__add__)
_sizes = st.lists(st.integers(1, 7), min_size=1, max_size=8)


def _pieces(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut bytes into pieces of these sizes, again and again."""
    stream, found, place = io.BytesIO(data), [], 0
    while piece := stream.read(sizes[place % len(sizes)]):
        found.append(piece)
        place += 1
    return found


@pytest.mark.property
@given(text=_texts, encoding=_encodings, marked=st.booleans(), sizes=_sizes)
@example(text='{"\U0001f600\n', encoding="utf-16-le", marked=False, sizes=[1])
@example(text='{"\U0001f600\n', encoding="utf-16-be", marked=True, sizes=[3])
def test_a_text_is_the_same_in_every_encoding_wherever_it_is_cut(
    text: str,
    encoding: str,
    marked: bool,  # noqa: FBT001  # drawn
    sizes: list[int],
) -> None:
    data = (MARKS[encoding] if marked else b"") + text.encode(encoding)

    assert b"".join(as_utf8(_pieces(data, sizes))) == text.encode()


@pytest.mark.property
@given(st.binary().filter(lambda data: encoding_of(data) is None), _sizes)
def test_anything_else_is_handed_on_as_it_is(data: bytes, sizes: list[int]) -> None:
    assert b"".join(as_utf8(_pieces(data, sizes))) == data


@pytest.mark.property
@given(st.text())
def test_no_text_in_utf_8_without_zero_bytes_is_taken_for_another_encoding(text: str) -> None:
    if "\0" not in text:
        assert encoding_of(text.encode(errors="replace")[:TOLD_BY_BYTES]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"',
        b"\0" * 8,
        b"\0\n" * 4,
        b"{" + b"\0" * 7,
        b"[2\0\0\0\0\0\0",
        b"\xef\xbb\xbf{",
        b"PAR1\0\0\0\0",
    ],
)
def test_a_file_filled_up_with_zeros_is_no_text_of_another_encoding(data: bytes) -> None:
    assert encoding_of(data) is None
    assert b"".join(as_utf8([data])) == data


@each_encoding
def test_a_whole_line_is_handed_on_before_the_next_bytes_are_asked_for(encoding: str) -> None:
    asked: list[int] = []
    parts = [MARKS[encoding] + '{"a": 1}\n'.encode(encoding), '{"a": 2}\n'.encode(encoding)]

    def read(_: int) -> bytes:
        asked.append(1)
        return parts.pop(0) if parts else b""

    stream = UnpackedStream(read)

    assert stream.read1(READ_BYTES) == b'{"a": 1}\n'
    assert len(asked) == 1
    assert stream.read1(READ_BYTES) == b'{"a": 2}\n'


@each_encoding
def test_half_a_character_at_the_end_is_told_in_the_last_line(encoding: str) -> None:
    data = MARKS[encoding] + "{}\n".encode(encoding) + "{".encode(encoding)[:1]

    assert b"".join(as_utf8([data])) == b"{}\n\xef\xbf\xbd"


def test_half_a_pair_of_surrogates_is_one_replaced_character() -> None:
    data = codecs.BOM_UTF16_LE + b"{\0" + b"\x3d\xd8" + b"}\0"

    assert b"".join(as_utf8([data])) == "{\ufffd}".encode()


@each_encoding
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_records_lines_and_bytes_are_those_of_the_text_in_utf_8(
    encoding: str, pack: Callable[[bytes], bytes], mark: str
) -> None:
    text = (
        lines(*(record(path=f"/caf\u00e9/\u4e2d\U0001f600/{n}") for n in range(700))).replace(
            b"\n", b"\r\n"
        )
        + b"no record\r\n\r\n"
    )
    encoded = (mark + text.decode()).encode(encoding)

    expected = tally_sources([source_of(text)])
    found = tally_sources([source_of(pack(encoded), piece=4099)])

    assert found == expected
    assert accounts(found).bytes == len(text)
    assert accounts(found).records == 700


@each_encoding
def test_an_encoding_is_known_by_the_first_bytes_as_an_archive_is(encoding: str) -> None:
    text = line(record()).decode()

    assert is_packed(text.encode(encoding)[:TOLD_BY_BYTES])
    assert is_packed((MARKS[encoding] + text.encode(encoding))[:TOLD_BY_BYTES])
    assert not is_packed(text.encode()[:TOLD_BY_BYTES])


def test_marks_of_files_that_stand_one_behind_the_other_are_no_part_of_a_record() -> None:
    one = codecs.BOM_UTF16_LE + lines(record(path="/1")).decode().encode("utf-16-le")
    found = accounts(tally_sources([source_of(one * 3)]))

    assert (found.records, found.malformed, found.other) == (3, 0, 0)
    assert (
        accounts(tally_sources([source_of((codecs.BOM_UTF8 + lines(record())) * 3)])).records == 3
    )
