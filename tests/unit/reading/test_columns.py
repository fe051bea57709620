"""Decoded objects as columns: whatever their keys, their order and their neighbors."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import Record, plain, record
from tests.strategies import cuts, records

from envoylogs import schema
from envoylogs.envoy.field_keys import FieldKeys
from envoylogs.envoy.outcome_rules import LOGGED_KEYS
from envoylogs.reading.decoders.columns import RecordColumns
from envoylogs.reading.fates import LineFates
from envoylogs.reading.payloads import RawRecords

_ALL = tuple(schema.NORMALIZED)


def _raw(*found: Record, columns: tuple[str, ...] = _ALL) -> pl.DataFrame:
    collected = RecordColumns(columns)
    collected.extend("test.log", RawRecords(list(found), list(range(1, len(found) + 1))))
    return plain(collected.decoded(LineFates()))


def _values(column: str, *found: Record) -> list[Any]:
    return _raw(*found)[column].to_list()


def test_a_value_is_kept_as_it_was_logged() -> None:
    assert _values("response_code", {"response_code": 200}) == [200]
    assert _values("response_code", {"response_code": "200"}) == ["200"]
    assert _values("response_code", {"response_code": 200.0}) == [200.0]
    assert _values("response_code", {"response_code": None}) == [None]
    assert _values("path", {"path": "-"}) == ["-"]


def test_a_column_without_a_key_is_not_made() -> None:
    raw = _raw({"response_flags": "-"})

    assert set(raw.columns) == {"response_flags", *LOGGED_KEYS, "source", "line"}


def test_keys_of_custom_formats_hold_the_same_columns() -> None:
    found = {
        ":authority": "a.example.com",
        "Response-Code": 200,
        "x-envoy-upstream-service-time": "3",
        "@timestamp": "2026-01-02T03:04:05Z",
        "byte_sent": 5,
        "unknown": "x",
    }

    raw = _raw(found)

    assert raw["authority"].to_list() == ["a.example.com"]
    assert raw["response_code"].to_list() == [200]
    assert raw["upstream_service_time_ms"].to_list() == ["3"]
    assert raw["start_time"].to_list() == ["2026-01-02T03:04:05Z"]
    assert raw["bytes_sent"].to_list() == [5]
    assert "unknown" not in raw.columns


@pytest.mark.parametrize(
    ("found", "path"),
    [
        ({"path": "/rewritten", "x-envoy-original-path": "/asked"}, "/asked"),
        ({"x-envoy-original-path": "/asked", "path": "/rewritten"}, "/asked"),
        ({"path": "/asked", "x-envoy-original-path": "-"}, "/asked"),
        ({"path": "/asked", "x-envoy-original-path": ""}, "/asked"),
        ({"path": "/asked", "x-envoy-original-path": None}, "/asked"),
        ({"path": None, "x-envoy-original-path": None, "uri": "/asked"}, "/asked"),
        ({"path": "-", "x-envoy-original-path": None}, None),
    ],
)
def test_of_several_keys_for_a_column_the_first_that_holds_something_wins(
    found: Record, path: str | None
) -> None:
    assert _values("path", found) == [path]


@pytest.mark.parametrize("key", ["response_code", "Response_Code", "RESPONSE-CODE"])
def test_two_spellings_of_one_key_give_one_column(key: str) -> None:
    assert _values("response_code", {"response_code": None, key: 200}) == [200]


@pytest.mark.property
@given(st.lists(records, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_count(found: list[Record], random: Any) -> None:
    shuffled = [dict(random.sample(list(one.items()), len(one))) for one in found]

    assert (
        _raw(*shuffled)
        .select(sorted(_raw(*found).columns))
        .equals(_raw(*found).select(sorted(_raw(*found).columns)))
    )


@pytest.mark.property
@given(
    st.lists(records, min_size=1, max_size=8).flatmap(
        lambda found: st.tuples(st.just(found), cuts(len(found)))
    )
)
def test_how_many_records_come_at_a_time_does_not_count(
    cut: tuple[list[Record], list[slice]],
) -> None:
    found, slices = cut
    collected = RecordColumns(_ALL)
    for part in slices:
        collected.extend("test.log", RawRecords(found[part], list(range(1, len(found) + 1))[part]))

    raw = plain(collected.decoded(LineFates()))

    expected = _raw(*found)
    assert raw.select(expected.columns).equals(expected)


def test_records_keep_their_order_source_and_line_whatever_their_keys() -> None:
    collected = RecordColumns(_ALL)
    first = [record(path="/1"), {"path": "/2", "response_flags": "-"}, record(path="/3")]
    collected.extend("a.log", RawRecords(first, [1, 5, 6]))
    collected.extend("empty.log", RawRecords([], []))
    collected.extend(
        "b.log", RawRecords([{"response_flags": "-", "path": "/4"}, record(path="/5")], [2, 3])
    )

    raw = plain(collected.decoded(LineFates()))

    assert len(collected) == 5
    assert raw["path"].to_list() == ["/1", "/2", "/3", "/4", "/5"]
    assert raw["source"].to_list() == ["a.log", "a.log", "a.log", "b.log", "b.log"]
    assert raw["line"].to_list() == [1, 5, 6, 2, 3]


def test_each_record_knows_which_keys_it_was_logged_with() -> None:
    raw = _raw({"response_flags": None}, {"response_code": 404, "path": "/", "route_name": "a"})

    assert raw["logged_response_flags"].to_list() == [True, False]
    assert raw["logged_route_name"].to_list() == [False, True]
    assert raw["logged_upstream_cluster"].to_list() == [False, False]


def test_columns_that_were_not_asked_for_are_not_kept_but_for_those_of_outcomes() -> None:
    raw = _raw(record(), columns=("path",))

    assert {"path", *LOGGED_KEYS.values(), *LOGGED_KEYS, "source", "line"} <= set(raw.columns)
    assert {"user_agent", "request_id", "bytes_received", "duration_ms"}.isdisjoint(raw.columns)


def test_it_is_noted_of_how_many_records_a_column_was_seen_even_if_not_asked_for() -> None:
    collected, fates = RecordColumns(("path",)), LineFates()
    found: list[Record] = [{"path": "/"}, {"user_agent": "x", "path": "/"}, {"path": None}]
    collected.extend("a.log", RawRecords(found, [1, 2, 3]))

    plain(collected.decoded(fates))

    assert dict(fates.counts) == {
        ("", "column_seen", "user_agent"): 1,
        ("", "column_seen", "path"): 3,
    }


def _counted(*found: Record, keep_text: bool = True) -> dict[str, int]:
    """Return of how many records each key was that no column holds."""
    collected, fates = RecordColumns(_ALL), LineFates(keep_text=keep_text)
    collected.extend("a.log", RawRecords(list(found), list(range(1, len(found) + 1))))
    plain(collected.decoded(fates))
    keys = fates.keys.get(("", "key_unused"))
    return {} if keys is None else keys.counts


def test_keys_that_no_column_holds_are_counted() -> None:
    assert _counted(record()) == {}
    assert _counted(record(team="a"), record(team=None, verb="GET"), record()) == {
        "team": 2,
        "verb": 1,
    }
    # Where other logs have an object under a key, a value is one that is not used.
    assert _counted(record(response_duration=3, request="x", response="y")) == {
        "response_duration": 1,
        "response": 1,
    }


def test_unused_keys_of_nested_objects_are_counted_by_their_paths() -> None:
    nested = record(request={"verb": "GET", "id": "x"}, team={"name": "a"})

    assert _counted(nested, nested) == {"request.verb": 2, "team": 2}


def test_keys_are_counted_in_one_line_of_ascii_and_cut_unless_nothing_may_be_kept() -> None:
    hostile = "a\x1b[31m\n\u202eb"

    assert _counted(record(**{hostile: 1, "k" * 4000: 2})) == {"a?[31m??b": 1, "k" * 100: 1}
    assert _counted(record(team="a"), keep_text=False) == {}


@pytest.mark.parametrize(
    ("found", "host", "cluster"),
    [
        ({"upstream": "192.0.2.9:8080"}, "192.0.2.9:8080", None),
        ({"upstream": "orders-8080_shop"}, None, "orders-8080_shop"),
        ({"upstream": "orders", "upstreamName": "192.0.2.9:80"}, "192.0.2.9:80", "orders"),
        ({"upstream": "192.0.2.9:80", "upstreamName": "orders"}, "192.0.2.9:80", "orders"),
        ({"upstream": "orders", "upstream_cluster": "a"}, None, "a"),
        ({"upstream": "-", "upstreamName": None}, None, None),
        ({"upstream": {"host": "192.0.2.9:80", "cluster": "a"}}, "192.0.2.9:80", "a"),
    ],
)
def test_a_key_that_may_hold_address_or_cluster_holds_what_its_value_is(
    found: Record, host: str | None, cluster: str | None
) -> None:
    raw = _raw({"response_flags": "-"} | found)

    assert (raw["upstream_host"].item(), raw["upstream_cluster"].item()) == (host, cluster)


def test_a_cluster_under_a_key_of_two_uses_is_seen_and_one_that_is_missing_is_no_evidence() -> None:
    collected, fates = RecordColumns(_ALL), LineFates()
    found: list[Record] = [{"upstream": "orders"}, {"upstream": "192.0.2.9:80"}, {"upstream": "-"}]
    collected.extend("a.log", RawRecords(found, [1, 2, 3]))

    raw = plain(collected.decoded(fates))

    assert fates.counts["", "column_seen", "upstream_cluster"] == 1
    assert fates.counts["", "column_seen", "upstream_host"] == 3
    assert not raw["logged_upstream_cluster"].any()
    assert raw["logged_upstream_host"].all()


@pytest.mark.parametrize("key", ["request_time", "upstream_response_time", "upstreamResponseTime"])
@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        ("14", "200", "14"),
        ("0.014", "200", "14"),
        ("15.000", "504", "15000"),
        ("1.5", "200", "1.5"),
        ("-", "200", "-"),
        ("0.010, 0.020", "200", "0.010, 0.020"),
        ("99999999999999999999.000", "200", "99999999999999999999.000"),
        (14, 200, "14"),
        (0.014, 200, "14"),
        (2.0, 200, "2000"),
        (2.0, 200.0, "2.0"),
        (1e300, 200, "1e300"),
    ],
)
def test_times_of_nginx_are_seconds_where_they_have_decimals(
    key: str, value: object, code: object, expected: str
) -> None:
    column = "duration_ms" if key == "request_time" else "upstream_service_time_ms"

    assert [str(one) for one in _values(column, {key: value, "status": code})] == [
        str(float(expected)) if isinstance(value, float) and expected == "1e300" else expected
    ]


@pytest.mark.parametrize("beside", [[], [record()]])
def test_a_record_may_hold_nothing_that_was_asked_for(beside: list[Record]) -> None:
    raw = _raw({"upstream_local_address": "192.0.2.10:51234"}, *beside, columns=("path",))

    assert raw.height == 1 + len(beside)
    assert raw["line"].to_list()[0] == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["200", 200, 200.0, None], ["200", "200", "200.0", None]),
        ([200, "200"], ["200", "200"]),
        ([200, 200.5], ["200", "200.5"]),
        ([None, 5], [None, 5]),
        ([None, None], [None, None]),
        (["a", ["b"], {"c": 1}], ["a", '["b"]', '{"c":1}']),
        ([5, 2**64 - 1], ["5", "18446744073709551615"]),
        (["a", True], ["a", "true"]),
    ],
)
def test_values_of_different_types_become_text(values: list[object], expected: list[Any]) -> None:
    assert _values("bytes_sent", *({"bytes_sent": value} for value in values)) == expected


@pytest.mark.parametrize("values", [[5, True], [5.0, True]])
def test_a_truth_value_is_no_number(values: list[object]) -> None:
    found = _values("bytes_sent", *({"bytes_sent": value} for value in values))

    assert found[1] not in {1, "1", "1.0"}


def test_of_a_value_that_is_too_deep_to_write_something_is_left() -> None:
    deep: list[object] = []
    for _ in range(300):
        deep = [deep]

    assert _values("user_agent", {"user_agent": deep}) == ["[...]"]


def test_each_object_of_a_block_is_looked_into() -> None:
    flat = {"response_flags": "-", "upstream": "192.0.2.7:80", "request": "GET /"}
    nested = {
        "response_flags": "NR",
        "upstream": {"host": "192.0.2.8:80", "cluster": "a"},
        "request": {"headers": {"host": "a.example.com", "cookie": "x"}},
    }

    raw = _raw(flat, nested, flat, nested)

    assert raw["upstream_host"].to_list() == ["192.0.2.7:80", "192.0.2.8:80"] * 2
    assert raw["upstream_cluster"].to_list() == [None, "a"] * 2
    assert raw["authority"].to_list() == [None, "a.example.com"] * 2
    assert raw["logged_upstream_cluster"].to_list() == [False, True] * 2
    assert raw["line"].to_list() == [1, 2, 3, 4]


def test_an_object_under_a_key_that_holds_none_is_text() -> None:
    assert _values("path", {"response_flags": "-", "path": {"a": 1}}) == ['{"a":1}']


def test_mapped_keys_hold_columns() -> None:
    collected = RecordColumns(_ALL, FieldKeys.mapping({"authority": ["edge.vhost"]}))
    found: list[Record] = [
        {"response_flags": "-", "edge": {"vhost": "a.example.com"}, "host": "node-1"},
        {"response_flags": "-", "edge": {}, "host": "b.example.com"},
    ]
    collected.extend("test.log", RawRecords(found, [1, 2]))

    raw = plain(collected.decoded(LineFates()))

    assert raw["authority"].to_list() == ["a.example.com", "b.example.com"]
