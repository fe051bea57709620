"""Route tables of tests: from the YAML of Envoy's own examples, and to JSON for a real Envoy."""

from __future__ import annotations

from typing import Any

from envoylogs.mesh.tables import (
    Action,
    NamedMatch,
    PathKind,
    Route,
    RouteMatch,
    RouteTable,
    StringMatch,
    VirtualHost,
)

_STATUS_OF_REDIRECTS = {"MOVED_PERMANENTLY": 301, "FOUND": 302}


def table_of(document: dict[str, Any]) -> RouteTable:
    """Return the table of a RouteConfiguration, with the fields that the examples use."""
    return RouteTable(
        name=document.get("name", ""),
        virtual_hosts=tuple(_virtual_host(each) for each in document["virtual_hosts"]),
    )


def _virtual_host(document: dict[str, Any]) -> VirtualHost:
    return VirtualHost(
        name=document["name"],
        domains=tuple(document["domains"]),
        routes=tuple(
            Route(each.get("name", ""), _match(each["match"]), _action(each))
            for each in document["routes"]
        ),
    )


def _match(document: dict[str, Any]) -> RouteMatch:
    kind: PathKind
    if "prefix" in document:
        kind, path = "prefix", document["prefix"]
    elif "path" in document:
        kind, path = "exact", document["path"]
    else:
        kind, path = "regex", document["safe_regex"]["regex"]
    conditions = []
    if "runtime_fraction" in document:
        share = document["runtime_fraction"]["default_value"]["numerator"]
        conditions.append(f"runtime fraction {share} %")
    return RouteMatch(
        kind,
        path,
        ignore_case=not document.get("case_sensitive", True),
        headers=tuple(_header(each) for each in document.get("headers", ())),
        conditions=tuple(conditions),
    )


def _header(document: dict[str, Any]) -> NamedMatch:
    match = StringMatch("present")
    if "exact" in document.get("string_match", {}):
        match = StringMatch("exact", document["string_match"]["exact"])
    return NamedMatch(document["name"], match)


def _action(document: dict[str, Any]) -> Action:
    if "redirect" in document:
        code = document["redirect"].get("response_code", "MOVED_PERMANENTLY")
        return Action("redirect", status=_STATUS_OF_REDIRECTS[code])
    if "direct_response" in document:
        return Action("direct_response", status=document["direct_response"]["status"])
    route = document["route"]
    if "cluster_header" in route:
        return Action("cluster_header", header=route["cluster_header"])
    if "weighted_clusters" in route:
        parts = route["weighted_clusters"]["clusters"]
        return Action("weighted", tuple((part["name"], part["weight"]) for part in parts))
    return Action("cluster", ((route["cluster"], 1),))
