"""Why each request was turned away, by all that was given."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.asking import Answer, Given
from envoylogs.mesh.diagnosis.clusters import explained_cluster, missing_cluster
from envoylogs.mesh.diagnosis.connections import explained_connection, explained_reuse
from envoylogs.mesh.diagnosis.dumped_tables import domains_of, explained_by_table, step_of_table
from envoylogs.mesh.diagnosis.hosts import explained_host
from envoylogs.mesh.diagnosis.log_only import explained_by_log
from envoylogs.mesh.diagnosis.log_texts import as_far_as_known
from envoylogs.mesh.diagnosis.objects import Objects
from envoylogs.mesh.diagnosis.other_gateways import OtherGateways
from envoylogs.mesh.diagnosis.paths import explained_condition, explained_path
from envoylogs.mesh.diagnosis.reference_grants import explained_grant
from envoylogs.mesh.diagnosis.routed import (
    explained_answer,
    explained_not_taken,
    explained_routed,
)
from envoylogs.mesh.diagnosis.scopes import explained_open_export
from envoylogs.mesh.diagnosis.written_hosts import (
    explained_by_dot,
    explained_by_port,
    explained_by_release,
    without_dot,
    without_host,
    without_port,
)
from envoylogs.mesh.explanation import Diagnosis, Proof
from envoylogs.mesh.services import Services

if TYPE_CHECKING:
    from envoylogs.mesh.configuration import Configuration
    from envoylogs.mesh.diagnosis.host_index import HostIndex
    from envoylogs.mesh.diagnosis.refusals import Refusal, Seen
    from envoylogs.mesh.intent.values import GatewayFacts, Intent
    from envoylogs.mesh.objects import MeshObject
    from envoylogs.mesh.tables import RouteTable

_UNROUTED = {"no_route", "blackhole"}
_CLUSTERS = {"no_cluster", "no_endpoints"}
_CONFIGURED = {"direct_response", "fault_injected", "blocked"}
_PROTO = "x-forwarded-proto"
_UNREAD_SHOWN = 3
_NO_SERVER_NAME = Proof(
    "record", "requested_server_name", "(missing)", "taken to be the host, which browsers send"
)
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
        self._others = OtherGateways(objects, seen.hosts, facts.pods) if self._objects else None
        self._by_name = {each.name: each for each in configuration.objects}
        self._services = Services(configuration, facts.mesh_domain)
        self._namespace = intent.namespace
        self._unread = configuration.unread
        self._of_others = tuple(
            Proof("configuration", f"dump {file}", pod, "is of another gateway than this log")
            for file, pod in configuration.of_others
        )
        # Strangers ask for many paths of few hosts that have no virtual host.
        self._of_host: dict[_Key, Diagnosis] = {}
        self._serverless: dict[_Key, bool] = {}
        self._paths: Counter[int] = Counter()
        self._domains: dict[int, HostIndex[None]] = {}

    def __call__(self, refusal: Refusal) -> Diagnosis:
        """Return why requests were turned away."""
        return as_far_as_known(self._with_notes(self._explained(refusal)), refusal)

    def _with_notes(self, found: Diagnosis) -> Diagnosis:
        """Add what is odd in the objects and has to do with the cause."""
        if found.cause == "not_in_files" and self._of_others:
            return replace(found, proof=(*found.proof, *self._of_others))
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
        if refusal.outcome not in _CLUSTERS | _CONFIGURED:
            return explained_by_log(refusal, self._seen)
        answers = self._answers(refusal)
        found = explained_grant(refusal, answers, self._by_name)
        if found is None and refusal.outcome in _CLUSTERS:
            found = explained_cluster(refusal, answers, self._services, self._namespace)
        elif found is None:
            by_route = explained_answer(refusal, answers)
            found = by_route or explained_by_log(refusal, self._seen)
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
        if refusal.request.server_name is None and not self._seen.logs_server_names:
            found = replace(found, certainty="likely") if found.certainty == "proved" else found
        found = self._if_all_was_read(found) if self._dump.is_empty else found
        return self._with_candidates(found, refusal)

    def _if_all_was_read(self, found: Diagnosis) -> Diagnosis:
        """Return what is said of what no object does: a file that was not read may hold one."""
        if not self._unread or found.certainty != "proved" or found.now is None or found.now.routed:
            return found
        names = ", ".join(self._unread[:_UNREAD_SHOWN])
        more = len(self._unread) - _UNREAD_SHOWN
        names += f" and {more:,} more" if more > 0 else ""
        says = "could not be read, and may hold what is missing among the objects"
        step = Proof("configuration", "files", names, says)
        return replace(found, certainty="likely", proof=(*found.proof, step))

    def _unrouted(self, refusal: Refusal) -> Diagnosis:
        """Return why there is no route; if a port needs a server name, the host is taken for it."""
        request = refusal.request
        if refusal.host and self._has_no_server(refusal):
            named = replace(refusal, request=replace(request, server_name=refusal.host, tls=True))
            if self._answers(named):
                found = self._by_name_and_path(named)
                certainty = "likely" if found.certainty == "proved" else found.certainty
                return replace(found, certainty=certainty, proof=(*found.proof, _NO_SERVER_NAME))
        return self._by_name_and_path(refusal)

    def _has_no_server(self, refusal: Refusal) -> bool:
        """Tell whether no server takes a request without a server name, whatever its path."""
        request = refusal.request
        if request.server_name is not None:
            return False
        key = (request.authority, request.port, request.tls)
        if key not in self._serverless:
            self._serverless[key] = not self._answers(refusal)
        return self._serverless[key]

    def _by_name_and_path(self, refusal: Refusal) -> Diagnosis:
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
        if answer is not None and (answer.verdict == "routed" or answer.virtual_host is not None):
            return self._by_route(refusal, answer, answers)
        found = (
            self._without_virtual_host(refusal, answers)
            if refusal.host
            else without_host(certain=bool(answers))
        )
        self._of_host[key] = found
        return found

    def _by_route(self, refusal: Refusal, answer: Answer, answers: list[Answer]) -> Diagnosis:
        """Return what is said of a request whose host has a virtual host."""
        if answer.verdict == "routed":
            return self._routed(refusal, answer)
        if answer.verdict == "may":
            return explained_condition(answer)
        told = next((each for each in answers if not each.is_dump), None)
        if answer.is_dump and told is not None and told.verdict == "routed":
            return explained_not_taken(refusal, answer, told)
        given = self._dump if answer.is_dump else self._told
        in_full = self._paths[id(answer.virtual_host)] < _PATHS_IN_FULL
        self._paths[id(answer.virtual_host)] += 1
        found = explained_path(refusal, answer, given, self._objects, in_full=in_full)
        return found if answer.is_dump else self._if_all_was_read(found)

    def _routed(self, refusal: Refusal, answer: Answer) -> Diagnosis:
        """Return what is said of a request that has a route by what was given."""
        if not answer.is_dump:
            by_port = explained_by_release(refusal, answer, self._seen, self._facts)
            if by_port is not None:
                return by_port
        others = None if answer.is_dump else self._others
        if others is not None and self._objects is not None:
            hidden = explained_open_export(refusal.host or "", answer, self._objects)
            hidden = hidden or others.explained(refusal)
            if hidden is not None:
                return hidden
        found = explained_routed(refusal, answer, self._dated(answer))
        is_open = others.step_if_open(refusal) if others is not None else None
        if is_open is not None:
            found = replace(found, certainty="likely", proof=(*found.proof, is_open))
        missing = missing_cluster(answer, self._services, self._namespace)
        if missing is None or found.now is None:
            return found
        now = replace(found.now, routed=False, why=missing.says.removesuffix("."))
        return replace(found, says=f"{found.says} It would fail there: {missing.says}", now=now)

    def _dated(self, answer: Answer) -> list[MeshObject]:
        """Return the objects that a route is made from, with the Gateways it is bound to."""
        names = list(answer.origins)
        if self._objects is not None:
            for route in answer.origins:
                bound = (each.gateway for each in self._objects.bindings.get(route, ()))
                names += [gateway for gateway in bound if gateway is not None]
        return [each for name in names if (each := self._by_name.get(name)) is not None]

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
            return explained_not_taken(refusal, answer, told)
        if self._objects is not None:
            found = self._if_all_was_read(explained_host(refusal, self._objects))
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
