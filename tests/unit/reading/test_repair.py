r"""Invalid JSON that proxies write reads back as what was meant; nothing else is touched."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.builders import Record, line, record

from envoylogs.reading.repair import KINDS, repaired

_ODD = 'Mozilla "quoted", "twice" x \\ y \t z'


def _unescaped(found: Record) -> bytes:
    """Return a record as a TEXT format writes it that is dressed as JSON."""
    values = (
        f'"{key}": "{value}"' if isinstance(value, str) else f'"{key}": {json.dumps(value)}'
        for key, value in found.items()
    )
    return ("{ " + ", ".join(values) + " }").encode()


def _sanitized(text: bytes) -> str:
    """Return bytes as Envoy's sanitizer writes a string that is no UTF-8."""
    return "".join(
        f"\\{byte:03o}" if byte >= 0x7F or byte < 0x20 or byte in b'"\\' else chr(byte)
        for byte in text
    )


def _with(key: str, logged: str) -> bytes:
    """Return a record in which a string stands as it is given."""
    return line(record(**{key: "PLACE"})).replace(b"PLACE", logged.encode())


@pytest.mark.parametrize(
    ("text", "expected", "kinds"),
    [
        (b'{"a": -, "b": 1}', {"a": None, "b": 1}, ("bare_dash",)),
        (b'{"a":-}', {"a": None}, ("bare_dash",)),
        (b'{"a":[-,1],"b":-1}', {"a": [None, 1], "b": -1}, ("bare_dash",)),
        (b'{"a": , "b":}', {"a": None, "b": None}, ("missing_value",)),
        (b'{"a":"x:-,y","b":-}', {"a": "x:-,y", "b": None}, ("bare_dash",)),
        (b'{"a":"/\\303\\251"}', {"a": "/é"}, ("octal_escape",)),
        (b'{"a":"/\\377 \\042\\134\\012"}', {"a": '/\ufffd "\\\n'}, ("octal_escape",)),
        (b'{"a":"\\\\303 \\q"}', {"a": "\\303 \\q"}, ("unescaped_backslash",)),
        (b'{"a":"x\ty\x01"}', {"a": "x\ty\x01"}, ("control_character",)),
        (b'{"a":"x "y" z"}', {"a": 'x "y" z'}, ("unescaped_quote",)),
        (b'{"a": "x "y", "z" w", "b": {"c": "d"e"}}',
         {"a": 'x "y", "z" w', "b": {"c": 'd"e'}}, ("unescaped_quote",)),
        (b'{"a": "C:\\dir\\", "b": "\\"}', {"a": "C:\\dir\\", "b": "\\"}, ("unescaped_backslash",)),
        (b'{"a":"\xff","b":-}, \r\n', {"a": "\ufffd", "b": None}, ("bare_dash", "invalid_utf8")),
        (b'{"a":"\xff"},', {"a": "\ufffd"}, ("invalid_utf8",)),
        (b'{"a":"b"},', {"a": "b"}, ()),
    ],
)  # fmt: skip
def test_what_is_meant_is_read(
    text: bytes, expected: dict[str, object], kinds: tuple[str, ...]
) -> None:
    assert repaired(text) == (expected, kinds)
    assert set(kinds) <= set(KINDS)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"-", b"[-]", b'{"a":"b"', b'{"a":"b","c":"d', b'{"a":"b","c":-',
        b"{'a':'b'}", b"{oops}", b'{"a":NaN}', b'{"a":"\\ud800"}', b'{"a" "b"}', b'{"a":"b",}',
        b'{"a":"x"y" no key}',
    ],
)  # fmt: skip
def test_what_was_cut_or_means_nothing_is_not_repaired(text: bytes) -> None:
    assert repaired(text) is None


def test_a_record_of_a_text_format_dressed_as_json_is_read() -> None:
    found = record(user_agent=_ODD, path='/a"b')
    text = _unescaped(found).replace(b'"duration": 12', b'"duration": -')

    value = repaired(text)

    assert value is not None
    assert value[0] == found | {"duration": None}
    assert value[1] == (
        "bare_dash", "control_character", "unescaped_backslash", "unescaped_quote",
    )  # fmt: skip


_headers = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), max_size=30)


@pytest.mark.property
@given(st.binary(max_size=30))
@example(b"\\")
@example(b'"\xff')
@example(b"a\\303")
def test_what_the_sanitizer_wrote_reads_back(raw: bytes) -> None:
    value = repaired(_with("user_agent", _sanitized(raw)))

    assert value is not None
    assert value[0] == record(user_agent=raw.decode("utf-8", "replace"))


@pytest.mark.property
@given(_headers)
@example('"')
@example('", "')
@example("\\")
@example('x\\", "y')
@example("a\\u0041")
def test_what_a_text_format_wrote_reads_back_unless_it_looks_escaped(value: str) -> None:
    if re.search(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}|[0-3][0-7]{2})', value + '"'):
        # Ambiguous: nobody can say whether it was escaped.
        return
    found = record(user_agent=value, duration=None)
    text = _unescaped(found).replace(b'"duration": null', b'"duration": -')

    read = repaired(text)

    assert read is not None
    assert read[0] == found


@pytest.mark.property
@given(st.dictionaries(st.text(max_size=5), st.none() | st.integers(-5, 5) | _headers, max_size=4))
def test_valid_values_stay_what_they_are(found: dict[str, object]) -> None:
    text = json.dumps(found | {"broken": 0}, ensure_ascii=False).encode()
    broken = text.removesuffix(b"0}") + b"-}"

    assert repaired(broken) == (found | {"broken": None}, ("bare_dash",))


@pytest.mark.property
@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_nothing(data: bytes) -> None:
    value = repaired(b"{" + data + b"}")

    assert value is None or isinstance(value[0], dict)


@pytest.mark.parametrize(
    "part",
    [b'"', b'",', b'" ', b"\\", b'\\"', b"-", b": ", b'"a":"', b'"a" ', b'", "', b"}", b'"}',
     b"\\303",
     b'", "a"', b" "],
)  # fmt: skip
def test_a_hostile_line_is_read_in_no_time(part: bytes) -> None:
    # Quadratic work would take hours.
    text = b'{"a":"' + part * (500_000 // len(part)) + b"}"

    for value in (repaired(text), repaired(text + b'"}')):
        assert value is None or set(value[0]) == {"a"}
