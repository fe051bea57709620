"""Whatever the lines are, what is made of them does not depend on which decoder has read them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.builders import line, printed
from tests.envelopes import ENVELOPES, Who
from tests.strategies import blank_lines, damaged_lines, noise_lines, records, texts

from envoylogs import schema
from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.roles import ProxiesSeen
from envoylogs.envoy.text_formats import DEFAULT_FORMATS, parse_format
from envoylogs.grouping.numbering import Numberings
from envoylogs.keyed.meaning import normalized
from envoylogs.keyed.plan import ReadPlan
from envoylogs.reading.decoders.columns import wanted_with
from envoylogs.reading.decoders.compiled import CompiledDecoder
from envoylogs.reading.fates import LineFates
from envoylogs.sources.blocks import Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

pytestmark = pytest.mark.usefixtures("compiled_decoder")

Record = dict[str, Any]
_ALL = tuple(schema.NORMALIZED)


class Found(NamedTuple):
    """Everything that is known of some lines."""

    records: pl.DataFrame | None
    counts: dict[tuple[str, str, str], int]
    keys: dict[tuple[str, str], dict[str, int]]
    examples: list[object]
    rejects: list[bytes]


def _found(
    blocks: Sequence[bytes], plan: ReadPlan, coded: Sequence[str] | None, source: str = "a.log"
) -> Found:
    """Read blocks of whole lines; by the reference if ``coded`` is null."""
    decoder = None
    if coded is not None:
        decoder = CompiledDecoder(
            wanted_with(plan.columns),
            plan.keys,
            coded=coded,
            keep_text=plan.text,
            unknown=plan.unknown,
        )
    rejects: list[bytes] = []
    fates = LineFates(on_malformed=rejects.append)
    reader, numbers, found = plan.reader_at(source, 1, decoder), Numberings(), []
    columns = plan.collector(decoder)
    for number, data in enumerate(blocks):
        columns.extend(source, reader.read(Block(data, len(data) + 1), fates))
        # Numbers of keys hold over batches, and what is in them does not.
        if number % 3 == 2 and len(columns):
            found.append(_frame(columns.decoded(fates), numbers, plan, fates))
            columns = plan.collector(decoder)
    columns.extend(source, reader.finish(fates))
    if len(columns):
        found.append(_frame(columns.decoded(fates), numbers, plan, fates))
    return Found(
        pl.concat(found) if found else None,
        {of: n for of, n in fates.counts.items() if n},
        {of: keys.counts for of, keys in fates.keys.items()},
        sorted(fates.examples, key=repr),
        rejects,
    )


def _frame(block: Any, numbers: Numberings, plan: ReadPlan, fates: LineFates) -> pl.DataFrame:
    frame = normalized(block, numbers, plan.columns, fates, ProxiesSeen()).frame()
    return frame.drop("path_shape", strict=False).select(sorted(frame.columns))


def _assert_alike(blocks: Sequence[bytes], plan: ReadPlan, source: str = "a.log") -> None:
    expected = _found(blocks, plan, None, source)
    found = _found(blocks, plan, (), source)
    assert found._replace(records=None) == expected._replace(records=None)
    if expected.records is None or found.records is None:
        assert found.records is expected.records
    else:
        assert found.records.equals(expected.records), (
            found.records.to_dicts(),
            expected.records.to_dicts(),
        )


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
        ReadPlan(("authority", "response_code", "path")),
        ReadPlan(_ALL, keys=FieldKeys.mapping({"authority": ["edge"], "path": ["authority"]})),
    ]
)


@pytest.mark.property
@given(blocks=_blocks(), plan=_plans)
@example(blocks=[b"{"], plan=ReadPlan(_ALL))
def test_both_decoders_make_the_same_of_any_lines(blocks: list[bytes], plan: ReadPlan) -> None:
    _assert_alike(blocks, plan)


@pytest.mark.property
@given(blocks=_blocks())
def test_the_file_of_a_container_says_whose_lines_it_holds(blocks: list[bytes]) -> None:
    name = f"/var/log/containers/gateway-1_istio-system_istio-proxy-{'0' * 64}.log"
    _assert_alike(blocks, ReadPlan(_ALL), name)
