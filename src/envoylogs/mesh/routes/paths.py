"""Whether a route takes a path.

See ``PathMatcher`` in ``source/common/common/matchers.cc``, ``removeQueryAndFragment`` in
``source/common/http/path_utility.cc`` and the ``matches`` of each kind of route in
``source/common/router/config_impl.cc`` of Envoy. Paths are compared as they were logged:
what a listener normalizes, it has normalized before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envoylogs.mesh.routes.patterns import pattern
from envoylogs.mesh.routes.strings import ascii_lower
from envoylogs.mesh.routes.uri_templates import expression_of

if TYPE_CHECKING:
    from envoylogs.mesh.requests import Request
    from envoylogs.mesh.tables import RouteMatch

_QUERY_OR_FRAGMENT = re.compile(r"[?#]")
_CONNECT_UDP_PATH = "/.well-known/masque/udp/"


def bare_path(path: str) -> str:
    """Return a path without its query and fragment."""
    found = _QUERY_OR_FRAGMENT.search(path)
    return path[: found.start()] if found else path


def path_fits(match: RouteMatch, path: str, *, ignore_parameters: bool = False) -> bool | None:
    """Return whether a route takes a path; null for a pattern that RE2 refuses.

    Args:
        match: Of the route; not one for ``CONNECT``, which looks at no path.
        path: With or without its query, which is not compared.
        ignore_parameters: Whether ``;`` and what follows is no part of the path. A URI
            template is compared with all of it still.
    """
    path = bare_path(path)
    kind, wanted = match.path_kind, match.path
    if kind == "uri_template":
        expression = expression_of(wanted)
        return None if expression is None else pattern(expression).covers(path)
    if ignore_parameters:
        path = path.partition(";")[0]
    if kind == "regex":
        return pattern(wanted).covers(path)
    if match.ignore_case:
        path, wanted = ascii_lower(path), ascii_lower(wanted)
    if kind == "exact":
        return path == wanted
    if not path.startswith(wanted):
        return False
    return kind == "prefix" or path[len(wanted) : len(wanted) + 1] in {"", "/"}


def target_fits(
    match: RouteMatch, request: Request, *, ignore_parameters: bool = False
) -> bool | str:
    """Return whether a route takes the path of a request, or the ``CONNECT`` that has none.

    Returns:
        In words what is not known where that decides.
    """
    if match.path_kind == "connect":
        return _is_connect(request)
    if request.path is None:
        # A CONNECT without a path is none of a route that compares paths.
        return False if request.method == "CONNECT" else "path"
    fits = path_fits(match, request.path, ignore_parameters=ignore_parameters)
    if fits is None:
        return f"pattern {match.path}"
    return fits


def _is_connect(request: Request) -> bool | str:
    if request.method == "CONNECT":
        return True
    # UDP is carried in a GET, but never of another path.
    path = request.path
    if path is not None and not path.startswith(_CONNECT_UDP_PATH):
        return False
    if request.method is None:
        return "method"
    upgrade = request.headers.get("upgrade")
    if upgrade is not None:
        return ascii_lower(upgrade) == "connect-udp"
    return False if "upgrade" in request.absent else "header upgrade"
