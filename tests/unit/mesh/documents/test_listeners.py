"""Listeners and clusters of dumps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.documents.listeners import listener
from envoylogs.mesh.documents.route_tables import RouteTables
from envoylogs.mesh.tables import Cluster, FilterChain

if TYPE_CHECKING:
    from pathlib import Path

_ADDRESS = {"socketAddress": {"address": "10.0.0.7", "portValue": 8443}}
_HTTP_V3 = {
    "name": "envoy.filters.network.http_connection_manager",
    "typedConfig": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network."
        "http_connection_manager.v3.HttpConnectionManager",
        "rds": {"routeConfigName": "https.443.https.gw.shop"},
    },
}
_EMPTY: dict[str, Any] = {"name": "l", "filter_chains": []}
_TABLE = {"name": "inline", "virtual_hosts": [{"name": "v", "domains": ["*"]}]}


def _chain(*filters: Any, **more: Any) -> FilterChain:
    given = {"name": "0", "filter_chains": [{"filters": list(filters), **more}]}
    (chain,) = listener(given, "", RouteTables()).chains
    return chain


def test_a_listener_has_its_port_and_what_its_chains_take(tmp_path: Path) -> None:
    given = {
        "name": "10.0.0.7_8443",
        "address": _ADDRESS,
        "filterChains": [
            {
                "name": "a",
                "filterChainMatch": {
                    "serverNames": ["a.com", "*.b.com"],
                    "transportProtocol": "tls",
                    "applicationProtocols": ["h2"],
                },
                "filters": [{"name": "istio_authn"}, _HTTP_V3],
                "transportSocket": {"name": "envoy.transport_sockets.tls"},
            }
        ],
        "defaultFilterChain": {"filters": []},
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps([given]))

    (found,) = read_configuration([str(path)]).listeners
    (chain,) = found.chains

    assert (found.name, found.address, found.port) == ("10.0.0.7_8443", "10.0.0.7", 8443)
    assert (found.source, found.default_chain) == (str(path), FilterChain())
    assert (chain.server_names, chain.transport_protocol) == (("a.com", "*.b.com"), "tls")
    assert (chain.application_protocols, chain.table) == (("h2",), "https.443.https.gw.shop")
    assert chain.terminates_tls


@pytest.mark.parametrize(
    "section",
    [
        {
            "dynamic_listeners": [
                {"name": "l", "active_state": {"listener": _EMPTY}},
                {"name": "m", "error_state": {}},
            ]
        },
        {"static_listeners": [{"listener": _EMPTY}]},
        {"dynamic_active_listeners": [{"version_info": "1", "listener": _EMPTY}]},
    ],
)
def test_listeners_of_envoys_own_dump_are_read(tmp_path: Path, section: dict[str, Any]) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"configs": [section]}))

    assert [each.name for each in read_configuration([str(path)]).listeners] == ["l"]


def test_old_settings_without_a_type_are_read() -> None:
    chain = _chain({"name": "envoy.http_connection_manager", "config": {"route_config": _TABLE}})

    assert chain.table == "inline"
    assert chain.inline is not None
    assert chain.inline.virtual_hosts[0].domains == ("*",)


def test_settings_in_a_typed_struct_are_read() -> None:
    settings = {
        "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
        "type_url": "type.googleapis.com/envoy.config.filter.network."
        "http_connection_manager.v2.HttpConnectionManager",
        "value": {"rds": {"route_config_name": "http.80"}},
    }

    assert _chain({"name": "custom", "typed_config": settings}).table == "http.80"


def test_a_tcp_proxy_has_clusters_and_no_table() -> None:
    weighted = {"weighted_clusters": {"clusters": [{"name": "a", "weight": 1}]}}

    chain = _chain({"name": "envoy.filters.network.tcp_proxy", "typed_config": {"cluster": "c"}})
    assert (chain.table, chain.clusters) == (None, (("c", 1),))
    assert _chain({"name": "envoy.tcp_proxy", "config": weighted}).clusters == (("a", 1),)


def test_other_conditions_of_a_chain_are_said_in_words() -> None:
    match = {
        "destination_port": 443,
        "prefix_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}],
        "source_prefix_ranges": [{"address_prefix": "1.2.3.4", "prefix_len": 32}],
        "source_type": "EXTERNAL",
    }

    assert _chain(filter_chain_match=match).conditions == (
        "destination port 443",
        "destination 10.0.0.0/8",
        "source 1.2.3.4/32",
        "source type EXTERNAL",
    )


def test_clusters_are_null_until_a_dump_of_them_is_given(tmp_path: Path) -> None:
    routes, clusters = tmp_path / "r.json", tmp_path / "c.json"
    routes.write_text('[{"name": "http.80", "virtualHosts": []}]')
    clusters.write_text(
        json.dumps([{"name": "a", "type": "EDS"}, {"name": "b", "clusterType": {"name": "x"}}])
    )

    assert read_configuration([str(routes)]).clusters is None
    assert read_configuration([str(routes), str(clusters)]).clusters == (
        Cluster("a", "EDS"),
        Cluster("b", "x"),
    )


def test_a_dump_that_holds_no_cluster_says_so(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    kind = "type.googleapis.com/envoy.admin.v3.ClustersConfigDump"
    path.write_text(json.dumps({"configs": [{"@type": kind}]}))

    assert read_configuration([str(path)]).clusters == ()
