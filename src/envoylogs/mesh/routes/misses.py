"""In words why a route does not take a request, and which route came nearest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from envoylogs.mesh.routes.conditions import header_fits, query_fits
from envoylogs.mesh.routes.paths import bare_path, is_routable, path_fits, target_fits
from envoylogs.mesh.routes.patterns import pattern
from envoylogs.mesh.routes.strings import ascii_lower

if TYPE_CHECKING:
    from envoylogs.mesh.requests import Request
    from envoylogs.mesh.tables import NamedMatch, Route, RouteMatch, VirtualHost

Part = Literal["path", "method", "header", "query", "authority", "condition"]


@dataclass(frozen=True, slots=True)
class Miss:
    """One reason why a route does not take a request.

    Attributes:
        part: Of the request that is not as the route asks; ``condition`` for what the log
            does not hold, so that it is not known whether it is one.
        says: The reason in words. Values of queries are not in it.
    """

    part: Part
    says: str


def why_not(
    request: Request, route: Route, *, ignore_path_parameters: bool = False
) -> tuple[Miss, ...]:
    """Return why a route does not take a request; nothing if it does for certain.

    The path comes first, then headers and query parameters in the order of the route,
    then what the log does not hold.

    Args:
        request: Which.
        route: Which.
        ignore_path_parameters: As its table has it.
    """
    match = route.match
    misses, unknown = [], []
    target = target_fits(match, request, ignore_parameters=ignore_path_parameters)
    if target is False:
        misses.append(_target_miss(match, request))
    elif target is not True:
        unknown.append(target)
    for kind, conditions in (("header", match.headers), ("query", match.query)):
        for each in conditions:
            fits = header_fits(each, request) if kind == "header" else query_fits(each, request)
            if fits is False:
                misses.append(_header_miss(each) if kind == "header" else _query_miss(each))
            elif fits is not True:
                unknown.append(fits)
    unknown += match.conditions
    return (
        *misses,
        *(
            Miss("condition", f"the log does not hold what it asks for: {each}")
            for each in dict.fromkeys(unknown)
        ),
    )


def nearest(request: Request, virtual_host: VirtualHost) -> Route | None:
    """Return the route that would take a request with the least change of it or of the route.

    First comes one whose path fits, with the fewest other misses; then one of which the
    path differs in case or in a slash at its end; then one above or below it; then one
    that begins with the same segments. Of equals the first. Null if none is near.
    All routes are looked at once.
    """
    best: tuple[tuple[int, int], Route] | None = None
    for route in virtual_host.routes:
        distance = _distance(request, route)
        if distance is not None and (best is None or distance < best[0]):
            best = distance, route
    return best[1] if best else None


def takes_path(request: Request, virtual_host: VirtualHost) -> Route | None:
    """Return the first route that takes the path of a request, whatever else it asks for."""
    return next(
        (each for each in virtual_host.routes if target_fits(each.match, request) is not False),
        None,
    )


def _distance(request: Request, route: Route) -> tuple[int, int] | None:
    """Return how far a route is: the kind of difference, and how much of it; null if too far."""
    match = route.match
    if target_fits(match, request) is not False:
        return 0, sum(miss.part != "condition" for miss in why_not(request, route))
    if match.path_kind == "connect" or request.path is None:
        return None
    path = bare_path(request.path)
    other_slash = path[:-1] if path.endswith("/") else f"{path}/"
    if _fits_but_for_case(match, path) or _fits_but_for_case(match, other_slash):
        return 1, 0
    if match.path_kind in {"regex", "uri_template"}:
        return None
    return _distance_of_segments(_segments(path), _segments(match.path))


def _distance_of_segments(asked: list[str], wanted: list[str]) -> tuple[int, int] | None:
    shared = 0
    for one, other in zip(asked, wanted, strict=False):
        if one != other:
            break
        shared += 1
    if not shared:
        return None
    one_is_above = shared in {len(asked), len(wanted)}
    return (2 if one_is_above else 3), len(asked) + len(wanted) - 2 * shared


def _fits_but_for_case(match: RouteMatch, path: str) -> bool:
    if match.path_kind in {"regex", "uri_template"}:
        return True in {path_fits(match, path), path_fits(match, ascii_lower(path))}
    return path_fits(_without_case(match), path) is True


@lru_cache(maxsize=4096)
def _without_case(match: RouteMatch) -> RouteMatch:
    return replace(match, ignore_case=True)


def _segments(path: str) -> list[str]:
    return ascii_lower(path).strip("/").split("/")


def _target_miss(match: RouteMatch, request: Request) -> Miss:
    if match.path_kind == "connect":
        return Miss("method", "only CONNECT is taken")
    if request.path is None:
        return Miss("path", f"a CONNECT without a path is not under {match.path}")
    path = bare_path(request.path)
    if not is_routable(path):
        return Miss("path", f"no route takes {path}, which begins with no slash")
    return Miss("path", _path_reason(match, path))


def _path_reason(match: RouteMatch, path: str) -> str:
    wanted = match.path
    if match.path_kind == "uri_template":
        return f"the template {wanted} does not fit {path}"
    if match.path_kind == "regex":
        if pattern(wanted).begins(path):
            return f"the pattern {wanted} must cover all of {path}, and does not"
        return f"the pattern {wanted} does not fit {path}"
    if "?" in wanted or "#" in wanted:
        return f"only the path is compared, without its query, so nothing is ever {wanted}"
    if _fits_but_for_case(match, path):
        return f"upper and lower case are told apart: {path} is not {wanted}"
    return _literal_reason(match, path)


def _literal_reason(match: RouteMatch, path: str) -> str:
    """Return why a path is not an exact path, or not under a prefix, apart from its case."""
    wanted, is_exact = match.path, match.path_kind == "exact"
    name = "exact path" if is_exact else "prefix"
    if path == f"{wanted}/":
        return f"the {name} {wanted} does not cover {path}, which has a slash at its end"
    if wanted == f"{path}/":
        return f"the {name} {wanted} does not cover {path}, which has no slash at its end"
    if not path.startswith(wanted):
        return f"{path} is not {'' if is_exact else 'under '}{wanted}"
    if is_exact:
        return f"the exact path {wanted} covers nothing longer, as {path} is"
    return f"the prefix {wanted} ends with its last segment, which {path} continues"


def _header_miss(condition: NamedMatch) -> Miss:
    part, name = _PARTS.get(condition.name, ("header", f"header {condition.name}"))
    return Miss(part, f"the {name} {_asked(condition)}")


def _query_miss(condition: NamedMatch) -> Miss:
    return Miss("query", f"the query parameter {condition.name} {_asked(condition)}")


def _asked(condition: NamedMatch) -> str:
    match = condition.match
    if match.kind == "present":
        return "must not be there" if condition.invert else "must be there"
    value = match.value
    if match.kind == "range":
        start, _, end = value.partition(",")
        value = f"{start} or more and less than {end}"
    return f"must {'not ' if condition.invert else ''}{_VERBS[match.kind]} {value}"


_VERBS = {
    "exact": "be",
    "prefix": "begin with",
    "suffix": "end with",
    "contains": "contain",
    "regex": "fit the pattern",
    "range": "be",
}
_PARTS: dict[str, tuple[Part, str]] = {
    ":method": ("method", "method"),
    ":authority": ("authority", "host"),
    "host": ("authority", "host"),
    ":path": ("path", "path with its query"),
}
