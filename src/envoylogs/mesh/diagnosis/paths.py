"""Why no route of a virtual host takes a request: path, condition, or another virtual host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.asking import route_words
from envoylogs.mesh.diagnosis.changes import add_host, add_path
from envoylogs.mesh.diagnosis.delegating import rule_to_change
from envoylogs.mesh.explanation import Diagnosis, Now, Proof
from envoylogs.mesh.routes.misses import nearest, takes_path, why_not
from envoylogs.mesh.routes.paths import bare_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.mesh.diagnosis.asking import Answer, Given
    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.diagnosis.refusals import Refusal
    from envoylogs.mesh.objects import ObjectName
    from envoylogs.mesh.requests import Request
    from envoylogs.mesh.routes.matcher import Routing
    from envoylogs.mesh.tables import Route, VirtualHost

_ROUTES_SHOWN = 5
_CONNECT = "CONNECT"
_OF_A_CONDITION = {"method": "method", "header": "header", "query": "query", "authority": "host",
                   "condition": "condition"}  # fmt: skip


def explained_path(
    refusal: Refusal, answer: Answer, given: Given, objects: Objects | None, *, in_full: bool
) -> Diagnosis:
    """Return why no route takes a request whose host has a virtual host.

    The routes that came near are looked for and shown only ``in_full``.
    """
    host, request = answer.virtual_host, refusal.request
    assert host is not None  # noqa: S101  # asked only where there is one
    if request.path is None:
        if request.method == _CONNECT:
            return _connect(answer, host)
        return _unknown_path(refusal, answer, host)
    beside = given.beside(answer, request)
    if beside is not None:
        return _shadowed(refusal, answer, host, beside, objects)
    near = nearest(request, host) if in_full else takes_path(request, host)
    misses = () if near is None else why_not(request, near)
    if near is not None and misses and misses[0].part != "path":
        return _condition(refusal, answer, host, near)
    path = bare_path(request.path)
    nearest_or_first = near or next((route for route in host.routes if route.owner), None)
    target, rule = (
        (None, None)
        if nearest_or_first is None
        else rule_to_change(nearest_or_first, path, objects)
    )
    rule = rule if near is not None else None
    says = f"Virtual host {host.name} takes {refusal.host}, and none of its routes takes {path}."
    proof = [_of_virtual_host(answer, host)]
    if not path.startswith("/"):
        says = f"{says} A path without a slash at its start is taken by none, as of OPTIONS *."
    if in_full:
        proof += _of_routes(request, host, near)
    return Diagnosis(
        "path_not_matched",
        answer.certainty,
        says,
        tuple(proof),
        (target,) if target else (),
        add_path(target, path, rule) if target and path.startswith("/") else None,
        Now(routed=False, virtual_host=host.name, why=f"no route takes {path}"),
        by_path=True,
    )


def explained_condition(answer: Answer) -> Diagnosis:
    """Return what is said of a request that a route may take: what the log does not hold."""
    routing, host = answer.routing, answer.virtual_host
    route = routing.candidates[0].route if routing and routing.candidates else None
    why = ", ".join((routing.why if routing else ()) or answer.way.why)
    origin = route.owner if route else None
    named = f"{origin}" if origin else f"virtual host {host.name}" if host else "the table"
    says = f"A route of {named} takes it only by what the log does not hold: {why}."
    proof = [] if host is None else [_of_virtual_host(answer, host)]
    if route is not None:
        proof.append(
            Proof(
                str(origin or f"virtual host {host.name if host else ''}"), "match",
                route_words(route), f"asks for more than the log holds: {why}",
            )
        )  # fmt: skip
    return Diagnosis(
        "condition_not_met",
        "likely",
        says,
        tuple(proof),
        (origin,) if origin else (),
        None,
        answer.now,
        by_path=True,
    )


def _connect(answer: Answer, host: VirtualHost) -> Diagnosis:
    return Diagnosis(
        "condition_not_met",
        "proved",
        f"CONNECT is taken only by routes that are for it, and {host.name} has none: Istio makes "
        "no such route.",
        (_of_virtual_host(answer, host),),
        now=Now(routed=False, virtual_host=host.name, why="no route is for CONNECT"),
    )


def _unknown_path(refusal: Refusal, answer: Answer, host: VirtualHost) -> Diagnosis:
    origin = _origin(host, None)
    return Diagnosis(
        "path_not_matched",
        "likely",
        f"Virtual host {host.name} takes {refusal.host}; the path is not known, so which route "
        "would take it can't be said.",
        (_of_virtual_host(answer, host),),
        (origin,) if origin else (),
        now=Now(routed="may", virtual_host=host.name, why="the path"),
    )


def _condition(refusal: Refusal, answer: Answer, host: VirtualHost, near: Route) -> Diagnosis:
    """Return what is said where a route takes the path and not the rest of the request."""
    misses = why_not(refusal.request, near)
    first = misses[0]
    origin = _origin(host, near)
    named = str(origin) if origin else f"virtual host {host.name}"
    path = bare_path(refusal.request.path or "")
    says = f"{named} has a route for {path}, and {first.says}."
    asked = Proof(named, "match", route_words(near), "; ".join(miss.says for miss in misses))
    return Diagnosis(
        "condition_not_met",
        answer.certainty,
        says,
        (_of_virtual_host(answer, host), asked),
        (origin,) if origin else (),
        None,
        Now(routed=False, virtual_host=host.name, why=first.says),
        by_path=True,
    )


def _shadowed(
    refusal: Refusal,
    answer: Answer,
    host: VirtualHost,
    beside: Routing,
    objects: Objects | None,
) -> Diagnosis:
    """Return what is said where a wider virtual host has the route, and is never asked."""
    wider, route = beside.virtual_host, beside.candidates[0].route
    meant, taker = route.origin, _lister(host)
    name = refusal.host or ""
    wide = wider.name if wider else "a wider host"
    says = (
        f"The virtual host of {name} ({taker or host.name}) takes every request for it and has no "
        f"such path; {meant or wide} has the route under a wider host, to which Envoy never "
        "falls through."
    )
    proof = (
        _of_virtual_host(answer, host),
        Proof(
            str(meant or f"virtual host {wide}"), "match", route_words(route),
            f"would take it, and stands in virtual host {wide}",
        ),
    )  # fmt: skip
    target = objects.by_name.get(meant) if objects and meant else None
    change = None
    if target is not None and objects is not None:
        change = add_host(target, name, objects.host_field(target.name))
    return Diagnosis(
        "shadowed",
        answer.certainty,
        says,
        proof,
        tuple(each for each in (meant, taker) if each is not None),
        change,
        Now(routed=False, virtual_host=host.name, why=f"no route of {host.name} takes the path"),
        by_path=True,
    )


def _origin(host: VirtualHost, near: Route | None) -> ObjectName | None:
    """Return the object that a virtual host is made from: that of the nearest route, or the first.

    Null where no route says it.
    """
    if near is not None and near.owner is not None:
        return near.owner
    return next((route.owner for route in host.routes if route.owner is not None), None)


def _lister(host: VirtualHost) -> ObjectName | None:
    """Return the object that lists the hosts of a virtual host; null where no route says it."""
    return next((route.origin for route in host.routes if route.origin is not None), None)


def _of_virtual_host(answer: Answer, host: VirtualHost) -> Proof:
    table = answer.way.table
    name = table.name if table and table.name else "route table"
    domains = ", ".join(host.domains[:_ROUTES_SHOWN])
    return Proof(
        name, f"virtual host {host.name}, domains", domains, "takes the host; no other is asked"
    )


def _of_routes(request: Request, host: VirtualHost, near: Route | None) -> Iterator[Proof]:
    """Yield why routes do not take a path, the nearest first, then how many others there are."""
    shown = [near] if near is not None else []
    shown += [route for route in host.routes if route is not near][: _ROUTES_SHOWN - len(shown)]
    for route in shown:
        misses = why_not(request, route)
        yield Proof(
            str(route.owner or f"virtual host {host.name}"), "match", route_words(route),
            misses[0].says if misses else "",
        )  # fmt: skip
    rest = len(host.routes) - len(shown)
    if rest > 0:
        yield Proof(f"virtual host {host.name}", "routes", f"{rest:,} more", "none takes the path")
