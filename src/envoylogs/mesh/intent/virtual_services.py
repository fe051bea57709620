"""VirtualServices as Istio sees them: with full names, their delegates, and their Gateways.

As ``mergeVirtualServices`` in ``pilot/pkg/model/virtualservice_controller.go`` and
``initVirtualServices`` in ``push_context.go`` beside it have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from envoylogs.mesh.intent.delegates import merged_rules
from envoylogs.mesh.intent.hosts import expanded, gateway_key
from envoylogs.mesh.intent.rules import MESH, RouteSet
from envoylogs.mesh.intent.specs import spec_of
from envoylogs.mesh.intent.virtual_service_rules import connection_rules, http_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envoylogs.mesh.intent.rules import Rule
    from envoylogs.mesh.intent.specs import Spec
    from envoylogs.mesh.intent.values import Note
    from envoylogs.mesh.objects import MeshObject, ObjectName

EVERYONE = "*"
NO_ONE = "~"


class _Delegate(NamedTuple):
    """A VirtualService without hosts.

    Attributes:
        name: What it is called.
        rules: For HTTP.
        exported_to: Namespaces.
    """

    name: ObjectName
    rules: tuple[Rule, ...]
    exported_to: frozenset[str]


def virtual_service_route_sets(
    objects: Iterable[MeshObject], domain: str, notes: list[Note]
) -> list[RouteSet]:
    """Return what the VirtualServices send, in the order of the files.

    Those without hosts are delegates, if anything: they are bound to nothing.
    """
    roots: list[tuple[MeshObject, Spec, tuple[Rule, ...]]] = []
    delegates: dict[str, _Delegate] = {}
    for each in objects:
        if each.kind != "VirtualService":
            continue
        spec = spec_of(each, notes)
        rules = http_rules(spec, domain)
        if spec.texts("hosts"):
            roots.append((each, spec, rules))
        else:
            delegates[each.name.path] = _Delegate(each.name, rules, exported_to(spec))
    found = []
    named: set[str] = set()
    for each, spec, rules in roots:
        named.update(rule.delegate for rule in rules if rule.delegate)
        found.append(
            RouteSet(
                source=each,
                hosts=tuple(expanded(host, each.namespace, domain) for host in spec.texts("hosts")),
                keys=tuple(dict.fromkeys(_keys(spec))),
                rules=tuple(_with_delegates(each, spec, rules, delegates)),
                tls=connection_rules(spec, "tls", domain),
                tcp=connection_rules(spec, "tcp", domain),
                exported_to=exported_to(spec),
            )
        )
    _note_unused(objects, named, delegates, notes)
    return found


def exported_to(spec: Spec) -> frozenset[str]:
    """Return the namespaces whose gateways see an object; all where it does not say."""
    own = spec.owner.namespace
    return frozenset(own if each == "." else each for each in spec.texts("exportTo")) or frozenset(
        {EVERYONE}
    )


def is_exported(namespaces: frozenset[str], to: str | None) -> bool | None:
    """Return whether a gateway in a namespace sees an object; null where that is not known."""
    if EVERYONE in namespaces:
        return True
    if NO_ONE in namespaces:
        return False
    return None if to is None else to in namespaces


def _keys(spec: Spec) -> list[str]:
    namespace = spec.owner.namespace
    return [gateway_key(each, namespace) for each in spec.texts("gateways") if each != MESH]


def _with_delegates(
    each: MeshObject,
    spec: Spec,
    rules: tuple[Rule, ...],
    delegates: Mapping[str, _Delegate],
) -> list[tuple[Rule, ObjectName]]:
    found = []
    for rule, part in zip(rules, spec.parts("http"), strict=True):
        if rule.delegate is None:
            found.append((rule, each.name))
            continue
        delegate = delegates.get(rule.delegate)
        if delegate is None:
            says = f"VirtualService {rule.delegate} is not in the files as one without hosts, so "
            says += "that what this rule sends is not known; Istio leaves it out without one."
            part.note("delegate_not_in_files", "delegate", says, certain=False)
        elif is_exported(delegate.exported_to, each.namespace) is False:
            says = f"VirtualService {rule.delegate} is not exported to namespace {each.namespace}, "
            says += "so that this rule is left out."
            part.note("delegate_not_exported", "delegate", says)
        else:
            merged = merged_rules(rule, delegate.name, delegate.rules)
            found += [(one, each.name) for one in merged]
    return found


def _note_unused(
    objects: Iterable[MeshObject],
    named: set[str],
    delegates: Mapping[str, _Delegate],
    notes: list[Note],
) -> None:
    for each in objects:
        if each.kind != "VirtualService" or each.name.path not in delegates:
            continue
        if each.name.path not in named:
            says = "It has no hosts, and no rule in the files delegates to it: it is bound to no "
            says += "gateway."
            spec_of(each, notes).note("virtualservice_without_hosts", "hosts", says)
