from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.handmade import (
    Record,
    batch_of,
    connection,
    failed,
    fewer_examples,
    refused,
    refused_connection,
    reset,
    served,
    unrouted,
    us,
)

from envoylogs.envoy.paths import MAX_TEXT, masked_query
from envoylogs.envoy.traffic import client_of_record
from envoylogs.tally.evidence import FailureEvidence, ranks_of
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec


def _masked(path: str | None) -> Any:
    frame = pl.DataFrame({"path": [path]}, schema={"path": pl.String()})
    return frame.select(masked_query(pl.col("path"))).item()


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        (None, None),
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a?token=secret", "/a?token=*"),
        ("/a?x=1&token=secret&y=", "/a?x=*&token=*&y=*"),
        ("/a?token=a=b==", "/a?token=*"),
        ("/a?token=secret#part=secret", "/a?token=*#part=*"),
        ("/a?token=secret#part", "/a?token=*#part"),
        ("/a?x=https://h/?y=secret", "/a?x=*"),
        ("/a?flag", "/a?flag"),
        ("/a?", "/a?"),
        ("?token=secret", "?token=*"),
        ("/a?x=sec\nret", "/a?x=*"),
        ("/a?x=%26secret", "/a?x=*"),
    ],
)
def test_values_of_a_query_are_masked(path: str | None, masked: str | None) -> None:
    assert _masked(path) == masked


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        ("/a=b/c", "/a=b/c"),
        ("/a=b/c?token=secret", "/a=b/c?token=*"),
        ("/luci/;stok=/locale?form=country", "/luci/;stok=/locale?form=*"),
    ],
)
def test_what_stands_before_the_query_is_kept(path: str, masked: str) -> None:
    assert _masked(path) == masked


def test_values_of_a_fragment_are_masked_without_a_query() -> None:
    assert _masked("/callback#access_token=secret") == "/callback#access_token=*"


@pytest.mark.property
@given(
    names=st.lists(st.text(alphabet="abc[]%+", max_size=5), min_size=1, max_size=5),
    mark=st.sampled_from("?"),
)
def test_no_value_survives(names: list[str], mark: str) -> None:
    path = "/p" + mark + "&".join(f"{name}=SECRET=SECRET" for name in names)

    assert _masked(path) == "/p" + mark + "&".join(f"{name}=*" for name in names)


def _client(remote: str | None, forwarded: str | None = None) -> Any:
    columns = {"downstream_remote_address": [remote], "x_forwarded_for": [forwarded]}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String()))
    return frame.select(client_of_record()).item()


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1:40001", "192.0.2.1"),
        ("192.0.2.1:0", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]:40001", "[2001:db8::1]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("@/var/run/socket", "@/var/run/socket"),
    ],
)
def test_a_client_is_the_address_without_its_port(address: str, client: str) -> None:
    assert _client(address) == client


@pytest.mark.parametrize("address", ["2001:db8::1234", "2001:db8::1", "::1"])
def test_an_ipv6_address_without_a_port_stays_whole(address: str) -> None:
    assert _client(address) == address
    assert _client(None, address) == address


def test_the_forwarded_address_counts_only_where_the_gateway_logged_none() -> None:
    assert _client("192.0.2.1:1", "203.0.113.9") == "192.0.2.1"
    assert _client(None, "203.0.113.9") == "203.0.113.9"
    assert _client(None, "10.1.2.3, 198.51.100.7,203.0.113.9") == "203.0.113.9"
    assert _client(None, None) is None


def _rank(start: int | None, sent: int | None, duration: int | None) -> int:
    frame = pl.DataFrame(
        {"start_time": [start], "bytes_sent": [sent], "duration_ms": [duration]},
        schema={
            "start_time": pl.Datetime("us", "UTC"),
            "bytes_sent": pl.Int64(),
            "duration_ms": pl.Int64(),
        },
    )
    rank = ranks_of(frame).item()
    assert isinstance(rank, int)
    return rank


_RANK_OF_ONE_RECORD = 7320787535919314111


def test_the_rank_of_a_record_never_changes() -> None:
    # Saved tallies keep ranks: another value would make them incomparable with new ones.
    assert _rank(us(0), 70, 12) == _RANK_OF_ONE_RECORD


_INTEGER = st.integers(-(2**63), 2**63 - 1)
_MICROSECONDS = st.integers(-(2**55), 2**55)


@pytest.mark.property
@given(start=_MICROSECONDS, sent=_INTEGER, duration=_INTEGER)
def test_the_rank_is_the_mix_that_it_says_it_is(start: int, sent: int, duration: int) -> None:
    mixed, whole = 0, 2**64
    for value in (start, sent, duration):
        mixed = (mixed ^ value % whole) * 0x9E3779B97F4A7C15 % whole
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % whole

    assert _rank(start, sent, duration) == mixed >> 1


def test_a_missing_time_or_size_counts_as_zero() -> None:
    assert _rank(None, None, None) == _rank(0, 0, 0)


def _evidence(*records: Record, spec: TallySpec = DEFAULT_SPEC) -> list[dict[str, Any]]:
    frame = FailureEvidence.of(batch_of(records), spec).frame
    return frame.sort("outcome", "rank").to_dicts()


def test_the_record_behind_a_failure_is_kept() -> None:
    (kept,) = _evidence(served(0), reset(1, path="/pay?card=1234"), served(2))

    assert kept == {
        "outcome": "upstream_reset",
        "failure": "connection_closed",
        "authority": "shop.example.com",
        "server_name": None,
        "upstream_cluster": "outbound|80||shop.shop.svc.cluster.local",
        "address": None,
        "rank": _rank(us(1), 70, 12),
        "client": "192.0.2.1",
        "method": "GET",
        "path": "/pay?card=*",
        "requested_server_name": None,
        "route_name": "pages",
        "response_flags": "UC",
        "response_code_details": "upstream_reset_before_response_started{connection_termination}",
        "connection_termination_details": None,
        "upstream_transport_failure_reason": None,
        "upstream_host": "10.8.1.2:8080",
        "downstream_local_address": "10.8.0.6:8443",
        "gateway": "10.8.0.6",
        "request_id": "5b1c7d7e-1f0a-4a55-9a35-0f8f3f6c1a01",
        "source": "gateway.log",
        "response_code": 503,
        "duration_ms": 12,
        "start": us(1),
        "line": 2,
    }


def test_what_went_well_and_own_traffic_leave_no_evidence() -> None:
    assert (
        _evidence(
            served(0),
            connection(1),
            served(2, response_code=301),
            reset(3, upstream_cluster="agent"),
        )
        == []
    )


def test_a_refusal_leaves_evidence_whoever_refused() -> None:
    kept = _evidence(
        served(0, response_code=404),
        failed(1, 403, "-", "rbac_access_denied_matched_policy[none]"),
    )

    assert [row["failure"] for row in kept] == ["policy_denied", "upstream_4xx"]


def test_two_ways_to_fail_of_one_outcome_are_kept_apart() -> None:
    details = "upstream_reset_before_response_started{connection_timeout}"
    kept = _evidence(refused(0), failed(1, 503, "UF", details))

    assert {row["outcome"] for row in kept} == {"connect_failure"}
    assert {row["failure"] for row in kept} == {"connect_refused", "connect_timeout"}


def test_a_refused_connection_is_known_by_its_server_name() -> None:
    kept = _evidence(refused_connection(0, requested_server_name="old.example.com"))

    assert [(row["outcome"], row["authority"], row["server_name"]) for row in kept] == [
        ("no_filter_chain", None, "old.example.com")
    ]


def test_a_failed_connection_is_known_by_its_address_and_a_request_is_not() -> None:
    (of_connection,) = _evidence(connection(0, response_flags="UF", upstream_host="192.0.2.8:5432"))
    (of_request,) = _evidence(refused(0, upstream_host="192.0.2.8:8080"))

    assert of_connection["address"] == of_connection["upstream_host"] == "192.0.2.8:5432"
    assert (of_request["address"], of_request["upstream_host"]) == (None, "192.0.2.8:8080")


def test_a_request_is_not_told_apart_by_its_server_name() -> None:
    kept = _evidence(
        unrouted(0, requested_server_name="a.example.com"),
        unrouted(1, requested_server_name="b.example.com"),
    )

    assert [row["server_name"] for row in kept] == [None]


def test_one_client_is_kept_once_by_the_record_of_the_smallest_rank() -> None:
    times = range(20)
    (kept,) = _evidence(*(reset(second) for second in times))

    assert kept["rank"] == min(_rank(us(second), 70, 12) for second in times)


def test_the_clients_of_the_smallest_ranks_are_kept() -> None:
    kept = _evidence(
        *(reset(second, downstream_remote_address=f"192.0.2.{second}:1") for second in range(40)),
        spec=TallySpec(evidence_clients=4),
    )

    ranks = sorted(_rank(us(second), 70, 12) for second in range(40))
    assert [row["rank"] for row in kept] == ranks[:4]


def test_clients_without_an_address_are_one_client() -> None:
    nobody: Record = {"downstream_remote_address": None, "x_forwarded_for": None}

    kept = _evidence(*(reset(second, **nobody) for second in range(5)))

    assert [row["client"] for row in kept] == [None]


def test_strings_are_cut_but_for_names_that_counts_have() -> None:
    long = "a" * 2000
    (kept,) = _evidence(refused(0, authority=long, path="/" + long, request_id=long))

    assert {len(kept[name]) for name in ("path", "request_id")} == {MAX_TEXT}
    assert kept["authority"] == long


@pytest.mark.property
@fewer_examples(4)
@given(order=st.permutations(range(8)))
def test_the_choice_does_not_depend_on_the_order_of_the_log(order: list[int]) -> None:
    records = [
        reset(number // 2, downstream_remote_address=f"192.0.2.{number % 5}:1", path=f"/{number}")
        for number in range(8)
    ]
    spec = TallySpec(evidence_clients=2)

    def chosen(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
        return sorted((row["client"], row["path"]) for row in found)

    in_order = _evidence(*records, spec=spec)
    assert chosen(_evidence(*(records[place] for place in order), spec=spec)) == chosen(in_order)
