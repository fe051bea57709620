"""What a route of a dump does with a request."""

from __future__ import annotations

from typing import Any

from envoylogs.mesh.documents.nodes import (
    flag_in,
    list_in,
    member,
    number_in,
    object_in,
    text_in,
)
from envoylogs.mesh.documents.route_matches import percentage
from envoylogs.mesh.tables import Action

_REDIRECT_CODES = {
    "MOVED_PERMANENTLY": 301,
    "FOUND": 302,
    "SEE_OTHER": 303,
    "TEMPORARY_REDIRECT": 307,
    "PERMANENT_REDIRECT": 308,
}
_NUMBERED_CODES = tuple(_REDIRECT_CODES.values())
_FAULT_FILTERS = ("envoy.filters.http.fault", "envoy.fault")


def route_action(given: dict[str, Any]) -> Action:
    """Return what a route does; ``unknown`` if none of its actions is known."""
    fault = _fault(given)
    if isinstance(route := member(given, "route"), dict):
        return _forwarding(route, fault)
    if isinstance(redirect := member(given, "redirect"), dict):
        return Action("redirect", status=_code(redirect), location=_location(redirect), fault=fault)
    if isinstance(response := member(given, "direct_response"), dict):
        return Action("direct_response", status=number_in(response, "status"), fault=fault)
    if member(given, "non_forwarding_action") is not None:
        return Action("none", fault=fault)
    return Action("unknown", fault=fault)


def weighted_clusters(given: object) -> tuple[tuple[str, int], ...]:
    """Return the clusters of ``weighted_clusters`` with their weights, in their order.

    One whose name a header holds has an empty name.
    """
    found = []
    for each in list_in(object_in(given, "weighted_clusters"), "clusters"):
        weight = number_in(each, "weight")
        found.append((text_in(each, "name"), 0 if weight is None else weight))
    return tuple(found)


def _forwarding(route: dict[str, Any], fault: str | None) -> Action:
    if cluster := text_in(route, "cluster"):
        return Action("cluster", clusters=((cluster, 1),), fault=fault)
    if clusters := weighted_clusters(route):
        return Action("weighted", clusters=clusters, fault=fault)
    if header := text_in(route, "cluster_header"):
        return Action("cluster_header", header=header.lower(), fault=fault)
    return Action("unknown", fault=fault)


def _code(redirect: dict[str, Any]) -> int:
    code = member(redirect, "response_code")
    if isinstance(code, int) and 0 <= code < len(_NUMBERED_CODES):
        return _NUMBERED_CODES[code]
    return _REDIRECT_CODES.get(str(code), 301)


def _location(redirect: dict[str, Any]) -> str:
    """Return where a redirect sends, as far as it is set."""
    scheme = text_in(redirect, "scheme_redirect")
    if flag_in(redirect, "https_redirect"):
        scheme = "https"
    host, port = text_in(redirect, "host_redirect"), number_in(redirect, "port_redirect")
    location = f"{scheme}://" if scheme else ""
    location += host + (f":{port}" if port else "")
    if path := text_in(redirect, "path_redirect"):
        return location + path
    if prefix := text_in(redirect, "prefix_rewrite"):
        return f"{location}{prefix}..."
    if rewrite := object_in(redirect, "regex_rewrite"):
        return location + text_in(rewrite, "substitution")
    return location


def _fault(given: dict[str, Any]) -> str | None:
    """Return the fault that a route injects, in words; null for none."""
    for key in ("typed_per_filter_config", "per_filter_config"):
        settings = object_in(given, key)
        for name in _FAULT_FILTERS:
            fault = settings.get(name)
            if isinstance(fault, dict):
                # A `FilterConfig` or a `TypedStruct` may be around it.
                inner = object_in(fault, "config") or object_in(fault, "value") or fault
                said = [*_abort(object_in(inner, "abort")), *_delay(object_in(inner, "delay"))]
                return " and ".join(said) or None
    return None


def _abort(abort: dict[str, Any]) -> list[str]:
    share = percentage(object_in(abort, "percentage"))
    status = number_in(abort, "http_status")
    if status is not None:
        return [f"abort {status} for {share}"]
    grpc = number_in(abort, "grpc_status")
    return [] if grpc is None else [f"abort gRPC status {grpc} for {share}"]


def _delay(delay: dict[str, Any]) -> list[str]:
    duration = text_in(delay, "fixed_delay")
    share = percentage(object_in(delay, "percentage"))
    return [f"delay {duration} for {share}"] if duration else []
