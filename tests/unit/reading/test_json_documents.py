"""Objects printed over several lines: read where they are whole, and never swallowing another."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import (
    Record,
    accounted,
    counts,
    frame,
    line,
    lines,
    printed,
    reading,
    reasons,
    record,
)
from tests.strategies import portions, records

from envoylogs.reading.mending.json_documents import MAX_BYTES, MAX_DEPTH, MAX_LINES, OpenObject
from envoylogs.sources.blocks import BLOCK_BYTES

if TYPE_CHECKING:
    from envoylogs.keyed.batches import Batch


def _paths(batch: Batch) -> list[str | None]:
    """Return the paths of the records read, once their lines have been accounted for."""
    assert accounted(batch.fates)
    return [] if batch.frame is None else batch.frame["path"].to_list()


def _printed(path: str, newline: bytes = b"\n") -> bytes:
    return printed(record(path=path), newline)


def test_a_printed_object_is_one_record_of_many_lines() -> None:
    data = _printed("/a") + b"\n"

    batch = reading(data)

    assert _paths(batch) == ["/a"]
    assert counts(batch.fates) == {
        "bytes": len(data),
        "lines": 26,
        "record_lines": 26,
        "records": 1,
    }


def test_a_printed_object_stands_where_its_first_line_stands() -> None:
    data = b"\n" + _printed("/a") + b"\n" + lines(record(path="/b")) + _printed("/c")

    assert frame(reading(data))["line"].to_list() == [2, 28, 29]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b"\n\t\n", b" \n"])
@pytest.mark.parametrize(
    "between", [b"", b",", b" ,", b", ", b"\n", b"\n\n", b",\n\n", b"\n,\n", b"\n# note\n"]
)
def test_what_stands_between_lines_and_objects_does_not_count(
    newline: bytes, between: bytes
) -> None:
    separator = between + b"\n"
    data = separator.join(_printed(path, newline) for path in ("/a", "/b", "/c"))

    assert _paths(reading(data)) == ["/a", "/b", "/c"]
    assert reasons(reading(data).fates) == {}


def test_an_array_of_printed_objects_is_read() -> None:
    inner = b",\n".join(_printed(path) for path in ("/a", "/b"))

    batch = reading(b"[\n" + inner + b"\n]\n")

    assert _paths(batch) == ["/a", "/b"]
    assert counts(batch.fates)["other"] == 2


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (b'{"response_flags":"-",\n"path":"/a"}', "/a"),
        (b' {"response_flags":"-"\n,"path":"/a"\n}', "/a"),
        (b'{\n"upstream_cluster":\n"outbound|80||a.b",\n"path":"/a"}', "/a"),
        (b'{\n"path":\n"/a"\n,\n"response_flags":\n"-"\n}', "/a"),
        (b'{"response_flags":"-","path":"/{[}","x":[\n1,\n2]}', "/{[}"),
        (b'{"response_flags":"-","path":"/\\"}\\\\",\n"x":{\n}}', '/"}\\'),
        (b'{"response_flags":"-","request":{\n"headers":{"a":[{}\n]}},\n"path":"/a"}', "/a"),
        (b'{\n"path":"/a",\n"x":\n{},\n"y":\n[]\n,"response_flags":"-"}', "/a"),
        (b'{\n"path":"/a",\n"x":\n{}\n,\n"response_flags":"-"}', "/a"),
        (b'{\n"path":"/a",\n"x":\n17\n,\n"response_flags":"-"}', "/a"),
    ],
)
def test_line_ends_may_stand_wherever_json_allows_them(text: bytes, path: str) -> None:
    batch = reading(text + b"\n" + lines(record(path="/next")))

    assert _paths(batch) == [path, "/next"]
    assert reasons(batch.fates) == {}


@pytest.mark.property
@given(st.lists(records, min_size=1, max_size=4), st.sampled_from((b"\n", b"\r\n")), portions)
def test_printing_objects_changes_none_of_their_values(
    found: list[Record], newline: bytes, sizes: list[int]
) -> None:
    data = newline.join(printed(one, newline) for one in found)

    read = frame(reading(data, portions=sizes)).drop("line")

    assert read.equals(frame(reading(lines(*found))).drop("line"))


def test_an_object_may_span_blocks() -> None:
    big = printed(record(user_agent="x" * (2 * BLOCK_BYTES), path="/a"))

    assert _paths(reading(big + b"\n" + _printed("/b"))) == ["/a", "/b"]


@pytest.mark.parametrize(
    "opened",
    [
        b"{",
        b'{"a":',
        b'{"response_code":200,',
        b'{"a":{"b":[',
        b"{\n" * 49 + b"{",
        b'{\n  "response_code": 200,\n  "path": "/cut",',
        b'{"response_code":200,"path":"/c',
        b'{"response_code":200,\n"path":"/c',
    ],
)
@pytest.mark.parametrize(
    "after",
    [
        lines(record(path="/a"), record(path="/b")),
        _printed("/a") + b"\n" + _printed("/b"),
        _printed("/a") + b"\n" + lines(record(path="/b")),
        lines(record(path="/a")) + _printed("/b"),
        b"\n\n" + lines(record(path="/a")) + b"# note\n" + _printed("/b"),
        _printed("/a") + b"\n# note\n" + _printed("/b"),
    ],
)
def test_an_object_that_never_ends_swallows_nothing(opened: bytes, after: bytes) -> None:
    batch = reading(opened + b"\n" + after)

    assert _paths(batch) == ["/a", "/b"]
    assert sum(reasons(batch.fates).values()) >= opened.count(b"\n") + 1


def test_the_end_of_an_object_whose_beginning_is_missing_is_told_from_a_record() -> None:
    batch = reading(_printed("/cut")[40:] + b"\n" + _printed("/a"))

    assert _paths(batch) == ["/a"]
    assert set(reasons(batch.fates)) == {"cut_at_start"}


def test_a_half_object_at_the_end_is_counted() -> None:
    half = b"\n".join(_printed("/half").split(b"\n")[:10])

    batch = reading(_printed("/a") + b"\n" + half)

    assert _paths(batch) == ["/a"]
    assert reasons(batch.fates) == {"unfinished_object": 10}


def test_a_printed_object_of_another_program_is_no_fault() -> None:
    batch = reading(printed({"level": "info", "msg": "{", "fields": {"a": [1]}}) + b"\n")

    assert batch.frame is None
    assert counts(batch.fates)["other"] == counts(batch.fates)["lines"] == 9


def test_a_printed_object_around_a_record_is_a_wrapped_record() -> None:
    exported = printed({"insertId": "a", "jsonPayload": record(), "timestamp": "2026-01-02"})

    found = reasons(reading(exported + b"\n").fates)

    assert set(found) == {"wrapped_record"}


def test_printed_objects_that_share_a_line_swallow_nothing() -> None:
    for between in (b", ", b""):
        shared = _printed("/a") + between + _printed("/b") + b"\n"

        batch = reading(shared + _printed("/c"))

        assert _paths(batch)[-1] == "/c"
        assert accounted(batch.fates)
        assert reasons(batch.fates)


def test_an_object_ends_after_its_most_lines() -> None:
    padding = b"".join(b'"k%d":1,\n' % n for n in range(MAX_LINES - 2))
    at_the_limit = b'{"response_flags":"-","path":"/a",\n' + padding + b'"z":1}\n'
    over = b"{\n" + at_the_limit[1:]

    assert at_the_limit.count(b"\n") == MAX_LINES
    assert _paths(reading(at_the_limit + _printed("/b"))) == ["/a", "/b"]
    assert _paths(reading(over + _printed("/b"))) == ["/b"]
    assert sum(reasons(reading(over + _printed("/b")).fates).values()) == MAX_LINES + 1


def test_an_object_ends_after_its_most_bytes() -> None:
    half = b"x" * (MAX_BYTES // 2)
    over = b'{"response_flags":"-",\n"a":"' + half + b'",\n"b":"' + half + b'"}\n'

    batch = reading(over + _printed("/b"))

    assert _paths(batch) == ["/b"]
    assert counts(batch.fates)["malformed"] == 3


def test_an_object_is_followed_to_its_deepest_nesting_only() -> None:
    def nested(depth: int) -> bytes:
        inner = b'{"a":\n' * (depth - 1) + b"1" + b"\n}" * (depth - 1)
        return b'{"response_flags":"-","path":"/deep","a":\n' + inner + b"}\n"

    assert _paths(reading(nested(MAX_DEPTH) + _printed("/b"))) == ["/deep", "/b"]
    assert _paths(reading(nested(MAX_DEPTH + 1) + _printed("/b"))) == ["/b"]


@pytest.mark.parametrize("bracket", [b"{", b"[", b'{"a":', b'{"a":[', b"}", b"]"])
def test_brackets_without_an_end_lose_no_record(bracket: bytes) -> None:
    over_lines = (bracket + b"\n") * 1_500
    on_one_line = bracket * 100_000 + b"\n"

    for bomb in (over_lines, on_one_line):
        assert _paths(reading(bomb + lines(record(path="/a")) + bomb + _printed("/b"))) == [
            "/a",
            "/b",
        ]


def test_an_open_object_is_closed_when_its_brackets_are() -> None:
    opened = OpenObject()
    of_object = [(7, b'{"a": "}",'), (8, b'"b": ["\\"]"]'), (9, b"} , \r")]

    closed_after = [(opened.add(*one), opened.closed) for one in of_object]

    assert closed_after == [(True, False), (True, False), (True, True)]
    assert opened.lines == of_object
    assert opened.text == b'{"a": "}",\n"b": ["\\"]"]\n}'


@pytest.mark.parametrize("text", [b'{"a": "b', b'"', b'{"a": "b\\"', b"}", b"{]]", b"{" * 65])
def test_an_open_object_has_no_hope_behind_a_lone_quote_or_a_wrong_bracket(text: bytes) -> None:
    assert not OpenObject().add(1, text)


def test_a_record_on_one_line_ends_an_open_object_even_inside_of_it() -> None:
    inner = line(record(path="/inner"))

    batch = reading(b'{"wrapped":\n' + inner + b"\n}\n")

    assert _paths(batch) == ["/inner"]


def test_the_lines_of_an_object_that_is_too_deep_are_gone_through_once() -> None:
    n = 1000
    add = OpenObject.add
    with mock.patch.object(OpenObject, "add", autospec=True, side_effect=add) as added:
        batch = reading(b"".join(b'{"a%d":\n' % number for number in range(n)))

    assert reasons(batch.fates) == {"unfinished_object": n - 1, "cut_at_end": 1}
    assert added.call_count == n


@pytest.mark.parametrize(
    "data",
    [
        # Behind the first line the bracket of the second is closed before the end.
        b'{"a":\n' * 2 + b'{"b":1}},\n{"c":\n' + b'{"a":\n' * (MAX_DEPTH + 9),
        b'{"a":[\n' + b"{},\n" * (MAX_LINES + 9),
        b'{"a":[\n{"b":[\n' + b"1,\n" * (MAX_LINES + 9),
        b'{"a":\n' * MAX_DEPTH + b'"x\n',
        b'{"a":\n' * MAX_DEPTH + b'{"response_flags":"-","path":{\n' + b'"y":1}}\n',
        b'{"a":\n' * (MAX_DEPTH + 1) + b"}\n" * (MAX_DEPTH + 3),
    ],
)
def test_a_failed_object_is_read_again_as_if_its_first_line_had_not_been_there(data: bytes) -> None:
    with mock.patch.object(OpenObject, "drop_first", return_value=False):
        expected = reading(data)

    found = reading(data)

    assert found.fates == expected.fates
    assert (found.frame is None) == (expected.frame is None)
    assert accounted(found.fates)
