"""From rules to routes of a gateway, in the order in which Envoy asks them.

As ``BuildHTTPRoutesForVirtualService``, ``TranslateRoute`` and ``TranslateRouteMatch`` in
``pilot/pkg/networking/core/route/route.go`` of Istio have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envoylogs.mesh.tables import Action, NamedMatch, Route, RouteMatch, StringMatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envoylogs.mesh.intent.rules import Destination, Match, RouteSet, Rule
    from envoylogs.mesh.intent.services import Services
    from envoylogs.mesh.tables import PathKind

CLAIMS = "@request.auth.claims"
"""What the name of a header begins with that stands for a claim of a JWT."""


_MISSING_AS_EMPTY = (1, 22)


@dataclass(frozen=True, slots=True)
class GatewayPods:
    """What decides which routes the pods of a gateway get.

    Attributes:
        labels: Of the pods; null if they are not in the files.
        namespace: Of the pods; null if it is not known.
        release: Of Istio; null takes the newest rules.
    """

    labels: Mapping[str, str] | None = None
    namespace: str | None = None
    release: tuple[int, int] | None = None

    @property
    def counts_missing_as_empty(self) -> bool:
        """Whether a header that is not there is none of those that must not be, since 1.22."""
        return self.release is None or self.release >= _MISSING_AS_EMPTY


def translated(
    routes: RouteSet, key: str, port: int, services: Services, pods: GatewayPods
) -> tuple[Route, ...]:
    """Return the routes that a gateway gets of an object.

    What comes after a route that takes everything is never sent.

    Args:
        routes: Of one object.
        key: The Gateway, as ``namespace/name``.
        port: The number in the Gateway.
        services: By full name.
        pods: Of the gateway.
    """
    sent: list[Route] = []
    for rule, origin in routes.rules:
        written_in, number = rule.written or (None, rule.number)
        matches: tuple[Match | None, ...] = rule.matches or (None,)
        for match in matches:
            conditions = _conditions(match, key, port, pods)
            if conditions is None:
                continue
            made = RouteMatch("prefix", "/")
            if match is not None:
                made = _route_match(match, conditions, pods, separated=routes.is_of_gateway_api)
            route = Route(
                name=_name(rule, match),
                match=made,
                action=_action(rule, services, port),
                origin=origin,
                rule=(number, match.number if match else 0),
                written_in=written_in,
            )
            sent.append(route)
            if is_catch_all(route.match):
                return tuple(sent)
    return tuple(sent)


def is_catch_all(match: RouteMatch) -> bool:
    """Return whether a route takes every request, as ``IsCatchAllRoute`` tells it."""
    whole = (match.path_kind == "prefix" and match.path == "/") or (
        match.path_kind == "regex" and match.path == ".*"
    )
    return whole and not (match.headers or match.query or match.conditions)


def destination_clusters(
    destinations: Iterable[Destination], services: Services, port: int
) -> tuple[tuple[str, int], ...]:
    """Return the clusters of destinations with their weights, without those of weight 0.

    A single destination needs no weight. One that is left alone has weight 1: old releases
    send it so, and to new ones it is the same.
    """
    all_of_them = tuple(destinations)
    alone = len(all_of_them) == 1
    used = [each for each in all_of_them if each.weight or alone]
    if len(used) == 1:
        return ((services.cluster(used[0], port), 1),)
    return tuple((services.cluster(each, port), each.weight) for each in used)


def _name(rule: Rule, match: Match | None) -> str:
    return f"{rule.name}.{match.name}" if match and match.name else rule.name


def _conditions(
    match: Match | None, key: str, port: int, pods: GatewayPods
) -> tuple[str, ...] | None:
    """Return what a match asks of the pod and the files do not tell; null if it is not for it."""
    if match is None:
        return ()
    if match.port is not None and match.port != port:
        return None
    if match.gateways:
        # Istio asks nothing else of the pod then.
        return () if key in match.gateways else None
    conditions: list[str] = []
    if match.source_labels:
        wanted = ",".join(f"{name}={value}" for name, value in match.source_labels.items())
        if pods.labels is None:
            conditions.append(f"pods of the gateway with labels {wanted}")
        elif not match.source_labels.items() <= pods.labels.items():
            return None
    if match.source_namespace:
        if pods.namespace is None:
            conditions.append(f"pods of the gateway in namespace {match.source_namespace}")
        elif match.source_namespace != pods.namespace:
            return None
    return tuple(conditions)


def _route_match(
    match: Match, conditions: tuple[str, ...], pods: GatewayPods, *, separated: bool
) -> RouteMatch:
    claims, headers = _headers(match, missing_as_empty=pods.counts_missing_as_empty)
    for name, value in (
        (":method", match.method),
        (":authority", match.authority),
        (":scheme", match.scheme),
    ):
        if value is not None:
            headers.append(NamedMatch(name, value))
    kind, path = _path(match.uri, separated=separated)
    return RouteMatch(
        path_kind=kind,
        path=path,
        ignore_case=match.ignore_case and kind != "regex",
        headers=tuple(headers),
        query=tuple(NamedMatch(name, value) for name, value in match.query.items()),
        conditions=(*conditions, *claims),
    )


def _path(uri: StringMatch | None, *, separated: bool) -> tuple[PathKind, str]:
    if uri is None or uri.kind not in {"exact", "prefix", "regex"}:
        return "prefix", "/"
    if uri.kind == "exact":
        return "exact", uri.value
    if uri.kind == "regex":
        return "regex", uri.value
    if separated and uri.value != "/":
        return "path_separated_prefix", uri.value.removesuffix("/")
    return "prefix", uri.value


def _headers(match: Match, *, missing_as_empty: bool) -> tuple[list[str], list[NamedMatch]]:
    claims: list[str] = []
    headers: list[NamedMatch] = []
    for invert, wanted in ((False, match.headers), (True, match.without_headers)):
        for name, value in wanted.items():
            claim = claim_of(name)
            if claim is not None:
                claims.append(_claim_condition(claim, value, invert=invert))
                continue
            # A header that must be there can't count as empty where it is not.
            as_empty = missing_as_empty and invert and value.kind != "present"
            headers.append(NamedMatch(name.lower(), value, invert, as_empty))
    headers.sort(key=lambda each: each.name)
    return claims, headers


def claim_of(header: str) -> str | None:
    """Return the claim that the name of a header stands for, null for a header.

    ``@request.auth.claims.group.id`` and ``@request.auth.claims[group][id]`` are both
    ``group.id`` (``pkg/jwt/routing.go``).
    """
    if not header.lower().startswith(CLAIMS):
        return None
    rest = header[len(CLAIMS) :]
    if rest.startswith(".") and len(rest) > 1:
        return rest[1:]
    if rest.startswith("[") and rest.endswith("]") and len(rest) > len("[]"):
        return rest[1:-1].replace("][", ".")
    return None


def _claim_condition(claim: str, value: StringMatch, *, invert: bool) -> str:
    words = {"exact": "is", "prefix": "begins with", "regex": "fits"}
    wanted = f" {words[value.kind]} {value.value}" if value.kind in words else " is there"
    return f"{'not: ' if invert else ''}claim {claim} of the JWT{wanted}"


def _action(rule: Rule, services: Services, port: int) -> Action:
    if rule.answer is not None:
        status, location = rule.answer.status, rule.answer.location
        return Action(rule.answer.kind, status=status, location=location, fault=rule.fault)
    clusters = destination_clusters(rule.destinations, services, port)
    if not clusters:
        return Action("unknown", fault=rule.fault)
    if len(clusters) == 1:
        return Action("cluster", clusters=clusters, fault=rule.fault)
    return Action("weighted", clusters=clusters, fault=rule.fault)
