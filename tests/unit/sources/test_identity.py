"""What a log is known again by, whatever it is packed in and however it is read."""

from __future__ import annotations

import gzip
import io
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import Pipe

from envoylogs.sources.compression import UnpackedStream
from envoylogs.sources.identity import Mark, MarkedStream
from envoylogs.sources.known_logs import KnownLogs
from envoylogs.sources.probe import Probe
from envoylogs.sources.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_TEXTS = st.binary(max_size=9000).map(lambda data: data.replace(b"\x1f", b"\n"))


def _marked(data: bytes, portions: Sequence[int] = (), *, start: int = 0) -> MarkedStream:
    pipe = Pipe(data[start:], portions)
    before = data[max(start - 4096, 0) : start]
    stream = MarkedStream(UnpackedStream(pipe.read1, plain=True), start, before)
    while stream.read1(1 << 18):
        pass
    return stream


@contextmanager
def _probe(folder: Path, data: bytes) -> Iterator[Probe]:
    path = folder / "log"
    path.write_bytes(data)
    with path.open("rb") as raw:
        yield Probe(raw)


@pytest.mark.property
@given(data=_TEXTS, portions=st.lists(st.integers(1, 5000), max_size=8))
def test_marks_do_not_depend_on_how_the_bytes_arrive(data: bytes, portions: list[int]) -> None:
    whole, cut = _marked(data), _marked(data, portions)

    assert cut.first == whole.first
    assert cut.marks == whole.marks
    assert (cut.line_end, cut.end) == (whole.line_end, whole.end)


@pytest.mark.property
@given(data=_TEXTS, place=st.floats(0, 1))
def test_marks_go_on_where_the_reading_ended(data: bytes, place: float) -> None:
    start = round(place * len(data))
    before, after, whole = _marked(data[:start]), _marked(data, start=start), _marked(data)

    assert before.marks + after.marks == whole.marks
    assert after.end == whole.end
    assert (after.line_end or before.line_end) == whole.line_end


@pytest.mark.property
@given(data=_TEXTS.map(lambda data: b"{" + data))
def test_a_packed_log_has_the_marks_of_the_plain_one(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("probe")
    stream = _marked(data)
    marks = [*stream.marks, stream.end, *([stream.line_end] if stream.line_end else [])]
    wrong = [Mark(mark.offset, mark.digest[::-1]) for mark in marks]
    for held in (data, gzip.compress(data)):
        with _probe(folder, held) as probe:
            probe.look_at([mark.offset for mark in marks])
            assert probe.first_line(unended=False) == stream.first
            assert all(probe.has(mark) for mark in marks)
            assert not any(probe.has(mark) for mark in wrong)
            assert not probe.has(Mark(len(data) + 1, stream.end.digest))


def test_a_first_line_ends_at_one_mebibyte_at_the_latest() -> None:
    stream = _marked(b"x" * (1 << 20) + b"yz\n")

    assert stream.first is not None
    assert stream.first.offset == 1 << 20


def _known(*contents: bytes, resumable: bool = False) -> tuple[KnownLogs, list[int]]:
    """Read contents one after the other; return how many bytes were new of each."""
    logs, new = KnownLogs(resumable=resumable), []
    for number, data in enumerate(contents):
        path = Path(f"{number}.log")
        path.write_bytes(data)
        source = Source(path.name, path.name)
        with source.open_raw() as raw:
            place = logs.place_of(source, raw)
            if place.nothing_new:
                new.append(0)
                continue
            start = 0 if place.is_packed else place.start
            stream = MarkedStream(source.unpacked(raw, start=start), start, place.before)
            while stream.read1(1 << 18):
                pass
            new.append(stream.offset - place.same_bytes)
            logs.leave(source, place, stream, lines=0)
    return logs, new


@pytest.fixture
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


_LINES = [b"line %d of a log, which is as long as this\n" % number for number in range(400)]
_LOG = b"".join(_LINES)


@pytest.mark.usefixtures("_folder")
@pytest.mark.parametrize("resumable", [False, True])
def test_only_the_bytes_behind_the_known_ones_are_new(resumable: bool) -> None:  # noqa: FBT001
    short, grown = b"".join(_LINES[:100]), b"".join(_LINES[:300])
    packed = gzip.compress(_LOG)

    _, new = _known(short, grown, short, grown, packed, _LOG, packed, resumable=resumable)

    assert new == [len(short), len(grown) - len(short), 0, 0, len(_LOG) - len(grown), 0, 0]


@pytest.mark.usefixtures("_folder")
@pytest.mark.parametrize("changed", [0, 5, 99, 399])
def test_a_log_that_differs_anywhere_near_a_mark_is_another_one(changed: int) -> None:
    other = [*_LINES]
    other[changed] = other[changed].replace(b"log", b"LOG")

    logs, new = _known(_LOG, b"".join(other))

    assert new == [len(_LOG), len(_LOG)]
    assert len(logs.logs) == 2


_BANNER = b'Defaulted container "istio-proxy" out of: istio-proxy, istio-init (init)\n'
_BEGIN_ALIKE = {
    "a banner": (_BANNER + _LOG, _BANNER + b"another\n"),
    "a brace": (b'{\n  "authority": "a"\n}\n' * 300, b'{\n  "code": 503\n}\n'),
    "up to a mark": (_LOG, _LOG[:9000] + b"another\n" * 150),
    "around a mark": (_LOG, _LOG[:9000] + b"!" + _LOG[9001:]),
}


def _plain(data: bytes) -> bytes:
    return data


@pytest.mark.usefixtures("_folder")
@pytest.mark.parametrize("how", _BEGIN_ALIKE)
@pytest.mark.parametrize("resumable", [False, True])
@pytest.mark.parametrize("pack_one", [_plain, gzip.compress])
@pytest.mark.parametrize("pack_other", [_plain, gzip.compress])
def test_logs_that_only_begin_alike_are_no_copies(
    how: str,
    resumable: bool,  # noqa: FBT001
    pack_one: Callable[[bytes], bytes],
    pack_other: Callable[[bytes], bytes],
) -> None:
    one, other = _BEGIN_ALIKE[how]

    _, new = _known(pack_one(one), pack_other(other), pack_one(one), resumable=resumable)

    assert new == [len(one), len(other), 0]


@pytest.mark.usefixtures("_folder")
def test_archives_that_agree_at_both_ends_are_no_copies() -> None:
    def archive(middle: bytes) -> bytes:
        parts = (_LOG, middle, _LOG[::-1])
        return b"".join(gzip.compress(part, 0, mtime=0) for part in parts)

    one, other = (archive(word * 3000) for word in (b"one\n", b"two\n"))
    assert (len(one), one[-4096:]) == (len(other), other[-4096:])

    _, new = _known(one, other, one)

    assert new == [2 * len(_LOG) + 12_000, 2 * len(_LOG) + 12_000, 0]


def _known_later(before: bytes, now: bytes) -> tuple[int, dict[str, int]]:
    """Read a log that takes the place of one that an earlier run has read; return what is new."""
    earlier, _ = _known(before, resumable=True)
    logs = KnownLogs(earlier.logs, resumable=True, run=1)
    path = Path("0.log")
    path.write_bytes(now)
    source = Source(path.name, path.name)
    with source.open_raw() as raw:
        place = logs.place_of(source, raw)
    return 0 if place.nothing_new else len(now) - place.same_bytes, logs.unproven


@pytest.mark.usefixtures("_folder")
@pytest.mark.parametrize("how", ["a banner", "a brace"])
def test_a_first_line_that_does_not_say_when_or_who_proves_nothing(how: str) -> None:
    before, now = _BEGIN_ALIKE[how]

    assert _known_later(before, now) == (len(now), {})


@pytest.mark.usefixtures("_folder")
def test_what_can_not_be_compared_any_more_is_told() -> None:
    log = b'{"start_time":"2026-11-01T12:00:00Z"}\n' + _LOG

    assert _known_later(log, log[:9000]) == (0, {"0.log": 9000 - 8192})
    assert _known_later(log, log + b"more\n") == (5, {})


@pytest.mark.usefixtures("_folder")
def test_copies_whose_last_line_has_no_end_are_copies() -> None:
    text = _LOG[:-1]

    assert _known(text, text, gzip.compress(text))[1] == [len(text), 0, 0]
    assert _known(b"one line", b"one line")[1] == [8, 0]


@pytest.mark.usefixtures("_folder")
def test_of_two_logs_that_begin_alike_the_one_that_fits_goes_on() -> None:
    one = b"".join((*_LINES[:200], b"one\n" * 50))
    two = b"".join((*_LINES[:200], b"two\n" * 70))

    _, new = _known(one, two, one + b"more\n", two + b"more\n")

    assert new == [len(one), len(two), 5, 5]


@pytest.mark.usefixtures("_folder")
def test_a_log_without_a_whole_line_is_left_alone_if_it_is_read_again() -> None:
    logs, new = _known(b"half a li", resumable=True)

    assert new == [0]
    assert logs.logs == []


def test_a_stream_of_bytes_that_look_like_an_archive_goes_on_as_it_is() -> None:
    archive = gzip.compress(b"inside")

    stream = UnpackedStream(io.BytesIO(archive).read, plain=True)

    assert stream.read1(1 << 18) == archive
