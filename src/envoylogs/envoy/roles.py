"""Which proxy wrote a record: an ingress or egress gateway, a sidecar, or a waypoint.

A log may hold several, and a request then stands in it several times. Only
sidecars have ``inbound`` clusters, which prove it; ``PassthroughCluster`` and
the virtual hosts ``allow_any`` and ``block_all`` are theirs too, since gateways
have no listener of an original destination (Istio's
``pilot/pkg/networking/core``, ``buildClusters`` for ``model.Router`` and
``buildSidecarOutboundVirtualHosts``). What a sidecar sends
out looks like the record of a gateway but for its listener: that of a sidecar
is the destination as the application called it, with the port of the cluster;
that of a gateway is on its own pod, where its connections to upstreams begin.

A waypoint of ambient mode sends to ``inbound-vip`` clusters, one a service,
port, protocol and subset, and to ``encap`` for a pod that was called by its
address; what it refused before either is a CONNECT to ``main_internal``
(``buildWaypointInboundClusters`` in ``cluster_waypoint.go``, and the filters of
``accesslog.go``; the last is also a sidecar's that accepts HBONE). The
cluster ``connect_originate`` and ``envoy://connect_originate/...`` as upstream
host prove nothing: every proxy of ambient mode sends through that listener,
ingress gateways too.

A record of a gateway that is taken for another's is worse than the other way
round, so what shows nothing is a gateway's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import polars as pl

from envoylogs.envoy.clusters import PASSTHROUGH, cluster_parts
from envoylogs.envoy.traffic import without_port

ROLES = ("gateway", "egress", "sidecar", "waypoint")
"""The roles of proxies; ``gateway`` is an ingress gateway, or any whose role does not show."""

# East-west gateways of ambient mode have the clusters of a waypoint.
_GATEWAY_POD = "(?:ingress|east-?west)-?gateway"
_EGRESS_POD = "egress-?gateway"
# Istio names the pod after the Gateway resource, which istioctl calls "waypoint"; older releases
# "ACCOUNT-istio-waypoint".
_WAYPOINT_POD = "(?:^|-)waypoint(?:-|$)"
_TO_PODS = "encap"
_REFUSED_TUNNELS = "main_internal"
_SIDECAR_ROUTES = ("allow_any", "block_all")
_PROXY = ("source", "pod")


@dataclass(slots=True)
class ProxiesSeen:
    """What the records so far have shown of who wrote them; grows with each batch.

    Attributes:
        sidecars: Sources and pods (null if unknown) with an inbound cluster.
        gateways: Those among them, and among the waypoints, with a record of a gateway too.
        waypoints: Sources and pods with a cluster that only waypoints have.
        may_be_others: Whether records have been looked at one by one, since one of them shows that
            there may be others than gateways.
    """

    sidecars: set[tuple[str, str | None]] = field(default_factory=set)
    gateways: set[tuple[str, str | None]] = field(default_factory=set)
    waypoints: set[tuple[str, str | None]] = field(default_factory=set)
    may_be_others: bool = False

    @property
    def any(self) -> bool:
        """Whether there was a proxy that is no gateway."""
        return bool(self.sidecars or self.waypoints)


def with_role(records: pl.DataFrame, seen: ProxiesSeen) -> pl.DataFrame:
    """Return records with the column ``role``, one of ``ROLES``.

    A pod with an inbound cluster is a sidecar, and so is a source without pods,
    unless it has records of a gateway too: then each record is judged by
    itself, so that no single record, which a client may have forged, decides
    on all the others. So it is with waypoints and their clusters.

    Args:
        records: With ``source`` and the columns ``pod``, ``upstream_cluster``,
            ``route_name``, ``downstream_local_address`` and
            ``upstream_local_address``.
        seen: From the records before these; these are added.
    """
    seen.may_be_others = True
    signs = records.select(*_PROXY, **_signs())
    for proven, proxies in (("sidecar", seen.sidecars), ("waypoint", seen.waypoints)):
        if signs[f"proves_{proven}"].any():
            proxies |= set(signs.filter(f"proves_{proven}").select(_PROXY).unique().iter_rows())
    role = pl.lit("gateway")
    if seen.any or signs["named_waypoint"].any():
        roles = _roles_of_others(records, signs, seen)
        for name in roles.columns:
            role = pl.when(pl.lit(roles[name])).then(pl.lit(name)).otherwise(role)
    if signs["egress"].any():
        role = pl.when(pl.lit(signs["egress"])).then(pl.lit("egress")).otherwise(role)
    return records.with_columns(role.alias("role"))


SHOWS_OTHERS = "shows others"
"""The column of keys that ``shows_others`` makes."""


@cache
def role_of_key() -> pl.Expr:
    """Return the role of a record as its key alone tells it, if none shows other proxies."""
    role = pl.when(_signs()["egress"]).then(pl.lit("egress")).otherwise(pl.lit("gateway"))
    return role.alias("role")


@cache
def shows_others() -> pl.Expr:
    """Tell keys that show that there may be sidecars or waypoints: then other records matter."""
    signs = _signs()
    proving = (signs["proves_sidecar"], signs["proves_waypoint"], signs["named_waypoint"])
    return pl.any_horizontal(proving).alias(SHOWS_OTHERS)


def _signs() -> dict[str, pl.Expr]:
    """Return what a record shows by itself; each is free of nulls."""
    cluster = pl.col("upstream_cluster")
    named_gateway, egress, named_waypoint, inbound, vip, passthrough, route, to_pods, tunnel = (
        sign.fill_null(value=False)
        for sign in (
            pl.col("pod").str.contains(_GATEWAY_POD),
            pl.col("pod").str.contains(_EGRESS_POD),
            pl.col("pod").str.contains(_WAYPOINT_POD),
            cluster.str.starts_with("inbound"),
            cluster.str.starts_with("inbound-vip"),
            cluster.is_in(PASSTHROUGH),
            pl.col("route_name").is_in(_SIDECAR_ROUTES),
            cluster == _TO_PODS,
            cluster == _REFUSED_TUNNELS,
        )
    )
    of_sidecar = inbound & ~vip
    return {
        "egress": egress,
        "named_gateway": named_gateway,
        "named_waypoint": named_waypoint,
        "proves_sidecar": of_sidecar & ~named_gateway,
        "proves_waypoint": (vip | to_pods | tunnel) & ~named_gateway,
        "shows_sidecar": of_sidecar | passthrough | route,
        "shows_waypoint": vip | to_pods,
        "tunnel": tunnel,
    }


def _roles_of_others(records: pl.DataFrame, signs: pl.DataFrame, seen: ProxiesSeen) -> pl.DataFrame:
    """Tell the records of ``sidecar`` and ``waypoint``, where there are any."""
    signs = signs.hstack(_signs_of_listener(records))
    signs = signs.with_columns(
        of_sidecar=_is_among(signs, seen.sidecars),
        of_waypoint=_is_among(signs, seen.waypoints) | signs["named_waypoint"],
    )
    # A waypoint sends to outbound clusters too, where a route leads to a service of another one.
    # That is rare, and without pods such a record is rather that of a gateway.
    outbound = pl.col("other_port") | (pl.col("same_port") & ~pl.col("of_sidecar"))
    of_gateways = signs.filter(
        pl.col("of_sidecar") | pl.col("of_waypoint"),
        pl.col("at_own_address") | (pl.col("pod").is_null() & outbound),
    )
    seen.gateways |= set(of_gateways.select(_PROXY).unique().iter_rows())
    signs = signs.with_columns(mixed=_is_among(signs, seen.gateways))
    by_itself = pl.col("shows_sidecar") | (pl.col("same_port") & ~pl.col("at_own_address"))
    waypoint = (
        pl.col("of_waypoint")
        & ~pl.col("named_gateway")
        & (
            pl.col("shows_waypoint")
            | (~pl.col("of_sidecar") & (~pl.col("mixed") | pl.col("tunnel")))
        )
    )
    return signs.select(
        sidecar=pl.col("of_sidecar") & ~pl.col("named_gateway") & (~pl.col("mixed") | by_itself),
        waypoint=waypoint,
    )


def _is_among(signs: pl.DataFrame, proxies: set[tuple[str, str | None]]) -> pl.Series:
    if not proxies:
        return pl.repeat(False, signs.height, dtype=pl.Boolean, eager=True)  # noqa: FBT003
    known = pl.DataFrame(list(proxies), schema=dict.fromkeys(_PROXY, pl.String()), orient="row")
    joined = signs.join(
        known.with_columns(known=pl.lit(value=True)),
        on=_PROXY, how="left", nulls_equal=True, maintain_order="left",
    )  # fmt: skip
    return joined["known"].fill_null(value=False)


def _signs_of_listener(records: pl.DataFrame) -> pl.DataFrame:
    """Return what the listener of records with an outbound cluster shows; free of nulls."""
    cluster = pl.col("upstream_cluster")
    _, port, *_ = cluster_parts(cluster)
    listener = pl.col("downstream_local_address")
    outbound = cluster.str.starts_with("outbound").fill_null(value=False)
    same_port = port == listener.str.extract(r":(\d+)$").cast(pl.Int64, strict=False)
    at_own_address = without_port(listener) == without_port(pl.col("upstream_local_address"))
    return records.select(
        same_port=outbound & same_port.fill_null(value=False),
        other_port=outbound & same_port.not_().fill_null(value=False),
        at_own_address=outbound & at_own_address.fill_null(value=False),
    )
