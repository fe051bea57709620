"""Why each request was turned away, by all that was given."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.asking import Answer, Given, action_words, route_words
from envoylogs.mesh.diagnosis.clusters import explained_cluster
from envoylogs.mesh.diagnosis.connections import explained_connection, explained_reuse
from envoylogs.mesh.diagnosis.dumped_tables import domains_of, explained_by_table, step_of_table
from envoylogs.mesh.diagnosis.hosts import explained_host
from envoylogs.mesh.diagnosis.log_only import explained_by_log
from envoylogs.mesh.diagnosis.objects import Objects
from envoylogs.mesh.diagnosis.paths import explained_condition, explained_path
from envoylogs.mesh.diagnosis.written_hosts import (
    explained_by_dot,
    explained_by_port,
    explained_by_release,
    without_dot,
    without_port,
)
from envoylogs.mesh.explanation import Diagnosis, Proof
from envoylogs.mesh.services import Services

if TYPE_CHECKING:
    from envoylogs.mesh.configuration import Configuration
    from envoylogs.mesh.diagnosis.host_index import HostIndex
    from envoylogs.mesh.diagnosis.refusals import Refusal, Seen
    from envoylogs.mesh.intent.values import GatewayFacts, Intent
    from envoylogs.mesh.objects import ObjectName
    from envoylogs.mesh.tables import RouteTable

_UNROUTED = {"no_route", "blackhole"}
_CLUSTERS = {"no_cluster", "no_endpoints"}
_CONFIGURED = {"direct_response", "fault_injected", "blocked"}
_SHOWN = 5
_REDIRECTS = (301, 308)
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
        self._by_name = {each.name: each for each in configuration.objects}
        self._services = Services(configuration, facts.mesh_domain)
        # Strangers ask for many paths of few hosts that have no virtual host.
        self._of_host: dict[_Key, Diagnosis] = {}
        self._paths: Counter[int] = Counter()
        self._domains: dict[int, HostIndex[None]] = {}

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
            by_port = (
                None
                if answer.is_dump
                else explained_by_release(refusal, answer, self._seen, self._facts)
            )
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
        bare = without_port(refusal)
        for without in () if bare is None else self._answers(bare):
            in_port = explained_by_port(refusal, without, self._seen)
            if in_port is not None:
                return in_port
        undotted = without_dot(refusal)
        for without in () if undotted is None else self._answers(undotted):
            dotted = explained_by_dot(refusal, without)
            if dotted is not None:
                return dotted
        answer = answers[0] if answers else None
        told = next((each for each in answers if not each.is_dump), None)
        if answer is not None and answer.is_dump and told is not None and told.virtual_host:
            return self._not_taken(refusal, answer, told)
        if self._objects is not None:
            found = explained_host(refusal, self._objects)
            if answer is not None and answer.is_dump:
                found = replace(found, proof=(step_of_table(refusal, answer), *found.proof))
            if found.cause != "not_in_files" or answer is None or not answer.is_dump:
                return self._with_candidates(found, refusal)
        if answer is not None and answer.is_dump:
            return explained_by_table(refusal, answer, self._domains_of(answer.way.table))
        given = Diagnosis(
            "not_in_files",
            "log_only",
            "Nothing given says which hosts this port of the gateway has.",
        )
        return self._with_candidates(given, refusal)

    def _domains_of(self, table: RouteTable | None) -> HostIndex[None]:
        if id(table) not in self._domains:
            self._domains[id(table)] = domains_of(table)
        return self._domains[id(table)]

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
            f"{whose} routes {refusal.host}{refusal.request.path or ''} by virtual host {name}"
            f"{self._when(refusal, answer.origins)}",
            tuple(proof),
            answer.origins,
            None,
            answer.now,
            by_path=True,
        )

    def _when(self, refusal: Refusal, origins: tuple[ObjectName, ...]) -> str:
        """Return the end of a sentence: whether the objects are younger than the requests."""
        dated = [each for name in origins if (each := self._by_name.get(name)) is not None]
        changed = max(dated, key=lambda each: each.changed_us or 0, default=None)
        if changed is not None and changed.changed_us and refusal.last_us and refusal.first_us:
            when = changed.changed_at or changed.created_at
            if changed.changed_us > refusal.last_us:
                return f" now: {changed.name} was changed at {when}, after these requests."
            if changed.changed_us < refusal.first_us:
                return (
                    f": {changed.name} was changed at {when}, before these requests, so the "
                    "gateway had not taken it."
                )
        return ": it is younger than the records, or the gateway had not taken it."

    def _not_taken(self, refusal: Refusal, answer: Answer, told: Answer) -> Diagnosis:
        """Return what is said where the objects have the host and the gateway's table has not."""
        return Diagnosis(
            "routed_now",
            "proved",
            f"The objects route {refusal.host}, and the gateway's own table does not: it was "
            "dumped before, or the gateway has not taken them (istioctl proxy-status).",
            (step_of_table(refusal, answer),),
            told.origins,
            None,
            told.now,
        )

    def _configured(self, refusal: Refusal) -> Diagnosis:
        """Return which route answers by itself."""
        for answer in self._answers(refusal):
            to_https = answer.routing.redirect_to_https if answer.routing else False
            if to_https or (to_https is None and refusal.code in _REDIRECTS):
                return Diagnosis(
                    "direct_by_configuration", "proved",
                    "The host redirects plain requests to HTTPS (httpsRedirect, require_tls).",
                    now=answer.now, by_path=True,
                )  # fmt: skip
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
        return explained_by_log(refusal, self._seen)
