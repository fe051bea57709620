"""Which DestinationRule holds for a host at a gateway, and whether it defines a subset.

As ``PushContext.destinationRule`` of Istio has it: the gateway's own namespace is asked first,
then that of the service, then the root namespace; in each the most specific host
alone, and the rules for it are merged.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from envoylogs.mesh.intent.hosts import expanded, is_covered, is_wildcard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.objects import MeshObject


@dataclass(frozen=True, slots=True)
class SubsetState:
    """What the rules that were given say of a subset.

    Attributes:
        status: ``unknown`` if a rule that was not given may define it.
        rules: That say so.
        labels: Of the subset, if it is defined.
    """

    status: Literal["defined", "undefined", "unknown"]
    rules: tuple[MeshObject, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


class DestinationRules:
    """The DestinationRules that were given."""

    def __init__(
        self, objects: Iterable[MeshObject], mesh_domain: str, root_namespace: str
    ) -> None:
        self._root = root_namespace
        self._exact: dict[str, list[MeshObject]] = defaultdict(list)
        self._wildcards: list[tuple[str, MeshObject]] = []
        for each in objects:
            given = each.spec.get("host") if each.kind == "DestinationRule" else None
            if not given:
                continue
            host = expanded(given, each.namespace, mesh_domain)
            if is_wildcard(host):
                self._wildcards.append((host, each))
            else:
                self._exact[host].append(each)

    def subset(
        self, name: str, host: str, gateway: str | None, owners: Iterable[str]
    ) -> SubsetState:
        """Return whether a subset of a host is defined.

        Args:
            name: Of the subset.
            host: Its full name.
            gateway: The namespace of the gateway; null if it is not known.
            owners: The namespaces of those who declare the host.
        """
        about = [(host, rule) for rule in self._exact.get(host, ())]
        about += [(known, rule) for known, rule in self._wildcards if is_covered(host, known)]
        defining = [rule for _, rule in about if name in subsets_of(rule)]
        if not about:
            return SubsetState("unknown")
        if not defining:
            return SubsetState("undefined", tuple(rule for _, rule in about))
        chosen = self._chosen(about, gateway, owners)
        if chosen is None:
            return SubsetState("unknown", tuple(defining))
        by_name = [rule for rule in chosen if name in subsets_of(rule)]
        if not by_name:
            return SubsetState("undefined", tuple(chosen))
        labels = subsets_of(by_name[0])[name]
        return SubsetState("defined", (by_name[0],), tuple(labels.items()))

    def _chosen(
        self, about: list[tuple[str, MeshObject]], gateway: str | None, owners: Iterable[str]
    ) -> list[MeshObject] | None:
        """Return the rules that hold; null if that is not in the files."""
        if gateway is not None:
            is_root = gateway == self._root
            own = [
                (host, rule)
                for host, rule in about
                if rule.namespace == gateway and (not is_root or _is_private(rule))
            ]
            if own:
                nearest = _most_specific(own)
                # Whether it is about this gateway is a question of its labels.
                return None if any(map(_has_selector, nearest)) else nearest
        for namespace in (*owners, self._root):
            shared = [
                (host, rule)
                for host, rule in about
                if rule.namespace == namespace and not _is_private(rule)
            ]
            visible = [rule for rule in _most_specific(shared) if _is_exported_to(rule, gateway)]
            if visible:
                return visible
        return None


def subsets_of(rule: MeshObject) -> dict[str, dict[str, str]]:
    """Return the labels of a rule's subsets by their names."""
    return {
        subset["name"]: subset.get("labels", {})
        for subset in rule.spec.get("subsets", ())
        if "name" in subset
    }


def _most_specific(about: list[tuple[str, MeshObject]]) -> list[MeshObject]:
    ranked = [((not is_wildcard(host), len(host)), rule) for host, rule in about]
    best = max((rank for rank, _ in ranked), default=None)
    return [rule for rank, rule in ranked if rank == best]


def _has_selector(rule: MeshObject) -> bool:
    return "workloadSelector" in rule.spec


def _is_private(rule: MeshObject) -> bool:
    exported = rule.spec.get("exportTo", [])
    return _has_selector(rule) or exported in ([rule.namespace], ["."])


def _is_exported_to(rule: MeshObject, gateway: str | None) -> bool:
    exported = rule.spec.get("exportTo", [])
    if not exported or "*" in exported or gateway is None:
        return True
    return gateway in exported or ("." in exported and rule.namespace == gateway)
