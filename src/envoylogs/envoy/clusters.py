"""What the name of an upstream cluster says.

Istio names clusters ``direction|port|subset|host`` (``BuildSubsetKey`` in
``pilot/pkg/model/service.go``, the same from 1.4 to 1.28); on mTLS hops the
form ``direction_.port_.subset_.host`` is used. Waypoints put the protocol in
the place of the subset, with the subset behind it where there is one:
``inbound-vip|80|http/v2|host`` (``buildWaypointInboundVIP`` in
``pilot/pkg/networking/core/cluster_waypoint.go``). From Istio 1.23 on a name may
carry one trailing ``;`` (its ``alt_stat_name``). Any other name is opaque and
stays whole.
"""

from __future__ import annotations

import polars as pl

PASSTHROUGH = ("PassthroughCluster", "InboundPassthroughCluster", "InboundPassthroughClusterIpv4",
               "InboundPassthroughClusterIpv6")  # fmt: skip
"""Clusters for destinations that the mesh does not know; only sidecars have them."""

NAMELESS = (*PASSTHROUGH, "BlackHoleCluster", "UnknownService")
"""Clusters that stand for any address, so that their name says nothing of where traffic went, and
what the Gateway API makes of a backendRef that does not resolve."""

_OF_WAYPOINTS = "inbound-vip"

OWN_CLUSTERS = ("agent", "prometheus_stats")
"""Clusters of the gateway's own health check and scrape, never user traffic."""

DIRECTIONS = ("outbound", _OF_WAYPOINTS, "inbound")
"""What a name of Istio begins with."""

# A host may hold "_.", "." and ":", so only the first three separators count. Inbound names of
# Istio before 1.10 have a port name in the place of the subset.
_GRAMMAR = (
    rf"^(?P<direction>{'|'.join(DIRECTIONS)})(?:\||_\.)"
    r"(?P<port>\d*)(?:\||_\.)"
    r"(?P<subset>[^|]*?)(?:\||_\.)"
    r"(?P<host>.*)$"
)


def cleaned_cluster(cluster: pl.Expr) -> pl.Expr:
    """Return a cluster name without the trailing ``;`` of Istio 1.23 and later."""
    return cluster.str.strip_suffix(";")


def cluster_parts(cluster: pl.Expr) -> list[pl.Expr]:
    """Return what a cleaned cluster name says, null where it says nothing.

    Args:
        cluster: Names without a trailing ``;``.

    Returns:
        ``upstream_direction``, ``upstream_port`` (integer), ``upstream_subset``
        (null for the empty subset and for ``inbound`` clusters, where old
        releases put a port name; of a waypoint's what stands behind the
        protocol) and ``upstream_service`` (the host).
    """
    groups = cluster.str.extract_groups(_GRAMMAR)
    direction = groups.struct.field("direction")
    subset = groups.struct.field("subset")
    service = groups.struct.field("host")
    return [
        direction.alias("upstream_direction"),
        groups.struct.field("port").cast(pl.Int64, strict=False).alias("upstream_port"),
        pl.when((subset != "") & (direction == "outbound"))
        .then(subset)
        .when(direction == _OF_WAYPOINTS)
        .then(subset.str.extract("/(.+)$"))
        .alias("upstream_subset"),
        pl.when(service != "").then(service).alias("upstream_service"),
    ]


def service_label(cluster: str) -> str:
    """Return a cluster as people name it: ``reviews.shop:80 v2``; others stay whole."""
    parts = cluster.split("|", 3)
    if len(parts) != 4 or parts[0] not in {"outbound", "inbound", _OF_WAYPOINTS}:  # noqa: PLR2004
        return cluster
    direction, port, subset, host = parts
    if direction == _OF_WAYPOINTS:
        subset = subset.partition("/")[2]
    name = host.split(".svc.", 1)[0] if ".svc." in host else host
    return " ".join(filter(None, (f"{name}:{port}" if port else name, subset)))
