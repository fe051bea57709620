from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import generator
from tests.handmade import (
    connection,
    served,
    source_of,
    tally_of,
    text_of,
    us,
    without,
)

from envoylogs.pipeline import tally_sources
from envoylogs.summary.accounts import Accounts, accounts

if TYPE_CHECKING:
    from tests.handmade import Record


def _accounts(**texts: bytes) -> Accounts:
    """Return the accounts of sources by name."""
    return accounts(tally_sources([source_of(text, name) for name, text in texts.items()]))


def _of(*records: Record) -> Accounts:
    return accounts(tally_of(records))


_RECORD = text_of([served(0)])
_PRINTED = _RECORD.replace(b", ", b",\n")


def test_nothing_has_empty_accounts() -> None:
    found = _accounts()

    assert (found.bytes, found.lines, found.records, found.malformed) == (0, 0, 0, 0)
    assert (found.malformed_by_reason, found.repaired, found.unreadable) == ({}, {}, {})
    assert (found.sources.height, found.gateways.height, found.examples.height) == (0, 0, 0)


def test_an_empty_source_has_no_row() -> None:
    assert _accounts(a=b"").sources.height == 0


def test_every_line_is_accounted_for() -> None:
    text = b"".join(
        [
            _RECORD, b"\n", b"  \n", b"agent text\n", b'{"level":"info"}\n', b"\x00\n",
            b'{"response_code": 200, oops}\n', b"[pod/x] " + _RECORD[:-2] + b"\n", _PRINTED,
            b'{"path": "/\n',
        ]
    )  # fmt: skip
    found = _accounts(a=text)

    lines = text.count(b"\n")
    assert (found.bytes, found.lines, found.records) == (len(text), lines, 2)
    assert (found.blank, found.other) == (2, 2)
    assert found.record_lines == 1 + _PRINTED.count(b"\n")
    assert found.lines == found.record_lines + found.blank + found.other + found.malformed
    assert found.malformed == sum(found.malformed_by_reason.values()) == 4
    assert found.malformed_by_reason["binary"] == 1
    assert found.malformed_by_reason["prefixed_record"] == 1


def test_the_most_frequent_reason_comes_first() -> None:
    found = _accounts(a=b"\x00\n" + b"{oops}\n" * 2)

    assert list(found.malformed_by_reason.items()) == [("invalid_json", 2), ("binary", 1)]


def test_the_last_line_counts_without_a_line_feed() -> None:
    found = _accounts(a=_RECORD * 2 + _RECORD.rstrip(b"\n"))

    assert (found.lines, found.records, found.bytes) == (3, 3, len(_RECORD) * 3 - 1)


def test_the_first_bad_lines_of_each_source_and_reason_are_shown() -> None:
    text = b"".join(b"\x00%d\ntext %d\n" % (n, n) for n in range(9)) + _RECORD
    found = _accounts(b=text, a=text)

    assert found.examples.rows() == [
        row
        for source in ("a", "b")
        for n in range(3)
        for row in (
            (source, 2 * n + 1, "binary", f"\x00{n}"),
            (source, 2 * n + 2, "other", f"text {n}"),
        )
    ]


def test_repaired_records_are_counted_by_kind() -> None:
    found = _accounts(a=_RECORD.replace(b"curl", b"\xff\xfe"))

    assert (found.records, found.repaired) == (1, {"invalid_utf8": 1})


def test_unreadable_values_are_counted_by_column() -> None:
    found = _of(
        served(0, duration="soon"), served(1, duration="later"), served(start_time="yesterday")
    )

    assert found.unreadable == {"duration_ms": 2, "start_time": 1}
    assert found.records == 3


def test_columns_without_a_key_in_any_record_are_named() -> None:
    records = [served(0), served(1)]

    assert _of(*records).columns_never_seen == []
    assert _of(*without(records, "duration", "path")).columns_never_seen == ["path", "duration_ms"]
    assert _of(records[0], *without(records, "path")).columns_never_seen == []


def test_a_column_that_is_always_missing_was_seen_if_its_key_was() -> None:
    assert _of(served(0, route_name=None)).columns_never_seen == []


def test_sources_are_in_the_order_of_their_names_with_their_windows() -> None:
    found = _accounts(
        b=text_of([served(9), served(3), served(None)]) + b"\n",
        a=text_of([served(5)]),
        c=b"only text\n",
    )

    rows = found.sources.select("source", "lines", "blank", "records", "first", "last").rows()
    assert rows == [
        ("a", 1, 0, 1, us(5), us(5)),
        ("b", 4, 1, 3, us(3), us(9)),
        ("c", 1, 0, 0, None, None),
    ]


def test_a_damaged_source_is_named_with_its_problem_and_the_bytes_that_were_read() -> None:
    packed = gzip.compress(_RECORD * 2)
    found = _accounts(a=_RECORD, b=packed[:-1], c=packed + b"x", d=packed)

    assert found.damaged.rows() == [
        ("b", "truncated_gzip", len(_RECORD) * 2),
        ("c", "damaged_gzip", len(_RECORD) * 2),
    ]
    problems = found.sources.select("source", "records", "problem").rows()
    assert problems == [
        ("a", 1, None), ("b", 2, "truncated_gzip"), ("c", 2, "damaged_gzip"), ("d", 2, None),
    ]  # fmt: skip
    assert found.bytes == len(_RECORD) * 7
    assert found.sources["bytes"].sum() == found.bytes


def test_a_source_of_which_nothing_could_be_read_has_a_row() -> None:
    found = _accounts(a=b"PK\x03\x04...", b=_RECORD)

    assert found.damaged.rows() == [("a", "unread_zip", 0)]
    assert found.sources.select("lines", "records", "bytes").row(0) == (0, 0, 0)
    assert found.lines == found.record_lines == 1


def test_undamaged_sources_are_not_damaged() -> None:
    assert _accounts(a=_RECORD, b=b"").damaged.is_empty()
    assert _accounts().damaged.is_empty()


def test_a_source_without_times_has_no_window() -> None:
    (row,) = _of(served(None)).sources.rows(named=True)

    assert (row["records"], row["first"], row["last"]) == (1, None, None)


_INBOUND = {"upstream_cluster": "inbound|8080||"}
_OUTBOUND = {"upstream_cluster": "outbound|8080||a.b", "downstream_local_address": "10.8.9.9:8080"}
_NO_DIRECTION: dict[str, Any] = {"upstream_cluster": None}


@pytest.mark.parametrize(
    ("records", "role"),
    [
        ([served(0)], "gateway"),
        ([served(0, **_INBOUND), served(1, **_OUTBOUND)], "sidecar"),
        ([served(0), served(1, **_INBOUND)], "mixed"),
        ([served(0, **_INBOUND)], "sidecar"),
        ([served(0, **_NO_DIRECTION)], "gateway"),
        ([served(0, pod_name="istio-egressgateway-1")], "egress"),
    ],
)
def test_a_source_has_the_role_of_its_proxies(records: list[Record], role: str) -> None:
    assert _of(*records).sources["role"].to_list() == [role]


def test_records_of_other_roles_are_counted_and_left_out() -> None:
    found = _of(served(0), served(1, **_INBOUND), served(2, **_INBOUND))

    assert (found.records, found.filtered) == (3, 2)
    assert found.roles == {"sidecar": 2, "gateway": 1}
    assert found.gateways["records"].to_list() == [1]
    assert found.sources.select("records", "first", "last").rows() == [(3, us(0), us(2))]


def test_the_overlap_of_gateways_is_the_window_that_all_cover() -> None:
    second = {"downstream_local_address": "10.8.0.7:8443"}

    assert _of(served(0), served(9)).overlap is None
    assert _of(served(0), served(5), served(3, **second), served(9, **second)).overlap == (
        us(3), us(5),
    )  # fmt: skip
    assert _of(served(0), served(3, **second)).overlap is None


def test_gateways_count_all_their_records() -> None:
    second = {"downstream_local_address": "10.8.0.7:8443"}
    found = _of(
        served(4), served(1), connection(9), served(2, upstream_cluster="agent"),
        served(3, **second), served(None, **second), served(5, downstream_local_address=None),
    )  # fmt: skip

    assert found.gateways.rows() == [
        ("10.8.0.6", 4, us(1), us(9)),
        ("10.8.0.7", 2, us(3), us(3)),
        (None, 1, us(5), us(5)),
    ]


def test_a_pod_name_is_the_gateway() -> None:
    found = _of(served(0, pod_name="istio-ingressgateway-1"), served(1))

    assert found.gateways["gateway"].to_list() == ["10.8.0.6", "istio-ingressgateway-1"]


def test_a_source_read_in_many_batches_has_one_row() -> None:
    text = b"".join(generator.lines(20_000, hosts=2))
    found = _accounts(a=text)

    assert found.sources.select("source", "lines", "records", "role").rows() == [
        ("a", 20_000, 20_000, "gateway")
    ]
    assert (found.bytes, found.gateways["records"].sum()) == (len(text), 20_000)


def test_the_first_value_of_a_column_that_can_not_be_read_is_its_example() -> None:
    one = text_of([served(0), served(1, duration="fast"), served(2, duration="slow")])
    two = text_of([served(3, duration="never")])
    sources = [source_of(one, "a.log"), source_of(two, "b.log")]

    for order in (sources, sources[::-1]):
        found = accounts(tally_sources(order)).unreadable_examples

        assert found.rows(named=True) == [
            {"column": "duration_ms", "records": 3, "source": "a.log", "line": 2, "value": "fast"}
        ]


def test_a_long_value_that_can_not_be_read_is_cut() -> None:
    found = _of(served(0, bytes_sent="x" * 5000)).unreadable_examples

    assert found["value"].to_list() == ["x" * 200]
