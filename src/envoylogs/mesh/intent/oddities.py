"""What is odd in the objects, whatever the log says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.intent.hosts import listed
from envoylogs.mesh.intent.specs import quiet_spec
from envoylogs.mesh.intent.translation import claim_of
from envoylogs.mesh.intent.values import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envoylogs.mesh.intent.declared import DeclaredServer
    from envoylogs.mesh.intent.merging import MergedServer
    from envoylogs.mesh.intent.rules import Match, RouteSet
    from envoylogs.mesh.intent.values import ServerReason
    from envoylogs.mesh.objects import MeshObject, ObjectName

_CONFLICTS: dict[ServerReason, str] = {
    "protocol_conflict": "port_conflict",
    "tls_host_taken": "tls_host_taken",
}
_EVERYTHING = frozenset({("prefix", "/"), ("regex", ".*")})

_MatchKey = tuple[object, ...]


def conflicts(servers: Iterable[MergedServer]) -> list[Note]:
    """Return the servers that others keep out, or may."""
    return [
        Note(
            _CONFLICTS[each.reason],
            each.declared.source.name,
            each.declared.place,
            f"{each.declared.protocol} {each.declared.port}",
            each.why,
            "open" if each.in_force is None else "proved",
        )
        for each in servers
        if each.reason in _CONFLICTS
    ]


def several_gateways(servers: Iterable[MergedServer]) -> list[Note]:
    """Return the Gateways that seem to be for other pods than one before them on the same port.

    Nothing tells which of these pods wrote the log, so that all of them are taken together.
    """
    first_of: dict[int, DeclaredServer] = {}
    noted: dict[ObjectName, Note] = {}
    for each in servers:
        server = each.declared
        if not each.is_taken or not server.pod_ports or server.selection.selected is not None:
            continue
        port = server.pod_ports[0]
        first = first_of.setdefault(port, server)
        own, of_first = server.selector.items(), first.selector.items()
        if own <= of_first or own >= of_first or server.source.name in noted:
            continue
        noted[server.source.name] = Note(
            "several_gateways",
            server.source.name,
            "selector",
            _joined(own),
            f"It is for pods with {_joined(own)} and {first.source.name} for "
            f"pods with {_joined(of_first)}; which of them wrote the log is not known, so that "
            f"both are taken for port {port}.",
            "open",
        )
    return list(noted.values())


def _joined(labels: Iterable[tuple[str, str]]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels)


def shared_credentials(servers: Iterable[DeclaredServer]) -> list[Note]:
    """Return the Gateways of which a server shares a certificate with one for other hosts.

    A client that has a connection to one may ask the other's hosts on it, and is answered
    by the routes of the first. Where a selector is not within the other's, the servers may
    be of different pods; so ``pkg/config/analysis/analyzers/gateway/certificate.go`` of Istio.
    """
    groups: dict[tuple[str, int], list[DeclaredServer]] = {}
    for each in servers:
        if each.is_tls and not each.passes_tls_on and each.reason is None:
            for credential in each.credentials:
                groups.setdefault((credential, each.port), []).append(each)
    found: dict[tuple[ObjectName, str], Note] = {}
    for (credential, _), group in groups.items():
        by_selector: dict[frozenset[tuple[str, str]], list[DeclaredServer]] = {}
        for each in group:
            by_selector.setdefault(frozenset(each.selector.items()), []).append(each)
        for each in group:
            own = frozenset(each.selector.items())
            others = (
                other
                for selector, of_selector in by_selector.items()
                if own <= selector
                for other in of_selector
                if set(other.hosts) != set(each.hosts)
            )
            other = next(others, None)
            if other is not None:
                place = (each.source.name, credential)
                found.setdefault(place, _shared(each, other, credential))
    return list(found.values())


def _shared(each: DeclaredServer, other: DeclaredServer, credential: str) -> Note:
    hosts, of_other = (listed(host for _, host in server.hosts) for server in (each, other))
    own = other.source.name == each.source.name
    where = "in another server" if own else f"in {other.source.name}"
    return Note(
        "shared_credential",
        each.source.name,
        f"{each.place}.tls",
        credential,
        f"The certificate for {hosts} is that for {of_other} too, {where}: a browser that has a "
        "connection to one of both may ask the other's hosts on it, and the routes of the first "
        "answer.",
    )


def rules_never_asked(route_sets: Iterable[RouteSet]) -> list[Note]:
    """Return the rules of VirtualServices that an earlier one of the same object takes all of."""
    found = []
    for routes in route_sets:
        if routes.is_of_gateway_api:
            continue
        name = routes.source.name
        taker: int | None = None
        seen: dict[_MatchKey, int] = {}
        for place, (rule, _) in enumerate(routes.rules):
            if taker is not None:
                says = f"http[{taker}] takes everything, so that Istio never sends this "
                says += "rule."
                found.append(Note("rule_never_sent", name, f"http[{rule.number}]", "", says))
                continue
            if not rule.matches or any(_takes_everything(match) for match in rule.matches):
                taker = rule.number
            for match in rule.matches:
                key = _match_key(match)
                first = seen.setdefault(key, place)
                if first != place:
                    earlier = routes.rules[first][0].number
                    says = f"http[{earlier}] has the same match, so that this one is "
                    says += "never asked."
                    field = f"http[{rule.number}].match[{match.number}]"
                    found.append(Note("match_never_asked", name, field, "", says))
    return found


def claims_without_authentication(
    route_sets: Iterable[RouteSet],
    objects: Iterable[MeshObject],
    labels: Mapping[str, str] | None,
) -> list[Note]:
    """Return the VirtualServices that ask for claims where nothing in the files reads a JWT."""
    for each in objects:
        if each.kind == "RequestAuthentication":
            selector = quiet_spec(each).part("selector")
            wanted = selector.labels("matchLabels") if selector else {}
            if labels is None or wanted.items() <= labels.items():
                return []
    found = []
    for routes in route_sets:
        claims = [
            (rule.number, match.number, claim)
            for rule, _ in routes.rules
            for match in rule.matches
            for header in (*match.headers, *match.without_headers)
            if (claim := claim_of(header)) is not None
        ]
        if claims:
            rule_number, match_number, claim = claims[0]
            found.append(
                Note(
                    "jwt_without_request_authentication",
                    routes.source.name,
                    f"http[{rule_number}].match[{match_number}].headers",
                    claim,
                    f"It asks for claim {claim} of a JWT, and no "
                    "RequestAuthentication for the gateway is in the files; without one there are "
                    "no claims.",
                    "open",
                )
            )
    return found


def unknown_release(servers: Iterable[MergedServer]) -> list[Note]:
    """Return what would differ on an older release, said once."""
    for each in servers:
        if each.table is not None and each.is_taken:
            return [
                Note(
                    "release_unknown",
                    each.declared.source.name,
                    "",
                    "",
                    "The release of Istio is not known. Before 1.15 the port in the host was "
                    "compared, and before 1.6 only the Gateway's own fit.",
                    "open",
                )
            ]
    return []


def _takes_everything(match: Match) -> bool:
    whole = match.uri is None or (match.uri.kind, match.uri.value) in _EVERYTHING
    asks = match.method or match.authority or match.scheme or match.headers or match.without_headers
    applies = match.port or match.gateways or match.source_labels or match.source_namespace
    return whole and not (asks or match.query or applies)


def _match_key(match: Match) -> _MatchKey:
    return (
        match.uri,
        match.ignore_case,
        match.method,
        match.authority,
        match.scheme,
        tuple(sorted(match.headers.items(), key=_by_name)),
        tuple(sorted(match.without_headers.items(), key=_by_name)),
        tuple(sorted(match.query.items(), key=_by_name)),
        match.port,
        match.gateways,
        tuple(sorted(match.source_labels.items())),
        match.source_namespace,
    )


def _by_name(each: tuple[str, object]) -> str:
    return each[0]
