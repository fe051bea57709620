"""Objects of Kubernetes, Istio and the Gateway API as they were given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_NAMESPACE = "default"
"""Where an object without a namespace is, as ``kubectl apply`` has it."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """What an object is called; reads as ``VirtualService shop/books``.

    Attributes:
        kind: As it is spelled in the object.
        namespace: Empty for kinds that have none.
        name: Of the object.
        group: Of its API, without the version: tells Istio's ``Gateway``
            (``networking.istio.io``) from that of the Gateway API
            (``gateway.networking.k8s.io``); empty for the core group.
    """

    kind: str
    namespace: str
    name: str
    group: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"

    @property
    def path(self) -> str:
        """The namespace and the name."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class MeshObject:
    """One object, without what no question is asked of.

    Attributes:
        name: What it is called.
        spec: Its ``spec`` as parsed, ``{}`` if it has none. Never holds values of secrets.
        labels: Of its metadata; of a workload (Deployment, ...) those of its pods.
        annotations: Those that Istio or the Gateway API reads.
        created_at: ``creationTimestamp``, RFC 3339; null if it is not in the file.
        changed_by: The manager of the newest entry of ``managedFields`` that is not
            of the status; null without them.
        changed_at: When that was, RFC 3339.
        source: The file it stands in.
        order: How many objects were read before it: what Istio breaks ties of age by.
        address: Of a pod that runs, ``status.podIP``; null for all else.
    """

    name: ObjectName
    spec: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    created_at: str | None = None
    changed_by: str | None = None
    changed_at: str | None = None
    source: str = ""
    order: int = 0
    address: str | None = None

    @property
    def changed_us(self) -> int | None:
        """When it was changed last, in microseconds since 1970; null if it is not said.

        When it was made says nothing of that: an edit keeps ``creationTimestamp``.
        """
        return _microseconds(self.changed_at)

    @property
    def created_us(self) -> int | None:
        """When it was made, likewise."""
        return _microseconds(self.created_at)

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.name.kind

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self.name.namespace


def _microseconds(text: str | None) -> int | None:
    """Return an RFC 3339 time in microseconds since 1970; null for none."""
    if text is None:
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        return None
