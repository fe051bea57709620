"""The rules of HTTPRoutes, GRPCRoutes and TLSRoutes, as the rules that Istio makes of them.

As ``convertHTTPRoute`` and its neighbors in ``pilot/pkg/config/kube/gateway/conversion.go``
of Istio have it: one rule for each match, in the order of the Gateway API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.intent.rules import ConnectionMatch, ConnectionRule, Destination, Match, Rule
from envoylogs.mesh.intent.specs import Spec, spec_of
from envoylogs.mesh.tables import Action, StringMatch

if TYPE_CHECKING:
    from envoylogs.mesh.intent.grants import Grants
    from envoylogs.mesh.intent.values import Note
    from envoylogs.mesh.objects import MeshObject
    from envoylogs.mesh.tables import StringKind

_RANKS = {"exact": 3, "prefix": 2, "regex": 1}
_FILTERS = frozenset(
    {
        "RequestHeaderModifier",
        "ResponseHeaderModifier",
        "RequestRedirect",
        "RequestMirror",
        "URLRewrite",
        "CORS",
    }
)
_NO_WEIGHT = Destination("internal.cluster.local", "zero-weight", 65535)
"""Where connections of a rule go that has no backend with a weight."""


class RefusedRouteError(Exception):
    """Istio makes nothing of a route object; the text says why."""


def http_rules_of_route(
    route: MeshObject, domain: str, grants: Grants, notes: list[Note]
) -> list[Rule]:
    """Return the rules of an HTTPRoute or a GRPCRoute, in the order in which they are asked.

    Raises:
        RefusedRouteError: One of its rules is such that Istio drops the whole object.
    """
    found = []
    for number, rule in enumerate(spec_of(route, notes).parts("rules")):
        answer = _answer(rule)
        backends = _Backends(route, domain, grants).read(rule)
        if answer is None and backends is None:
            answer = Action("unknown")
        elif answer is None and not any(each.weight for each in backends or ()):
            answer = Action("direct_response", status=500)
        name = rule.text("name") or f"{route.namespace}.{route.name.name}.{number}"
        matches = _matches(rule, route.kind)
        destinations = tuple(each for each in backends or () if each.weight)
        found += [
            Rule(number, name, (match,) if match else (), destinations, answer) for match in matches
        ]
    return sorted(found, key=precedence)


def precedence(rule: Rule) -> tuple[int, int, bool, int, int]:
    """Return what rules are sorted by, as ``sortHTTPRoutes`` has it; equals stay in their order.

    The kind of path goes first, then its length, then whether there is a method, then how
    many headers, then how many parameters.
    """
    if not rule.matches:
        return 1, 0, False, 0, 0
    match = rule.matches[0]
    kind = match.uri.kind if match.uri else ""
    length = len(match.uri.value) if match.uri else 0
    rank = _RANKS.get(kind, -1)
    return -rank, -length, match.method is None, -len(match.headers), -len(match.query)


def tls_rules_of_route(
    route: MeshObject, server_names: tuple[str, ...], domain: str, grants: Grants
) -> tuple[ConnectionRule, ...]:
    """Return the rules of a TLSRoute for those of its names that a listener has.

    Raises:
        RefusedRouteError: One of its rules is such that Istio drops the whole object.
    """
    found = []
    for rule in spec_of(route, []).parts("rules"):
        backends = _Backends(route, domain, grants).read(rule)
        used = tuple(each for each in backends or () if each.weight) or (_NO_WEIGHT,)
        found.append(ConnectionRule((ConnectionMatch(server_names),), used))
    return tuple(found)


def _matches(rule: Spec, kind: str) -> list[Match | None]:
    given = list(enumerate(rule.parts("matches")))
    if kind == "GRPCRoute":
        return [_grpc_match(number, each) for number, each in given] or [None]
    # The API server sets this default.
    return [_http_match(number, each) for number, each in given] or [
        Match(uri=StringMatch("prefix", "/"))
    ]


def _http_match(number: int, spec: Spec) -> Match:
    method = spec.text("method")
    return Match(
        number=number,
        uri=_path(spec.part("path")),
        method=StringMatch("exact", method) if method else None,
        headers=_named(spec, "headers"),
        query=_named(spec, "queryParams"),
    )


def _path(path: Spec | None) -> StringMatch:
    value = (path.text("value") if path else "") or "/"
    kind = (path.text("type") if path else "") or "PathPrefix"
    if kind == "Exact":
        return StringMatch("exact", value)
    if kind == "RegularExpression":
        return StringMatch("regex", value)
    if kind != "PathPrefix":
        raise RefusedRouteError(f"{kind} is no type of a path that Istio knows")
    return StringMatch("prefix", value if value == "/" else value.removesuffix("/"))


def _grpc_match(number: int, spec: Spec) -> Match:
    uri = None
    method = spec.part("method")
    if method is not None:
        service, name = method.text("service"), method.text("method")
        if not service and not name:
            raise RefusedRouteError("a match of gRPC has neither a service nor a method")
        exact = method.text("type") in {"", "Exact"}
        if not service:
            uri = StringMatch("regex", f"/[^/]+/{name}")
        elif name:
            uri = StringMatch("exact" if exact else "regex", f"/{service}/{name}")
        elif exact:
            uri = StringMatch("prefix", f"/{service}/")
        else:
            uri = StringMatch("regex", f"/{service}/.+")
    return Match(number=number, uri=uri, headers=_named(spec, "headers"))


def _named(spec: Spec, key: str) -> dict[str, StringMatch]:
    found = {}
    for each in spec.parts(key):
        kind: StringKind = "regex" if each.text("type") == "RegularExpression" else "exact"
        value = each.text("value")
        is_presence = kind == "regex" and value == "*"
        found[each.text("name")] = (
            StringMatch("present") if is_presence else StringMatch(kind, value)
        )
    return found


def _answer(rule: Spec) -> Action | None:
    answer = None
    for each in rule.parts("filters"):
        kind = each.text("type")
        if kind not in _FILTERS:
            raise RefusedRouteError(f"{each.place} is of type {kind}, which Istio does not take")
        redirect = each.part("requestRedirect") if kind == "RequestRedirect" else None
        if redirect is not None:
            scheme = redirect.text("scheme")
            path = redirect.part("path")
            new = (path.text("replaceFullPath") or path.text("replacePrefixMatch")) if path else ""
            answer = Action(
                "redirect",
                # The API server sets this default.
                status=redirect.number("statusCode") or 302,
                location=(f"{scheme}://" if scheme else "") + redirect.text("hostname") + new,
            )
    return answer


class _Backends:
    """The backends of the rules of one object."""

    def __init__(self, route: MeshObject, domain: str, grants: Grants) -> None:
        self._route = route
        self._domain = domain
        self._grants = grants

    def read(self, rule: Spec) -> list[Destination] | None:
        """Return the backends of a rule; null if the files do not tell what one is."""
        found = [self._destination(each) for each in rule.parts("backendRefs")]
        known = [each for each in found if each is not None]
        return known if len(known) == len(found) else None

    def _destination(self, spec: Spec) -> Destination | None:
        own = self._route.namespace
        namespace = spec.text("namespace") or own
        name, kind = spec.text("name"), spec.text("kind") or "Service"
        weight = spec.number("weight") if spec.has("weight") else 1
        if kind == "Hostname":
            host = name
        elif kind in {"Service", "ServiceImport"}:
            if "." in name:
                raise RefusedRouteError(f"{spec.where('name')} is {name}, a host and not a Service")
            host = f"{name}.{namespace}.svc.{self._domain}"
        else:
            says = f"What becomes of a backend of kind {kind} is not told by the files."
            spec.note("backend_kind", "kind", says, certain=False)
            return None
        if namespace != own and not self._grants.allow(self._route, kind, name, namespace):
            says = (
                f"No ReferenceGrant for it is in the files; without one in namespace {namespace} "
                "such requests are answered with 500."
            )
            spec.note("backend_of_other_namespace", "namespace", says, certain=False)
        if not spec.has("port"):
            raise RefusedRouteError(f"{spec.place} has no port")
        return Destination(host, port=spec.number("port"), weight=weight or 0)
