"""Whether the cluster that a route names exists at a gateway, and whether anything is behind it.

What is not among the files is never said to be missing: another file may hold it. A dump of
the gateway's clusters holds all that there are.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from envoylogs.mesh.cluster_states import (
    ClusterState,
    Reason,
    is_alias,
    listed,
    not_exported,
    selector_of,
    without_port,
    without_resolution,
)
from envoylogs.mesh.subsets import DestinationRules, SubsetState, subsets_of
from envoylogs.mesh.workloads import Workloads, runs_nothing

if TYPE_CHECKING:
    from envoylogs.mesh.configuration import Configuration
    from envoylogs.mesh.objects import MeshObject, ObjectName

__all__ = ["ClusterState", "Services"]


class _Name(NamedTuple):
    port: int
    subset: str
    host: str


class Services:
    """What the objects and dumps that were given say of clusters.

    Attributes:
        mesh_domain: What full names of Services end with.

    Args:
        configuration: All that was given.
        mesh_domain: What full names of Services end with.
        root_namespace: Of Istio, where DestinationRules are for all namespaces.
    """

    def __init__(
        self,
        configuration: Configuration,
        mesh_domain: str = "cluster.local",
        root_namespace: str = "istio-system",
    ) -> None:
        objects = configuration.objects
        self._by_name = {each.name: each for each in objects}
        self.mesh_domain = mesh_domain
        self._declared: dict[str, list[MeshObject]] = defaultdict(list)
        for each in objects:
            if each.kind == "Service":
                host = f"{each.name.name}.{each.namespace}.svc.{mesh_domain}"
                self._declared[host].append(each)
            elif each.kind == "ServiceEntry":
                for host in each.spec.get("hosts", ()):
                    self._declared[host].append(each)
        self._called: dict[str, list[MeshObject]] = defaultdict(list)
        for each in objects:
            if each.kind == "Service":
                self._called[each.name.name].append(each)
        self._rules = DestinationRules(objects, mesh_domain, root_namespace)
        self._workloads = Workloads(objects)
        dumped = configuration.clusters
        self._dumped = None if dumped is None else {_plain(each.name) for each in dumped}

    def find(self, name: ObjectName) -> MeshObject | None:
        """Return an object that was given, the last of those of its name; null if none was."""
        return self._by_name.get(name)

    def declares(self, host: str) -> bool:
        """Tell whether a Service or a ServiceEntry that was given has a host."""
        return host in self._declared

    def called(self, name: str) -> list[MeshObject]:
        """Return the Services of a name, in whatever namespace."""
        return self._called.get(name, [])

    def first_port(self, host: str) -> int | None:
        """Return the first port of the Service or ServiceEntry of a host; null if none is known."""
        for each in self._declared.get(host, ()):
            for port in each.spec.get("ports", ()):
                number = port.get("port", port.get("number")) if isinstance(port, dict) else None
                if isinstance(number, int):
                    return number
        return None

    def cluster_state(self, cluster: str, namespace_of_gateway: str | None) -> ClusterState:
        """Return what is known of a cluster.

        Args:
            cluster: Its name, as a route has it: ``outbound|80|v2|reviews.shop.svc.cluster.local``.
            namespace_of_gateway: Where the gateway runs, which decides what is exported to it and
                which DestinationRule holds; null if it is not known.
        """
        cluster = _plain(cluster)
        in_dump = None if self._dumped is None else cluster in self._dumped
        name = _parsed(cluster)
        if name is None:
            return self._by_dump(cluster, "Its name is none that Istio makes.", in_dump=in_dump)
        declared = self._declared.get(name.host, [])
        if not declared:
            return self._undeclared(cluster, name, namespace_of_gateway, in_dump=in_dump)
        if in_dump:
            return self._endpoints(name, declared, namespace_of_gateway)
        lacking = (
            not_exported(name.host, declared, namespace_of_gateway)
            or self._external_name(cluster, declared, in_dump=in_dump)
            or without_port(name.port, declared)
            or self._without_subset(name, declared, namespace_of_gateway, in_dump=in_dump)
        )
        if lacking is not None:
            return lacking
        if in_dump is None:
            return self._endpoints(name, declared, namespace_of_gateway)
        why = "The objects that were given would make it: they are newer, or were not sent yet."
        return self._by_dump(cluster, why, in_dump=in_dump)

    def _undeclared(
        self, cluster: str, name: _Name, gateway: str | None, *, in_dump: bool | None
    ) -> ClusterState:
        """Return what is known of the cluster of a host that nothing given declares."""
        # A rule that lacks the subset says so whatever else there is.
        lacking = self._without_subset(name, [], gateway, in_dump=in_dump)
        if lacking is not None and lacking.status == "missing" and not in_dump:
            return lacking
        beside = f"outbound|{name.port}||{name.host}"
        if in_dump is False and name.subset and self._dumped and beside in self._dumped:
            says = f"The gateway has {beside}, and no subset {name.subset} of it: no "
            says += "DestinationRule that it sees defines it."
            fact = ("dump of clusters", "name", beside, f"there is none with {name.subset}")
            return ClusterState("missing", "subset_unknown", (), says, (fact,))
        why = f"No Service and no ServiceEntry for {name.host} is among the files."
        return self._by_dump(cluster, why, in_dump=in_dump)

    def _by_dump(self, cluster: str, why: str, *, in_dump: bool | None) -> ClusterState:
        """Return what a dump alone says of a cluster."""
        if in_dump is None:
            return ClusterState("unknown", None, (), why)
        if in_dump:
            return ClusterState("exists", None, (), f"The gateway has the cluster {cluster}.")
        says = f"The gateway has no cluster {cluster}. {why}"
        fact = ("dump of clusters", "name", cluster, "no cluster of the gateway has this name")
        return ClusterState("missing", "service_missing", (), says, (fact,))

    def _external_name(
        self, cluster: str, declared: list[MeshObject], *, in_dump: bool | None
    ) -> ClusterState | None:
        """Return what is known of a Service that only is another name; null for others.

        From Istio 1.21 on it has no cluster: routes to it name that of its
        external name. Before it had one of its own.
        """
        alias = next(filter(is_alias, declared), None)
        if alias is None or len(declared) > 1:
            return None
        why = (
            f"{alias.name} is an ExternalName for {alias.spec['externalName']}; Istio makes a "
            "cluster of it up to 1.20, and sends its requests to that of the other name since."
        )
        found = self._by_dump(cluster, why, in_dump=in_dump)
        return ClusterState(found.status, found.reason, (alias.name,), found.says, found.proof)

    def _without_subset(
        self,
        name: _Name,
        declared: list[MeshObject],
        gateway: str | None,
        *,
        in_dump: bool | None,
    ) -> ClusterState | None:
        """Return the state of a cluster whose subset is not defined, or may not be."""
        if not name.subset:
            return None
        found = self._subset(name, declared, gateway)
        if found.status == "defined":
            return None
        rules = tuple(rule.name for rule in found.rules)
        if found.status == "unknown":
            if in_dump is not None:
                return None
            says = f"No DestinationRule among the files says what subset {name.subset} is."
            if rules:
                says = f"Whether {listed(rules)} with subset {name.subset} holds is not known."
            names = rules or tuple(each.name for each in declared)
            return ClusterState("unknown", "subset_unknown", names, says)
        proof = tuple(
            (
                str(rule.name),
                "spec.subsets",
                ", ".join(subsets_of(rule)) or "none",
                f"the rule for {name.host} does not define {name.subset}",
            )
            for rule in found.rules
        )
        says = f"Subset {name.subset} of {name.host} is not defined by {listed(rules)}."
        return ClusterState("missing", "subset_unknown", rules, says, proof)

    def _subset(self, name: _Name, declared: list[MeshObject], gateway: str | None) -> SubsetState:
        owners = dict.fromkeys(each.namespace for each in declared)
        return self._rules.subset(name.subset, name.host, gateway, owners)

    def _endpoints(
        self, name: _Name, declared: list[MeshObject], gateway: str | None
    ) -> ClusterState:
        """Return what is behind a cluster that exists."""
        names = tuple(each.name for each in declared)
        exists = ClusterState("exists", None, names, f"{listed(names)} makes the cluster.")
        if len(declared) > 1:
            # Istio puts the endpoints of both together.
            return exists
        (owner,) = declared
        if (unresolved := without_resolution(owner)) is not None:
            return unresolved
        selector = selector_of(owner)
        if not selector or not self._workloads.are_known(owner.namespace):
            return exists
        nothing = self._nothing_for(owner, selector, "selects_no_pods", owner, "the selector")
        if nothing is not None or not name.subset:
            return nothing or exists
        subset = self._subset(name, declared, gateway)
        if subset.status != "defined":
            return exists
        both = selector | dict(subset.labels)
        what = f"subset {name.subset}"
        reason: Reason = "subset_selects_no_pods"
        return self._nothing_for(owner, both, reason, subset.rules[0], what) or exists

    def _nothing_for(
        self,
        owner: MeshObject,
        labels: dict[str, str],
        reason: Reason,
        at_fault: MeshObject,
        what: str,
    ) -> ClusterState | None:
        """Return the state of a cluster that no workload is in; null if there is one."""
        fitting = self._workloads.fitting(owner.namespace, labels)
        if any(not runs_nothing(each) for each in fitting):
            return None
        value = ", ".join(f"{key}={label}" for key, label in labels.items())
        names = tuple(each.name for each in fitting)
        objects = tuple(dict.fromkeys((at_fault.name, owner.name, *names)))
        if fitting:
            says = f"{listed(names)} is scaled to 0, and {what} of {at_fault.name} takes no other."
            proof = tuple(
                (str(each), "spec.replicas", "0", "the workload runs no pod") for each in names
            )
        else:
            says = (
                f"{what[0].upper()}{what[1:]} of {at_fault.name} takes no workload of namespace "
                f"{owner.namespace} among the files."
            )
            field = "spec.subsets" if at_fault.kind == "DestinationRule" else "spec.selector"
            proof = ((str(at_fault.name), field, value, "no workload has these labels"),)
        return ClusterState("no_endpoints", reason, objects, says, proof)


def _plain(cluster: str) -> str:
    """Return a name without the mark that Istio 1.23 and later put behind it."""
    return cluster.removesuffix(";")


def _parsed(cluster: str) -> _Name | None:
    parts = cluster.split("|", 3)
    if len(parts) != len(_Name._fields) + 1 or parts[0] != "outbound" or not parts[1].isdecimal():
        return None
    return _Name(int(parts[1][:6]), parts[2], parts[3])
