"""The changes to make in objects of the Gateway API, as YAML to paste into an object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.yaml_parts import scalar
from envoylogs.mesh.explanation import Change

if TYPE_CHECKING:
    from envoylogs.mesh.objects import MeshObject, ObjectName

_COPIED = ("port", "protocol", "tls", "allowedRoutes")
"""What a listener has from the one that it is made like."""


def allow_namespace(gateway: MeshObject, index: int, namespace: str) -> Change | None:
    """Return the change by which a listener takes routes of one more namespace.

    Null if it chooses them by labels, of which only people know what they are for.
    """
    listeners = gateway.spec.get("listeners")
    found = listeners[index] if isinstance(listeners, list) and index < len(listeners) else None
    if not isinstance(found, dict):
        return None
    allowed = found.get("allowedRoutes")
    chosen = allowed.get("namespaces") if isinstance(allowed, dict) else None
    if isinstance(chosen, dict) and chosen.get("from", "Same") != "Same":
        return None
    yaml = (
        f"spec:\n  listeners:\n  - name: {scalar(str(found.get('name', '')))}\n"
        "    allowedRoutes:\n      namespaces:\n        from: Selector\n        selector:\n"
        "          matchExpressions:\n          - key: kubernetes.io/metadata.name\n"
        f"            operator: In\n            values:\n"
        f"            - {scalar(gateway.namespace)}\n"
        f"            - {scalar(namespace)}\n"
    )
    return Change(gateway.name, yaml, f"take routes of namespace {namespace} too")


def refer_to_gateway(target: MeshObject, gateway: ObjectName) -> Change:
    """Return the change that attaches a route of the Gateway API to a Gateway.

    References to others stay; one of the same name takes the right namespace, and no listener.
    """
    given = target.spec.get("parentRefs")
    others = [
        each
        for each in (given if isinstance(given, list) else [])
        if isinstance(each, dict) and each.get("name") != gateway.name
    ]
    own = {"name": gateway.name}
    if gateway.namespace != target.namespace:
        own["namespace"] = gateway.namespace
    lines = ["spec:", "  parentRefs:"]
    for each in (*others, own):
        fields = [
            f"{key}: {each[key] if key == 'port' else scalar(str(each[key]))}"
            for key in ("group", "kind", "name", "namespace", "sectionName", "port")
            if key in each
        ]
        lines += [f"  {'  ' if number else '- '}{field}" for number, field in enumerate(fields)]
    return Change(target.name, "\n".join(lines) + "\n", "name the Gateway")


def add_listener(gateway: MeshObject, index: int, host: str) -> Change | None:
    """Return the change that adds a listener for a host, like one that there is.

    Null if that one is not known.
    """
    listeners = gateway.spec.get("listeners")
    like = listeners[index] if isinstance(listeners, list) and index < len(listeners) else None
    if not isinstance(like, dict):
        return None
    taken = {each.get("name") for each in listeners or () if isinstance(each, dict)}
    wanted = f"{like.get('name', 'listener')}-{host.partition('.')[0]}"
    number = 2
    name = wanted
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    lines = ["spec:", "  listeners:", f"  - name: {scalar(name)}", f"    hostname: {scalar(host)}"]
    # JSON is YAML: so a part stays as it is, whatever stands in it.
    lines += [
        f"    {key}: {scalar(part) if isinstance(part, str) else json.dumps(part)}"
        for key in _COPIED
        if (part := like.get(key)) is not None
    ]
    says = f"add a listener for {host}, like {like.get('name')}, the others stay"
    return Change(gateway.name, "\n".join(lines) + "\n", says)
