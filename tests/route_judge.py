"""What a real Envoy logs of a request, and whether it is what the matcher found."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.judging_envoy import extension
from tests.route_configurations import envoy_table
from tests.routing_worlds import Asked

from envoylogs.mesh.requests import Request
from envoylogs.mesh.routes.matcher import Routing
from envoylogs.mesh.tables import RouteTable

Record = dict[str, Any]
"""A record as Envoy writes it by ``LOG``."""

LOGGED = ("user-agent", "x-forwarded-for", "x-request-id")
"""Headers that Istio's logs hold."""

NO_ROUTE, TO_HTTPS = "no route", "redirect to HTTPS"

LOG = {
    "chain": "%FILTER_CHAIN_NAME%",
    "server_name": "%REQUESTED_SERVER_NAME%",
    "port": "%DOWNSTREAM_LOCAL_PORT%",
    "case": "%REQ(X-CASE)%",
    "route_name": "%ROUTE_NAME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(:PATH)%",
    "authority": "%REQ(:AUTHORITY)%",
    "response_code": "%RESPONSE_CODE%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    ":scheme": "%REQ(:SCHEME)%",
    "x-forwarded-proto": "%REQ(X-FORWARDED-PROTO)%",
    "x-envoy-internal": "%REQ(X-ENVOY-INTERNAL)%",
    "user-agent": "%REQ(USER-AGENT)%",
    "x-forwarded-for": "%REQ(X-FORWARDED-FOR)%",
    "x-request-id": "%REQ(X-REQUEST-ID)%",
}

DEAD_CLUSTERS = ("dead", "dead-too")
"""Clusters of routes that are drawn: nobody answers for them."""


def dead_clusters() -> list[dict[str, Any]]:
    """Return these clusters."""
    return [_cluster(name) for name in DEAD_CLUSTERS]


def _cluster(name: str) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    assignment = {"cluster_name": name, "endpoints": endpoints}
    return {"name": name, "type": "STATIC", "load_assignment": assignment}


def http_chain(random: Random, table: RouteTable, **settings: Any) -> dict[str, Any]:
    """Return a filter chain that asks a table, with random settings of its manager."""
    # What changes a host or a path before a route is asked changes the log too.
    manager = extension(
        "envoy.filters.network.http_connection_manager",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=table.name,
        route_config=envoy_table(table),
        http_filters=[extension("envoy.filters.http.router", "filters.http.router.v3.Router")],
        access_log=[
            extension(
                "envoy.access_loggers.file",
                "access_loggers.file.v3.FileAccessLog",
                path="access.log",
                log_format={"json_format": LOG},
            )
        ],
        upgrade_configs=[{"upgrade_type": "CONNECT"}, {"upgrade_type": "connect-udp"}],
        internal_address_config={"cidr_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]},
        use_remote_address=random.random() < 0.5,
        xff_num_trusted_hops=random.choice((0, 1)),
        normalize_path=random.random() < 0.3,
        merge_slashes=random.random() < 0.3,
        strip_trailing_host_dot=random.random() < 0.1,
        strip_any_host_port=random.random() < 0.1,
    )
    return {"filters": [manager], **settings}


def outcome_of(record: Record) -> str | None:
    """Return the route that Envoy took; null if it asked for none, as of a bad request."""
    details = record["response_code_details"]
    # Of a path that begins with no slash, as of "OPTIONS *", no route is ever asked.
    if details in {"route_not_found", "absolute_path_rejected"}:
        return NO_ROUTE
    if details == "invalid_path" and record["path"] == "*":
        # Both of no path and to be upgraded to UDP: refused as the latter, with a route.
        return None
    if record["route_name"]:
        return str(record["route_name"])
    # All routes have names here, but not the redirect of a virtual host.
    return TO_HTTPS if details == "direct_response" else None


def as_logged(record: Record) -> Request:
    """Return what Istio's logs hold of a request."""
    headers = {name: record[name] for name in LOGGED if record[name] is not None}
    return Request(
        record["authority"],
        record["path"],
        record["method"],
        port=record["port"],
        server_name=record["server_name"],
        headers=headers,
        absent=frozenset(LOGGED) - headers.keys(),
    )


def possible_outcomes(found: Routing) -> set[str]:
    """Return all that may become of a request."""
    names = {candidate.route.name for candidate in found.candidates}
    if found.redirect_to_https is not False:
        names.add(TO_HTTPS)
    if not any(not each.conditions for each in found.candidates):
        names.add(NO_ROUTE)
    return names


def certain_outcome(found: Routing) -> str:
    """Return what becomes of a request for certain."""
    if found.redirect_to_https:
        return TO_HTTPS
    return found.route.name if found.route else NO_ROUTE


def written(asked: Asked, case: str) -> bytes:
    """Return a request as it is sent."""
    headers = {"host": asked.host, "x-case": case, **asked.headers}
    lines = [f"{asked.method} {asked.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
