"""Listeners of a gateway: HTTP ports, TLS by server name, TCP, health checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.access_log import file_logs
from lab.clusters import AGENT
from lab.envoy_config import EXTENSIONS, Config
from lab.routes import route_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.clusters import Service
    from lab.gateway import Gateway

__all__ = [
    "ANY_NAME",
    "HEALTH_PORT",
    "TLS_PORT",
    "Layout",
    "Manager",
    "http_filter",
    "listeners",
    "route_tables",
]

TLS_PORT = 8443
HEALTH_PORT = 15021
ANY_NAME = "*"
"""The filter chain of all TLS connections that no other one is for, also without a name."""


@dataclass(frozen=True, slots=True)
class Manager:
    """More settings of the HTTP connection manager of a port.

    Attributes:
        filters: HTTP filters before the router, besides those that each manager has.
        settings: Of the manager itself.
        buffer_bytes: How much of a connection is buffered; null for Envoy's own limit.
    """

    filters: tuple[Config, ...] = ()
    settings: Config = field(default_factory=dict)
    buffer_bytes: int | None = None


_PLAIN = Manager()


@dataclass(frozen=True, slots=True)
class Layout:
    """What a gateway serves.

    Attributes:
        http: Virtual hosts by port.
        tls: Virtual hosts by TLS server name; each name has a filter chain, as has ``ANY_NAME``.
        tcp: Services by port, for TCP that is passed on as it is.
        managers: Of HTTP ports, where they have more than is usual.
    """

    http: Mapping[int, Sequence[Config]]
    tls: Mapping[str, Sequence[Config]] = field(default_factory=dict)
    tcp: Mapping[int, Service] = field(default_factory=dict)
    managers: Mapping[int, Manager] = field(default_factory=dict)


def route_tables(layout: Layout) -> dict[str, Config]:
    """Return all route tables of a layout by name, as Istio names them."""
    tables = {f"http.{port}": hosts for port, hosts in layout.http.items()}
    tables |= {_tls_table(name): hosts for name, hosts in layout.tls.items()}
    return {name: route_table(name, hosts) for name, hosts in tables.items()}


def _tls_table(server_name: str) -> str:
    gateway = "any" if server_name == ANY_NAME else server_name.split(".", maxsplit=1)[0]
    return f"https.{TLS_PORT}.https.{gateway}.istio-ingress"


def listeners(gateway: Gateway, layout: Layout) -> list[Config]:
    """Return all listeners of a gateway."""
    found = [_http_listener(gateway, layout, port) for port in layout.http]
    if layout.tls:
        found.append(_tls_listener(gateway, layout))
    for port, service in layout.tcp.items():
        proxy = {
            "name": "envoy.filters.network.tcp_proxy",
            "typed_config": {
                "@type": f"{EXTENSIONS}.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": service.cluster,
                "cluster": service.cluster,
                "access_log": _logs(gateway),
            },
        }
        found.append(_listener(gateway, port, [{"filters": [proxy]}]))
    agent = {"match": {"prefix": "/healthz/ready"}, "route": {"cluster": AGENT}}
    backend = {"name": "backend", "domains": ["*"], "routes": [agent]}
    health = _manager(gateway, "agent", route_table("", [backend]))
    return [*found, _listener(gateway, HEALTH_PORT, [{"filters": [health]}])]


def _http_listener(gateway: Gateway, layout: Layout, port: int) -> Config:
    manager = layout.managers.get(port, _PLAIN)
    limit = manager.buffer_bytes
    settings = {} if limit is None else {"per_connection_buffer_limit_bytes": limit}
    chain = {"filters": [_manager(gateway, f"http.{port}", manager=manager)]}
    return _listener(gateway, port, [chain], **settings)


def _listener(gateway: Gateway, port: int, filter_chains: list[Config], **settings: Any) -> Config:
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": f"{gateway.address}_{port}",
        "address": {"socket_address": {"address": gateway.address, "port_value": port}},
        # Else another run could listen at the same place, and each got some of the requests.
        "enable_reuse_port": False,
        "access_log": _logs(gateway, only_unrouted=True),
        "filter_chains": filter_chains,
        **settings,
    }


def _logs(gateway: Gateway, *, only_unrouted: bool = False) -> list[Config]:
    return file_logs(gateway.json_log.name, gateway.text_log.name, only_unrouted=only_unrouted)


def _tls_listener(gateway: Gateway, layout: Layout) -> Config:
    identity = {
        "certificate_chain": {"filename": "tls.pem"},
        "private_key": {"filename": "tls.key"},
    }
    context = {
        "@type": f"{EXTENSIONS}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificates": [identity],
        },
    }
    chains = [
        {
            "filter_chain_match": {} if name == ANY_NAME else {"server_names": [name]},
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context},
            "filters": [_manager(gateway, _tls_table(name))],
        }
        for name in layout.tls
    ]
    inspector = {
        "name": "envoy.filters.listener.tls_inspector",
        "typed_config": {"@type": f"{EXTENSIONS}.filters.listener.tls_inspector.v3.TlsInspector"},
    }
    return _listener(gateway, TLS_PORT, chains, listener_filters=[inspector])


def _manager(
    gateway: Gateway, name: str, table: Config | None = None, manager: Manager = _PLAIN
) -> Config:
    """Return an HTTP connection manager; without a table it watches the file of its name."""
    if table is None:
        source = {"path_config_source": {"path": gateway.discovery(name)}}
        routes: Config = {"rds": {"route_config_name": name, "config_source": source}}
    else:
        routes = {"route_config": table}
    type_url = f"{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager"
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": type_url,
            "stat_prefix": name,
            "server_name": "istio-envoy",
            # As behind a load balancer that adds one address: numTrustedProxies 1.
            "use_remote_address": True,
            "xff_num_trusted_hops": 1,
            "normalize_path": True,
            # How long the client of an answer that broke off waits for the end: a second, if it
            # were not said.
            "delayed_close_timeout": "0.1s",
            "upgrade_configs": [{"upgrade_type": "websocket"}],
            "access_log": _logs(gateway),
            **manager.settings,
            **routes,
            "http_filters": [
                http_filter("rbac", "rbac.v3.RBAC"),
                http_filter("cors", "cors.v3.Cors"),
                http_filter("fault", "fault.v3.HTTPFault"),
                http_filter(
                    "local_ratelimit", "local_ratelimit.v3.LocalRateLimit", stat_prefix="l"
                ),
                *manager.filters,
                http_filter("router", "router.v3.Router"),
            ],
        },
    }


def http_filter(name: str, type_name: str, **settings: Any) -> Config:
    """Return an HTTP filter that acts on all routes."""
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"{EXTENSIONS}.filters.http.{type_name}", **settings},
    }
