"""The changes to make, as YAML to paste into an object.

Hosts and paths come from a log, where strangers write them: each is quoted unless it is plain.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envoylogs.mesh.diagnosis.yaml_parts import listing, scalar
from envoylogs.mesh.explanation import Change
from envoylogs.mesh.objects import ObjectName

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from envoylogs.mesh.objects import MeshObject

_GRPC_PATH = re.compile(r"/(?P<service>[^/]+)/(?P<method>[^/]+)")
ISTIO = "networking.istio.io"
EXPORT_TO = "networking.istio.io/exportTo"
"""The annotation of a Service that says in which namespaces it is seen."""


def add_host(target: MeshObject, host: str, field: str = "hosts") -> Change:
    """Return the change that lists a host beside those that a route object lists."""
    listed = _texts(target.spec.get(field))
    return Change(target.name, f"spec:\n{listing(field, [*listed, host], 2)}", f"list {host}")


def correct_host(target: MeshObject, wrong: str, host: str, field: str) -> Change:
    """Return the change that lists a host in place of one that is misspelled."""
    listed = [host if each.lower() == wrong else each for each in _texts(target.spec.get(field))]
    says = f"list {host} in place of {wrong}, if that is a typing error; else beside it"
    return Change(target.name, f"spec:\n{listing(field, listed, 2)}", says)


def respell_hosts(target: MeshObject, spelled: str, field: str) -> Change:
    """Return the change that writes the host of a route object in other letters.

    A wildcard that covers the host is written in the letters of what it ends with.
    """
    listed = []
    for each in _texts(target.spec.get(field)):
        end = each.removeprefix("*")
        same = (
            spelled.lower().endswith(end.lower()) if end != each else spelled.lower() == end.lower()
        )
        listed.append(
            each.replace(end, spelled[len(spelled) - len(end) :]) if same and end else each
        )
    yaml = f"spec:\n{listing(field, listed, 2)}"
    return Change(target.name, yaml, "write the host in the letters of the Gateway")


def add_host_to_server(target: MeshObject, index: int, host: str) -> Change:
    """Return the change that lists a host in a server of a Gateway."""
    servers = target.spec.get("servers")
    server = servers[index] if isinstance(servers, list) and index < len(servers) else {}
    hosts = _texts(server.get("hosts") if isinstance(server, dict) else None)
    yaml = "spec:\n  servers:\n" + _server_yaml(server if isinstance(server, dict) else {},
                                                [*hosts, host])  # fmt: skip
    place = f"servers[{index}]"
    return Change(target.name, yaml, f"list {host} in {place}, the other servers stay")


def add_sni_host(target: MeshObject, name: str) -> Change:
    """Return the change that makes a VirtualService pass the TLS of a name on."""
    rules = target.spec.get("tls")
    first = rules[0] if isinstance(rules, list) and rules and isinstance(rules[0], dict) else {}
    matches = first.get("match")
    match = matches[0] if isinstance(matches, list) and matches else {}
    listed = _texts(match.get("sniHosts")) if isinstance(match, dict) else []
    yaml = "spec:\n  tls:\n  - match:\n    - port: 443\n"
    return Change(
        target.name,
        yaml + listing("sniHosts", [*listed, name], 6),
        "list the name in sniHosts of a tls rule, beside the route that the rule has",
    )


def leave_hosts(target: MeshObject, index: int, taken: Container[str]) -> Change | None:
    """Return the change that takes hosts out of a server of a Gateway; null if none is left."""
    servers = target.spec.get("servers")
    server = servers[index] if isinstance(servers, list) and index < len(servers) else None
    if not isinstance(server, dict):
        return None
    left = [host for host in _texts(server.get("hosts")) if host.rpartition("/")[2] not in taken]
    if not left:
        return None
    yaml = "spec:\n  servers:\n" + _server_yaml(server, left)
    return Change(target.name, yaml, f"leave what an older Gateway has out of servers[{index}]")


def name_gateway(target: MeshObject, gateway: ObjectName, wrong: str | None = None) -> Change:
    """Return the change that binds a VirtualService to a Gateway.

    Args:
        target: The VirtualService.
        gateway: What it is bound to.
        wrong: The reference that it takes the place of; null for none.
    """
    same = gateway.namespace == target.namespace
    name = gateway.name if same else gateway.path
    kept = [each for each in _texts(target.spec.get("gateways")) if each != wrong]
    says = "name the Gateway" if wrong is None else f"name the Gateway in place of {wrong}"
    if not kept and wrong is None:
        # Without gateways an object is for the sidecars, which it no longer is with one.
        says += ", and mesh beside it if pods rely on the object"
    return Change(target.name, f"spec:\n{listing('gateways', [*kept, name], 2)}", says)


def export_to(target: MeshObject, namespace: str) -> Change:
    """Return the change that exports an object to one more namespace."""
    says = f"export it to {namespace}, where the gateway's pods are"
    if target.kind == "Service":
        exported = [*target.annotations.get(EXPORT_TO, "").split(","), namespace]
        value = scalar(",".join(filter(None, exported)))
        return Change(target.name, f"metadata:\n  annotations:\n    {EXPORT_TO}: {value}\n", says)
    listed = [*_texts(target.spec.get("exportTo")), namespace]
    return Change(target.name, f"spec:\n{listing('exportTo', listed, 2)}", says)


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


def select_pods(gateway: MeshObject, labels: Mapping[str, str]) -> Change:
    """Return the change by which a Gateway is for the pods that carry some labels."""
    lines = "".join(f"    {scalar(key)}: {scalar(label)}\n" for key, label in labels.items())
    says = "select the pods that wrote this log, if they are to serve its hosts"
    return Change(gateway.name, f"spec:\n  selector:\n{lines}", says)


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


def add_path(target: ObjectName, path: str, rule: int | None) -> Change | None:
    """Return the change that makes a rule take a path too.

    Null for a GRPCRoute and a path that is none of gRPC: it can't ask for one.
    """
    if target.kind == "VirtualService":
        match = f"    - uri:\n        exact: {scalar(path)}\n"
        lead = "spec:\n  http:\n  - match:\n"
    elif target.kind == "GRPCRoute":
        called = _GRPC_PATH.fullmatch(path)
        if called is None:
            return None
        match = (
            f"    - method:\n        service: {scalar(called['service'])}\n"
            f"        method: {scalar(called['method'])}\n"
        )
        lead = "spec:\n  rules:\n  - matches:\n"
    else:
        match = f"    - path:\n        type: Exact\n        value: {scalar(path)}\n"
        lead = "spec:\n  rules:\n  - matches:\n"
    where = "the rule that should serve it" if rule is None else f"rule {rule}"
    return Change(target, lead + match, f"add a match to {where}, if the path should be served")


def one_server(gateway: MeshObject, indexes: Sequence[int], more: Sequence[str] = ()) -> Change:
    """Return the change that makes one TLS server of several that share a certificate.

    Args:
        gateway: That has them.
        indexes: Which of its servers.
        more: Hosts of such servers of other Gateways.
    """
    servers = gateway.spec.get("servers")
    chosen = [
        servers[index]
        for index in indexes
        if isinstance(servers, list) and index < len(servers) and isinstance(servers[index], dict)
    ]
    own = [host for each in chosen for host in _texts(each.get("hosts"))]
    hosts = list(dict.fromkeys([*own, *more]))
    first = chosen[0] if chosen else {}
    yaml = "spec:\n  servers:\n" + _server_yaml(first, hosts)
    return Change(
        gateway.name,
        yaml,
        "one server for all hosts of the certificate, in place of one for each; or a certificate "
        "for each host; or answer 421 where server name and host differ",
    )


def set_resolution(entry: ObjectName) -> Change:
    """Return the change that makes a ServiceEntry one that a gateway can send to."""
    yaml = "spec:\n  location: MESH_EXTERNAL\n  resolution: DNS\n"
    return Change(entry, yaml, "let the gateway resolve the host")


def set_port(target: ObjectName, host: str, port: int) -> Change:
    """Return the change that sends to a port that the Service has."""
    yaml = f"destination:\n  host: {scalar(host)}\n  port:\n    number: {port}\n"
    return Change(target, yaml, "name a port of the Service in the destination")


def name_destination(target: ObjectName, host: str, port: int | None) -> Change:
    """Return the change that sends to a Service by its full name."""
    lines = ["destination:", f"  host: {scalar(host)}"]
    if port is not None:
        lines += ["  port:", f"    number: {port}"]
    return Change(target, "\n".join(lines) + "\n", "name the Service in full in the destination")


def define_subset(service: MeshObject, host: str, subset: str) -> Change:
    """Return the DestinationRule that defines a subset of a Service that has none."""
    name = ObjectName("DestinationRule", service.namespace, service.name.name, ISTIO)
    yaml = (
        f"apiVersion: {ISTIO}/v1\nkind: DestinationRule\nmetadata:\n  name: {scalar(name.name)}\n"
        f"  namespace: {scalar(name.namespace)}\nspec:\n  host: {scalar(host)}\n  subsets:\n"
        f"  - name: {scalar(subset)}\n    labels:\n      version: {scalar(subset)}\n"
    )
    says = "create it, with the labels of the subset's pods; or send without a subset"
    return Change(name, yaml, says)


def add_subset(rule: MeshObject, subset: str) -> Change:
    """Return the change that defines a subset beside those that there are."""
    kept = rule.spec.get("subsets")
    lines = ["spec:", "  subsets:"]
    for each in kept if isinstance(kept, list) else ():
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            lines.append(f"  - name: {scalar(each['name'])}")
            labels = each.get("labels")
            if isinstance(labels, dict) and labels:
                lines.append("    labels:")
                lines += [f"      {key}: {scalar(str(label))}" for key, label in labels.items()]
    lines += [f"  - name: {scalar(subset)}", "    labels:", f"      version: {scalar(subset)}"]
    says = "define the subset, with the labels of its pods; or name another one"
    return Change(rule.name, "\n".join(lines) + "\n", says)


def _server_yaml(server: dict[str, object], hosts: Sequence[str]) -> str:
    """Return a server with its port, its TLS and some hosts, as an entry of a list."""
    port = server.get("port")
    found = port if isinstance(port, dict) else {}
    named = ", ".join(
        f"{key}: {scalar(str(found[key])) if key != 'number' else found[key]}"
        for key in ("number", "name", "protocol")
        if key in found
    )
    lines = [f"  - port: {{{named}}}"]
    tls = server.get("tls")
    if isinstance(tls, dict):
        kept = ", ".join(
            f"{key}: {scalar(str(tls[key]))}" for key in ("mode", "credentialName") if key in tls
        )
        if kept:
            lines.append(f"    tls: {{{kept}}}")
    return "\n".join(lines) + "\n" + listing("hosts", hosts, 4)


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
