"""What Istio makes of all servers of a gateway: which of one port are in force.

As ``mergeGateways`` in ``pilot/pkg/model/gateway.go`` of Istio has it: the older Gateway
wins, plain HTTP servers of a port are put together, and a TLS server that shares a host
with an older one is left out whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envoylogs.mesh.intent.ages import age_key, age_known
from envoylogs.mesh.intent.declared import ANY_NAMESPACE, DeclaredServer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.mesh.intent.values import ServerReason
    from envoylogs.mesh.objects import ObjectName


@dataclass(slots=True)
class MergedServer:
    """A server, and whether it is in force.

    Attributes:
        declared: As the Gateway has it.
        table: The name of its route table; null if it has none.
        in_force: Null where the files do not decide.
        reason: Why it is not in force, or may not be.
        why: One sentence.
        excluded_by: The object that keeps it out, or may.
    """

    declared: DeclaredServer
    table: str | None
    in_force: bool | None
    reason: ServerReason | None = None
    why: str = ""
    excluded_by: ObjectName | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the tables have it: unless it is known, or assumed, to be left out."""
        return self.in_force is not False and self.reason != "other_class"


def merged_servers(
    declared: Iterable[DeclaredServer], release: tuple[int, int] | None
) -> list[MergedServer]:
    """Return all servers in the order in which Istio takes them: the oldest Gateway first."""
    in_order = sorted(declared, key=lambda each: (*age_key(each.source), each.index))
    merging = _Merging(release)
    return [merging.merged(each) for each in in_order]


class _Merging:
    """What is known of the ports so far."""

    def __init__(self, release: tuple[int, int] | None) -> None:
        self._release = release
        self._tls_hosts: dict[tuple[int, str, str, str], MergedServer] = {}
        self._plain: dict[tuple[int, str], MergedServer] = {}
        self._https_tables: dict[str, MergedServer] = {}

    def merged(self, each: DeclaredServer) -> MergedServer:
        port = each.pod_ports[0] if each.pod_ports else 0
        merged = MergedServer(
            declared=each,
            table=each.table(port, self._release) if port else None,
            in_force=each.selection.selected,
            why=each.selection.why,
        )
        if each.reason is not None:
            merged.in_force = None if each.reason == "other_class" else False
            merged.reason, merged.why = each.reason, each.why
        elif each.selection.selected is False:
            merged.reason = "selects_other_pods"
        else:
            self._take(merged, port)
        return merged

    def _take(self, merged: MergedServer, port: int) -> None:
        each = merged.declared
        hosts = [(port, each.bind, owner, host) for owner, host in each.hosts if each.has_tls]
        if self._lacks_a_host(merged, hosts) or self._has_no_place(merged, port):
            return
        for host in hosts:
            self._tls_hosts.setdefault(host, merged)
        if each.terminates_https and merged.table is not None:
            self._https_tables.setdefault(merged.table, merged)
        if not each.is_tls:
            self._plain.setdefault((port, each.bind), merged)

    def _lacks_a_host(self, merged: MergedServer, hosts: list[tuple[int, str, str, str]]) -> bool:
        """Return whether another server surely has one of the hosts."""
        holders = ((self._tls_hosts.get(host), host) for host in hosts)
        return any(
            _exclude(merged, other, "tls_host_taken", _host(host))
            for other, host in holders
            if other is not None
        )

    def _has_no_place(self, merged: MergedServer, port: int) -> bool:
        """Return whether another server surely has the port, or the table."""
        each = merged.declared
        other = self._plain.get((port, each.bind))
        if other is not None and not _can_join(each, other.declared):
            what = f"{other.declared.protocol} and {each.protocol}"
            if _exclude(merged, other, "protocol_conflict", what):
                return True
        if not each.terminates_https or merged.table is None:
            return False
        other = self._https_tables.get(merged.table)
        return other is not None and _exclude(merged, other, "protocol_conflict", merged.table)


def _can_join(each: DeclaredServer, other: DeclaredServer) -> bool:
    """Return whether two servers of a port become one, as ``canMergeProtocols`` tells it."""
    same = each.is_plain_http or each.protocol == other.protocol
    return same and other.is_plain_http


def _exclude(merged: MergedServer, other: MergedServer, reason: ServerReason, what: str) -> bool:
    """Note that another server keeps one out, or may; return whether it surely does."""
    each, holder = merged.declared, other.declared
    within_one = each.selector.items() >= holder.selector.items()
    together = holder.selection.selected is True or within_one
    if not together and not holder.selector.items() >= each.selector.items():
        # They are for different pods, as far as is known.
        return False
    where = f"port {each.port}" if each.port == holder.port else f"pod port {each.pod_ports[0]}"
    conflict = (
        f"{holder.source.name} and {each.source.name} both have {what} on {where}"
        if reason == "tls_host_taken"
        else f"{what} of {holder.source.name} and {each.source.name} exclude each other on {where}"
    )
    if together and age_known(each.source, holder.source):
        first = "comes first" if each.source.name == holder.source.name else "is older"
        merged.in_force = False
        merged.reason, merged.excluded_by = reason, holder.source.name
        merged.why = f"{conflict}, and {holder.source.name} {first}, so that this one is left out."
        return True
    older = age_known(each.source, holder.source)
    doubt = (
        f"whether {holder.source.name} is for the same pods is not in the files"
        if older
        else "which of them is older is not in the files"
    )
    # An older one is in force whether or not this one is for its pods.
    for one, by in ((merged, holder),) if older else ((merged, holder), (other, each)):
        one.in_force, one.reason, one.excluded_by = None, reason, by.source.name
        one.why = f"{conflict}, and {doubt}."
    return False


def _host(place: tuple[int, str, str, str]) -> str:
    _, _, owner, host = place
    return f"host {host}" if owner == ANY_NAMESPACE else f"host {owner}/{host}"
