"""Why each request was turned away, by all that was given."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.asking import Answer, Given, action_words, is_blackhole, route_words
from envoylogs.mesh.diagnosis.clusters import explained_cluster
from envoylogs.mesh.diagnosis.connections import explained_connection, explained_reuse
from envoylogs.mesh.diagnosis.hosts import explained_host
from envoylogs.mesh.diagnosis.log_only import explained_by_log
from envoylogs.mesh.diagnosis.objects import Objects
from envoylogs.mesh.diagnosis.paths import explained_condition, explained_path
from envoylogs.mesh.explanation import Diagnosis, Now, Proof
from envoylogs.mesh.services import Services

if TYPE_CHECKING:
    from envoylogs.mesh.configuration import Configuration
    from envoylogs.mesh.diagnosis.refusals import Refusal, Seen
    from envoylogs.mesh.intent.values import GatewayFacts, Intent
    from envoylogs.mesh.objects import ObjectName

_UNROUTED = {"no_route", "blackhole"}
_CLUSTERS = {"no_cluster", "no_endpoints"}
_CONFIGURED = {"direct_response", "fault_injected", "blocked"}
_PORT = re.compile(r"^(\[.*\]|[^:]*):(\d+)$")
_SHOWN = 5
_PROTO = "x-forwarded-proto"
_PATHS_IN_FULL = 6
"""For so many paths of a virtual host the routes that came near are looked for."""

_NOTES_OF = {
    "condition_not_met": {"jwt_without_request_authentication"},
    "port_not_served": {"port_not_in_service"},
    "path_not_matched": {"rule_never_sent"},
}
"""What may be odd in an object that has to do with a cause."""

_Key = tuple[object, ...]


class Diagnoser:
    """Says why requests were turned away; asked once for each that differs.

    Args:
        configuration: What was given.
        intent: What Istio would make of its objects.
        facts: What the log tells of the gateway.
        seen: What else the log shows.
    """

    def __init__(
        self, configuration: Configuration, intent: Intent, facts: GatewayFacts, seen: Seen
    ) -> None:
        self._seen, self._facts = seen, facts
        self._dump = Given(configuration.listeners, configuration.tables, is_dump=True)
        self._told = Given(intent.listeners, intent.tables, is_dump=False)
        objects = Objects(configuration, intent, facts.mesh_domain)
        self._objects = objects if objects.has_gateways or objects.has_routes else None
        self._services = Services(configuration, facts.mesh_domain)
        # Strangers ask for many paths of few hosts that have no virtual host.
        self._of_host: dict[_Key, Diagnosis] = {}
        self._paths: Counter[int] = Counter()

    def __call__(self, refusal: Refusal) -> Diagnosis:
        """Return why requests were turned away."""
        return self._with_notes(self._explained(refusal))

    def _with_notes(self, found: Diagnosis) -> Diagnosis:
        """Add what is odd in the objects and has to do with the cause."""
        codes = _NOTES_OF.get(found.cause)
        if codes is None or self._objects is None:
            return found
        steps = [
            step for name in found.objects for step in self._objects.steps_of_notes(name, codes)
        ]
        return replace(found, proof=(*found.proof, *steps)) if steps else found

    def _explained(self, refusal: Refusal) -> Diagnosis:
        if refusal.outcome == "no_filter_chain":
            return self._connection(refusal)
        if refusal.outcome in _UNROUTED:
            return self._unrouted(refusal)
        if refusal.outcome in _CLUSTERS:
            found = explained_cluster(
                refusal, self._answers(refusal), self._services, self._facts.namespace
            )
        elif refusal.outcome in _CONFIGURED:
            found = self._configured(refusal)
        else:
            return explained_by_log(refusal, self._seen)
        return self._with_candidates(found, refusal)

    def _answers(self, refusal: Refusal) -> list[Answer]:
        """Return what becomes of a request: by the dump first, which is what the gateway has."""
        given = [each for each in (self._dump, self._told) if not each.is_empty]
        answers = [each.answer(refusal.request) for each in given]
        return [answer for answer in answers if answer.routing is not None]

    def _with_candidates(self, found: Diagnosis, refusal: Refusal) -> Diagnosis:
        """Add what the log alone says, where the files can't decide."""
        if found.cause != "not_in_files":
            return found
        by_log = explained_by_log(refusal, self._seen)
        return replace(found, candidates=by_log.candidates, proof=(*found.proof, *by_log.proof))

    def _connection(self, refusal: Refusal) -> Diagnosis:
        given = self._told if self._dump.is_empty else self._dump
        found = explained_connection(refusal, given, self._objects)
        return self._with_candidates(found, refusal)

    def _unrouted(self, refusal: Refusal) -> Diagnosis:
        request = refusal.request
        key = (request.authority, request.port, request.server_name)
        if key in self._of_host:
            return self._of_host[key]
        for given in (self._dump, self._told):
            reused = None if given.is_empty else explained_reuse(refusal, given, self._objects)
            if reused is not None:
                self._of_host[key] = reused
                return reused
        answers = self._answers(refusal)
        answer = answers[0] if answers else None
        if any(each.redirect_is_open for each in answers):
            # Had it been plain HTTP, it would have been redirected before any route was asked.
            headers = {**request.headers, _PROTO: "https"}
            refusal = replace(refusal, request=replace(request, headers=headers))
            answers = self._answers(refusal)
            answer = answers[0] if answers else None
        if answer is not None and answer.verdict == "routed":
            by_port = None if answer.is_dump else self._port_by_release(refusal, answer)
            return by_port or self._routed(refusal, answer)
        if answer is not None and answer.verdict == "may" and answer.virtual_host is not None:
            return explained_condition(answer)
        if answer is not None and answer.virtual_host is not None:
            given = self._dump if answer.is_dump else self._told
            in_full = self._paths[id(answer.virtual_host)] < _PATHS_IN_FULL
            self._paths[id(answer.virtual_host)] += 1
            return explained_path(refusal, answer, given, self._objects, in_full=in_full)
        found = self._without_virtual_host(refusal, answers)
        self._of_host[key] = found
        return found

    def _without_virtual_host(self, refusal: Refusal, answers: list[Answer]) -> Diagnosis:
        """Return why no virtual host takes a host; the same for all its paths."""
        in_port = self._port_in_host(refusal)
        if in_port is not None:
            return in_port
        answer = answers[0] if answers else None
        told = next((each for each in answers if not each.is_dump), None)
        if answer is not None and answer.is_dump and told is not None and told.virtual_host:
            return self._not_taken(refusal, answer, told)
        if self._objects is not None:
            found = explained_host(refusal, self._objects)
            if answer is not None and answer.is_dump:
                found = replace(found, proof=(_of_table(refusal, answer), *found.proof))
            if found.cause != "not_in_files" or answer is None or not answer.is_dump:
                return self._with_candidates(found, refusal)
        if answer is not None and answer.is_dump:
            return _by_table(refusal, answer)
        given = Diagnosis(
            "not_in_files",
            "log_only",
            "Nothing given says which hosts this port of the gateway has.",
        )
        return self._with_candidates(given, refusal)

    def _port_in_host(self, refusal: Refusal) -> Diagnosis | None:
        """Return what is said where only the port in the host is in the way; null if it is not."""
        authority = refusal.request.authority or ""
        parts = _PORT.match(authority)
        if parts is None:
            return None
        bare = replace(refusal, request=replace(refusal.request, authority=parts[1]))
        answer = next((each for each in self._answers(bare) if each.virtual_host), None)
        if answer is None or answer.virtual_host is None:
            return None
        table, host = answer.way.table, answer.virtual_host
        domains = ", ".join(host.domains[:_SHOWN])
        known = self._seen.hosts.get(parts[1])
        seen = () if known is None else (
            Proof("log", "authority", parts[1], "was routed in this log without a port"),
        )  # fmt: skip
        return Diagnosis(
            "port_in_host",
            "proved",
            f"{authority} came with port {parts[2]}, which the table compares and does not know; "
            f"{parts[1]} without it is routed. Send clients to port 80 or 443, or upgrade Istio: "
            "from 1.15 on the port is ignored.",
            (
                Proof(
                    table.name if table and table.name else "route table",
                    f"virtual host {host.name}, domains", domains,
                    f"none is {authority}, and the port is not ignored",
                ),
                *seen,
            ),
            tuple(_origins(answer)),
            None,
            Now(routed=False, why=f"the port in {authority}; without it the host is routed"),
        )  # fmt: skip

    def _port_by_release(self, refusal: Refusal, answer: Answer) -> Diagnosis | None:
        """Return what is said where a port in the host matters by the release of Istio.

        Null if the host came without one, or nothing says that the release is an old one: the
        host was not routed without its port in this log, nor are its records of old releases.
        """
        authority = refusal.request.authority or ""
        parts = _PORT.match(authority)
        known = self._seen.hosts.get(parts[1]) if parts else None
        if parts is None or (known is None and self._facts.release is None):
            return None
        proof = [Proof("record", "authority", authority, f"has port {parts[2]} in the host")]
        if known is not None:
            proof.append(Proof("log", "authority", parts[1], "was routed without a port"))
        if self._facts.release is not None:
            release = ".".join(map(str, self._facts.release))
            says = f"records of this shape are of Istio up to {release}, which compares the port"
            proof.append(Proof("log", "columns", "", says))
        return Diagnosis(
            "port_in_host",
            "proved" if known is not None and self._facts.release is not None else "likely",
            f"{authority} came with port {parts[2]}: the host without it is routed, and Istio "
            "before 1.15 compares the port. Send clients to port 80 or 443, or upgrade Istio.",
            tuple(proof),
            tuple(_origins(answer)),
            None,
            replace(answer.now, routed="may", why="the release of Istio") if answer.now else None,
        )

    def _routed(self, refusal: Refusal, answer: Answer) -> Diagnosis:
        routing, host = answer.routing, answer.virtual_host
        route = routing.candidates[0].route if routing and routing.candidates else None
        whose = "The gateway's own table" if answer.is_dump else "The configuration given"
        name = host.name if host else ""
        domains = ", ".join(host.domains[:_SHOWN]) if host else ""
        table = answer.way.table.name if answer.way.table else ""
        proof = [Proof(table or "route table", f"virtual host {name}, domains", domains, "")]
        if route is not None:
            where = action_words(route.action) or "nowhere"
            proof.append(
                Proof(
                    str(route.origin or "route"), "match", route_words(route), f"sends to {where}"
                )
            )
        return Diagnosis(
            "routed_now",
            "proved",
            f"{whose} routes {refusal.host}{refusal.request.path or ''} now, by virtual host "
            f"{name}: it is younger than the record, or the gateway has not taken it.",
            tuple(proof),
            tuple(_origins(answer)),
            None,
            answer.now,
            by_path=True,
        )

    def _not_taken(self, refusal: Refusal, answer: Answer, told: Answer) -> Diagnosis:
        """Return what is said where the objects have the host and the gateway's table has not."""
        return Diagnosis(
            "routed_now",
            "proved",
            f"The objects route {refusal.host}, and the gateway's own table does not: it was "
            "dumped before, or the gateway has not taken them (istioctl proxy-status).",
            (_of_table(refusal, answer),),
            tuple(_origins(told)),
            None,
            told.now,
        )

    def _configured(self, refusal: Refusal) -> Diagnosis:
        """Return which route answers by itself."""
        for answer in self._answers(refusal):
            candidates = answer.routing.candidates if answer.routing else ()
            for candidate in candidates:
                route = candidate.route
                if route.action.kind in {"cluster", "weighted"} and not route.action.fault:
                    continue
                does = route.action.fault or action_words(route.action) or "answers by itself"
                origin = route.origin
                sure = answer.verdict == "routed"
                return Diagnosis(
                    "direct_by_configuration",
                    "proved" if sure else "likely",
                    f"{origin or 'A route'} says so: {does}.",
                    (Proof(str(origin or "route"), "match", route_words(route), does),),
                    (origin,) if origin else (),
                    None,
                    answer.now,
                    by_path=True,
                )
            if answer.routing and answer.routing.redirect_to_https:
                return Diagnosis(
                    "direct_by_configuration", "proved",
                    "The host redirects plain requests to HTTPS (httpsRedirect, require_tls).",
                    now=answer.now, by_path=True,
                )  # fmt: skip
        return explained_by_log(refusal, self._seen)


def _origins(answer: Answer) -> list[ObjectName]:
    found = [
        candidate.route.origin
        for candidate in (answer.routing.candidates if answer.routing else ())
        if candidate.route.origin is not None
    ]
    host = answer.virtual_host
    of_host = [route.origin for route in host.routes if route.origin] if host and not found else []
    return list(dict.fromkeys([*found, *of_host]))[:_SHOWN]


def _of_table(refusal: Refusal, answer: Answer) -> Proof:
    """Return the step of a proof that the gateway's own table does not have a host."""
    table = answer.way.table
    hosts = table.virtual_hosts if table else ()
    names = ", ".join(host.name for host in hosts[:_SHOWN]) or "(none)"
    more = f" and {len(hosts) - _SHOWN:,} more" if len(hosts) > _SHOWN else ""
    name = table.name if table and table.name else "route table"
    return Proof(name, "virtual hosts", f"{names}{more}", f"none takes {refusal.host}")


def _by_table(refusal: Refusal, answer: Answer) -> Diagnosis:
    """Return what the gateway's own table says of a host that it does not have."""
    table, host = answer.way.table, refusal.host or ""
    hosts = table.virtual_hosts if table else ()
    name = table.name if table and table.name else "route table"
    blackholes = [each for each in hosts if is_blackhole(each)]
    now = Now(routed=False, virtual_host=blackholes[0].name if blackholes else None)
    if len(blackholes) == len(hosts):
        what = blackholes[0].name if blackholes else "nothing"
        return Diagnosis(
            "gateway_without_virtualservice",
            "proved",
            f"Table {name} has {what} alone, which answers 404 to every host: no VirtualService is "
            "bound to any Gateway on this port.",
            (_of_table(refusal, answer),),
            now=now,
        )
    below = {domain.lower() for each in hosts for domain in each.domains}
    if f"*.{host}" in below:
        return Diagnosis(
            "wildcard_does_not_cover", "proved",
            f"Table {name} has *.{host}, which does not cover {host} itself.",
            (_of_table(refusal, answer),), now=now,
        )  # fmt: skip
    return Diagnosis(
        "host_not_in_virtualservice",
        "proved",
        f"No virtual host of table {name} takes {host}: no VirtualService that lists it is bound "
        "to a Gateway that accepts it. Which of both is missing is in the objects.",
        (_of_table(refusal, answer),),
        now=now,
    )
