"""What is made of the documents of all files, together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from envoylogs.mesh.configuration import Configuration
from envoylogs.mesh.documents.dumps import Dumps
from envoylogs.mesh.documents.kinds import GATEWAY_API, KINDS
from envoylogs.mesh.documents.kubernetes import Place, kind_of, mesh_object
from envoylogs.mesh.documents.nodes import entries, is_list, is_object, members, whole
from envoylogs.mesh.documents.refusals import ANY_CONFIGURATION, is_record, log_given, unknown
from envoylogs.mesh.documents.route_tables import with_kinds

if TYPE_CHECKING:
    from envoylogs.mesh.documents.nodes import Node
    from envoylogs.mesh.objects import MeshObject, ObjectName

_UNDECODABLE = (ValueError, RecursionError, msgspec.DecodeError)


@dataclass(slots=True)
class Collecting:
    """Sorts documents into objects and dumps; it grows with each document.

    Of objects of one name the last counts, as it does for ``kubectl apply``: so a change can be
    given behind what is there.
    """

    objects: dict[ObjectName, MeshObject] = field(default_factory=dict)
    documents: int = 0
    dump_count: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    # A list of many objects may have one mistake many times.
    warnings: dict[str, None] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    dumps: Dumps = field(init=False)

    def __post_init__(self) -> None:
        self.dumps = Dumps(self.warn)

    def warn(self, sentence: str) -> None:
        """Note what could not be used."""
        self.warnings[sentence] = None

    def add(self, node: Node, place: Place, list_kind: str | None = None) -> None:
        """Add a document.

        Args:
            node: It; an empty one is passed over.
            place: Where it stands.
            list_kind: Of the list that it is an item of; null for none.

        Raises:
            NotConfigurationError: If it is something else than configuration.
        """
        if is_list(node):
            self._add_entries(node, place)
            return
        if not is_object(node):
            if whole(node) is None:
                return
            raise unknown(place.source)
        parts = members(node)
        kind = whole(parts.get("kind")) if not is_object(parts.get("kind")) else None
        if list_kind is not None:
            self._add_object(node, place, list_kind)
        elif is_list(parts.get("items")):
            for number, item in enumerate(entries(parts["items"]), start=1):
                at = Place(place.source, place.line, number)
                self.add(item, at, kind if isinstance(kind, str) else "")
        elif "kind" in parts:
            self._add_object(node, place, None)
        elif is_record(parts):
            raise log_given(place.source)
        elif self.dumps.add(node, place.source):
            self.documents += 1
            self.dump_count += 1
        else:
            raise unknown(place.source)

    def configuration(self) -> Configuration:
        """Return all that was added."""
        if not self.documents and not self.skipped:
            self.warn(f"Nothing was read of a configuration. Give {ANY_CONFIGURATION}.")
        secrets = [each.name.path for each in self.objects.values() if each.kind == "Secret"]
        known = bool(secrets) or self.dumps.secrets is not None
        routes = [each for each in self.objects if each.group == GATEWAY_API]
        return Configuration(
            objects=tuple(self.objects.values()),
            tables=tuple(with_kinds(table, routes) for table in self.dumps.tables),
            listeners=tuple(self.dumps.listeners),
            clusters=None if self.dumps.clusters is None else tuple(self.dumps.clusters),
            documents=self.documents,
            dumps=self.dump_count,
            skipped=dict(self.skipped),
            warnings=tuple(self.warnings),
            credentials=tuple(dict.fromkeys([*secrets, *(self.dumps.secrets or ())]))
            if known
            else None,
            unread=tuple(self.unread),
            pods=dict(self.dumps.pods),
        )

    def _add_entries(self, node: Node, place: Place) -> None:
        """Add a bare list: ``istioctl`` prints parts of a dump so."""
        parts = entries(node)
        if not parts:
            self.documents += 1
            self.dump_count += 1
            self.warn(f"{place}: is an empty list: the proxy had nothing of what was asked for.")
            return
        if not all(map(is_object, parts)):
            raise unknown(place.source)
        of_dump = 0
        for number, each in enumerate(parts, start=1):
            keys = members(each)
            if "kind" in keys:
                self._add_object(each, Place(place.source, place.line, number), None)
            elif is_record(keys):
                raise log_given(place.source)
            else:
                of_dump += self.dumps.add(each, place.source)
        if of_dump:
            self.documents += 1
            self.dump_count += 1
        elif not any("kind" in members(each) for each in parts):
            raise unknown(place.source)

    def _add_object(self, node: Node, place: Place, list_kind: str | None) -> None:
        try:
            group, kind = named = kind_of(node, list_kind)
            if named not in KINDS:
                self.skipped[f"{kind or 'no kind'} ({group or 'core'})"] += 1
                return
            found = mesh_object(node, named, place, self.documents, self.warn)
        except _UNDECODABLE:
            self.warn(f"{place}: an object can't be decoded, and was passed over.")
            return
        if found is None:
            return
        self.documents += 1
        before = self.objects.pop(found.name, None)
        if before is not None and before.spec != found.spec:
            self.warn(
                f"{place}: {found.name} was given before with another spec, in {before.source}; "
                "the last one counts."
            )
        self.objects[found.name] = found
