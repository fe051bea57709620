"""Objects that were changed shortly before harm began."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.mesh.mesh import Mesh
    from envoylogs.mesh.objects import MeshObject
    from envoylogs.summary.explanations import Explanation
    from envoylogs.summary.findings.finding import Finding

_BEFORE_US, _AFTER_US = 15 * 60 * 1_000_000, 60 * 1_000_000
"""A change so long before harm began, or so shortly after, as clocks differ, may have made it."""
_SHOWN = 5


class ObjectChange(NamedTuple):
    """When an object was changed last."""

    changed: MeshObject
    at_us: int


def changes_of(mesh: Mesh) -> list[ObjectChange]:
    """Return the objects of which it is known when they were changed, the oldest change first."""
    found = []
    for each in mesh.configuration.objects:
        at_us = each.changed_us
        if at_us is not None:
            found.append(ObjectChange(each, at_us))
    return sorted(found, key=lambda change: change.at_us)


def changed_before(
    finding: Finding, explained: Explanation | None, changes: Sequence[ObjectChange]
) -> list[ObjectChange]:
    """Return what was changed shortly before a finding began and is about its subject."""
    since = finding.since
    if since is None:
        return []
    near = [each for each in changes if since - _BEFORE_US <= each.at_us <= since + _AFTER_US]
    proved = explained.diagnosis.objects if explained is not None else ()
    about = [
        each
        for each in near
        if each.changed.name in proved or _mentions(each.changed, finding.subject)
    ]
    # An object that names no host may be about all of them; many at once are a rollout.
    others = [each for each in near if each not in about and not _names_hosts(each.changed)]
    return (about or others)[-_SHOWN:]


def _mentions(changed: MeshObject, subject: str) -> bool:
    parts = subject.split("|")
    hosts = [str(host) for key in ("hosts", "hostnames") for host in _list(changed.spec.get(key))]
    hosts += [str(changed.spec.get("host") or "")]
    named = parts[-1]
    return any(
        host and (host == named or (host.startswith("*.") and named.endswith(host[1:])))
        for host in hosts
    )


def _names_hosts(changed: MeshObject) -> bool:
    return any(_list(changed.spec.get(key)) for key in ("hosts", "hostnames")) or bool(
        changed.spec.get("host")
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
