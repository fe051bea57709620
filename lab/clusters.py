"""Services behind the gateway, and the clusters that Istio makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.envoy_config import Config

__all__ = ["AGENT", "NOBODY", "SILENT", "Service", "clusters"]

AGENT = "agent"
"""The upstream that answers the gateway's own health checks."""

NOBODY = "nobody"
"""An upstream that is not there: connections to it are refused."""

SILENT = "silent"
"""An upstream that never answers: connections to it are neither accepted nor refused."""

_HTTP = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


@dataclass(frozen=True, slots=True)
class Service:
    """A Kubernetes service, or a subset of it.

    Attributes:
        name: As ``name.namespace``.
        upstreams: Names of the upstreams that answer for it; none is no endpoint.
        subset: As a DestinationRule names it.
        limit: How many connections and how many waiting requests its circuit breaker allows.
        http2: Whether the gateway takes it for one that speaks HTTP/2, as gRPC does.
        misnamed: Whether that is wrong, as where the port of a service has a wrong name.
        settings: More settings of its cluster, or other ones.
    """

    name: str
    upstreams: tuple[str, ...]
    subset: str = ""
    limit: int | None = None
    http2: bool = False
    misnamed: bool = False
    settings: Config = field(default_factory=dict, hash=False)

    @property
    def cluster(self) -> str:
        """The name that Istio gives to its cluster."""
        return f"outbound|80|{self.subset}|{self.name}.svc.cluster.local"


def clusters(
    services: tuple[Service, ...], addresses: Mapping[str, tuple[str, int]]
) -> list[Config]:
    """Return the clusters of some services and that of the gateway's own agent.

    Args:
        services: What the gateway knows.
        addresses: Of the upstreams, by name.
    """

    def endpoint(upstream: str) -> Config:
        address, port = addresses[upstream]
        return {"endpoint": {"address": _socket(address, port)}}

    def cluster(name: str, upstreams: tuple[str, ...]) -> Config:
        endpoints = [{"lb_endpoints": [endpoint(upstream) for upstream in upstreams]}]
        return {
            "name": name,
            "type": "STATIC",
            "connect_timeout": "1s",
            "load_assignment": {
                "cluster_name": name,
                "endpoints": endpoints if upstreams else [],
            },
        }

    found = [cluster(AGENT, (AGENT,))]
    for service in services:
        config = cluster(service.cluster, service.upstreams)
        if service.limit is not None:
            limits = {"max_connections": service.limit, "max_pending_requests": service.limit}
            config["circuit_breakers"] = {"thresholds": [limits]}
        if service.http2:
            options = {
                "@type": _HTTP,
                "explicit_http_config": {"http2_protocol_options": {}},
            }
            config["typed_extension_protocol_options"] = {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options
            }
        found.append(config | service.settings)
    return found


def _socket(address: str, port: int) -> Config:
    return {"socket_address": {"address": address, "port_value": port}}
