"""Which of two VirtualServices is changed where one leaves its rules to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from envoylogs.mesh.diagnosis.objects import dicts
from envoylogs.mesh.routes.strings import value_fits
from envoylogs.mesh.tables import StringKind, StringMatch

if TYPE_CHECKING:
    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.objects import MeshObject, ObjectName
    from envoylogs.mesh.tables import Route

_KINDS = get_args(StringKind)


def rule_to_change(
    route: Route, path: str, objects: Objects | None
) -> tuple[ObjectName | None, int | None]:
    """Return the object, and the number of its rule, that is to take a path too.

    It is the delegate that a route stands in, if what delegates to it takes the path: what
    lies outside that never gets there, and has to be taken by the root.

    Args:
        route: That comes nearest to the path.
        path: Without its query.
        objects: What was given; null if that is a dump alone.

    Returns:
        Null for an object that is not known, and for a rule that only people can choose.
    """
    rule = route.rule[0] if route.rule is not None else None
    if route.written_in is None or objects is None:
        return route.owner, rule
    root = None if route.origin is None else objects.by_name.get(route.origin)
    if root is not None and not _delegates(root, route.written_in, path):
        return route.origin, None
    return route.written_in, rule


def _delegates(root: MeshObject, delegate: ObjectName, path: str) -> bool:
    """Tell whether a rule that takes a path leaves it to a delegate."""
    for rule in dicts(root.spec.get("http")):
        named = rule.get("delegate")
        if not isinstance(named, dict) or named.get("name") != delegate.name:
            continue
        if named.get("namespace", root.namespace) != delegate.namespace:
            continue
        matches = dicts(rule.get("match"))
        if not matches or any(_takes(match, path) for match in matches):
            return True
    return False


def _takes(match: dict[str, object], path: str) -> bool:
    uri = match.get("uri")
    if not isinstance(uri, dict) or not uri:
        return True
    kind, value = next(iter(uri.items()))
    if kind not in _KINDS or not isinstance(value, str):
        return True
    ignore_case = match.get("ignoreUriCase") is True and kind != "regex"
    return value_fits(StringMatch(kind, value, ignore_case), path) is not False
