"""JSON line by line: what is a record is read, and every other line is counted for what it is."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import Pipe, Record, accounted, counts, line, lines, printed, reasons, record
from tests.strategies import (
    blank_lines,
    cuts,
    damaged_lines,
    damaged_prints,
    noise_lines,
    portions,
    records,
)

from envoylogs.envoy.field_keys import FieldKeys
from envoylogs.reading.block_reader import BlockReader
from envoylogs.reading.fates import EXAMPLES_KEPT, REASONS, LineFates
from envoylogs.sources.blocks import MAX_LINE_BYTES, blocks

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Read(NamedTuple):
    objects: list[Record]
    numbers: list[int]
    fates: LineFates


def _read(data: bytes, portions: Sequence[int] = (), name: str = "test.log") -> _Read:
    read = _Read([], [], LineFates())
    reader = BlockReader(name)
    for item in blocks(Pipe(data, portions)):
        found = reader.read(item, read.fates)
        read.objects.extend(found.objects)
        read.numbers.extend(found.lines)
    found = reader.finish(read.fates)
    read.objects.extend(found.objects)
    read.numbers.extend(found.lines)
    return read


def _reasons(*broken: bytes) -> dict[str, int]:
    """Return why lines are malformed that stand between two records, which must be read."""
    read = _read(lines(record()) + b"\n".join(broken) + b"\n" + lines(record()))

    assert read.objects == [record(), record()]
    assert accounted(read.fates)
    return reasons(read.fates)


def test_one_object_a_line_is_a_record_a_line() -> None:
    read = _read(lines(record(path="/a"), record(path="/b")))

    assert read.objects == [record(path="/a"), record(path="/b")]
    assert read.numbers == [1, 2]
    assert counts(read.fates) == {
        "bytes": len(lines(record(path="/a"), record(path="/b"))),
        "lines": 2,
        "record_lines": 2,
        "records": 2,
    }


def test_nothing_is_counted_of_an_empty_source() -> None:
    assert _read(b"") == _Read([], [], LineFates())


def test_the_last_line_is_read_without_its_line_end() -> None:
    assert _read(line(record())).objects == [record()]


@pytest.mark.parametrize("end", [b"\r\n", b" \n", b"\t\r\n", b",\n", b", \r\n"])
def test_what_stands_between_an_object_and_the_line_end_does_not_count(end: bytes) -> None:
    read = _read((line(record()) + end) * 2)

    assert read.objects == [record(), record()]
    assert counts(read.fates)["record_lines"] == 2


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert _read(b"\xef\xbb\xbf" + lines(record())).objects == [record()]
    assert counts(_read(b"\xef\xbb\xbf").fates) == {"bytes": 3, "lines": 1, "blank": 1}


def test_blank_lines_are_counted_as_blank() -> None:
    read = _read(b"\n  \n" + lines(record()) + b"\r\n\t\n")

    assert read.objects == [record()]
    assert read.numbers == [3]
    assert counts(read.fates)["blank"] == 4


@pytest.mark.parametrize(
    "noise",
    [
        b"2026-01-02T03:04:05.896837Z\tinfo\tInitialization took 1.2s",
        b"[2026-01-02 03:04:05.539][31][debug][http] [external/envoy] [C6][S15] headers complete",
        b"':path', '/x'",
        b'Defaulted container "istio-proxy" out of: istio-proxy, istio-init (init)',
        b'{"level":"info","time":"2026-01-02T03:04:05Z","msg":"started"}',
        b'{"status":200,"path":"/","method":"GET"}',
        b"{}",
        b"[]",
        b"[",
        b"]",
        b"null",
        b"true",
        b"17",
        b'"text"',
        b"$ kubectl logs deploy/istio-ingressgateway",
        b"\xff\xfe no utf-8",
    ],
)
def test_a_line_of_another_program_is_no_fault(noise: bytes) -> None:
    read = _read(lines(record()) + noise + b"\n" + lines(record()))

    assert read.objects == [record(), record()]
    assert counts(read.fates)["other"] == 1
    assert reasons(read.fates) == {}


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b'{"response_code":200,"path":"/",}', "invalid_json"),
        (b"{'response_code':200,'path':'/'}", "invalid_json"),
        (line(record())[:-1], "cut_at_end"),
        (line(record())[:100], "cut_at_end"),
        (b"{", "cut_at_end"),
        (b'{"a":' * 100_000, "cut_at_end"),
        (b'{"a":[' * 100_000 + b"]}" * 100_000, "invalid_json"),
        (line(record())[20:], "cut_at_start"),
        (b'"path":"/","response_flags":"-"}', "cut_at_start"),
        (b"[warning] " + line(record())[:-1], "prefixed_record"),
        (b'[warning] [2026-01-02T03:04:05.678Z] "GET / HTTP/1.1" 404 NR 0', "text_format"),
        (line({"jsonPayload": record(), "insertId": "a"}), "wrapped_record"),
        (b"[" + line(record()) + b"," + line(record()) + b"]", "wrapped_record"),
        (orjson.dumps([line(record()).decode()]), "wrapped_record"),
        (b'[2026-01-02T03:04:05.678Z] "GET / HTTP/1.1" 404 NR "-" "-" 0 0 0 -', "text_format"),
        (b'  [2026-01-02T03:04:05.678Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 -',
         "text_format"),
        (b"\0\0\0\0", "binary"),
        (b"\0" + line(record())[:-1], "binary"),
        (b"\x7fELF\x02\x01\x01\0", "binary"),
        ("ä".encode("utf-16"), "binary"),
        (b"x" * (MAX_LINE_BYTES + 1), "line_too_long"),
        (b'{"response_code":200,"path":"/' + b"x" * MAX_LINE_BYTES + b'"}', "line_too_long"),
    ],
)  # fmt: skip
def test_a_line_that_should_have_been_a_record_is_malformed_with_a_reason(
    broken: bytes, reason: str
) -> None:
    assert _reasons(broken) == {reason: 1}
    assert reason in REASONS


def test_brackets_over_many_lines_end_nothing() -> None:
    assert _reasons(*[b'{"a":'] * 2_000) == {"unfinished_object": 1_999, "cut_at_end": 1}
    assert _reasons(*[b"["] * 100_000) == {}


def test_a_cut_line_full_of_escaped_quotes_is_read_in_no_time() -> None:
    assert _reasons(b'{"user_agent":"' + b'\\"' * 500_000) == {"cut_at_end": 1}


def test_a_half_line_at_the_end_is_counted_and_what_came_before_it_is_read() -> None:
    read = _read(lines(record()) + line(record())[:200])

    assert read.objects == [record()]
    assert reasons(read.fates) == {"cut_at_end": 1}


def test_a_log_that_was_cut_at_its_start_is_read_from_the_next_line_on() -> None:
    read = _read(line(record())[100:] + b"\n" + lines(record()))

    assert read.objects == [record()]
    assert reasons(read.fates) == {"cut_at_start": 1}


@pytest.mark.property
@given(st.lists(records, min_size=1, max_size=5), st.data())
def test_a_log_cut_anywhere_loses_only_the_record_that_is_cut(
    found: list[Record], data: st.DataObject
) -> None:
    whole = lines(*found)
    place = data.draw(st.integers(0, len(whole)))
    ends = list(accumulate(len(line(one)) + 1 for one in found))

    read = _read(whole[:place])

    assert read.objects == found[: sum(end - 1 <= place for end in ends)]
    assert counts(read.fates).get("bytes", 0) == place
    assert accounted(read.fates)


def test_bytes_that_are_not_utf_8_are_repaired_and_counted() -> None:
    scanned = line(record(path="/X")).replace(b"/X", b"/\xff\xc3")

    read = _read(scanned + b"\n" + lines(record()))

    assert read.objects == [record(path="/\ufffd\ufffd"), record()]
    assert read.fates.counts[("test.log", "repaired", "invalid_utf8")] == 1
    assert reasons(read.fates) == {}


_INVALID_UTF8 = line(record(path="/X")).replace(b"/X", b"/\xff")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"a":\n' + _INVALID_UTF8 + b"\n", id="behind an object that never ends"),
        pytest.param(_INVALID_UTF8 + b",\n", id="before a comma"),
        pytest.param(
            printed(record(path="/X")).replace(b"/X", b"/\xff") + b"\n", id="over several lines"
        ),
    ],
)
def test_bytes_that_are_not_utf_8_are_repaired_wherever_the_record_stands(data: bytes) -> None:
    assert _read(data).objects == [record(path="/\ufffd")]


def test_only_records_are_counted_as_repaired() -> None:
    read = _read(b'{"level":"info","msg":"\xff"}\n')

    assert counts(read.fates) == {"bytes": 27, "lines": 1, "other": 1}


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (b"2026-01-02T03:04:05.896837Z\tinfo\tInitialization took 1.2s", None),
        (b"17", None),
        (b'[2026-01-02T03:04:05.678Z] "GET / HTTP/1.1" 404 NR "-" "-" 0 0 0 -', "text_format"),
        (b"[warning] " + line(record())[:-1], "prefixed_record"),
        (line({"log": line(record()).decode()}), "wrapped_record"),
        (b"\0", "binary"),
    ],
)
def test_a_line_behind_an_object_that_never_ends_is_counted_for_what_it_is(
    after: bytes, reason: str | None
) -> None:
    found = _reasons(b'{"response_code":20', after)

    assert sum(found.values()) == (1 if reason is None else 2)
    assert reason is None or found[reason] == 1


def test_a_message_about_access_logs_is_no_record() -> None:
    assert _reasons(b'{"level":"info","msg":"no response_code in the format"}') == {}


def test_the_first_lines_of_each_reason_are_kept_as_examples_with_their_place() -> None:
    broken = b'{"response_code":200,"path":"/",}'

    read = _read(b"# note\n" + (broken + b"\n") * 5 + b"# note\n" + b"x" * 999, name="a.log")

    kept = [(example.source, example.line, example.reason) for example in read.fates.examples]
    assert kept == [
        ("a.log", 1, "other"),
        *(("a.log", number, "invalid_json") for number in range(2, 2 + EXAMPLES_KEPT)),
        ("a.log", 7, "other"),
        ("a.log", 8, "other"),
    ]
    assert read.fates.examples[1].text == broken.decode()
    assert len(read.fates.examples[-1].text or "") == 200


def test_every_malformed_line_is_handed_to_the_callback_as_it_was() -> None:
    kept: list[bytes] = []
    fates = LineFates(on_malformed=kept.append)
    broken = [b'{"path":/}\r', b'  {"a":1,}', b"\0\xff"]
    data = b"\n".join([b"# note", broken[0], line(record()), b"", *broken[1:]])
    reader = BlockReader("test.log")

    for item in blocks(Pipe(data)):
        reader.read(item, fates)
    reader.finish(fates)

    assert kept == broken


class _Item(NamedTuple):
    """Something that stands in a log, on a line of its own or on several."""

    text: bytes
    found: Record | None = None
    fate: str = "malformed"


def _items_of(found: Record) -> tuple[_Item, ...]:
    return tuple(
        _Item(text, found, "record_lines")
        for text in (line(found), line(found) + b",", printed(found), printed(found, b"\r\n"))
    )


_intact = (
    records.flatmap(lambda found: st.sampled_from(_items_of(found)))
    | blank_lines.map(lambda text: _Item(text, fate="blank"))
    | noise_lines.map(lambda text: _Item(text, fate="other"))
)  # fmt: skip
_intact_logs = st.lists(_intact, max_size=8)
_logs = st.lists(_intact | (damaged_lines() | damaged_prints()).map(_Item), max_size=8)


def _written(items: Sequence[_Item]) -> bytes:
    return b"".join(item.text + b"\n" for item in items)


def _numbered(items: Sequence[_Item]) -> list[tuple[int, Record]]:
    """Return the intact records with the number of their first line."""
    heights = (item.text.count(b"\n") + 1 for item in items)
    firsts = accumulate(heights, initial=1)
    return [
        (number, item.found)
        for number, item in zip(firsts, items, strict=False)
        if item.found is not None
    ]


@pytest.mark.property
@given(_intact_logs, portions)
def test_of_an_intact_log_every_record_is_read_and_every_line_is_what_it_is(
    items: list[_Item], sizes: list[int]
) -> None:
    data = _written(items)

    read = _read(data, sizes)

    assert list(zip(read.numbers, read.objects, strict=True)) == _numbered(items)
    expected = {"bytes": len(data), "records": len(_numbered(items))}
    for item in items:
        height = item.text.count(b"\n") + 1
        for fate in ("lines", item.fate):
            expected[fate] = expected.get(fate, 0) + height
    assert counts(read.fates) == {fate: n for fate, n in expected.items() if n}


@pytest.mark.property
@given(_logs)
def test_no_damage_costs_another_record_and_all_lines_are_accounted_for(
    items: list[_Item],
) -> None:
    data = _written(items)

    read = _read(data)

    found = iter(list(zip(read.numbers, read.objects, strict=True)))
    assert all(intact in found for intact in _numbered(items)), "a record is lost or moved"
    assert read.numbers == sorted(read.numbers)
    assert accounted(read.fates)
    n = counts(read.fates)
    assert n.get("records", 0) == len(read.objects)
    assert n.get("bytes", 0) == len(data)
    assert n.get("lines", 0) == data.count(b"\n")
    assert n.get("blank", 0) == sum(item.fate == "blank" for item in items)


@pytest.mark.property
@given(_logs, portions)
def test_how_the_bytes_arrive_changes_nothing(items: list[_Item], sizes: list[int]) -> None:
    data = _written(items)

    assert _read(data, sizes) == _read(data)


@pytest.mark.property
@given(_logs.flatmap(lambda items: st.tuples(st.just(items), cuts(len(items)))))
def test_how_a_log_is_cut_into_files_costs_no_record_and_no_line(
    cut: tuple[list[_Item], list[slice]],
) -> None:
    items, slices = cut
    files = [_read(_written(items[part])) for part in slices]

    found = iter([one for file in files for one in file.objects])
    assert all(intact in found for _, intact in _numbered(items))
    assert all(accounted(file.fates) for file in files)
    whole = counts(_read(_written(items)).fates)
    for fate in ("bytes", "lines", "blank"):
        assert sum(counts(file.fates).get(fate, 0) for file in files) == whole.get(fate, 0)


@pytest.mark.property
@given(_intact_logs.flatmap(lambda items: st.tuples(st.just(items), cuts(len(items)))))
def test_how_an_intact_log_is_cut_into_files_changes_no_count(
    cut: tuple[list[_Item], list[slice]],
) -> None:
    items, slices = cut
    whole = _read(_written(items))
    files = [_read(_written(items[part])) for part in slices]

    assert [one for file in files for one in file.objects] == whole.objects
    added = sum((file.fates.counts for file in files), start=type(whole.fates.counts)())
    assert added == whole.fates.counts


@pytest.mark.property
@given(st.binary(max_size=300), portions)
def test_any_bytes_are_accounted_for(data: bytes, sizes: list[int]) -> None:
    read = _read(b"{" + data, sizes)

    assert accounted(read.fates)
    assert counts(read.fates)["bytes"] == len(data) + 1


@pytest.mark.property
@given(st.lists(st.sampled_from((
    b"{", b"}", b"[", b"]", b'"', b'"a":', b"1", b",", b"\n", b"\n", b"\\", b"\0", b"\xff", b" ",
    b'"response_flags":"-"', line(record()), b"\n" + line(record()) + b"\n",
))), portions)  # fmt: skip
def test_any_broken_json_is_accounted_for_and_costs_no_record_on_a_line_of_its_own(
    parts: list[bytes], sizes: list[int]
) -> None:
    data = b"".join(parts)

    read = _read(data, sizes)

    assert accounted(read.fates)
    assert read.objects.count(record()) >= data.split(b"\n").count(line(record()))
    assert read == _read(data)


def test_the_bytes_of_nested_records_and_of_those_with_mapped_keys_are_kept() -> None:
    nested = b'{ "request": {"path": "/"},  "response": {"code": 200} }'
    mapped = b'{"Up":"a"}'
    keys = FieldKeys.mapping({"upstream_cluster": ["up"]})
    reader = BlockReader("test.log", keep_text=True, keys=keys)
    fates = LineFates()
    data = b"\n".join([nested, mapped, b'{"level":"info"}'])

    found = [reader.read(item, fates) for item in blocks(Pipe(data))]

    assert [text for records in found for text in records.texts] == [nested, mapped]


def test_nested_records_are_read_when_printed_over_lines() -> None:
    found = {"request": {"path": "/"}, "response": {"code": 200, "flags": "-"}}

    assert _read(printed(found) + b"\n" + lines(record())).objects == [found, record()]
