"""Whose record it is: an ingress gateway's, an egress gateway's, a sidecar's or a waypoint's."""

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
_TUNNEL = "envoy://internal_client_address/"
_VIP = record(
    upstream_cluster="inbound-vip|80|http|cart.shop.svc.cluster.local",
    upstream_host="envoy://connect_originate/192.0.2.77:8080",
    downstream_local_address="198.51.100.5:80", upstream_local_address=_TUNNEL,
)  # fmt: skip
_VIP_UNROUTED = _VIP | {
    "upstream_cluster": None, "upstream_local_address": None, "upstream_host": None,
    "response_code": 404,
}  # fmt: skip
_OF_ANOTHER_WAYPOINT = _VIP | {"upstream_cluster": "outbound|80||pay.bank.svc.cluster.local"}
_REFUSED_TUNNEL = _VIP | {
    "method": "CONNECT", "upstream_cluster": "main_internal", "upstream_host": None,
    "downstream_local_address": "192.0.2.50:15008", "response_code": 503,
}  # fmt: skip
_AMBIENT_GATEWAY = _GATEWAY | {
    "upstream_host": "envoy://connect_originate/192.0.2.99:15008",
    "upstream_local_address": _TUNNEL,
    "upstream_cluster": "outbound|80||cart.shop.svc.cluster.local",
}


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


# --- Ambient mode -------------------------------------------------------------------------------


def test_all_records_of_a_waypoint_are_its_own() -> None:
    assert _roles(_VIP, _VIP_UNROUTED, _REFUSED_TUNNEL) == ["waypoint"] * 3
    of_pod = [_of("ns-1", one) for one in (_VIP_UNROUTED, _VIP, _OF_ANOTHER_WAYPOINT)]
    assert _roles(*of_pod) == ["waypoint"] * 3


@pytest.mark.parametrize(
    "cluster",
    ["inbound-vip|80|http|a.shop.svc.cluster.local", "inbound-vip|80|tcp/v2|a.example.com",
     "inbound-vip_.80_.http_.a.shop.svc.cluster.local", "encap", "main_internal"],
)  # fmt: skip
def test_clusters_that_only_waypoints_have_prove_one(cluster: str) -> None:
    found = [_of("ns-1", one) for one in (_VIP | {"upstream_cluster": cluster}, _VIP_UNROUTED)]

    assert _roles(*found) == ["waypoint", "waypoint"]


def test_a_gateway_that_sends_through_a_tunnel_stays_a_gateway() -> None:
    failed = _AMBIENT_GATEWAY | {"upstream_cluster": "connect_originate", "response_flags": "UF"}

    assert _roles(_AMBIENT_GATEWAY, _UNROUTED, failed) == ["gateway"] * 3
    assert _roles(*(_of("gw-1", one) for one in (_AMBIENT_GATEWAY, failed))) == ["gateway"] * 2


@pytest.mark.parametrize("port", [80, 8080])
def test_a_merged_log_of_gateway_and_waypoint_loses_no_record_of_the_gateway(port: int) -> None:
    # Ports 80 and 80: the gateway's listener has the port of the service.
    gateway = _AMBIENT_GATEWAY | {"downstream_local_address": f"{_POD}:{port}"}
    found = [gateway, _UNROUTED, _VIP, _REFUSED_TUNNEL, gateway]

    assert _roles(*found) == ["gateway", "gateway", "waypoint", "waypoint", "gateway"]


def test_sidecars_and_waypoints_in_one_log_are_told_apart() -> None:
    assert _roles(_INBOUND, _VIP, _OUTBOUND) == ["sidecar", "waypoint", "sidecar"]
    # A sidecar that takes tunnels refuses some of them itself.
    found = [_of("cart-1", one) for one in (_INBOUND, _REFUSED_TUNNEL, _OUTBOUND)]
    assert _roles(*found) == ["sidecar"] * 3


@pytest.mark.parametrize(
    ("pod", "role"),
    [
        ("waypoint-5d9c7b-x2x1z", "waypoint"),
        ("shop-istio-waypoint-5d9c7b-x2x1z", "waypoint"),
        ("waypoints-api-1", "gateway"),
        ("istio-eastwestgateway-1", "gateway"),
        ("istio-ingressgateway-1", "gateway"),
    ],
)
def test_waypoints_are_known_by_the_names_that_istio_gives_their_pods(pod: str, role: str) -> None:
    assert _roles(_of(pod, _VIP_UNROUTED)) == [role]


def test_an_east_west_gateway_is_no_waypoint_although_it_has_its_clusters() -> None:
    tcp = _VIP | {"upstream_cluster": "inbound-vip|80|tcp|cart.shop.svc.cluster.local"}

    assert _roles(_of("istio-eastwestgateway-1", tcp)) == ["gateway"]


def test_an_application_called_waypoint_has_a_sidecar() -> None:
    found = [_of("waypoint-api-1", one) for one in (_INBOUND, _OUTBOUND)]

    assert _roles(*found) == ["sidecar"] * 2


def test_a_waypoint_that_has_shown_itself_is_known_in_later_batches() -> None:
    seen = ProxiesSeen()
    first, second = (
        frame_of(_of("ns-1", one)).drop("role").with_columns(pl.lit("a.log").alias("source"))
        for one in (_VIP, _VIP_UNROUTED)
    )

    assert with_role(first, seen)["role"].to_list() == ["waypoint"]
    assert with_role(second, seen)["role"].to_list() == ["waypoint"]
    assert with_role(second, ProxiesSeen())["role"].to_list() == ["gateway"]


_parts = st.sampled_from(
    (_GATEWAY, _UNROUTED, _INBOUND, _OUTBOUND, _PASSTHROUGH, _VIP, _VIP_UNROUTED, _REFUSED_TUNNEL,
     _OF_ANOTHER_WAYPOINT, _AMBIENT_GATEWAY)
)  # fmt: skip
_pods = st.sampled_from((None, "gw-1", "cart-1", "istio-ingressgateway-1", "waypoint-1"))


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


@pytest.mark.property
@given(st.lists(_parts, min_size=1, max_size=8))
def test_what_a_gateway_of_ambient_mode_routed_is_its_own(others: list[Record]) -> None:
    assert _roles(*others, _AMBIENT_GATEWAY)[-1] == "gateway"
