"""The configuration that was given, ready to be asked about a log."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from envoylogs.mesh.diagnosis.asking import is_blackhole
from envoylogs.mesh.diagnosis.diagnoser import Diagnoser
from envoylogs.mesh.diagnosis.host_index import HostIndex
from envoylogs.mesh.diagnosis.objects import dicts, texts
from envoylogs.mesh.diagnosis.remarks import remarks
from envoylogs.mesh.intent import intended
from envoylogs.mesh.pods import without_others

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.mesh.configuration import Configuration
    from envoylogs.mesh.diagnosis.refusals import Seen
    from envoylogs.mesh.intent.values import GatewayFacts, Intent, Note
    from envoylogs.mesh.objects import MeshObject, ObjectName

_AGENT = "user-agent"


class Mesh:
    """What was given of a mesh.

    Attributes:
        configuration: As it was read.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._intents: dict[GatewayFacts, Intent] = {}

    @cached_property
    def turned_away(self) -> tuple[str, ...]:
        """What requests are counted by to be compared with it: ``TallySpec.turned_away``."""
        matches = [
            route.match
            for table in self.configuration.tables
            for host in table.virtual_hosts
            for route in host.routes
        ]
        asked = [each.spec for each in self.configuration.objects]
        query = any(match.query for match in matches) or any(_mentions(s, _is_query) for s in asked)
        agent = any(header.name == _AGENT for match in matches for header in match.headers) or any(
            _mentions(spec, _is_agent) for spec in asked
        )
        return ("path", *(["query"] if query else []), *(["user_agent"] if agent else []))

    def intent(self, facts: GatewayFacts) -> Intent:
        """Return what Istio would send to the gateway of a log."""
        if facts not in self._intents:
            self._intents[facts] = intended(self._of(facts), facts)
        return self._intents[facts]

    def diagnoser(self, facts: GatewayFacts, seen: Seen) -> Diagnoser:
        """Return what says why requests were turned away."""
        return Diagnoser(self._of(facts), self.intent(facts), facts, seen)

    def remarks(self, facts: GatewayFacts) -> tuple[Note, ...]:
        """Return what is odd in it, whatever the log says."""
        return remarks(self._of(facts), self.intent(facts), facts)

    def routed_hosts(self, facts: GatewayFacts) -> list[str]:
        """Return the hosts that the gateway has routes for, each once; no wildcards, no ports."""
        given = self._of(facts).tables or self.intent(facts).tables
        found = (
            domain.lower()
            for table in given
            for host in table.virtual_hosts
            if host.routes and not is_blackhole(host)
            for domain in host.domains
        )
        return [domain for domain in dict.fromkeys(found) if not {"*", ":"} & set(domain)]

    def lists(self, host: str) -> bool:
        """Tell whether anything but a host of all hosts lists a host."""
        return bool(self._listed.covering(host, with_any=False))

    def find(self, name: ObjectName) -> MeshObject | None:
        """Return an object that was given; null if it was not."""
        return self._by_name.get(name)

    def changed(self, name: ObjectName) -> tuple[str | None, str | None]:
        """Return who changed an object last, and when; null for what is not in the files."""
        found = self._by_name.get(name)
        return (None, None) if found is None else (found.changed_by, found.changed_at)

    def pod_at(self, gateway: str, until_us: int | None) -> str:
        """Return the pod that has an address, if one pod alone has it and had it then.

        Args:
            gateway: What a log names a gateway by: the pod, or its address.
            until_us: The last record, in microseconds since 1970; null without times.
        """
        pods = self._by_address.get(gateway, [])
        if len(pods) != 1 or until_us is None or (pods[0].created_us or 0) > until_us:
            return gateway
        return pods[0].name.name

    @cached_property
    def _by_address(self) -> dict[str, list[MeshObject]]:
        found: dict[str, list[MeshObject]] = {}
        for each in self.configuration.objects:
            if each.address is not None:
                found.setdefault(each.address, []).append(each)
        return found

    def _of(self, facts: GatewayFacts) -> Configuration:
        return without_others(self.configuration, facts.pods)

    @cached_property
    def _by_name(self) -> dict[ObjectName, MeshObject]:
        return {each.name: each for each in self.configuration.objects}

    @cached_property
    def _listed(self) -> HostIndex[None]:
        return HostIndex((host, None) for host in self._hosts())

    def _hosts(self) -> Iterator[str]:
        """Yield the hosts of Gateways, VirtualServices, routes and tables."""
        for each in self.configuration.objects:
            spec = each.spec
            if each.kind in {"VirtualService", "HTTPRoute", "GRPCRoute", "TLSRoute"}:
                yield from texts(spec.get("hosts"))
                yield from texts(spec.get("hostnames"))
            elif each.kind == "Gateway":
                for server in dicts(spec.get("servers")):
                    yield from (host.rpartition("/")[2] for host in texts(server.get("hosts")))
                for listener in dicts(spec.get("listeners")):
                    yield from texts([listener.get("hostname")])
        for table in self.configuration.tables:
            for host in table.virtual_hosts:
                yield from host.domains


def _is_query(key: str, value: object) -> bool:
    return key == "queryParams" and bool(value)


def _is_agent(key: str, value: object) -> bool:
    if key in {"headers", "withoutHeaders"} and isinstance(value, dict):
        return any(str(name).lower() == _AGENT for name in value)
    return key == "name" and str(value).lower() == _AGENT


def _mentions(value: Any, asks: Any) -> bool:  # noqa: ANN401  # whatever stands in a spec
    """Tell whether a key anywhere in a value is what is asked for."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if any(asks(key, each) for key, each in found.items() if isinstance(key, str)):
                return True
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    return False
