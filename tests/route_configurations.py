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


def envoy_table(table: RouteTable) -> dict[str, Any]:
    """Return a table as Envoy takes it."""
    settings: dict[str, Any] = {
        "name": table.name,
        "virtual_hosts": [_envoy_virtual_host(each) for each in table.virtual_hosts],
        "validate_clusters": False,
        "ignore_port_in_host_matching": table.ignore_port,
        "ignore_path_parameters_in_path_matching": table.ignore_path_parameters,
    }
    if table.vhost_header:
        settings["vhost_header"] = table.vhost_header
    return settings


def _envoy_virtual_host(virtual_host: VirtualHost) -> dict[str, Any]:
    return {
        "name": virtual_host.name,
        "domains": list(virtual_host.domains),
        "require_tls": virtual_host.require_tls.upper(),
        "routes": [
            {"name": route.name, "match": _envoy_match(route.match), **_envoy_action(route.action)}
            for route in virtual_host.routes
        ],
    }


def _envoy_match(match: RouteMatch) -> dict[str, Any]:
    settings: dict[str, Any] = {
        **_envoy_path(match),
        "headers": [_envoy_header(each) for each in match.headers],
        "query_parameters": [_envoy_query(each) for each in match.query],
    }
    if match.path_kind not in {"regex", "uri_template", "connect"}:
        settings["case_sensitive"] = not match.ignore_case
    for condition in match.conditions:
        share = int(condition.removeprefix("runtime fraction ").removesuffix(" %"))
        settings["runtime_fraction"] = {"default_value": {"numerator": share}}
    return settings


def _envoy_path(match: RouteMatch) -> dict[str, Any]:
    match match.path_kind:
        case "exact":
            return {"path": match.path}
        case "regex":
            return {"safe_regex": {"regex": match.path}}
        case "uri_template":
            policy = {
                "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3"
                ".UriTemplateMatchConfig",
                "path_template": match.path,
            }
            name = "envoy.path.match.uri_template.uri_template_matcher"
            return {"path_match_policy": {"name": name, "typed_config": policy}}
        case "connect":
            return {"connect_matcher": {}}
        case kind:
            return {kind: match.path}


def _envoy_header(condition: NamedMatch) -> dict[str, Any]:
    match = condition.match
    settings: dict[str, Any] = {
        "name": condition.name,
        "invert_match": condition.invert,
        "treat_missing_header_as_empty": condition.missing_as_empty,
    }
    if match.kind == "present":
        return {**settings, "present_match": True}
    if match.kind == "range":
        start, end = match.value.split(",")
        return {**settings, "range_match": {"start": int(start), "end": int(end)}}
    return {**settings, "string_match": _envoy_string(match)}


def _envoy_query(condition: NamedMatch) -> dict[str, Any]:
    if condition.match.kind == "present":
        return {"name": condition.name, "present_match": not condition.invert}
    return {"name": condition.name, "string_match": _envoy_string(condition.match)}


def _envoy_string(match: StringMatch) -> dict[str, Any]:
    if match.kind == "regex":
        return {"safe_regex": {"regex": match.value}}
    return {match.kind: match.value, "ignore_case": match.ignore_case}


def _envoy_action(action: Action) -> dict[str, Any]:
    match action.kind:
        case "cluster":
            return {"route": {"cluster": action.clusters[0][0]}}
        case "weighted":
            parts = [{"name": name, "weight": weight} for name, weight in action.clusters]
            return {"route": {"weighted_clusters": {"clusters": parts}}}
        case "cluster_header":
            return {"route": {"cluster_header": action.header}}
        case "redirect":
            return {"redirect": {"host_redirect": "elsewhere.example.com"}}
        case _:
            return {"direct_response": {"status": action.status}}
