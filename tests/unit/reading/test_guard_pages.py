"""The compiled decoder never looks past the ends of what it reads, not even by a byte."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.text_writer import text_line
from tests.builders import Era, connection, in_era, line, record
from tests.envelopes import ENVELOPES, Who

from envoylogs import schema
from envoylogs.envoy.field_keys import DEFAULT_KEYS
from envoylogs.envoy.text_formats import DEFAULT_FORMATS
from envoylogs.reading.decoded_block import PATH_SHAPE
from envoylogs.reading.decoders.compiled import CompiledDecoder, Progress
from envoylogs.reading.fates import LineFates, ShortestKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.usefixtures("compiled_decoder"),
    pytest.mark.skipif(sys.platform != "linux", reason="protects pages as Linux does"),
]

_PAGE = mmap.PAGESIZE
_PAGES = 2
_NOTHING = 0
_MODERN = record(path="/a?b=\u00e9\U0001f600", user_agent="a \\ c", route_name="default")
_QUOTED = record(user_agent='"quoted" \\\t')
_LINES = {
    **{era.value: line(in_era(_MODERN, era)) for era in Era},
    "a connection": line(connection()),
    "escapes": line(_QUOTED),
    "TEXT, modern": text_line(_MODERN).encode(),
    "TEXT, old": text_line(_MODERN, list(DEFAULT_FORMATS.values())[-1]).encode(),
    **{
        name: ENVELOPES[name].wrap(line(_MODERN), Who())[0]
        for name in ("kubectl --prefix", "kubectl --prefix --timestamps", "CRI")
    },
    "TEXT of kubectl": ENVELOPES["kubectl --prefix"].wrap(text_line(_MODERN).encode(), Who())[0],
}


class _GuardedPages:
    """Memory with a page on either side that nobody may read."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, (_PAGES + 2) * _PAGE)
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self.view = memoryview(self._memory)[_PAGE:-_PAGE]
        self._protect(_NOTHING)

    def free(self) -> None:
        self._protect(mmap.PROT_READ | mmap.PROT_WRITE)

    def _protect(self, how: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        for place in (0, (_PAGES + 1) * _PAGE):
            if libc.mprotect(ctypes.c_void_p(self._start + place), _PAGE, how):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@pytest.fixture(name="pages")
def _pages() -> Iterator[_GuardedPages]:
    pages = _GuardedPages()
    yield pages
    pages.free()


def _decoder() -> CompiledDecoder:
    return CompiledDecoder(
        tuple(schema.NORMALIZED),
        DEFAULT_KEYS,
        coded=("upstream_host", PATH_SHAPE),
        keep_text=True,
    )


def _read(decoder: CompiledDecoder, data: Any) -> list[Progress]:
    found = [decoder.read(data, 0, 1)]
    while found[-1].at <= len(data):
        found.append(decoder.read(data, found[-1].at, 1))
    return found


def _batch(decoder: CompiledDecoder) -> list[Any]:
    block = decoder.take(LineFates(), ShortestKeys())
    coded = {name: values.to_list() for name, values in block.coded.items()}
    return [block.keys.to_dicts(), block.rows.to_dicts(), coded]


def _prefixes(whole: bytes) -> Iterator[bytes]:
    yield from (whole[:size] for size in range(len(whole) + 1))
    # Behind a whole one, by which the decoder knows what keys to expect.
    yield from (whole + b"\n" + whole[:size] for size in range(0, len(whole) + 1, 7))


@pytest.mark.parametrize("kind", _LINES)
@pytest.mark.parametrize("at_end", [True, False], ids=["before", "behind"])
def test_lines_beside_a_page_that_may_not_be_read_are_read_as_any(
    pages: _GuardedPages, kind: str, *, at_end: bool
) -> None:
    guarded, ordinary = _decoder(), _decoder()
    for prefix in _prefixes(_LINES[kind]):
        start = len(pages.view) - len(prefix) if at_end else 0
        place = pages.view[start : start + len(prefix)]
        place[:] = prefix

        assert _read(guarded, place) == _read(ordinary, prefix)

    assert guarded.height > 1
    assert _batch(guarded) == _batch(ordinary)
