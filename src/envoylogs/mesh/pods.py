"""Which pods are of one gateway, by their names alone."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.configuration import Configuration

_POD = re.compile(r"[a-z0-9.-]*[a-z][a-z0-9.-]*-[a-z0-9.-]+")
# The hash of a ReplicaSet and that of a pod; letters and digits that make no words.
_OF_REPLICA = re.compile(r"(?:-[a-z0-9]{6,10})?-[a-z0-9]{5}$")


def is_pod(name: str) -> bool:
    """Tell a pod's name from an address."""
    return _POD.fullmatch(name) is not None


def gateway_group(gateway: str | None) -> str | None:
    """Return what pods of one Deployment have in common of their names; null for an address."""
    return _OF_REPLICA.sub("", gateway) if gateway is not None and is_pod(gateway) else None


def without_others(configuration: Configuration, pods: Iterable[str]) -> Configuration:
    """Leave out the dumps of pods of other Deployments than those that wrote a log.

    Args:
        configuration: What was given.
        pods: That wrote the log; none if the log does not say.
    """
    groups = {gateway_group(name) for name in pods}
    others = {
        source
        for source, pod in configuration.pods.items()
        if groups and _OF_REPLICA.search(pod) and gateway_group(pod) not in groups
    }
    if not others:
        return configuration
    clusters = [each for each in configuration.clusters or () if each.source not in others]
    return replace(
        configuration,
        tables=tuple(each for each in configuration.tables if each.source not in others),
        listeners=tuple(each for each in configuration.listeners if each.source not in others),
        clusters=tuple(clusters) if clusters else None,
        of_others=tuple((source, configuration.pods[source]) for source in sorted(others)),
    )
