"""All that was given of a mesh's configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.mesh.objects import MeshObject
    from envoylogs.mesh.tables import Cluster, Listener, RouteTable


@dataclass(frozen=True, slots=True)
class Configuration:
    """Objects and dumps, as they were read; see ``documents.read_configuration``.

    Attributes:
        objects: Of the kinds that are known, in the order of the files; of those of one name
            the last.
        tables: Route tables of dumps, each with its file; a name may stand in several files.
        listeners: Listeners of dumps.
        clusters: Clusters of dumps; null if no dump of clusters was given, so that
            nothing is known to be missing.
        documents: How many documents were read: objects and dumps.
        dumps: How many of these were dumps of a proxy.
        skipped: How many documents of each unknown kind were passed over; by
            ``kind (group)``.
        warnings: What could not be used, each a sentence that names file and place.
        credentials: Names of Secrets that were given, and of those that a proxy had, as far as
            they are known ``namespace/name``; null if nothing given says which there are.
        unread: Files that were found and hold what could not be read, or not to their end, so
            that what is not among the objects may stand there; none that is something else.
        pods: Whose the dumps of a file are, where they say it.
        of_others: Files, with their pods, whose dumps were left out as those of other gateways
            than the log's.
    """

    objects: tuple[MeshObject, ...] = ()
    tables: tuple[RouteTable, ...] = ()
    listeners: tuple[Listener, ...] = ()
    clusters: tuple[Cluster, ...] | None = None
    documents: int = 0
    dumps: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    credentials: tuple[str, ...] | None = None
    unread: tuple[str, ...] = ()
    pods: Mapping[str, str] = field(default_factory=dict)
    of_others: tuple[tuple[str, str], ...] = ()
