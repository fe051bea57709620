"""What is said of requests that what was given routes, or answers by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.asking import action_words, does_words, route_words
from envoylogs.mesh.diagnosis.dumped_tables import step_of_table
from envoylogs.mesh.explanation import Diagnosis, Proof

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.mesh.diagnosis.asking import Answer
    from envoylogs.mesh.diagnosis.refusals import Refusal
    from envoylogs.mesh.objects import MeshObject
    from envoylogs.mesh.tables import Route

_SHOWN = 5
_CORS = "cors_response"
_REDIRECTS = (301, 308)
_ANY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104 - what Envoy is told, nothing is bound here
_NOT_KNOWN_WHEN = ": it is younger than the records, or the gateway had not taken it."
_OF_ROUTES = {"direct_response", "fault_injected"}
"""Outcomes that a route makes, and not a policy."""


def explained_routed(
    refusal: Refusal, answer: Answer, made_from: Sequence[MeshObject]
) -> Diagnosis:
    """Return what is said of a request that has a route by what was given.

    Args:
        refusal: Which.
        answer: With the route.
        made_from: The objects that the route rests on, as far as they were given.
    """
    host = answer.virtual_host
    whose = "The gateway's own table" if answer.is_dump else "The configuration given"
    name = host.name if host else ""
    bound = _steps_of_address(answer)
    return Diagnosis(
        "routed_now",
        "likely" if bound else "proved",
        f"{whose} routes {refusal.host}{refusal.request.path or ''} by virtual host {name}"
        f"{_when(refusal, made_from)}",
        (*steps_of_route(answer), *bound),
        answer.origins,
        None,
        answer.now,
        by_path=True,
    )


def _steps_of_address(answer: Answer) -> tuple[Proof, ...]:
    """Return that a listener has an address of its own: requests are compared by port alone."""
    listener = answer.way.listener
    if listener is None or listener.address in _ANY_ADDRESS:
        return ()
    says = "takes only what came to this address, which is not compared"
    return (Proof(f"listener of port {listener.port}", "address", listener.address, says),)


def steps_of_route(answer: Answer) -> tuple[Proof, ...]:
    """Return which virtual host and which route take a request."""
    routing, host = answer.routing, answer.virtual_host
    route = routing.candidates[0].route if routing and routing.candidates else None
    domains = ", ".join(host.domains[:_SHOWN]) if host else ""
    table = answer.way.table.name if answer.way.table else ""
    field = f"virtual host {host.name if host else ''}, domains"
    proof = [Proof(table or "route table", field, domains, "takes the host")]
    if route is not None:
        proof.append(_step_of(route, does_words(route.action)))
    return tuple(proof)


def _when(refusal: Refusal, dated: Sequence[MeshObject]) -> str:
    """Return the end of a sentence: whether the objects are younger than the requests."""
    made = max(dated, key=lambda each: each.created_us or 0, default=None)
    if (
        made is not None
        and made.created_us
        and (refusal.last_us or made.created_us) < made.created_us
    ):
        return f" now: {made.name} was made at {made.created_at}, after these requests."
    changed = max(dated, key=lambda each: each.changed_us or 0, default=None)
    if changed is None or not (changed.changed_us and refusal.last_us and refusal.first_us):
        # When it was made says nothing of when it was changed.
        return _NOT_KNOWN_WHEN
    if changed.changed_us > refusal.last_us:
        return f" now: {changed.name} was changed at {changed.changed_at}, after these requests."
    if changed.changed_us < refusal.first_us:
        return (
            f": {changed.name} was changed at {changed.changed_at}, before these requests, so the "
            "gateway had not taken it, or something else was changed since."
        )
    return _NOT_KNOWN_WHEN


def explained_not_taken(refusal: Refusal, answer: Answer, told: Answer) -> Diagnosis:
    """Return what is said where the objects have the host and the gateway's table has not."""
    return Diagnosis(
        "routed_now",
        "proved",
        f"The objects route {refusal.host}{refusal.request.path or ''}, and the gateway's own "
        "table does not: it was dumped before, or the gateway has not taken them (istioctl "
        "proxy-status).",
        (step_of_table(refusal, answer),),
        told.origins,
        None,
        told.now,
    )


def explained_answer(refusal: Refusal, answers: Sequence[Answer]) -> Diagnosis | None:
    """Return which route answers by itself; null if nothing given says so."""
    for answer in answers:
        to_https = answer.routing.redirect_to_https if answer.routing else False
        if to_https or (to_https is None and refusal.code in _REDIRECTS):
            return Diagnosis(
                "direct_by_configuration", "proved",
                "The host redirects plain requests to HTTPS (httpsRedirect, require_tls).",
                objects=answer.origins, now=answer.now, by_path=True,
            )  # fmt: skip
        for candidate in answer.routing.candidates if answer.routing else ():
            route = candidate.route
            if route.action.kind in {"cluster", "weighted"} and not route.action.fault:
                continue
            does = route.action.fault or action_words(route.action) or "answers by itself"
            return Diagnosis(
                "direct_by_configuration",
                "proved" if answer.verdict == "routed" else "likely",
                f"{route.owner or 'A route'} says so: {does}.",
                (_step_of(route, does),),
                (route.owner,) if route.owner else (),
                None,
                answer.now,
                by_path=True,
            )
    sent = next((answer for answer in answers if answer.verdict == "routed"), None)
    if sent is None or refusal.outcome not in _OF_ROUTES:
        return None
    if refusal.details == _CORS:
        return Diagnosis(
            "direct_by_configuration",
            "likely",
            f"The corsPolicy of {sent.origins[0] if sent.origins else 'its route'} answered a "
            "preflight of a browser.",
            steps_of_route(sent),
            sent.origins,
            now=sent.now,
            by_path=True,
        )
    return Diagnosis(
        "routed_now",
        "likely",
        f"By what was given {refusal.host}{refusal.request.path or ''} is sent on, and no route "
        "answers by itself: it was changed since, or an EnvoyFilter answered.",
        steps_of_route(sent),
        sent.origins,
        None,
        sent.now,
        by_path=True,
    )


def _step_of(route: Route, does: str) -> Proof:
    return Proof(str(route.owner or "route"), "match", route_words(route), does)
