"""The bootstrap of one gateway: listeners, route tables and clusters as Istio lays them out.

Port 8080 has the tables of several VirtualServices, 8081 the blackhole virtual
host of Istio 1.3 to 1.7, 8443 terminates TLS with one filter chain for each
server name, 9000 passes TCP on, 15021 answers health checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.access_log import file_logs

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DEAD_PORT", "Gateway", "Upstreams", "bootstrap"]

Config = dict[str, Any]

DEAD_PORT = 9
"""Nothing listens here, so connections are refused."""

_TYPE = "type.googleapis.com/envoy.extensions"
_MANAGER = f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager"


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The ports of the upstreams on 127.0.0.1, by the name that they answer with."""

    ports: dict[str, int]


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway: its name, its own loopback address and where it writes.

    Attributes:
        name: As in its file names.
        address: A loopback address of its own, so that logs tell gateways apart.
        folder: Where logs go.
        weights: Weights of v1 and v2 of the split route.
        lost: Hosts whose virtual host is left out.
    """

    name: str
    address: str
    folder: Path
    weights: tuple[int, int] = (90, 10)
    lost: tuple[str, ...] = ()

    @property
    def json_log(self) -> Path:
        """The JSON access log."""
        return self.folder / f"{self.name}.json.log"

    @property
    def text_log(self) -> Path:
        """The TEXT access log."""
        return self.folder / f"{self.name}.text.log"


def cluster_name(service: str, subset: str = "", port: int = 80) -> str:
    """Return the name that Istio gives to the cluster of a service."""
    return f"outbound|{port}|{subset}|{service}.shop.svc.cluster.local"


def bootstrap(gateway: Gateway, upstreams: Upstreams, certificates: dict[str, str]) -> Config:
    """Return the configuration of one gateway.

    Args:
        gateway: Which.
        upstreams: Where requests go.
        certificates: PEM files of certificate and key.
    """
    return {
        "node": {"id": gateway.name, "cluster": "istio-ingressgateway"},
        "admin": {"address": _socket(gateway.address, 15000)},
        "static_resources": {
            "listeners": [
                _http_listener(gateway, "http.8080", 8080, _virtual_hosts(gateway)),
                _http_listener(gateway, "http.8081", 8081, [_blackhole()]),
                _tls_listener(gateway, certificates),
                _tcp_listener(gateway),
                _http_listener(gateway, "agent", 15021, [_agent()]),
            ],
            "clusters": _clusters(upstreams),
        },
    }


def _socket(address: str, port: int) -> Config:
    return {"socket_address": {"address": address, "port_value": port}}


def _logs(gateway: Gateway, *, only_unrouted: bool = False) -> list[Config]:
    return file_logs(str(gateway.json_log), str(gateway.text_log), only_unrouted=only_unrouted)


def _filter(name: str, type_name: str, **settings: Any) -> Config:
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"{_TYPE}.filters.http.{type_name}", **settings},
    }


def _manager(gateway: Gateway, name: str, virtual_hosts: list[Config]) -> Config:
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": _MANAGER,
            "stat_prefix": name,
            "use_remote_address": True,
            "upgrade_configs": [{"upgrade_type": "websocket"}],
            "access_log": _logs(gateway),
            "route_config": {
                "name": name,
                "ignore_port_in_host_matching": True,
                "validate_clusters": False,
                "virtual_hosts": virtual_hosts,
            },
            "http_filters": [
                _filter("rbac", "rbac.v3.RBAC"),
                _filter("cors", "cors.v3.Cors"),
                _filter("fault", "fault.v3.HTTPFault"),
                _filter("local_ratelimit", "local_ratelimit.v3.LocalRateLimit", stat_prefix="l"),
                _filter("router", "router.v3.Router"),
            ],
        },
    }


def _http_listener(gateway: Gateway, name: str, port: int, hosts: list[Config]) -> Config:
    return {
        "name": f"{gateway.address}_{port}",
        "address": _socket(gateway.address, port),
        "access_log": _logs(gateway, only_unrouted=True),
        "filter_chains": [{"filters": [_manager(gateway, name, hosts)]}],
    }


def _tls_listener(gateway: Gateway, certificates: dict[str, str]) -> Config:
    def chain(host: str) -> Config:
        return {
            "filter_chain_match": {"server_names": [host]},
            "transport_socket": {
                "name": "envoy.transport_sockets.tls",
                "typed_config": {
                    "@type": f"{_TYPE}.transport_sockets.tls.v3.DownstreamTlsContext",
                    "common_tls_context": {
                        "alpn_protocols": ["h2", "http/1.1"],
                        "tls_certificates": [
                            {
                                "certificate_chain": {"filename": certificates["certificate"]},
                                "private_key": {"filename": certificates["key"]},
                            }
                        ],
                    },
                },
            },
            "filters": [_manager(gateway, f"https.8443.{host}", [_host(host, _to("secure"))])],
        }

    names = [name for name in ("secure.example.com", "pay.example.com") if name not in gateway.lost]
    return {
        "name": f"{gateway.address}_8443",
        "address": _socket(gateway.address, 8443),
        "access_log": _logs(gateway, only_unrouted=True),
        "listener_filters": [
            {
                "name": "envoy.filters.listener.tls_inspector",
                "typed_config": {
                    "@type": f"{_TYPE}.filters.listener.tls_inspector.v3.TlsInspector"
                },
            }
        ],
        "filter_chains": [chain(name) for name in names],
    }


def _tcp_listener(gateway: Gateway) -> Config:
    return {
        "name": f"{gateway.address}_9000",
        "address": _socket(gateway.address, 9000),
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.tcp_proxy",
                        "typed_config": {
                            "@type": f"{_TYPE}.filters.network.tcp_proxy.v3.TcpProxy",
                            "stat_prefix": "tcp",
                            "cluster": cluster_name("secure"),
                            "access_log": _logs(gateway),
                        },
                    }
                ]
            }
        ],
    }


def _host(host: str, *routes: Config, **settings: Any) -> Config:
    return {"name": f"{host}:80", "domains": [host], "routes": list(routes), **settings}


def _to(service: str, prefix: str = "/", *, name: str = "", **action: Any) -> Config:
    """Return a route to the only subset of a service."""
    route = {"match": {"prefix": prefix}, "route": {"cluster": cluster_name(service), **action}}
    return {"name": name, **route} if name else route


def _for_filter(route: Config, name: str, type_name: str, **settings: Any) -> Config:
    key = f"envoy.filters.http.{name}"
    config = {"@type": f"{_TYPE}.filters.http.{type_name}", **settings}
    return {**route, "typed_per_filter_config": {key: config}}


def _virtual_hosts(gateway: Gateway) -> list[Config]:
    v1, v2 = gateway.weights
    weighted = [
        {"name": cluster_name("reviews", "v1"), "weight": v1},
        {"name": cluster_name("reviews", "v2"), "weight": v2},
    ]
    everyone = {"percentage": {"numerator": 100, "denominator": "HUNDRED"}}
    hosts = [
        _host(
            "reviews.example.com",
            {
                "name": "reviews",
                "match": {"prefix": "/"},
                "route": {
                    "timeout": "0.3s",
                    "weighted_clusters": {"clusters": weighted},
                    "upgrade_configs": [{"upgrade_type": "websocket"}],
                },
            },
        ),
        _host("shop.example.com", _to("shop", "/api", name="shop-api"), _to("shop", "/static")),
        _host(
            "retries.example.com",
            _to("dead", retry_policy={"retry_on": "connect-failure", "num_retries": 2}),
        ),
        _host("dead.example.com", _to("dead", retry_policy={"num_retries": 0})),
        _host("empty.example.com", _to("empty")),
        _host("gone.example.com", _to("gone")),
        _host("busy.example.com", _to("busy")),
        _host(
            "faults.example.com",
            _for_filter(
                _to("shop", "/abort"), "fault", "fault.v3.HTTPFault",
                abort={"http_status": 555, **everyone},
            ),
            _for_filter(
                _to("shop", "/delay"), "fault", "fault.v3.HTTPFault",
                delay={"fixed_delay": "0.05s", **everyone},
            ),
        ),
        _host(
            "limited.example.com",
            _for_filter(
                _to("shop"), "local_ratelimit", "local_ratelimit.v3.LocalRateLimit",
                stat_prefix="limited",
                token_bucket={"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"},
                filter_enabled={"default_value": {"numerator": 100}},
                filter_enforced={"default_value": {"numerator": 100}},
            ),
        ),
        _host(
            "private.example.com",
            _for_filter(
                _to("shop"), "rbac", "rbac.v3.RBACPerRoute", rbac={"rules": {"action": "ALLOW"}}
            ),
        ),
        _host(
            "old.example.com",
            {
                "match": {"prefix": "/"},
                "redirect": {"host_redirect": "shop.example.com", "response_code": "FOUND"},
            },
        ),
        _host(
            "cors.example.com",
            _for_filter(
                _to("shop"), "cors", "cors.v3.CorsPolicy",
                allow_origin_string_match=[{"exact": "https://app.example.com"}],
                allow_methods="GET",
            ),
        ),
    ]  # fmt: skip
    return [host for host in hosts if host["domains"][0] not in gateway.lost]


def _blackhole() -> Config:
    """Return the virtual host of Istio 1.3 to 1.7 for a port without a VirtualService."""
    route = {"name": "default", "match": {"prefix": "/"}, "direct_response": {"status": 404}}
    return {"name": "blackhole:80", "domains": ["*"], "routes": [route]}


def _agent() -> Config:
    route = {"match": {"prefix": "/healthz/ready"}, "route": {"cluster": "agent"}}
    return {"name": "backend", "domains": ["*"], "routes": [route]}


def _clusters(upstreams: Upstreams) -> list[Config]:
    ports = upstreams.ports
    busy = _cluster(cluster_name("busy"), [ports["shop-a"]])
    busy["circuit_breakers"] = {"thresholds": [{"max_connections": 1, "max_pending_requests": 1}]}
    return [
        _cluster(cluster_name("reviews", "v1"), [ports["reviews-v1"]]),
        _cluster(cluster_name("reviews", "v2"), [ports["reviews-v2"]]),
        _cluster(cluster_name("shop"), [ports["shop-a"], ports["shop-b"]]),
        _cluster(cluster_name("secure"), [ports["secure"]]),
        _cluster(cluster_name("dead"), [DEAD_PORT]),
        _cluster(cluster_name("empty"), []),
        busy,
        _cluster("agent", [ports["agent"]]),
    ]


def _cluster(name: str, ports: list[int]) -> Config:
    endpoints = [{"endpoint": {"address": _socket("127.0.0.1", port)}} for port in ports]
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": endpoints}] if endpoints else [],
        },
    }
