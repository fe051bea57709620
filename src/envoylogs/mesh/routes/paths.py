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
from envoylogs.mesh.routes.uri_templates import uri_template

if TYPE_CHECKING:
    from envoylogs.mesh.requests import Request
    from envoylogs.mesh.tables import RouteMatch

_QUERY_OR_FRAGMENT = re.compile(r"[?#]")
_PARAMETERS = re.compile(r";[^/]*")


def bare_path(path: str) -> str:
    """Return a path without its query and fragment."""
    found = _QUERY_OR_FRAGMENT.search(path)
    return path[: found.start()] if found else path


def has_no_path(request: Request) -> bool:
    """Return whether a request is one that has no path, rather than one that is not known."""
    return request.path is None and request.method == "CONNECT"


def is_routable(path: str) -> bool:
    """Return whether Envoy asks any route for a path.

    It refuses one that begins with no slash, as the ``*`` of an OPTIONS request, by 404 before
    (``ConnectionManagerImpl::ActiveStream::decodeHeaders`` in
    ``source/common/http/conn_manager_impl.cc``). The URL of a request in absolute form is
    taken apart by the codec, so that its path is logged.
    """
    return not path or path.startswith("/")


def path_fits(match: RouteMatch, path: str, *, ignore_parameters: bool = False) -> bool | str:
    """Return whether a route takes a path.

    Args:
        match: Of the route; not one for ``CONNECT``, which looks at no path.
        path: With or without its query, which is not compared.
        ignore_parameters: Whether ``;`` and what follows is no part of the path. A URI
            template is compared with all of it still.

    Returns:
        In words what is not known where that decides.
    """
    return bare_path_fits(match, bare_path(path), ignore_parameters=ignore_parameters)


def bare_path_fits(match: RouteMatch, path: str, *, ignore_parameters: bool) -> bool | str:
    """Return what ``path_fits`` does, of a path that has neither query nor fragment."""
    if match.path_kind == "uri_template":
        template = uri_template(match.path)
        fits = template.fits(path) if template else None
        return f"how this release of Envoy reads template {match.path}" if fits is None else fits
    if ignore_parameters and ";" in path:
        # Releases differ: older ones cut at the first semicolon, those that are mended
        # (1.36.10, 1.37.6, 1.38.4, 1.39.1 and later) cut each segment at its own.
        cut = _compared_path_fits(match, path.partition(";")[0])
        cut_each = _compared_path_fits(match, _PARAMETERS.sub("", path))
        return cut if cut == cut_each else "how this release of Envoy cuts path parameters"
    return _compared_path_fits(match, path)


def _compared_path_fits(match: RouteMatch, path: str) -> bool | str:
    kind, wanted = match.path_kind, match.path
    if kind == "regex":
        fits = pattern(wanted).covers(path)
        return f"whether pattern {wanted} fits" if fits is None else fits
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
        return False if has_no_path(request) else "path"
    if not is_routable(request.path):
        return False
    if request.is_path_cut and not _is_decided_by(match, request.path):
        return "path"
    return path_fits(match, request.path, ignore_parameters=ignore_parameters)


def _is_decided_by(match: RouteMatch, start: str) -> bool:
    """Tell whether how a path begins decides if a route takes it, whatever comes after."""
    if match.path_kind in {"regex", "uri_template"}:
        return False
    wanted = match.path
    if len(wanted) < len(start):
        return True
    if match.ignore_case:
        start, wanted = ascii_lower(start), ascii_lower(wanted)
    return not wanted.startswith(start)


def _is_connect(request: Request) -> bool | str:
    if request.method == "CONNECT":
        return True
    if request.method is None:
        return "method"
    # UDP is carried in a request of any method that is to be upgraded. One with another path
    # than that of the standard is refused too, but only after its route was found.
    upgrade = request.headers.get("upgrade")
    if upgrade is not None:
        return ascii_lower(upgrade) == "connect-udp"
    return False if "upgrade" in request.absent else "header upgrade"
