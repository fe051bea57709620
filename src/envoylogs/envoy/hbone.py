"""Traffic over HBONE, the tunnel of Istio's ambient mode.

A proxy that reaches a workload through a ztunnel or a waypoint logs as upstream
host the internal listener ``envoy://connect_originate/ADDRESS:15008``, or port
15008 itself (Istio's ``pilot/pkg/networking/core/waypoint.go``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

HBONE_NEXT = (
    "The gateway reaches it over HBONE, so a ztunnel or a waypoint stands in between: look at "
    "their logs first (kubectl -n istio-system logs -l app=ztunnel --tail=-1; "
    "kubectl get gateways.gateway.networking.k8s.io -A for waypoints), then at the application."
)
"""Whom to look at first where what failed went over HBONE."""


def is_hbone(upstream_host: pl.Expr) -> pl.Expr:
    """Tell upstream hosts that are reached over HBONE; null for missing ones."""
    return upstream_host.str.contains(r"^envoy://(?:\w*_)?connect_originate/|:15008$")
