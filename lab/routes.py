"""Virtual hosts, routes and route tables as Istio writes them for Envoy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.envoy_config import EXTENSIONS, Config

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.clusters import Service

__all__ = [
    "answer_directly",
    "blackhole",
    "for_filter",
    "redirect_to",
    "route_table",
    "route_to",
    "split_between",
    "virtual_host",
]

_ISTIO_RETRIES: Config = {
    "retry_on": "connect-failure,refused-stream,unavailable,cancelled",
    "num_retries": 2,
}
"""What Istio sets where a VirtualService says nothing of retries."""


def route_table(name: str, virtual_hosts: Sequence[Config]) -> Config:
    """Return a route table of one port or of one TLS server."""
    return {
        "name": name,
        "virtual_hosts": list(virtual_hosts),
        "validate_clusters": False,
        "ignore_port_in_host_matching": True,
    }


def virtual_host(host: str, *routes: Config, port: int = 80, **settings: Any) -> Config:
    """Return the virtual host of one host; the first route that matches wins."""
    return {"name": f"{host}:{port}", "domains": [host], "routes": list(routes), **settings}


def route_to(
    service: Service, prefix: str = "/", *, name: str = "", owner: str = "", **action: Any
) -> Config:
    """Return a route to one service.

    Args:
        service: Where requests go.
        prefix: Of their paths.
        name: As the VirtualService names it; most don't.
        owner: The VirtualService, as ``namespace/name``.
        action: More settings, or other ones than Istio's.
    """
    settings = {"timeout": "0s", "retry_policy": _ISTIO_RETRIES, **action}
    return _route(prefix, name, owner, {"route": {"cluster": service.cluster, **settings}})


def split_between(
    weights: Mapping[Service, int],
    prefix: str = "/",
    *,
    name: str = "",
    owner: str = "",
    **action: Any,
) -> Config:
    """Return a route that is split by weights; the other arguments as in ``route_to``."""
    clusters = [{"name": service.cluster, "weight": weight} for service, weight in weights.items()]
    settings = {"timeout": "0s", "retry_policy": _ISTIO_RETRIES, **action}
    split = {"weighted_clusters": {"clusters": clusters}, **settings}
    return _route(prefix, name, owner, {"route": split})


def redirect_to(host: str, prefix: str = "/", *, owner: str = "") -> Config:
    """Return a route that sends clients to another host."""
    action = {"redirect": {"host_redirect": host, "response_code": "FOUND"}}
    return _route(prefix, "", owner, action)


def answer_directly(status: int, prefix: str = "/", *, name: str = "", owner: str = "") -> Config:
    """Return a route that answers by itself: ``directResponse`` of a VirtualService."""
    return _route(prefix, name, owner, {"direct_response": {"status": status}})


def blackhole() -> Config:
    """Return the virtual host of Istio 1.3 to 1.7 for a port without a VirtualService."""
    return {
        "name": "blackhole:80",
        "domains": ["*"],
        "routes": [answer_directly(404, name="default")],
    }


def for_filter(route: Config, name: str, type_name: str, **settings: Any) -> Config:
    """Return a route with settings of its own for one HTTP filter."""
    config = {"@type": f"{EXTENSIONS}.filters.http.{type_name}", **settings}
    return {**route, "typed_per_filter_config": {f"envoy.filters.http.{name}": config}}


def _route(prefix: str, name: str, owner: str, action: Config) -> Config:
    route: Config = {"match": {"prefix": prefix}, **action}
    if name:
        route["name"] = name
    if owner:
        namespace, _, virtual_service = owner.partition("/")
        # Here Istio says which object a route was made of.
        path = (
            f"/apis/networking.istio.io/v1alpha3/namespaces/{namespace}"
            f"/virtual-service/{virtual_service}"
        )
        route["metadata"] = {"filter_metadata": {"istio": {"config": path}}}
    return route
