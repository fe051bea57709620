"""Real records that people published, judged by hand.

The files are other people's data and therefore not a part of the repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from tests.builders import accounted, counts, enveloped, frame, reading, reasons, repaired

from envoylogs.keyed.batches import Batch

_FOLDER = Path(__file__).parents[4] / "shared" / "records"

pytestmark = pytest.mark.skipif(
    not _FOLDER.is_dir(), reason=f"the real records are missing: no folder {_FOLDER}"
)


class _Judged(NamedTuple):
    line: int
    code: int
    outcome: str
    why: str


_RECORDS = [
    _Judged(1, 404, "no_route", "NR, route_not_found: the host is an IP address, a scanner's"),
    _Judged(2, 404, "no_route", "NR, route_not_found: the host is an IP address, a scanner's"),
    _Judged(3, 503, "upstream_5xx", "via_upstream: the upstream said 503; URX only says retried"),
    _Judged(4, 0, "tcp", "code 0, all HTTP values '-', no flag: bytes passed, nothing failed"),
    _Judged(5, 200, "served", "no flag, a host and a service time: the application answered"),
    _Judged(6, 418, "upstream_4xx", "httpbin's own 418: a host and a service time, no flag"),
    _Judged(7, 418, "upstream_4xx", "the same request at the sidecar"),
    _Judged(8, 200, "served", "no flag, a host and a service time"),
    _Judged(9, 200, "served", "no flag, slow (1,786 ms) but answered"),
    _Judged(10, 200, "served", "via_upstream"),
    _Judged(11, 503, "no_endpoints", "UH, no_healthy_upstream"),
    _Judged(12, 401, "denied", "UAEX, ext_authz_denied: a verdict, the service did not fail"),
    _Judged(13, 401, "denied", "UAEX, ext_authz_denied"),
    _Judged(14, 200, "served", "via_upstream"),
    _Judged(15, 0, "tcp", "a MySQL connection through PassthroughCluster, no flag"),
    _Judged(16, 304, "served", "via_upstream, below 400"),
    _Judged(17, 200, "served", "via_upstream"),
    _Judged(18, 0, "tcp", "a connection through PassthroughCluster, all HTTP values '-'"),
    _Judged(19, 503, "upstream_reset", "UC: the application closed before it answered"),
    _Judged(20, 200, "served", "no flag, a host and a service time, though '-' for the route"),
    _Judged(21, 200, "served", "no flag, a host and a service time"),
    _Judged(22, 0, "client_gone", "DC after 12 s with a host: the client stopped waiting"),
    _Judged(23, 200, "served", "gRPC OK, no flag, a service time"),
    _Judged(24, 200, "served", "Envoy Gateway, via_upstream"),
    _Judged(25, 503, "no_endpoints", "Envoy Gateway, UH, no_healthy_upstream"),
    _Judged(26, 500, "direct_response", "Envoy Gateway answers for a route without a backend"),
    _Judged(27, 418, "upstream_4xx", "via_upstream, some keys named after headers"),
    _Judged(28, 200, "served", "via_upstream"),
    _Judged(29, 200, "served", "via_upstream"),
    _Judged(30, 200, "served", "Envoy Gateway, via_upstream"),
    _Judged(31, 0, "tcp", "a MySQL connection through PassthroughCluster, no flag"),
]

_PRETTY = [
    _Judged(1, 200, "served", "via_upstream"),
    _Judged(27, 503, "upstream_reset", "UC without details: closed before it answered"),
    _Judged(52, 504, "upstream_timeout", "UT after 503 ms, no service time: no answer in time"),
    _Judged(78, 200, "served", "no flag, a host and a service time; a subset"),
    _Judged(103, 200, "served", "no flag, a host and a service time"),
    _Judged(137, 418, "upstream_4xx", "via_upstream: httpbin's own 418"),
    _Judged(163, 200, "served", "gRPC, no flag, a service time; a mirror (-shadow)"),
    _Judged(181, 200, "served", "via_upstream, though the service time is '-'"),
    _Judged(207, 0, "tcp", "a connection through PassthroughCluster under other key names"),
]


def _read(name: str) -> Batch:
    batch = reading((_FOLDER / name).read_bytes())

    assert accounted(batch.fates)
    return batch


@pytest.mark.parametrize(
    ("name", "judged"), [("public_records.jsonl", _RECORDS), ("public_pretty.json", _PRETTY)]
)
def test_real_records_have_the_outcome_that_a_person_gives_them(
    name: str, judged: list[_Judged]
) -> None:
    found = frame(_read(name)).select("line", "response_code", "outcome").rows()

    assert found == [(one.line, one.code, one.outcome) for one in judged]
    assert all(one.why for one in judged)


@pytest.mark.parametrize("name", ["public_records.jsonl", "public_pretty.json"])
def test_every_line_of_a_real_json_log_is_a_part_of_a_record(name: str) -> None:
    n = counts(_read(name).fates)

    assert n["record_lines"] == n["lines"]


def test_the_kinds_of_real_records_are_told() -> None:
    kinds = dict(frame(_read("public_records.jsonl")).select("line", "kind").rows())

    assert [number for number, kind in kinds.items() if kind == "own"] == [4]
    assert [number for number, kind in kinds.items() if kind == "connection"] == [15, 18, 31]


def test_real_records_under_other_key_names_hold_the_same_columns() -> None:
    rows = {row["line"]: row for row in frame(_read("public_records.jsonl")).iter_rows(named=True)}

    assert rows[3]["bytes_sent"] == 0
    assert rows[3]["path"] == "/"
    assert rows[3]["upstream_service_time_ms"] == 25
    assert rows[22]["start_time"].isoformat() == "2024-11-25T15:02:08.288000+00:00"
    assert rows[24]["authority"] == "backend:3000"
    assert rows[25]["path"] == "/v1/chat/completions"
    assert rows[26]["x_forwarded_for"] == "10.129.2.19"
    pretty = {row["line"]: row for row in frame(_read("public_pretty.json")).iter_rows(named=True)}
    assert pretty[52]["response_code"] == 504
    assert pretty[52]["upstream_subset"] == "version-v2"
    assert pretty[207]["upstream_host"] == "1.2.3.4:443"
    assert pretty[207]["downstream_remote_address"] == "10.0.0.93:39849"


def test_no_time_and_no_number_of_a_real_record_is_unreadable() -> None:
    for name in ("public_records.jsonl", "public_pretty.json"):
        assert "unreadable" not in counts(_read(name).fates)


_TEXT = [
    _Judged(1, 200, "served", "Istio 1.1: a host and a service time, no flag"),
    _Judged(2, 0, "tcp", "typographic quotes: a connection that passed bytes, no flag"),
    _Judged(3, 404, "no_route", "NR"),
    _Judged(4, 404, "blackhole", "route default without a host or a cluster, before Istio 1.8"),
    _Judged(5, 400, "client_error", "DPE, an empty route name at the end of the line"),
    _Judged(6, 418, "upstream_4xx", "via_upstream: httpbin's own 418"),
    _Judged(7, 200, "served", "via_upstream"),
    _Judged(8, 0, "no_filter_chain", "NR, filter_chain_not_found"),
    _Judged(9, 0, "no_filter_chain", "NR, filter_chain_not_found"),
    _Judged(11, 404, "no_route", "NR, route_not_found"),
    _Judged(12, 0, "tcp_failed", "UF,URX of a connection"),
    _Judged(13, 0, "tcp_failed", "UH of a connection, BlackHoleCluster"),
    _Judged(14, 200, "served", "via_upstream: URX only says retried"),
    _Judged(15, 500, "fault_injected", "FI, fault_filter_abort"),
    _Judged(16, 0, "client_gone", "DC before an answer"),
    _Judged(17, 503, "upstream_reset", "UC; the time is cut off"),
    _Judged(18, 503, "connect_failure", "UF, the connection was refused"),
    _Judged(19, 404, "no_route", "NR; the time is cut off"),
    _Judged(20, 401, "denied", "jwt_authn_access_denied, no flag"),
    _Judged(21, 503, "upstream_reset", "UC, connection_termination"),
    _Judged(22, 502, "blocked", "the route block_all of REGISTRY_ONLY"),
    _Judged(24, 502, "blocked", "the route block_all of REGISTRY_ONLY"),
    _Judged(25, 500, "fault_injected", "FI, fault_filter_abort"),
    _Judged(26, 200, "served", "via_upstream"),
    _Judged(27, 200, "served", "via_upstream"),
    _Judged(28, 200, "served", "via_upstream"),
]


def test_real_lines_of_the_text_formats_are_read_or_counted_with_their_reason() -> None:
    batch = _read("public_text.log")

    found = frame(batch).select("line", "response_code", "outcome").rows()
    assert found == [(one.line, one.code, one.outcome) for one in _TEXT]
    # Two lines lost their time at the front and are read, two are the agent's.
    assert reasons(batch.fates) == {}
    assert counts(batch.fates)["other"] == 2
    assert counts(batch.fates)["repaired"] == 1
    assert "unreadable" not in counts(batch.fates)
    assert accounted(batch.fates)


def test_real_records_in_envelopes_are_read() -> None:
    batch = _read("public_wrapped.log")

    rows = frame(batch).select("line", "response_code", "outcome", "pod", "container").rows()
    assert rows == [
        (1, 203, "served", None, None),
        (2, 200, "served", None, None),
        (3, 0, "tcp", None, None),
        (4, 502, "blocked", "forum-7985546ffb-clxhz", "istio-proxy"),
    ]
    assert enveloped(batch.fates) == {"docker": 1, "cri": 1, "unknown_prefix": 1, "stern": 1}
    assert reasons(batch.fates) == {}


def test_real_invalid_json_is_repaired() -> None:
    batch = _read("public_invalid_json.log")

    rows = frame(batch).select("line", "response_code", "outcome").rows()
    assert rows == [(1, 403, "gateway_other"), (2, 403, "gateway_other")]
    assert repaired(batch.fates) == {"bare_dash": 2}


def test_the_roles_of_real_proxies_are_told() -> None:
    roles = dict(frame(_read("public_records.jsonl")).select("line", "role").rows())

    # Inbound clusters and PassthroughCluster; the other lines are of gateways, or show nothing.
    assert roles[7] == roles[10] == roles[15] == "sidecar"
    assert roles[1] == roles[2] == "gateway"
