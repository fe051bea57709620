"""Invalid JSON is read as its writer meant it, and left alone where that can't be told."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.builders import line, printed, record
from tests.strategies import texts

from envoylogs.reading.mending.repair import KINDS, repaired

_Object = dict[str, object]
_Writer = Callable[[object], bytes]

_COMMON = ("method", "path", "user_agent", "duration", ":authority", "x-forwarded-for", "a b")
_keys = st.sampled_from(_COMMON)
_numbers = st.integers(-(2**53), 2**53) | st.just(-0.5)
_spaces = st.sampled_from((b"", b" ", b"  "))


def _objects(values: st.SearchStrategy[object]) -> st.SearchStrategy[_Object]:
    """Objects with these values, some of them one level down or in lists."""
    inner = st.dictionaries(_keys, values, min_size=1, max_size=3)
    return st.dictionaries(_keys, values | inner | st.lists(values, max_size=3), min_size=1)


_any_objects = _objects(st.none() | _numbers | texts)


def _plainly(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _written(value: object, scalar: _Writer, space: bytes = b" ") -> bytes:
    """Return a value as JSON but for its scalars, which ``scalar`` writes as it likes."""
    if isinstance(value, dict):
        members = [
            _plainly(key) + space + b":" + space + _written(one, scalar, space)
            for key, one in value.items()
        ]
        return b"{" + space + (space + b"," + space).join(members) + space + b"}"
    if isinstance(value, list):
        return b"[" + (b"," + space).join(_written(one, scalar, space) for one in value) + b"]"
    return scalar(value)


def _scalars(value: object) -> list[object]:
    if isinstance(value, dict):
        return [scalar for one in value.values() for scalar in _scalars(one)]
    if isinstance(value, list):
        return [scalar for one in value for scalar in _scalars(one)]
    return [value]


def _kinds(text: bytes) -> tuple[str, ...]:
    found = repaired(text)
    assert found is not None
    return found[1]


def _value(content: bytes) -> object:
    """Return what a value is read as that stands between two others."""
    found = repaired(b'{"method": "GET", "path": "' + content + b'", "duration": 3}')
    if found is None:
        return None
    assert found[0].keys() == {"method", "path", "duration"}
    assert found[0]["method"] == "GET"
    assert found[0]["duration"] == 3
    return found[0]["path"]


# Dashes and nothing where a value is missing.


def test_a_bare_dash_is_a_missing_value() -> None:
    whole = record(duration=None, upstream_service_time=None, user_agent="a: -, b")

    assert repaired(_written(whole, lambda one: b"-" if one is None else _plainly(one))) == (
        whole,
        ("bare_dash",),
    )


def test_a_value_that_an_empty_operator_left_out_is_a_missing_value() -> None:
    assert repaired(b'{ "path": "/", "duration":  , "code": }') == (
        {"path": "/", "duration": None, "code": None},
        ("missing_value",),
    )


@pytest.mark.parametrize("value", [": -, ", ': -,"', 'a": -, ', "-", "- }", ":-}", '\\": -,'])
def test_a_dash_in_a_string_is_left_alone(value: str) -> None:
    assert repaired(b'{"path": ' + _plainly(value) + b', "duration": -}') == (
        {"path": value, "duration": None},
        ("bare_dash",),
    )


@pytest.mark.parametrize("text", [b'{"a": -', b'{"a": --}', b'{"a": -x}', b"{-}", b'{"a" -}'])
def test_a_dash_that_is_no_value_is_not_repaired(text: bytes) -> None:
    assert repaired(text) is None


@pytest.mark.property
@given(_any_objects, _spaces)
def test_missing_values_are_read_back_however_they_are_written(
    whole: _Object, space: bytes
) -> None:
    assume(None in _scalars(whole))

    damaged = _written(whole, lambda one: b"-" if one is None else _plainly(one), space)

    assert repaired(damaged) == (whole, ("bare_dash",))


# Octal escapes.


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (rb"/\303\251", "/é"),
        (rb"/\303(\377", "/\ufffd(\ufffd"),
        (rb"\200\042\134\011\177", '\ufffd"\\\t\x7f'),
        (rb"say \"x\" \\303 \303", 'say "x" \\303 \ufffd'),
        (rb"\\\303\251", "\\é"),
        (rb"\u00e9 \303\251", "é é"),
        (rb"\360\237\230\200", "\U0001f600"),
    ],
)
def test_octal_escapes_are_the_bytes_they_stand_for(content: bytes, value: str) -> None:
    assert _value(content) == value
    assert _kinds(b'{"path":"' + content + b'"}') == ("octal_escape",)


@pytest.mark.parametrize("content", [rb"\101", rb"\400", rb"\30", rb"\043", rb"\303 \d"])
def test_what_envoy_writes_no_octal_escape_for_is_a_backslash(content: bytes) -> None:
    assert _value(content) == content.decode()
    assert _kinds(b'{"path":"' + content + b'"}') == ("unescaped_backslash",)


def _as_envoy_writes(value: object) -> bytes:
    r"""Write a header as Envoy 1.33 does: with ``\ooo`` if it is not UTF-8."""
    assert isinstance(value, bytes)
    try:
        return _plainly(value.decode())
    except UnicodeDecodeError:
        escaped = "".join(
            f"\\{byte:03o}" if byte < 0x20 or byte >= 0x7F or byte in b'"\\' else chr(byte)
            for byte in value
        )
        return b'"' + escaped.encode() + b'"'


@pytest.mark.property
@given(
    st.dictionaries(
        _keys, st.binary(max_size=8) | st.text('"\\07é/', max_size=8).map(str.encode), min_size=1
    ),
    _spaces,
)
def test_bytes_that_envoy_wrote_in_octal_are_read_as_if_it_had_not(
    headers: dict[str, bytes], space: bytes
) -> None:
    whole = {key: value.decode("utf-8", "replace") for key, value in headers.items()}
    assume(any("\ufffd" in value for value in whole.values()))

    found = repaired(_written(headers, _as_envoy_writes, space))

    assert found == (whole, ("octal_escape",))


# Values without any escapes.


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (b'Mozilla "x", "y" z', ("unescaped_quote",)),
        (b'"x"', ("unescaped_quote",)),
        (b'"', ("unescaped_quote",)),
        (b'", "', ("unescaped_quote",)),
        (b'${"x"}', ("unescaped_quote",)),
        (b'a" b', ("unescaped_quote",)),
        (rb"C:\dir\new", ("unescaped_backslash",)),
        (rb"/\u12", ("unescaped_backslash",)),
        (b"/\\", ("unescaped_backslash",)),
        (rb'say \"x\" and "y" \\ z', ("unescaped_backslash", "unescaped_quote")),
        (b'"a\tb"', ("control_character", "unescaped_quote")),
        ('é "ü"'.encode(), ("unescaped_quote",)),
    ],
)  # fmt: skip
def test_a_value_in_which_nothing_is_escaped_is_read_as_it_stands(
    content: bytes, kinds: tuple[str, ...]
) -> None:
    assert _value(content) == content.decode()
    assert _kinds(b'{"path": "' + content + b'", "duration": 3}') == kinds


@pytest.mark.parametrize("end", [b'"}', b'" }', b'"}}', b'"} , "b": {"c": 1}}', b'"}]}'])
def test_the_last_value_of_an_object_may_hold_quotes(end: bytes) -> None:
    start = {b'"}}': b'{"o": {', b'"} , "b": {"c": 1}}': b'{"o": {', b'"}]}': b'{"o": [{'}

    found = repaired(start.get(end, b"{") + b'"a": "say "x" twice' + end)

    assert found is not None
    assert 'say "x" twice' in _scalars(found[0])
    assert found[1] == ("unescaped_quote",)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": "x "y", "b": z}',
        b'{"a": "x "y" z',
        b'{"a": "x "y" z", "b": "c',
        b'{"a": ["x "y" z"]}',
        b'{"a "b" c": 1}',
        b'{"a": "{"b": "c"}", "d": 1}',
        b'{"a": "say "b": c", "d": 1}',
        b'{"a": "say "x"\n twice", "d": 1}',
    ],
)
def test_a_value_whose_end_is_a_guess_is_not_repaired(text: bytes) -> None:
    assert repaired(text) is None


def test_a_word_before_a_pseudo_header_is_no_key() -> None:
    assert repaired(b'{"path":"",",":authority":"shop.example.com"}') == (
        {"path": '",', ":authority": "shop.example.com"},
        ("unescaped_quote",),
    )


_fragments = st.sampled_from(('"', '", "', "a", "é", " ", ",", "\t", "\\d", "\\ ", "\\101", "'"))
_raw = st.lists(_fragments, min_size=1, max_size=6).map("".join)


class _Raw(str):
    """Text that is written without any escapes."""

    __slots__ = ()


def _as_text_formats_write(value: object) -> bytes:
    return f'"{value}"'.encode() if isinstance(value, _Raw) else _plainly(value)


@pytest.mark.property
@given(
    st.dictionaries(_keys, st.none() | _numbers | texts | _raw.map(_Raw), min_size=1)
    | st.fixed_dictionaries(
        {"request": st.dictionaries(_keys, texts | _raw.map(_Raw)), "path": texts}
    ),
    _spaces,
)
def test_each_value_is_read_as_it_was_written_whatever_is_damaged_beside_it(
    whole: _Object, space: bytes
) -> None:
    damaged = "".join(one for one in _scalars(whole) if isinstance(one, _Raw))
    expected = {
        "control_character": "\t" in damaged,
        "unescaped_backslash": "\\" in damaged,
        "unescaped_quote": '"' in damaged,
    }

    found = repaired(_written(whole, _as_text_formats_write, space))

    assert found == (whole, tuple(kind for kind, is_there in expected.items() if is_there))


# Control characters and bytes that are not UTF-8.


def test_a_tab_of_a_header_is_kept() -> None:
    assert _value(b"a\tb\\n") == "a\tb\n"
    assert _kinds(b'{"path":"a\tb\\n"}') == ("control_character",)


@pytest.mark.property
@given(_any_objects)
def test_control_characters_that_are_not_escaped_are_kept(whole: _Object) -> None:
    texts_found = "".join(one for one in _scalars(whole) if isinstance(one, str))
    assume(any(one < " " and one != "\n" for one in texts_found))

    def bare(value: object) -> bytes:
        text = _plainly(value)
        if isinstance(value, str):
            for code in {ord(one) for one in value if one < " " and one != "\n"}:
                # The escape and no escaped backslash before letters that look like one.
                escape = _plainly(chr(code))[1:-1]
                halves = text.split(rb"\\")
                text = rb"\\".join(half.replace(escape, bytes([code])) for half in halves)
        return text

    assert repaired(_written(whole, bare)) == (whole, ("control_character",))


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert _value(b"/\xff\xc3") == "/\ufffd\ufffd"
    assert _kinds(b'{"path": "/\xff\xc3", "duration": -}') == ("bare_dash", "invalid_utf8")


@pytest.mark.property
@given(st.dictionaries(_keys, st.binary(max_size=6), min_size=1))
def test_all_but_the_bytes_that_are_not_utf_8_are_kept(headers: dict[str, bytes]) -> None:
    whole = {key: value.decode("utf-8", "replace") for key, value in headers.items()}
    assume(any("\ufffd" in value for value in whole.values()))

    def with_bytes(value: object) -> bytes:
        assert isinstance(value, bytes)
        return b'"' + b"".join(
            _plainly(chr(byte))[1:-1] if byte < 0x80 else bytes([byte]) for byte in value
        ) + b'"'  # fmt: skip

    assert repaired(_written(headers, with_bytes)) == (whole, ("invalid_utf8",))


# What is no damage, and what is too much.


@pytest.mark.parametrize("end", [b"", b",", b" ", b"\r", b", \t\r", b"\n"])
def test_what_stands_behind_an_object_in_a_list_does_not_count(end: bytes) -> None:
    assert repaired(b' {"a": 1}' + end) == ({"a": 1}, ())
    assert repaired(b' {"a": -}' + end) == ({"a": None}, ("bare_dash",))


def test_a_printed_object_is_repaired_over_its_lines() -> None:
    text = printed(record(user_agent="one", duration=None))
    damaged = text.replace(b'"one"', b'"say "one", "two""').replace(b": null", b": -")

    found = repaired(damaged)

    assert found is not None
    assert found[0] == record(user_agent='say "one", "two"', duration=None)
    assert "unescaped_quote" in found[1]


def test_a_string_never_spans_lines() -> None:
    assert repaired(b'{"a": "x\ny", "b": 1}') is None


def test_of_two_values_of_one_key_the_last_counts() -> None:
    assert repaired(b'{"a": 1, "a": -}') == ({"a": None}, ("bare_dash",))


@pytest.mark.parametrize("text", [b"", b"{", b"[-]", b"[1]", b"1", b'"a"', b"{}}", b"{,", b"\xff"])
def test_what_is_no_object_is_not_repaired(text: bytes) -> None:
    assert repaired(text) is None


# Text in which an object seems to end, and another to begin.
_structure = st.lists(
    st.sampled_from(('{"a":"', '"', '", "b": "', '"}', "\\", "}", "{", ", ", "-", ": -", "x")),
    max_size=6,
).map("".join)
_cut_objects = _objects(st.none() | _numbers | _structure)


@pytest.mark.property
@given(_cut_objects, st.data())
def test_a_record_that_is_cut_is_not_repaired(whole: _Object, data: st.DataObject) -> None:
    text = _plainly(whole)
    place = data.draw(st.integers(0, len(text) - 1))

    assert repaired(text[:place]) is None


@pytest.mark.property
@given(_cut_objects, _cut_objects, st.data())
def test_records_that_were_written_over_one_another_are_not_repaired(
    one: _Object, other: _Object, data: st.DataObject
) -> None:
    text = _plainly(one)
    place = data.draw(st.integers(1, len(text)))

    assert repaired(text[:place] + _plainly(other)) is None
    assert repaired(text + b" " + _plainly(other)) is None


_tokens = st.sampled_from(
    (b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"-", b" ", b"\t", b"\n", b"\xff", b"\\303",
     b"\\ud800", b'"a":', b'"a":"b"', b'"a":-', b"1", b"null", "é".encode(), b", ", b'"b": "')
)  # fmt: skip


@pytest.mark.property
@given(st.binary(max_size=60) | st.lists(_tokens, max_size=24).map(b"".join))
def test_any_bytes_are_an_object_or_nothing(text: bytes) -> None:
    found = repaired(b"{" + text)

    if found is not None:
        assert isinstance(found[0], dict)
        assert list(found[1]) == sorted(set(found[1]) & KINDS.keys())


# Work.

_HOSTILE = {
    "quotes": (b'{"a":"', b'"', b'", "b":1}'),
    "quotes_and_commas": (b'{"a":"', b'", ', b'", "b":1}'),
    "quotes_and_spaces": (b'{"a":"', b'"   ', b'", "b":1}'),
    "quotes_without_end": (b'{"a":"', b'"', b""),
    "nearly_members": (b'{"a":"', b'","b', b'", "b":1}'),
    "members_with_quotes": (b'{"a":"', b'x"y", "b":"', b'"}'),
    "members_that_end_in_a_backslash": (b'{"a":"', b'x\\", "b":"', b'"}'),
    "closing_brackets": (b'{"a":"', b'"}', b'", "b":1}'),
    "open_brackets": (b'{"a":', b"[", b""),
    "backslashes": (b'{"a":"\\q', b"\\", b'", "b":1}'),
    "backslashes_without_end": (b'{"a":"\\q', b"\\", b""),
    "octal_escapes": (b'{"a":"', b"\\303x\\n", b'"}'),
    "dashes": (b'{"a":', b"-", b"}"),
    "members_with_dashes": (b"{", b'"a":-,', b'"b":}'),
    "list_of_dashes": (b'{"a":[', b"-,", b"-]}"),
    "spaces": (b'{"a":"x"', b" ", b'y", "b":-}'),
    "tabs": (b'{"a":"', b"\t", b'"}'),
    "keys": (b"{", b'"a\\q":', b"1}"),
}


def _hostile(name: str, size: int) -> bytes:
    start, middle, end = _HOSTILE[name]
    return start + middle * (size // len(middle)) + end


def _calls(text: bytes) -> int:
    """Return how many calls reading a text takes, those into C included."""
    n = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal n
        n += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        repaired(text)
    finally:
        sys.setprofile(None)
    return n


@pytest.mark.parametrize("name", _HOSTILE)
def test_twice_the_damage_takes_about_twice_the_calls(name: str) -> None:
    assert _calls(_hostile(name, 8000)) <= 2.1 * _calls(_hostile(name, 4000)) + 20


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_long_hostile_line_comes_to_an_end(name: str) -> None:
    """What patterns do inside of one call is not counted: if it were quadratic, this would hang."""
    repaired(_hostile(name, 512 * 1024))


def test_an_intact_record_with_a_dash_is_the_record() -> None:
    damaged = line(record()).replace(b"{", b'{"request_duration": -, ', 1)

    assert repaired(damaged) == ({"request_duration": None, **record()}, ("bare_dash",))
