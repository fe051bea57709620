"""Whose record it is: an ingress gateway's, an egress gateway's or a sidecar's."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import Record, frame_of, record

from envoylogs.envoy.roles import ROLES, ProxiesSeen, with_role

_POD = "192.0.2.10"
_GATEWAY = record(
    upstream_cluster="outbound|8080||cart.shop.svc.cluster.local",
    downstream_local_address=f"{_POD}:8080", upstream_local_address=f"{_POD}:51234",
)  # fmt: skip
_UNROUTED = _GATEWAY | {
    "upstream_cluster": None, "upstream_local_address": None, "response_code": 404,
}  # fmt: skip
_INBOUND = record(
    upstream_cluster="inbound|8080||", downstream_local_address="192.0.2.77:8080",
    upstream_local_address="127.0.0.6:40000",
)  # fmt: skip
_OUTBOUND = record(
    upstream_cluster="outbound|80||cart.shop.svc.cluster.local",
    downstream_local_address="198.51.100.5:80", upstream_local_address="192.0.2.77:40000",
)  # fmt: skip
_PASSTHROUGH = _OUTBOUND | {"upstream_cluster": "PassthroughCluster"}


def _of(pod: str, found: Record) -> Record:
    return found | {"pod_name": pod}


def _roles(*found: Record) -> list[str]:
    return list(frame_of(*found)["role"])


def test_a_gateway_alone_is_one_whatever_it_logs() -> None:
    assert _roles(_GATEWAY, _UNROUTED, _PASSTHROUGH, record()) == ["gateway"] * 4


def test_all_records_of_a_sidecar_are_its_own() -> None:
    of_pod = [_of("cart-1", one) for one in (_OUTBOUND, _INBOUND, _UNROUTED, _PASSTHROUGH)]

    assert _roles(*of_pod) == ["sidecar"] * 4
    assert _roles(_OUTBOUND, _INBOUND, _PASSTHROUGH) == ["sidecar"] * 3


def test_pods_are_judged_each_by_itself() -> None:
    found = [_of("gw-1", _UNROUTED), _of("cart-1", _INBOUND), _of("cart-1", _UNROUTED)]

    assert _roles(*found) == ["gateway", "sidecar", "sidecar"]


def test_a_merged_log_without_pods_loses_no_record_of_the_gateway() -> None:
    # Even where the port of the service is that of the listener.
    found = [_GATEWAY, _UNROUTED, _INBOUND, _OUTBOUND, _PASSTHROUGH]

    assert _roles(*found) == ["gateway", "gateway", "sidecar", "sidecar", "sidecar"]


@pytest.mark.parametrize("pod", [None, "mygw-istio-7d9c"])
def test_one_forged_record_decides_on_no_other(pod: str | None) -> None:
    found = [_GATEWAY, _UNROUTED, _GATEWAY | {"upstream_cluster": "inbound|80||"}, _UNROUTED]
    found = [one if pod is None else _of(pod, one) for one in found]

    assert _roles(*found) == ["gateway", "gateway", "sidecar", "gateway"]


@pytest.mark.parametrize(
    ("pod", "role"),
    [
        ("istio-egressgateway-1", "egress"),
        ("istio-egress-gateway-1", "egress"),
        ("istio-ingressgateway-1", "gateway"),
        ("ingress-gateway-1", "gateway"),
    ],
)
def test_the_names_of_istio_s_own_gateways_are_known(pod: str, role: str) -> None:
    assert _roles(_of(pod, _UNROUTED), _of(pod, _INBOUND)) == [role, role]


def test_a_sidecar_that_has_shown_itself_is_known_in_later_batches() -> None:
    seen = ProxiesSeen()
    first, second = (
        frame_of(_of("cart-1", one)).drop("role").with_columns(pl.lit("a.log").alias("source"))
        for one in (_INBOUND, _OUTBOUND)
    )

    assert with_role(first, seen)["role"].to_list() == ["sidecar"]
    assert with_role(second, seen)["role"].to_list() == ["sidecar"]
    assert with_role(second, ProxiesSeen())["role"].to_list() == ["gateway"]


_parts = st.sampled_from((_GATEWAY, _UNROUTED, _INBOUND, _OUTBOUND, _PASSTHROUGH))
_pods = st.sampled_from((None, "gw-1", "cart-1", "istio-ingressgateway-1"))


@pytest.mark.property
@given(st.lists(st.tuples(_pods, _parts), min_size=1, max_size=8), st.randoms())
def test_the_order_of_records_does_not_matter(
    parts: list[tuple[str | None, Record]], chance: object
) -> None:
    found = [
        (one if pod is None else _of(pod, one)) | {"request_id": str(n)}
        for n, (pod, one) in enumerate(parts)
    ]
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    roles, again = (
        dict(frame_of(*some).select("request_id", "role").rows()) for some in (found, shuffled)
    )
    assert roles == again
    assert set(roles.values()) <= set(ROLES)


@pytest.mark.property
@given(st.lists(_parts, min_size=1, max_size=8))
def test_what_a_gateway_routed_is_always_its_own(others: list[Record]) -> None:
    assert _roles(*others, _GATEWAY)[-1] == "gateway"
