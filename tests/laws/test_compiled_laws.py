"""Whatever the lines are, what is made of them does not depend on which decoder has read them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.both_decoders import assert_alike
from tests.builders import line, printed
from tests.envelopes import ENVELOPES, Who
from tests.strategies import blank_lines, damaged_lines, noise_lines, records, texts

from envoylogs import schema
from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.text_formats import DEFAULT_FORMATS, parse_format
from envoylogs.keyed.plan import ReadPlan
from envoylogs.pipeline import plan_of_tally
from envoylogs.reading.decoders.compiled import CompiledDecoder
from envoylogs.reading.decoders.text_patterns import default_patterns
from envoylogs.tally.spec import DEFAULT_SPEC

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

pytestmark = pytest.mark.usefixtures("compiled_decoder")

Record = dict[str, Any]
_ALL = tuple(schema.NORMALIZED)


@st.composite
def _spelled(draw: st.DrawFn, found: Record) -> bytes:
    """Return a record as others may write it: spaces, escapes, order, odd and repeated values."""
    if draw(st.integers(0, 3)) == 0:
        return line(found)
    pairs = list(found.items())
    if draw(st.booleans()):
        pairs = draw(st.permutations(pairs))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        place = draw(st.integers(0, len(pairs) - 1))
        pairs[place] = (pairs[place][0], draw(_odd_values))
    if draw(st.integers(0, 5)) == 0:
        pairs.insert(draw(st.integers(0, len(pairs))), draw(st.sampled_from(pairs)))
    if draw(st.integers(0, 5)) == 0:
        pairs.append((draw(_odd_keys), draw(_odd_values)))
    colon, comma = draw(st.sampled_from([(":", ","), (": ", ", "), (" :\t", " , ")]))
    is_ascii = draw(st.booleans())
    body = comma.join(
        json.dumps(key) + colon + json.dumps(value, ensure_ascii=is_ascii) for key, value in pairs
    )
    return f"{{{body}}}".encode("utf-8", "surrogatepass")


_odd_values: SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-5, 1000).map(str), st.integers(-5, 1000).map(float), texts,
    st.text(max_size=4),
    st.sampled_from(["-", "", " ", "0200", "1e3", "4.0", "a\\b", "\x00", "\ud800"]),
    st.sampled_from(["2026-01-02T03:04:05Z", "2026-01-02 03:04:05.678", "2026-02-30T03:04:05.678Z",
                     "2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:60.678Z", "1767225600"]),
    st.lists(st.integers(), max_size=2), st.dictionaries(texts, st.integers(), max_size=2),
)  # fmt: skip
_odd_keys = st.one_of(
    texts, st.sampled_from([*DEFAULT_KEYS.signs, "upstream", "request_time", ":authority", "host",
                            "User-Agent", "user_agent", "level", "msg", "log", "message"]),
)  # fmt: skip


def _as_text(found: Record, text: str) -> bytes:
    """Return a record as a line of a TEXT format."""
    form, values = parse_format(text), []
    for operator in form.operators:
        value = (
            None
            if operator.column is None
            else found.get(_KEYS.get(operator.column, operator.column))
        )
        values.append("-" if value is None else re.sub(r"[\n]", " ", str(value)))
    words = [word for pair in zip(form.literals, values, strict=False) for word in pair]
    return ("".join(words) + form.literals[-1]).encode("utf-8", "replace")


_KEYS = {"duration_ms": "duration", "upstream_service_time_ms": "upstream_service_time"}


def _is_utf8(one: bytes) -> bool:
    try:
        one.decode()
    except UnicodeDecodeError:
        return False
    return True


@st.composite
def _lines(draw: st.DrawFn) -> list[bytes]:
    """Return a line or a few that belong together."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return [draw(st.one_of(noise_lines, blank_lines, damaged_lines()))]
    found = draw(records)
    if kind == 1:
        return printed(found).split(b"\n")
    if kind <= 3:
        one = _as_text(found, draw(st.sampled_from(list(DEFAULT_FORMATS.values()))))
    else:
        one = draw(_spelled(found))
    if draw(st.integers(0, 3)) == 0 and _is_utf8(one):
        envelope = draw(st.sampled_from(list(ENVELOPES.values())))
        some = envelope.wrap(one, draw(st.sampled_from([Who(), Who(pod="b-1", container="c")])))
    else:
        some = [one]
    how = draw(st.integers(0, 12))
    if how == 0:
        place = draw(st.integers(0, len(some[0])))
        some[0] = (
            some[0][:place] + draw(st.binary(max_size=2)).replace(b"\n", b"") + some[0][place:]
        )
    if how == 1:
        some[0] = some[0][: draw(st.integers(0, len(some[0])))]
    if how == 2:
        some[-1] += draw(st.sampled_from([b"\r", b" ", b"\t\r"]))
    if how == 3:
        some[0] = draw(st.sampled_from([b"\xef\xbb\xbf", b" ", b"\t"])) + some[0]
    return some


@st.composite
def _blocks(draw: st.DrawFn) -> list[bytes]:
    found = [one for some in draw(st.lists(_lines(), min_size=1, max_size=14)) for one in some]
    blocks = [[found[0]]]
    for one in found[1:]:
        if draw(st.integers(0, 4)) == 0:
            blocks.append([])
        blocks[-1].append(one)
    return [b"\n".join(block) for block in blocks]


_plans = st.sampled_from(
    [
        ReadPlan(_ALL),
        ReadPlan(_ALL, text=True),
        ReadPlan(_ALL, unknown=True),
        ReadPlan(tuple(schema.TALLIED)),
        plan_of_tally(ReadPlan(), DEFAULT_SPEC),
        ReadPlan(("authority", "response_code", "path")),
        ReadPlan(_ALL, keys=FieldKeys.mapping({"authority": ["edge"], "path": ["authority"]})),
    ]
)


_OF_SEVERAL_FORMATS = [
    b'[2026-11-01T12:00:00.222Z] "  " 2  "" 0 0 8  "" "" "" "" ""     ',
    b'[2026-11-01T12:00:00.369Z] "  " 0  "" 0 3 7  "" "" "" "" ""      ',
]
"""Lines whose values are empty, so that they fit several formats: the first of these counts."""


_BESIDE_AN_ENVELOPE = [
    b"2026-01-02T03:00:00.6Z stdout F "
    b'[2026-11-01T12:00:00.000Z] "  " 0  "" "" 0 8 4  "" "" "" "" ""     \n'
    b"[2[2026-0Z] \"'",
]
"""A line that seemed bare unless there was an envelope beside it."""


_REPAIRED_BEFORE_OTHERS = [
    b'[2026-6Z] " [2026-6Z] "  " 0    "" 0 9 8  "" "" "" "" ""      \n'
    b'"","[2021-0Z] ""  "" 0    """" 0 0 5  """" """" """" """" """"      -"\n'
    b'[2026-11-01T12:00:00.271Z] "  " 0  "" 0 1 2  "" "" "" "" ""     '
]
"""Lines that had each other's values where no other format was among them."""

_IN_PARTS = [
    b"[pod/2/r] 2026-01-02T03:00:00Z "
    b'[2026-11-01T12:00:00.029Z] "  " 0  "" 1 5 3  "" "" "" "" ""     \n'
    b'2026-01-02T03:04:09+00:00 stdout P {"":"","\n'
    b'2026-01-02T03:04:09+00:00 stdout P ":null,"downstreamlocaladdress":"","\n'
    b'{"":"","downstreamremoteaddress":""}\n'
    b"2026-01-02T03:04:09+00:00 stdout F }"
]
"""A record between the parts of another one, which came first beside a line of TEXT."""


@pytest.mark.property
@given(blocks=_blocks(), plan=_plans)
@example(blocks=_REPAIRED_BEFORE_OTHERS, plan=ReadPlan(_ALL))
@example(blocks=_IN_PARTS, plan=ReadPlan(_ALL))
@example(blocks=_BESIDE_AN_ENVELOPE, plan=ReadPlan(_ALL))
@example(blocks=[b"{"], plan=ReadPlan(_ALL))
@example(blocks=_OF_SEVERAL_FORMATS, plan=ReadPlan(_ALL))
def test_both_decoders_make_the_same_of_any_lines(blocks: list[bytes], plan: ReadPlan) -> None:
    assert_alike(blocks, plan)


_PIECES = st.lists(
    st.sampled_from(['" "', '"', " ", "a", "é", "-", "\t", '" 7 - ']), max_size=4
).map("".join)
"""What values hold that ends others."""


@st.composite
def _loose_lines(draw: st.DrawFn) -> list[bytes]:
    """Return lines of one TEXT format, of which some fit only its lenient pattern."""
    pattern = draw(st.sampled_from([one for one in default_patterns() if one.lenient]))
    *literals, last = pattern.form.literals
    of_others = [
        place
        for place in range(1, len(literals))
        if pattern.is_short(place) or not pattern.ends(place)
    ]
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        values = ["2026-11-01T12:00:00.222Z", *["7"] * (len(literals) - 1)]
        for place in draw(st.lists(st.sampled_from(of_others), max_size=2)):
            values[place] = draw(_PIECES)
        end = last + draw(st.sampled_from(["", "", " ", "\r", " 7"]))
        # The last value may be gone.
        pairs = zip(literals[: draw(st.sampled_from([None, -1]))], values, strict=False)
        lines.append(("".join(word for pair in pairs for word in pair) + end).encode())
    return lines


_MODERN = (
    '[2026-11-01T12:00:00.222Z] "GET {} HTTP/1.1" 200 - via_upstream {} "-" 0 3 7 1 "{}" "{}" '
    '"9" "x" "-" outbound - - - -{}'
)
_LOOSE = [
    _MODERN.format(*values).encode()
    for values in (
        ('/a"b', "a b", "-", "-", " default"),
        ("/", "-", "-", 'a" "b', " default"),
        ("/", "-", '1" "2', 'a" "b" "c', " default"),
        ("/", "-", "-", '"', ""),
        ("/", "-", "-", '"', " "),
        ("/", "-", "-", 'é"', "\t\r"),
    )
]


def test_lines_with_quotes_in_values_are_not_handed_back() -> None:
    decoder = CompiledDecoder(_ALL, DEFAULT_KEYS)
    decoder.begin("a.log")

    assert decoder.read(b"\n".join(_LOOSE), 0, 1).records == len(_LOOSE)


@pytest.mark.property
@given(lines=_loose_lines())
@example(lines=_LOOSE)
def test_values_that_hold_what_ends_others_end_in_the_same_place(lines: list[bytes]) -> None:
    assert_alike([b"\n".join(lines)], ReadPlan(_ALL, text=True))


@pytest.mark.property
@given(blocks=_blocks())
def test_the_file_of_a_container_says_whose_lines_it_holds(blocks: list[bytes]) -> None:
    name = f"/var/log/containers/gateway-1_istio-system_istio-proxy-{'0' * 64}.log"
    assert_alike(blocks, ReadPlan(_ALL), name)
