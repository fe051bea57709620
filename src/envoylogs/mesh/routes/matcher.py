"""Which route of a table takes a request.

See ``VirtualHostImpl::getRouteFromEntries`` and ``RouteEntryImplBase::matchRoute`` in
``source/common/router/config_impl.cc`` of Envoy.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

from envoylogs.mesh.routes.conditions import header_fits, header_value, is_known, query_fits
from envoylogs.mesh.routes.hosts import HostIndex
from envoylogs.mesh.routes.paths import bare_path, bare_path_fits, is_routable, target_fits

if TYPE_CHECKING:
    from envoylogs.mesh.requests import Request
    from envoylogs.mesh.tables import Route, RouteTable, VirtualHost

Verdict = Literal["routed", "unrouted", "may"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route that takes a request, or may take it.

    Attributes:
        route: Which.
        position: Where it stands in its virtual host, counted from 0.
        conditions: What must hold besides and is not known; nothing if it takes it for certain.
    """

    route: Route
    position: int
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """What becomes of a request in a table.

    Attributes:
        virtual_host: The one that takes its host; null for none, and if it is not known which.
        candidates: Routes that take it or may take it, in their order, none after the
            first one that takes it for certain.
        verdict: ``routed`` if the first candidate is certain, or if the virtual host
            redirects to HTTPS for certain; ``unrouted`` if nothing takes it;
            ``may`` if it depends on ``why``.
        why: All that decides and that the log does not hold.
        redirect_to_https: Whether the virtual host redirects it before any route is
            asked (``require_tls``); null if that depends on what the log does not hold.
    """

    virtual_host: VirtualHost | None
    candidates: tuple[Candidate, ...] = ()
    verdict: Verdict = "unrouted"
    why: tuple[str, ...] = ()
    redirect_to_https: bool | None = False

    @property
    def route(self) -> Route | None:
        """The route that takes it for certain, null for none."""
        return self.candidates[0].route if self.verdict == "routed" and self.candidates else None


class TableMatcher:
    """A table, ready to be asked many times.

    Args:
        table: Which.
    """

    def __init__(self, table: RouteTable) -> None:
        self.table = table
        self._hosts = HostIndex(table)

    @property
    def duplicates(self) -> tuple[str, ...]:
        """Domains that stand twice, in lower case: Envoy refuses a table that has any."""
        return self._hosts.duplicates

    def virtual_host(self, authority: str | None) -> VirtualHost | None:
        """Return the virtual host that takes a host; null for none.

        Args:
            authority: With its port, in any case; null for a request without one. In a
                table with a ``vhost_header``, the value of that header.
        """
        found = self._hosts.find(authority)
        return found[0] if found else None

    def domain(self, authority: str | None) -> str | None:
        """Return the domain, as given, by which a host is taken; null for none."""
        found = self._hosts.find(authority)
        return found[1] if found else None

    def wider(self, request: Request) -> Routing | None:
        """Return what a wider virtual host would do with a request; Envoy never asks it.

        That is the first one after the one that takes the host which has a route for it
        for certain; null for none.
        """
        host = header_value(self.table.vhost_header.lower() or ":authority", request)
        for virtual_host, _ in islice(self._hosts.covering(host), 1, None):
            candidates = self._candidates(virtual_host, request)
            if candidates and not candidates[0].conditions:
                return Routing(virtual_host, candidates, "routed")
        return None

    def route(self, request: Request) -> Routing:
        """Return which route takes a request, as far as the log holds what decides."""
        header = self.table.vhost_header.lower() or ":authority"
        host = header_value(header, request)
        if request.path is not None and not is_routable(request.path):
            return Routing(self.virtual_host(host))
        if host is None and not self._hosts.takes_any and not is_known(header, request):
            return Routing(None, verdict="may", why=(_name(header),))
        virtual_host = self.virtual_host(host)
        if virtual_host is None:
            return Routing(None)
        redirects, why = _redirects_to_https(virtual_host, request)
        if redirects:
            return Routing(virtual_host, verdict="routed", redirect_to_https=True)
        if virtual_host.has_matcher:
            tree = f"matcher tree of virtual host {virtual_host.name}"
            return Routing(virtual_host, (), "may", (*why, tree), redirects)
        candidates = self._candidates(virtual_host, request)
        unknown = [*why, *(each for found in candidates for each in found.conditions)]
        verdict: Verdict = "routed" if candidates else "unrouted"
        if unknown:
            verdict = "may"
        return Routing(virtual_host, candidates, verdict, tuple(dict.fromkeys(unknown)), redirects)

    def _candidates(self, virtual_host: VirtualHost, request: Request) -> tuple[Candidate, ...]:
        found = []
        # Of most routes only the path is looked at, so that it is prepared once.
        is_known = request.path is not None and not request.is_path_cut
        path = bare_path(request.path or "") if is_known else None
        for position, route in enumerate(virtual_host.routes):
            conditions = self._conditions(route, request, path)
            if conditions is None:
                continue
            found.append(Candidate(route, position, conditions))
            if not conditions:
                break
        return tuple(found)

    def _conditions(
        self, route: Route, request: Request, path: str | None
    ) -> tuple[str, ...] | None:
        """Return what must hold besides for a route to take a request; null if it does not."""
        match, ignore_parameters = route.match, self.table.ignore_path_parameters
        if path is None or match.path_kind == "connect":
            target = target_fits(match, request, ignore_parameters=ignore_parameters)
        else:
            target = bare_path_fits(match, path, ignore_parameters=ignore_parameters)
        if target is False:
            return None
        if target is True and not (match.headers or match.query or match.conditions):
            return ()
        answers = [
            target,
            *(header_fits(each, request) for each in match.headers),
            *(query_fits(each, request) for each in match.query),
        ]
        # What certainly does not hold excludes the route, whatever else is not known.
        if False in answers:
            return None
        unknown = [answer for answer in answers if isinstance(answer, str)]
        return tuple(dict.fromkeys([*unknown, *match.conditions]))


def _redirects_to_https(
    virtual_host: VirtualHost, request: Request
) -> tuple[bool | None, tuple[str, ...]]:
    """Return whether a virtual host redirects a request to HTTPS, and what is not known of it.

    Envoy asks ``x-forwarded-proto``, not the connection: a listener that trusts the proxies
    before it (``xff_num_trusted_hops``) lets them say it, and only one that does not
    puts the connection's own there (``ConnectionManagerUtility::mutateRequestHeaders``).
    """
    if virtual_host.require_tls == "none":
        return False, ()
    scheme = request.headers.get("x-forwarded-proto")
    if scheme is None:
        return None, ("header x-forwarded-proto",)
    if scheme == "https":
        return False, ()
    if virtual_host.require_tls == "all":
        return True, ()
    internal = request.headers.get("x-envoy-internal")
    if internal is None and "x-envoy-internal" not in request.absent:
        return None, ("header x-envoy-internal",)
    return internal != "true", ()


def _name(header: str) -> str:
    return "authority" if header == ":authority" else f"header {header}"
