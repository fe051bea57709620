"""TEXT lines: each form is read, and every trap is read or counted for what it is."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.text_writer import text_line
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import (
    NO_ROUTE,
    Record,
    accounted,
    connection,
    counts,
    frame,
    frame_of,
    line,
    lines,
    plain,
    printed,
    reading,
    reasons,
    record,
)
from tests.strategies import connections, modern_records

from envoylogs import schema
from envoylogs.envoy.outcome_rules import LOGGED_KEYS
from envoylogs.envoy.text_formats import DEFAULT_FORMATS, parse_format
from envoylogs.reading.block_reader import BlockReader
from envoylogs.reading.decoders.columns import RecordColumns
from envoylogs.reading.decoders.text_lines import TextLines
from envoylogs.reading.fates import LineFates
from envoylogs.sources.blocks import Block

_HEAD = '[2026-01-02T03:04:05.678Z] "GET /cart HTTP/2" 200 - '
_TAIL = (
    '0 1024 12 11 "192.0.2.200" "curl/8.5.0" "6f867212-d7cf-4c68-9468-6fbc5f927335" '
    '"shop.example.com" "192.0.2.33:8080"'
)
_ADDRESSES = (
    " outbound|80||cart.shop.svc.cluster.local 192.0.2.10:51234 192.0.2.10:8443 "
    "192.0.2.200:40312 shop.example.com"
)
_LINES = {
    "Istio 1.9 and later": f'{_HEAD}via_upstream - "-" {_TAIL}{_ADDRESSES} -',
    "Istio 1.3 to 1.7": f'{_HEAD}"-" "-" {_TAIL}{_ADDRESSES} -',
    "Istio 1.2": f'{_HEAD}"-" "-" {_TAIL}{_ADDRESSES}',
    "Istio 1.8": f'{_HEAD}"-" {_TAIL}{_ADDRESSES} -',
    "Istio 1.1": f'{_HEAD}"-" {_TAIL}{_ADDRESSES}',
    "Envoy's default, Istio up to 1.0": _HEAD + _TAIL,
}
_MODERN = _LINES["Istio 1.9 and later"]
_FORMS = sorted(DEFAULT_FORMATS)


def _form_of(text: str) -> str:
    """Return the name of the form that a line has."""
    data = text.encode()
    (run,) = TextLines().runs(data, [data], [1])
    return next(k for k, v in DEFAULT_FORMATS.items() if parse_format(v) == run.pattern.form)


def _row(text: str | bytes) -> Record:
    data = text.encode() if isinstance(text, str) else text
    row: Record = frame(reading(data)).row(0, named=True)
    return row


def _in_form(found: Record, form: str) -> Record:
    """Return a record without the keys that a form does not have."""
    columns = parse_format(DEFAULT_FORMATS[form]).columns
    names = {"duration": "duration_ms", "upstream_service_time": "upstream_service_time_ms"}
    return {key: value for key, value in found.items() if names.get(key, key) in columns}


@pytest.mark.parametrize("form", _FORMS)
def test_a_line_of_each_form_is_read_like_the_same_record_of_json(form: str) -> None:
    assert text_line(record(), DEFAULT_FORMATS[form]) == _LINES[form]
    assert _form_of(_LINES[form]) == form
    assert frame(reading(_LINES[form].encode())).equals(frame_of(_in_form(record(), form)))


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize(
    "found",
    [
        record(**NO_ROUTE),
        connection(response_flags="UF,URX"),
        connection(protocol="HTTP/1.1", response_code=400, response_flags="DPE"),
        record(authority=None, x_forwarded_for=None, user_agent=None, path=None),
    ],
)
def test_every_form_holds_failures_and_connections(form: str, found: Record) -> None:
    text = text_line(found, DEFAULT_FORMATS[form])

    assert _form_of(text) == form
    assert frame(reading(text.encode())).equals(frame_of(_in_form(found, form)))


@pytest.mark.parametrize("form", _FORMS)
def test_the_evidence_says_which_fields_a_form_has(form: str) -> None:
    fates, records = LineFates(), RecordColumns(("path",))
    data = _LINES[form].encode()
    records.extend("a.log", BlockReader("a.log").read(Block(data, len(data)), fates))

    (row,) = plain(records.decoded(fates)).iter_rows(named=True)

    columns = parse_format(DEFAULT_FORMATS[form]).columns
    assert {name: row[name] for name in LOGGED_KEYS} == {
        name: column in columns for name, column in LOGGED_KEYS.items()
    }
    seen = {detail for (_, fate, detail) in fates.counts if fate == "column_seen"}
    assert seen == set(columns)


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("agent", ['a "quoted" agent', '"', 'x" "y', '"><script>alert(1)</script>'])
def test_quotes_inside_a_user_agent_stay_in_it(form: str, agent: str) -> None:
    row = _row(text_line(record(user_agent=agent), DEFAULT_FORMATS[form]))

    assert row["user_agent"] == agent
    assert row["request_id"] == record()["request_id"]
    assert row["authority"] == "shop.example.com"
    assert row["x_forwarded_for"] == "192.0.2.200"


@pytest.mark.parametrize("form", ["Istio 1.1", "Istio 1.2", "Istio 1.3 to 1.7"])
def test_quotes_inside_the_status_of_mixer_break_nothing(form: str) -> None:
    text = _LINES[form].replace('200 - "-"', '200 - "UNAVAILABLE: no "policy" here"')

    assert _form_of(text) == form
    assert frame(reading(text.encode())).equals(frame_of(_in_form(record(), form)))


def test_quotes_in_a_path_and_spaces_in_termination_details_are_read() -> None:
    text = _MODERN.replace("/cart", '/a?q="b"').replace("via_upstream -", "via_upstream a b c")

    row = _row(text)

    assert row["path"] == '/a?q="b"'
    assert row["connection_termination_details"] == "a b c"


@pytest.mark.parametrize("form", ["Istio 1.9 and later", "Istio 1.3 to 1.7", "Istio 1.8"])
def test_an_empty_route_name_at_the_end_is_missing(form: str) -> None:
    text = _LINES[form].removesuffix("-")

    assert text.endswith(" ")
    assert _form_of(text) == form
    assert _row(text)["route_name"] is None
    assert _row(text)["requested_server_name"] == "shop.example.com"


def test_an_empty_route_name_whose_space_was_taken_is_missing() -> None:
    assert _row(_MODERN.removesuffix(" -")) == _row(_MODERN)


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("around", ["%s\r\n", "  %s\n", "\t%s\r"])
def test_spaces_before_a_line_and_carriage_returns_do_not_count(form: str, around: str) -> None:
    assert _row(around % _LINES[form]) == _row(_LINES[form])


def test_spaces_behind_a_route_name_do_not_count() -> None:
    text = _MODERN.removesuffix("-") + "default"

    assert _row(text + "  \n")["route_name"] == "default"


def test_empty_quotes_are_missing() -> None:
    assert _row(_MODERN.replace('"curl/8.5.0"', '""'))["user_agent"] is None


@pytest.mark.parametrize("form", _FORMS)
def test_typographic_quotes_are_repaired_and_counted(form: str) -> None:
    pasted = _LINES[form].replace('"', "“")

    batch = reading(pasted.encode())

    assert frame(batch).equals(frame_of(_in_form(record(), form)))
    assert batch.fates.counts["test.log", "repaired", "typographic_quotes"] == 1


@pytest.mark.parametrize("others", [1, 2])
def test_typographic_quotes_are_repaired_among_lines_that_are_no_records(others: int) -> None:
    no_record = b'[2026-01-02T03:04:05.678Z] "'
    pasted = _MODERN.replace('"', "“").encode()

    batch = reading(b"\n".join([pasted, *[no_record] * others]))

    assert frame(batch).equals(frame_of(record()))
    assert batch.fates.counts["test.log", "repaired", "typographic_quotes"] == 1
    assert batch.fates.counts["test.log", "malformed", "text_format"] == others


def test_repaired_lines_stand_before_others_of_their_form_as_in_the_log() -> None:
    pasted = _MODERN.replace("/cart", "/first").replace('"', "“").encode()

    batch = reading(pasted + b"\n" + _MODERN.encode() + b"\n")

    rows = frame(batch).select("line", "path").rows()
    assert rows == [(1, "/first"), (2, "/cart")]


def test_typographic_quotes_inside_a_user_agent_stay_what_they_are() -> None:
    batch = reading(_MODERN.replace("curl/8.5.0", "“curl”").encode())

    assert frame(batch)["user_agent"].to_list() == ["“curl”"]
    assert "repaired" not in counts(batch.fates)


def test_bytes_that_are_no_utf8_are_replaced_and_counted() -> None:
    batch = reading(_MODERN.encode().replace(b"/cart", b"/\xff") + b"\n" + _MODERN.encode())

    assert frame(batch)["path"].to_list() == ["/\ufffd", "/cart"]
    assert batch.fates.counts["test.log", "repaired", "invalid_utf8"] == 1


def test_any_mix_with_json_keeps_the_order_of_the_file() -> None:
    noise = b"[2026-01-02 03:04:05.539][31][debug][http] [external/envoy/source] [C6] headers"
    old, new = (_LINES[form].encode() for form in ("Istio 1.1", "Istio 1.9 and later"))
    parts = [new, line(record(path="/1")), noise, old, printed(record(path="/2")), b"", new, b"{"]
    data = b"\n".join([*parts, new, old, line(record(path="/3"))])

    batch = reading(data)

    height = printed(record()).count(b"\n") + 1
    assert frame(batch).select("line", "path").rows() == [
        (1, "/cart"), (2, "/1"), (4, "/cart"), (5, "/2"), (6 + height, "/cart"),
        (8 + height, "/cart"), (9 + height, "/cart"), (10 + height, "/3"),
    ]  # fmt: skip
    assert accounted(batch.fates)
    assert counts(batch.fates)["records"] == 8
    assert counts(batch.fates)["other"] == 1
    assert reasons(batch.fates) == {"cut_at_end": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (_MODERN[:-120], "text_format"),
        (_HEAD, "text_format"),
        (_MODERN + " one two", "text_format"),
        (_MODERN.replace('" 200 ', '" OK '), "text_format"),
        (_MODERN + "\0", "binary"),
        (_MODERN[30:], "cut_at_start"),
        (_LINES["Envoy's default, Istio up to 1.0"][30:], "cut_at_start"),
        ("[warning] " + _MODERN[:-120], "text_format"),
    ],
)  # fmt: skip
def test_what_is_no_whole_line_is_malformed_with_its_reason(text: str, reason: str) -> None:
    batch = reading(lines(record()) + text.encode() + b"\n" + lines(record()))

    assert frame(batch)["line"].to_list() == [1, 3]
    assert reasons(batch.fates) == {reason: 1}


@pytest.mark.parametrize(
    "text",
    [
        "[2026-01-02 03:04:05.539][31][debug][http] [external/envoy/source] [C6] headers",
        "2026-01-02T03:04:05.896837Z\tinfo\tInitialization took 1.2s",
        '192.0.2.1 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8.5.0"',
    ],
)
def test_lines_of_other_programs_are_no_text(text: str) -> None:
    assert counts(reading(text.encode()).fates)["other"] == 1


def _only_text(found: Record) -> Record:
    """Return a record whose values TEXT can hold so that they can be told apart."""
    kept = {k: None if v in {"", "-"} else v for k, v in found.items()}
    for key in ("path", "authority", "upstream_cluster"):
        value = str(kept[key] or "")
        kept[key] = "".join(c for c in value if c.isascii() and c.isalnum()) or None
    if isinstance(kept["user_agent"], str):
        kept["user_agent"] = "".join(c for c in kept["user_agent"] if c not in "\0\n") or None
    return kept


@pytest.mark.property
@given(st.lists(st.tuples(modern_records() | connections, st.sampled_from(_FORMS)), min_size=1))
def test_records_written_in_any_form_are_read_back_equal(found: list[tuple[Any, str]]) -> None:
    wanted = [(_only_text(one), form) for one, form in found]
    data = "\n".join(text_line(one, DEFAULT_FORMATS[form]) for one, form in wanted).encode()

    batch = reading(data)

    expected = frame_of(*(_in_form(one, form) for one, form in wanted))
    assert frame(batch).equals(expected)
    assert list(frame(batch).columns) == [*schema.NORMALIZED, *schema.POSITION]
