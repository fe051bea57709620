"""Route tables as a real Envoy takes them."""

from __future__ import annotations

from typing import Any

from envoylogs.mesh.tables import (
    Action,
    NamedMatch,
    RouteMatch,
    RouteTable,
    StringMatch,
    VirtualHost,
)


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
