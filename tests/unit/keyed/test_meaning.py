"""Normalized records: the same values whatever the era that wrote them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.builders import (
    GATEWAY_ANSWERED,
    Era,
    Record,
    batch_of,
    connection,
    frame,
    frame_of,
    in_era,
    line,
    normalized,
    reading,
    record,
    unreadable,
)
from tests.strategies import eras, modern_records, records

from envoylogs import schema
from envoylogs.reading.fates import UNREADABLE

_DETAILS = ("response_code_details", "connection_termination_details")
_NOT_LOGGED = {
    Era.V1_1: (*_DETAILS, "route_name", "upstream_transport_failure_reason"),
    Era.V1_3: _DETAILS,
    Era.V1_8: _DETAILS,
}


def _value(column: str, **changes: object) -> Any:
    return normalized(record(**changes))[column]


def test_a_record_of_today_is_normalized() -> None:
    assert normalized(record(pod_name="istio-ingressgateway-7d9c")) == {
        "start_time": datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
        "authority": "shop.example.com",
        "method": "GET",
        "path": "/cart",
        "protocol": "HTTP/2",
        "response_code": 200,
        "response_flags": None,
        "response_code_details": "via_upstream",
        "route_name": None,
        "upstream_cluster": "outbound|80||cart.shop.svc.cluster.local",
        "upstream_direction": "outbound",
        "upstream_port": 80,
        "upstream_subset": None,
        "upstream_service": "cart.shop.svc.cluster.local",
        "upstream_host": "192.0.2.33:8080",
        "duration_ms": 12,
        "upstream_service_time_ms": 11,
        "bytes_received": 0,
        "bytes_sent": 1024,
        "requested_server_name": "shop.example.com",
        "user_agent": "curl/8.5.0",
        "x_forwarded_for": "192.0.2.200",
        "downstream_remote_address": "192.0.2.200:40312",
        "downstream_local_address": "192.0.2.10:8443",
        "request_id": "6f867212-d7cf-4c68-9468-6fbc5f927335",
        "connection_termination_details": None,
        "upstream_transport_failure_reason": None,
        "upstream_local_address": "192.0.2.10:51234",
        "pod": "istio-ingressgateway-7d9c",
        "namespace": None,
        "container": None,
        "gateway": "istio-ingressgateway-7d9c",
        "role": "gateway",
        "outcome": "served",
        "failure": None,
        "kind": "request",
        "source": "test.log",
        "line": 1,
    }


def _holds_the_schema(read: pl.DataFrame) -> None:
    assert dict(read.schema) == {**schema.NORMALIZED, **schema.POSITION}


@pytest.mark.parametrize("era", Era)
def test_the_columns_and_types_are_those_of_the_schema_in_every_era(era: Era) -> None:
    _holds_the_schema(frame_of(in_era(record(), era)))
    _holds_the_schema(frame_of(in_era(connection(), era)))


def test_the_columns_and_types_are_those_of_the_schema_however_little_was_logged() -> None:
    _holds_the_schema(frame_of({"response_flags": None}))
    _holds_the_schema(frame_of({"upstream_host": "-"}))


@pytest.mark.property
@given(modern_records() | st.builds(connection, response_code=st.just(0)), eras)
def test_every_era_gives_the_same_values_for_what_it_logs(modern: Record, era: Era) -> None:
    expected = normalized(modern) | dict.fromkeys(_NOT_LOGGED.get(era, ()))
    told_by_all_keys = era not in {*_NOT_LOGGED, Era.SPARSE}

    found = normalized(in_era(modern, era))

    if not told_by_all_keys:
        for told in ("outcome", "failure"):
            del expected[told], found[told]
    assert found == expected


_numbers_as_written = st.one_of(
    st.sampled_from((1.0, 0, -0.0, 0.0, 200, 200.0, True, "7", "-", 17.5, 1e300, 10.0**16)),
    st.sampled_from((2**53 - 1, 2**53, 2**53 + 1, 2**60 + 1, 2**63 - 1, 2**63, 2**64 - 1)),
    st.integers(2**53, 2**63 - 1),
)
_differing = st.builds(
    lambda found, numbers, others: {**found, **numbers, **others},
    records,
    st.dictionaries(st.sampled_from(sorted({*schema.INTEGERS} & {*record()})), _numbers_as_written)
    | st.dictionaries(
        st.sampled_from(("duration", "request_time", "start_time", "upstream_service_time")),
        _numbers_as_written,
        max_size=2,
    ),
    st.dictionaries(
        st.sampled_from(("other", "team", "method")),
        st.sampled_from((0.0, -0.0, "x", "GET /y HTTP/1.1", "GET /x -", "GET - -")),
        max_size=2,
    ),
)
"""Records with numbers of any type and size and with keys of their own, so of several shapes."""


def _unreadable(*found: Record) -> list[tuple[str, str | None]]:
    """Return the values that can't be read, as they are told, by column; no more than are kept."""
    batch = batch_of(*found)
    examples = batch.fates.examples
    return sorted((e.reason, e.text) for e in examples if e.reason.startswith(UNREADABLE))


@pytest.mark.property
@given(st.lists(records | _differing, min_size=1, max_size=6))
@example([record(bytes_sent=2**53 + 1), record(bytes_sent=1.0, other=1)])
@example([record(bytes_sent=2**63 - 1), record(bytes_sent=1.0, other=1)])
@example([record(method="GET /x -", path=None), record(method="GET /y HTTP/1.1")])
@example(
    [
        record(response_code=200, request_time="x", duration=...),
        record(response_code=200.0, request_time=12.0, duration=...),
    ]
)
@example([record(authority=0.0), record(authority=-0.0)])
def test_a_record_does_not_depend_on_those_beside_it(found: list[Record]) -> None:
    # But for its role, which is that of the proxy that wrote them all.
    together = frame_of(*found).drop("line", "role")
    alone = pl.concat([frame_of(one) for one in found]).drop("line", "role")

    assert together.equals(alone)


@pytest.mark.property
@given(_differing, _differing)
@example(record(bytes_sent=2**53 + 1), record(bytes_sent=1.0, other=1))
@example(record(bytes_sent=2.0**63), record(bytes_sent="1", other=1))
def test_what_is_told_of_an_unreadable_value_does_not_depend_on_those_beside_it(
    one: Record, other: Record
) -> None:
    # A code that is a float is the same to Python as the integer in another record.
    one, other = ({**found, "response_code": 200} for found in (one, other))

    assert _unreadable(one, other) == sorted([*_unreadable(one), *_unreadable(other)])


def test_an_integer_that_is_too_large_is_told_with_its_digits_beside_a_float() -> None:
    batch = batch_of(record(bytes_sent=2**53 + 1), record(bytes_sent=1.0, other=1))

    assert frame(batch)["bytes_sent"].to_list() == [None, 1]
    assert unreadable(batch.fates) == {"bytes_sent": 1}
    assert [example.text for example in batch.fates.examples] == ["9007199254740993"]


_odd_values = st.one_of(
    st.sampled_from((None, True, "-", "", "200", "200.0", 200, 200.0, 200.5, -1, 2**63, 2**64 - 1)),
    st.sampled_from(("2026-01-02T03:04:05Z", 1767323045.5, 1e300, [], {}, [1], {"a": "-"}, ":80")),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**53), 2**53),
)


@pytest.mark.property
@given(st.lists(st.dictionaries(st.sampled_from(sorted(record())), _odd_values), max_size=3))
@example([{"authority": 5}])
def test_odd_values_are_read_or_null_and_never_depend_on_those_beside_them(
    changes: list[Record],
) -> None:
    found = [record(), *(record(**change) for change in changes)]

    together = frame_of(*found)

    _holds_the_schema(together)
    alone = pl.concat([frame_of(one) for one in found])
    assert together.drop("line").equals(alone.drop("line"))


@pytest.mark.parametrize("column", [name for name in schema.STRINGS if name in record()])
def test_a_number_in_a_column_of_text_is_text(column: str) -> None:
    found = frame_of(record(**{column: 5}))

    _holds_the_schema(found)
    assert found[column].to_list() == ["5"]


@pytest.mark.parametrize("missing", [None, "-", "", ...])
@pytest.mark.parametrize(
    "key",
    ["authority", "path", "response_code_details", "route_name", "upstream_cluster", "duration",
     "upstream_service_time", "response_code", "start_time", "bytes_sent", "response_flags"],
)  # fmt: skip
def test_what_is_missing_is_null_however_it_is_written(key: str, missing: object) -> None:
    column = {"duration": "duration_ms", "upstream_service_time": "upstream_service_time_ms"}
    batch = batch_of(record(**{key: missing}))

    assert frame(batch)[column.get(key, key)].to_list() == [None]
    assert unreadable(batch.fates) == {}


def test_a_dash_within_a_value_is_a_part_of_it() -> None:
    assert _value("path", path="/-") == "/-"
    assert _value("user_agent", user_agent="--") == "--"
    assert _value("user_agent", user_agent=" ") == " "


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        (200, 200), ("200", 200), (200.0, 200), ("200.0", 200), (0, 0), ("0", 0), (0.0, 0),
        (-0.0, 0), ("0200", 200), ("1e3", 1000),
        (2**53, 2**53), (str(2**53), 2**53), (2**53 - 1, 2**53 - 1), (float(2**50), 2**50),
    ],
)  # fmt: skip
def test_whole_numbers_are_read_from_numbers_and_from_text(logged: object, expected: int) -> None:
    batch = batch_of(record(bytes_sent=logged))

    assert frame(batch)["bytes_sent"].to_list() == [expected]
    assert unreadable(batch.fates) == {}


@pytest.mark.parametrize(
    ("key", "column", "right", "wrong"),
    [
        ("response_code", "response_code", (0, 100, "404", 999.0), (1000, -1, "4040", 2**31)),
        ("duration", "duration_ms", (-5, 0, 31_622_400_000), (31_622_400_001, -(2**40), "1e12")),
        ("upstream_service_time", "upstream_service_time_ms", ("0", "86400000"), ("99999999999",)),
        ("bytes_received", "bytes_received", (0, 2**53), (2**53 + 1, -1)),
    ],
)
def test_a_number_that_envoy_cannot_mean_is_null_and_counted(
    key: str, column: str, right: Any, wrong: Any
) -> None:
    batch = batch_of(*(record(**{key: value}) for value in (*right, *wrong)))

    found = frame(batch)[column].to_list()

    assert found == [*(int(float(str(value))) for value in right), *[None] * len(wrong)]
    assert unreadable(batch.fates) == {column: len(wrong)}


@pytest.mark.parametrize(
    "logged",
    [
        200.5, "200.5", "12ms", "0x1f", "1_000", "1,000", " 200", "two", "NaN", "inf", "-inf",
        -1, "-1", -1.0, 2**53 + 1, str(2**53 + 1), 2.0**60, 2**63 - 1,
        2**63, str(2**63), 2**64 - 1, 1e300, "1e400", True, "true", [200], {"a": 200}, [],
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_read_is_null_and_counted(logged: object) -> None:
    batch = batch_of(record(bytes_sent=logged), record(bytes_sent="5"))

    assert frame(batch)["bytes_sent"].to_list() == [None, 5]
    assert unreadable(batch.fates) == {"bytes_sent": 1}


@pytest.mark.parametrize("digits", [str(2**64), str(2**70), "-" + "9" * 30, "9" * 300])
def test_a_number_too_large_for_any_type_is_null_and_counted(digits: str) -> None:
    logged = line(record(bytes_sent=5)).replace(b'_sent":5', b'_sent":' + digits.encode())

    batch = reading(logged)

    assert frame(batch)["bytes_sent"].to_list() == [None]
    assert unreadable(batch.fates) == {"bytes_sent": 1}


def test_values_that_cannot_be_read_are_counted_by_column() -> None:
    bad = record(response_code="OK", duration="5ms", start_time="yesterday")

    batch = batch_of(bad, record(), record(start_time="soon"))

    assert unreadable(batch.fates) == {"response_code": 1, "duration_ms": 1, "start_time": 2}


def test_the_service_time_is_a_header_and_therefore_text() -> None:
    assert _value("upstream_service_time_ms", upstream_service_time="13") == 13
    assert _value("upstream_service_time_ms", upstream_service_time=13) == 13


def test_the_cluster_is_read_without_its_semicolon() -> None:
    found = normalized(record(upstream_cluster="outbound|80|v2|cart.shop.svc.cluster.local;"))

    assert found["upstream_cluster"] == "outbound|80|v2|cart.shop.svc.cluster.local"
    assert found["upstream_subset"] == "v2"
    assert found["upstream_service"] == "cart.shop.svc.cluster.local"


def test_the_authority_is_told_apart_by_what_matters_in_it() -> None:
    assert _value("authority", authority="Shop.Example.com:443") == "shop.example.com"


@pytest.mark.parametrize(
    ("key", "logged"), [("authority", ":80"), ("authority", ":443"), ("upstream_cluster", ";")]
)
def test_a_name_of_which_nothing_is_left_is_missing(key: str, logged: str) -> None:
    assert _value(key, **{key: logged}) is None


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("GET /version HTTP/1.1", ("GET", "/version", "HTTP/1.1")),
        ("POST /a?b=c d HTTP/2", ("POST", "/a?b=c d", "HTTP/2")),
        ("GET - HTTP/1.1", ("GET", None, "HTTP/1.1")),
        ("- - HTTP/1.1", (None, None, "HTTP/1.1")),
        ("- - -", (None, None, None)),
        ("GET", ("GET", None, None)),
        ("GET /version", ("GET /version", None, None)),
        ("a b c", ("a b c", None, None)),
    ],
)
def test_a_method_that_holds_a_request_line_is_taken_apart(
    method: str, expected: tuple[str | None, ...]
) -> None:
    found = normalized(record(method=method, path=None, protocol=None))

    assert (found["method"], found["path"], found["protocol"]) == expected


def test_path_and_protocol_of_a_request_line_fill_only_what_is_missing() -> None:
    found = normalized(record(method="GET /line HTTP/1.1", path="/logged", protocol=...))
    other = normalized(record(method="GET", path="/a"))

    assert (found["method"], found["path"], found["protocol"]) == ("GET", "/logged", "HTTP/1.1")
    assert normalized(record(method=..., path=..., request="PUT /b HTTP/1.1"))["path"] == "/b"
    assert (other["method"], other["path"]) == ("GET", "/a")


def test_columns_of_a_request_line_are_seen() -> None:
    found = record(method="GET / HTTP/1.1", path=..., protocol=...)
    counts = reading(line(found)).fates.counts

    assert counts["", "column_seen", "path"] == counts["", "column_seen", "protocol"] == 1


def test_the_start_time_that_istio_1_1_logs_as_the_method_is_none() -> None:
    assert _value("method", method="2019-04-23T12:07:22.912Z") is None
    assert normalized(connection(method="2019-04-23T12:07:22.912Z"))["kind"] == "connection"


@pytest.mark.parametrize(
    ("logged", "gateway"),
    [
        ({"downstream_local_address": "192.0.2.10:8443"}, "192.0.2.10"),
        ({"downstream_local_address": "[2001:db8::1]:8443"}, "[2001:db8::1]"),
        ({"downstream_local_address": "192.0.2.10"}, "192.0.2.10"),
        ({"downstream_local_address": "2001:db8::1"}, "2001:db8::1"),
        ({"downstream_local_address": None}, None),
        ({"downstream_local_address": ...}, None),
        ({"pod_name": "gateway-7d9c"}, "gateway-7d9c"),
        ({"hostname": "gateway-7d9c", "downstream_local_address": None}, "gateway-7d9c"),
        ({"pod_name": "-"}, "192.0.2.10"),
    ],
)
def test_a_gateway_is_its_pod_or_else_its_address(
    logged: dict[str, object], gateway: str | None
) -> None:
    assert _value("gateway", **logged) == gateway


def test_values_that_a_client_chose_are_kept_to_the_letter() -> None:
    nasty = "\x1b[31m\0\u2028=1+1<b>\U0001f600\\\"'"

    found = normalized(record(path=nasty, user_agent=nasty, x_forwarded_for=nasty))

    assert [found[key] for key in ("path", "user_agent", "x_forwarded_for")] == [nasty] * 3


def test_of_a_key_that_stands_twice_the_last_value_counts() -> None:
    twice = line(record())[:-1] + b',"path":"/second"}'

    assert frame(reading(twice))["path"].to_list() == ["/second"]


def test_nested_values_are_text() -> None:
    found = record(user_agent={"name": "curl", "of": [1, None]}, path=["/a"])

    assert normalized(found)["user_agent"] == orjson.dumps(found["user_agent"]).decode()
    assert normalized(found)["path"] == '["/a"]'


@pytest.mark.parametrize("column", list(schema.NORMALIZED))
def test_a_column_that_is_asked_for_alone_is_the_same(column: str) -> None:
    found = (
        record(downstream_local_address="192.0.2.10:15021", pod_name="gateway-7d9c"),
        record(**GATEWAY_ANSWERED, response_code=0, response_flags="DC"),
        connection(),
        record(upstream_cluster="outbound|80|v1|a.b;"),
    )
    alone = frame_of(*found, columns=(column,))

    assert alone.columns == [column, "source", "line"]
    assert alone[column].equals(frame_of(*found)[column])


def test_rows_keep_the_order_of_the_log() -> None:
    found = [
        in_era(record(path=f"/{n}", upstream_cluster=f"outbound|{80 + n % 3}||a"), era)
        for n, era in enumerate([*Era, *Era])
    ]

    read = frame_of(*found)

    assert read["path"].to_list() == [f"/{n}" for n in range(len(found))]
    assert read["line"].to_list() == list(range(1, len(found) + 1))
