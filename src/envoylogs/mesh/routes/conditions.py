"""Whether the headers and query parameters of a request are what a route asks for.

See ``HeaderUtility::matchHeaders`` in ``source/common/http/header_utility.cc``, and
``ConfigUtility::matchQueryParams`` in ``source/common/router/config_utility.cc`` of Envoy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.routes.paths import bare_path, has_no_path
from envoylogs.mesh.routes.strings import ascii_lower, fits_every_value, value_fits

if TYPE_CHECKING:
    from envoylogs.mesh.requests import Request
    from envoylogs.mesh.tables import NamedMatch


def header_fits(condition: NamedMatch, request: Request) -> bool | str:
    """Return whether a header is as a route asks.

    Returns:
        In words what is not known where that decides: ``header x-version``, ``method``.
    """
    value = header_value(condition.name, request)
    if value is None and condition.name == ":path" and not has_no_path(request):
        return _path_header_fits(condition, request)
    unknown = _NAMES.get(condition.name, f"header {condition.name}")
    if condition.invert and condition.match.kind == "present":
        unknown = f"whether {unknown} is missing"
    if value is None and is_known(condition.name, request):
        if not condition.missing_as_empty:
            # Inverted or not, a condition on the value of a missing header never holds.
            return condition.invert and condition.match.kind == "present"
        value = ""
    if value is None:
        if condition.missing_as_empty and fits_every_value(condition.match):
            return not condition.invert
        return unknown
    fits = value_fits(condition.match, value)
    return _open_pattern(condition) if fits is None else fits != condition.invert


def query_fits(condition: NamedMatch, request: Request) -> bool | str:
    """Return whether a query parameter is as a route asks.

    Names and values are compared as they were sent, without decoding; of a name that
    stands several times, the first one counts.

    Returns:
        In words what is not known where that decides: ``query parameter version``.
    """
    if has_no_path(request):
        value = None
    elif request.query_known and request.path is not None:
        value = query_value(condition.name, request.path)
    else:
        return f"query parameter {condition.name}"
    if condition.match.kind == "present" and condition.invert:
        return _OPPOSITE_BY_RELEASE
    if value is None:
        return False
    fits = value_fits(condition.match, value)
    return _open_pattern(condition) if fits is None else fits


def header_value(name: str, request: Request) -> str | None:
    """Return the value of a header or pseudo-header; null if it is not known or not there."""
    value = request.headers.get(name)
    if value is not None:
        return value
    match name:
        case ":method":
            return request.method
        case ":authority" | "host":
            return request.authority
        case ":path" if request.query_known:
            return request.path
        case _:
            return None


def is_known(name: str, request: Request) -> bool:
    """Return whether a header is known to be there, or not to be."""
    if name == ":path" and has_no_path(request):
        return True
    return name in request.absent or name in request.headers


def query_value(name: str, path: str) -> str | None:
    """Return the value of the first query parameter of a name; null if there is none."""
    for parameter in path.partition("?")[2].split("&"):
        found, _, value = parameter.partition("=")
        if found == name:
            return value
    return None


def _open_pattern(condition: NamedMatch) -> str:
    return f"whether pattern {condition.match.value} fits"


def _path_header_fits(condition: NamedMatch, request: Request) -> bool | str:
    """Return what is certain of ``:path``, which has the query, where only the path is known."""
    match = condition.match
    if request.path is None:
        return "path"
    path, wanted = bare_path(request.path), match.value
    if match.ignore_case:
        path, wanted = ascii_lower(path), ascii_lower(wanted)
    fits: bool | None = None
    if match.kind == "present":
        fits = True
    elif match.kind == "exact" and bare_path(wanted) != path:
        fits = False
    elif match.kind == "prefix":
        if path.startswith(wanted):
            fits = True
        elif not wanted.startswith(path):
            fits = False
    return "query" if fits is None else fits != condition.invert


_OPPOSITE_BY_RELEASE = "how this release of Envoy reads present_match: false"
"""Before 1.34 it asked for a parameter that is there, and now for one that is not."""

_NAMES = {":method": "method", ":authority": "authority", "host": "authority", ":path": "path"}
