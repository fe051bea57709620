"""Listeners and clusters of dumps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envoylogs.mesh.documents.nodes import (
    list_in,
    member,
    number_in,
    object_in,
    text_in,
    texts_in,
)
from envoylogs.mesh.documents.route_actions import weighted_clusters
from envoylogs.mesh.documents.route_matches import chain_conditions
from envoylogs.mesh.documents.route_tables import origin_of
from envoylogs.mesh.tables import Cluster, FilterChain, Listener, RouteTable

if TYPE_CHECKING:
    from envoylogs.mesh.documents.route_tables import RouteTables

_HTTP_FILTERS = ("http_connection_manager", "HttpConnectionManager")
_TCP_FILTERS = ("tcp_proxy", "TcpProxy")
_CLUSTER_TYPES = ("STATIC", "STRICT_DNS", "LOGICAL_DNS", "EDS", "ORIGINAL_DST")


def listener(given: dict[str, Any], source: str, tables: RouteTables) -> Listener:
    """Return a listener of a dump.

    Args:
        given: It, decoded.
        source: The file that it stands in.
        tables: Makes the route tables that stand in it.
    """
    address = object_in(object_in(given, "address"), "socket_address")
    default = member(given, "default_filter_chain")
    return Listener(
        name=text_in(given, "name"),
        address=text_in(address, "address"),
        port=number_in(address, "port_value") or 0,
        chains=tuple(
            _chain(chain, source, tables)
            for chain in list_in(given, "filter_chains")
            if isinstance(chain, dict)
        ),
        default_chain=_chain(default, source, tables) if isinstance(default, dict) else None,
        source=source,
    )


def cluster(given: dict[str, Any], source: str) -> Cluster:
    """Return a cluster of a dump."""
    kind = member(given, "type")
    if isinstance(kind, int) and 0 <= kind < len(_CLUSTER_TYPES):
        kind = _CLUSTER_TYPES[kind]
    custom = text_in(object_in(given, "cluster_type"), "name")
    return Cluster(text_in(given, "name"), kind if isinstance(kind, str) else custom, source)


def _chain(given: dict[str, Any], source: str, tables: RouteTables) -> FilterChain:
    match = object_in(given, "filter_chain_match")
    table: str | None = None
    inline: RouteTable | None = None
    clusters: tuple[tuple[str, int], ...] = ()
    for each in list_in(given, "filters"):
        settings = _settings(each)
        kind = (
            f"{text_in(each, 'name')} {text_in(settings, '@type')} {text_in(settings, 'type_url')}"
        )
        settings = object_in(settings, "value") or settings
        if any(word in kind for word in _HTTP_FILTERS):
            table = text_in(object_in(settings, "rds"), "route_config_name")
            if config := object_in(settings, "route_config"):
                inline = tables.table(config, source)
                table = inline.name
        elif any(word in kind for word in _TCP_FILTERS):
            single = text_in(settings, "cluster")
            clusters = ((single, 1),) if single else weighted_clusters(settings)
    return FilterChain(
        name=text_in(given, "name"),
        server_names=texts_in(match, "server_names"),
        transport_protocol=text_in(match, "transport_protocol"),
        application_protocols=texts_in(match, "application_protocols"),
        conditions=chain_conditions(match),
        table=table,
        inline=inline,
        clusters=clusters,
        terminates_tls=_terminates_tls(given),
        origin=origin_of(given),
    )


def _settings(given: object) -> dict[str, Any]:
    """Return the settings of a filter, typed or as before Envoy 1.10."""
    return object_in(given, "typed_config") or object_in(given, "config")


def _terminates_tls(chain: dict[str, Any]) -> bool:
    if member(chain, "tls_context") is not None:
        return True
    socket = object_in(chain, "transport_socket")
    kind = f"{text_in(socket, 'name')} {text_in(_settings(socket), '@type')}"
    return "tls" in kind.lower()
