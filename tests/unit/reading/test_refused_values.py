"""Half characters and numbers that are none cost no record, and no other value."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.builders import (
    Record,
    accounted,
    counts,
    enveloped,
    frame,
    line,
    reading,
    reasons,
    record,
    repaired,
    unreadable,
)

from envoylogs.reading.mending.refused_values import kept_as_text, loads

_MANY = "9" * 400


def _written(found: object) -> bytes:
    """Return JSON as Python writes it, which refuses no value."""
    return json.dumps(found).encode()


@pytest.mark.parametrize(
    ("logged", "value"),
    [
        (rb"/\ud800", r"/\ud800"),
        (rb"/\uDFFF/", r"/\uDFFF/"),
        (rb"\ud800\ud83d\ude00", r"\ud800" + "\U0001f600"),
        (rb"\ude00\ud83d", r"\ude00\ud83d"),
        (rb"\\\ud800", r"\\ud800"),
        (rb"\"\ud800\n", '"\\ud800\n'),
        (b"\xc3\xa4\\ud800", "ä\\ud800"),
    ],
)
def test_half_a_character_is_kept_as_it_stands(logged: bytes, value: str) -> None:
    text = line(record(path="PATH")).replace(b"PATH", logged)

    batch = reading(text)

    assert frame(batch)["path"].to_list() == [value]
    assert repaired(batch.fates) == {"lone_surrogate": 1}
    assert counts(batch.fates)["record_lines"] == 1


@pytest.mark.parametrize(
    "path", [r"/\ud800", r"\\ud800", "\U0001f600", "\\", "e400, NaN, ", "1e400"]
)
def test_what_only_looks_like_a_refused_value_is_left_alone(path: str) -> None:
    whole = record(path=path)

    assert loads(_written(whole)) == (whole, ())
    # Beside a value that is refused too.
    found, kinds = loads(_written(whole | {"bytes_sent": float("inf")}))
    assert found == whole | {"bytes_sent": "Infinity"}
    assert kinds == ("number_out_of_range",)


@pytest.mark.parametrize("logged", ["1e400", "-1E+999", "NaN", "-Infinity", "nan", "+inf", _MANY])
@pytest.mark.parametrize("column", ["bytes_sent", "response_code", "start_time"])
def test_a_number_that_is_none_is_unreadable_and_costs_no_record(column: str, logged: str) -> None:
    text = line(record(**{column: "VALUE"})).replace(b'"VALUE"', logged.encode())

    batch = reading(text)

    assert frame(batch)[column].to_list() == [None]
    assert frame(batch)["path"].to_list() == ["/cart"]
    assert unreadable(batch.fates) == {column: 1}
    assert repaired(batch.fates) == {"number_out_of_range": 1}
    assert [example.text for example in batch.fates.examples] == [logged[:200]]


@pytest.mark.parametrize(
    "logged", ["1e308", "1e99", "0e999", "1e-999", "0.0e9999", "9" * 308, "-0"]
)
def test_a_number_that_a_float_holds_stays_a_number(logged: str) -> None:
    text = b'{"a":%b,"b":NaN}' % logged.encode()

    found, _ = loads(text)

    assert found == {"a": orjson.loads(logged), "b": "NaN"}


def test_a_number_in_a_column_of_text_is_its_text() -> None:
    batch = reading(line(record(authority="VALUE")).replace(b'"VALUE"', b"1e400"))

    assert frame(batch)["authority"].to_list() == ["1e400"]


_REFUSED = line(record(path="PATH")).replace(b"PATH", rb"/\ud800")
_INSIDE = _REFUSED.decode("ascii")


@pytest.mark.parametrize(
    ("text", "envelope"),
    [
        (_REFUSED, {}),
        (_REFUSED.replace(b",", b",\n"), {}),
        (b'{"response_flags":"-","request":{"path":"/\\ud800","x":NaN}}', {}),
        (b"[pod/a/istio-proxy] " + _REFUSED, {"kubectl": 1}),
        (b"warning: " + _REFUSED, {"unknown_prefix": 1}),
        (line({"log": _INSIDE + "\n", "stream": "stdout"}), {"docker": 1}),
        (b'{"log":' + line({"a": _INSIDE})[5:-1].replace(rb"\\u", rb"\u") + b',"stream":"x"}',
         {"docker": 1}),
        (line({"message": _INSIDE, "podName": "a", "containerName": "b"}), {"stern_json": 1}),
        (b'"' + _REFUSED.replace(b'"', b'""') + b'"', {"csv": 1}),
        (b'"' + _REFUSED.replace(b'"', b'\\"') + b'"', {"csv": 1}),
        (b'{"authority":"cut ' + _REFUSED, {}),
        (_REFUSED.replace(b'"duration":12', b'"duration":-'), {}),
    ],
)  # fmt: skip
def test_half_a_character_costs_no_record_wherever_it_stands(
    text: bytes, envelope: dict[str, int]
) -> None:
    batch = reading(text)

    assert frame(batch)["path"].to_list() == [r"/\ud800"]
    assert repaired(batch.fates)["lone_surrogate"] == 1
    assert enveloped(batch.fates) == envelope
    assert reasons(batch.fates) == {}
    assert accounted(batch.fates)


def test_a_line_of_another_program_is_not_malformed_for_a_refused_value() -> None:
    batch = reading(b'{"level":"info","msg":"\\ud800","ratio":NaN}\n' + line(record()))

    assert counts(batch.fates)["other"] == 1
    assert reasons(batch.fates) == {}
    assert repaired(batch.fates) == {}


def test_a_path_of_backslashes_that_nobody_escaped_is_read_as_it_stands() -> None:
    batch = reading(line(record(path="PATH")).replace(b"PATH", rb"C:\ud800\dir"))

    assert frame(batch)["path"].to_list() == [r"C:\ud800\dir"]
    assert repaired(batch.fates) == {"unescaped_backslash": 1}


def test_nothing_is_repaired_where_a_number_may_have_stood_in_a_string() -> None:
    text = line(record(path="PATH")).replace(b"PATH", b'/a" , NaN , "b')

    assert reading(text.replace(b'"duration":12', b'"duration":NaN')).frame is None


_parts = st.sampled_from(("\ud800", "\udfff", "\\", '"', "\\ud800", "NaN", ",", ":", " ", "1e400"))
_texts = st.text(max_size=8) | st.lists(_parts, max_size=8).map("".join)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats(allow_nan=True) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


def _expected(value: object) -> object:
    """Return a value as it is to be read: what is refused as text."""
    if isinstance(value, dict):
        return {_expected(key): _expected(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_expected(one) for one in value]
    if isinstance(value, str):
        # As JSON has them, pairs are one character.
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        return "".join(f"\\u{ord(c):04x}" if 0xD800 <= ord(c) < 0xE000 else c for c in whole)
    if isinstance(value, float) and json.dumps(value)[-1:] in "yN":
        return json.dumps(value)
    return value


@pytest.mark.property
@given(st.dictionaries(_texts, _values, max_size=4))
@example({"a": "\ud800\ude00"})
def test_all_that_python_writes_is_read(value: Record) -> None:
    expected = _expected(value)

    assert loads(_written(value))[0] == expected


@pytest.mark.parametrize("part", [rb"\ud800", b"\\", b'"', b",NaN", b" 1", b":1e9", b"[", b"9"])
def test_a_long_line_of_refused_values_is_gone_through_once(part: bytes) -> None:
    # A pattern that goes back would not end here.
    kept, _ = kept_as_text(b'{"a":[NaN,"' + part * (1024 * 1024 // len(part)))

    assert kept.startswith(b'{"a":["NaN","')
