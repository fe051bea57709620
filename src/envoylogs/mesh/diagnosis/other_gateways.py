"""Whether a Gateway is for another gateway than the one that wrote the log, as far as that shows.

Without the pods among the files, Gateways of different selectors may be those of different
gateways. Which of them wrote the log shows in the hosts that it routed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.objects import hosts_of_server
from envoylogs.mesh.explanation import Diagnosis, Now, Proof
from envoylogs.mesh.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.mesh.diagnosis.objects import Objects
    from envoylogs.mesh.diagnosis.refusals import Refusal, Routed
    from envoylogs.mesh.intent.values import Server

_TAKEN_AS_ALLOWED = {"namespaces_not_in_files"}
_HOSTS_ASKED = 200
"""So many of the hosts that the log routed are asked for the Gateways that accept them."""

_Selector = frozenset[tuple[str, str]]


class OtherGateways:
    """The selectors of the Gateways given, and which of them the log's own hosts speak for.

    Args:
        objects: What was given.
        routed: The hosts that the log routed.
        pods: Of the log; empty where it does not hold them.
    """

    def __init__(
        self, objects: Objects, routed: Mapping[str, Routed], pods: frozenset[str]
    ) -> None:
        self._objects, self._pods = objects, pods
        open_servers = [each for each in objects.intent.servers if each.in_force is None]
        self._selectors = {self._selector(each) for each in open_servers} - {None}
        self._witnesses: dict[_Selector, str] = {}
        for host in list(routed)[:_HOSTS_ASKED]:
            # A host that all Gateways accept speaks for none.
            found = {self._selector(each) for each in objects.servers.covering(host)} - {None}
            if len(found) == 1:
                (selector,) = found
                if selector is not None:
                    self._witnesses.setdefault(selector, host)

    def explained(self, refusal: Refusal) -> Diagnosis | None:
        """Return what is said of a host whose Gateways are those of other pods; null if none is."""
        host = refusal.host or ""
        accepting = self._accepting(host)
        selectors = {self._selector(each) for each in accepting}
        if not accepting or not selectors.isdisjoint(self._witnesses):
            return None
        server = accepting[0]
        if not self._witnesses:
            return self._for_known_pods(host, server)
        own, witness = next(iter(self._witnesses.items()))
        wanted = _words(self._selector(server))
        return Diagnosis(
            "gateway_selects_other_pods",
            "likely",
            f"{server.gateway}, which accepts {host}, is for pods with {wanted}; the hosts that "
            f"this log routed are those of Gateways for pods with {_words(own)}.",
            (
                Proof(str(server.gateway), "spec.selector", wanted, f"accepts {host}"),
                Proof("log", "authority", witness, f"was routed: a host of {_words(own)} only"),
            ),
            (server.gateway,),
            None,
            Now(routed=False, why="the Gateway that accepts the host is for other pods"),
        )

    def _for_known_pods(self, host: str, server: Server) -> Diagnosis | None:
        """Return what is said where a Gateway's pods are given, and the log's are not of them.

        Null if they may be: of the Gateway's pods none is given, or the log names no pod.
        """
        selector = self._selector(server)
        carriers = [
            each
            for each in self._objects.by_name.values()
            if selector and each.kind in WORKLOADS and selector <= each.labels.items()
        ]
        if not carriers or not self._pods or server.reason is not None:
            return None
        if any(_stems(each.name.name) & _stems(pod) for each in carriers for pod in self._pods):
            # Pods come and go: one of the same workload carries the same labels.
            return None
        carrier, pod, wanted = carriers[0], min(self._pods), _words(selector)
        return Diagnosis(
            "gateway_selects_other_pods",
            "likely",
            f"{server.gateway}, which accepts {host}, is for pods with {wanted}: those of "
            f"{carrier.name}. {pod}, of which the log is, is not among the files.",
            (
                Proof(str(server.gateway), "spec.selector", wanted, f"accepts {host}"),
                Proof(str(carrier.name), "labels", wanted, "is what it selects"),
                Proof("log", "pod", pod, "is not among the files"),
            ),
            (server.gateway,),
            None,
            Now(routed="may", why=f"whether {pod} carries {wanted}"),
        )

    def step_if_open(self, refusal: Refusal) -> Proof | None:
        """Return the step that says that nobody knows whose Gateway it is; null if it is known.

        Nor is it known whose routes a listener takes that chooses namespaces by their labels.
        """
        for each in self._objects.servers.covering(refusal.host or ""):
            assumed = self._objects.steps_of_notes(each.gateway, _TAKEN_AS_ALLOWED)
            if assumed:
                return assumed[0]
        accepting = self._accepting(refusal.host or "")
        selectors = {self._selector(each) for each in accepting}
        if len(self._selectors) < len({*selectors}) + 1 or not selectors.isdisjoint(
            self._witnesses
        ):
            return None
        server = accepting[0] if accepting else None
        if server is None:
            return None
        says = (
            "Gateways for other pods are given too, and no pods: which of them wrote the log is "
            "not known"
        )
        return Proof(str(server.gateway), "spec.selector", _words(self._selector(server)), says)

    def _accepting(self, host: str) -> list[Server]:
        return [each for each in self._objects.servers.covering(host) if each.in_force is None]

    def _selector(self, server: Server) -> _Selector | None:
        """Return which pods a server is for; null for those that have no selector."""
        found = self._objects.by_name.get(server.gateway)
        selector = found.spec.get("selector") if found is not None else None
        if not isinstance(selector, dict) or not hosts_of_server(server):
            return None
        return frozenset((str(key), str(value)) for key, value in selector.items())


def _stems(name: str) -> set[str]:
    """Return what the name of a pod, or of what makes it, may have in common with its kin."""
    return {name, name.rpartition("-")[0], name.rsplit("-", 2)[0]} - {""}


def _words(selector: _Selector | None) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(selector or ())) or "no selector"
