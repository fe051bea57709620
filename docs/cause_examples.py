"""Small logs and configurations that each show one cause, for the pages of causes.

Every function of ``EXAMPLES`` makes the records of one log and the YAML of
one configuration; its docstring says what is in them and stands on the page.
What is explained is what the program says of them.
"""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.mesh import Mesh
from envoylogs.pipeline import tally_sources
from envoylogs.render.terminal.explained import write_explained_text
from envoylogs.sources.source import Source
from envoylogs.summary.summary import summarize
from envoylogs.tally.spec import TallySpec

if TYPE_CHECKING:
    from collections.abc import Callable

Record = dict[str, str | int | None]

_WIDTH = 88
_LOG = "gateway.log"
_MESH = "mesh.yaml"
_REMARKS = "Also seen in the configuration:"

_SERVED: Record = {
    "start_time": "2026-11-01T12:00:00.000Z",
    "downstream_local_address": "192.0.2.2:8080",
    "downstream_remote_address": "192.0.2.10:50000",
    "requested_server_name": None,
    "authority": "shop.example.com",
    "method": "GET",
    "path": "/cart",
    "response_code": 200,
    "response_flags": "-",
    "response_code_details": "via_upstream",
    "route_name": None,
    "upstream_cluster": "outbound|80||cart.shop.svc.cluster.local",
    "upstream_host": "192.0.2.81:8080",
    "duration": 12,
    "upstream_service_time": "11",
}
_BY_GATEWAY: Record = {
    **_SERVED,
    "upstream_host": None,
    "duration": 0,
    "upstream_service_time": None,
}
_NO_ROUTE: Record = {
    **_BY_GATEWAY,
    "response_code": 404,
    "response_flags": "NR",
    "response_code_details": "route_not_found",
    "upstream_cluster": None,
}
_NO_CLUSTER: Record = {
    **_BY_GATEWAY,
    "response_code": 503,
    "response_flags": "NC",
    "response_code_details": "cluster_not_found",
    "upstream_cluster": None,
}
_NO_ENDPOINTS: Record = {
    **_BY_GATEWAY,
    "response_code": 503,
    "response_flags": "UH",
    "response_code_details": "no_healthy_upstream",
}
_OVER_TLS: Record = {"downstream_local_address": "192.0.2.2:8443"}
_REFUSED: Record = {
    **_NO_ROUTE,
    **_OVER_TLS,
    "requested_server_name": "pay.example.com",
    "authority": None,
    "method": None,
    "path": None,
    "response_code": 0,
    "response_code_details": "filter_chain_not_found",
}


class Example(NamedTuple):
    """A log, and what the mesh was told.

    Attributes:
        record: The last record of the log, which is the one that is explained.
        mesh: As YAML.
        before: Records before it.
    """

    record: Record
    mesh: str
    before: tuple[Record, ...] = ()


_SERVERS = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: public, namespace: {namespace}}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
{servers}"""
_PLAIN = "  - {{port: {{number: 80, name: http, protocol: HTTP}}, hosts: [{hosts}]}}\n"
_TLS = """\
  - port: {{number: 443, name: {name}, protocol: HTTPS}}
    tls: {{mode: SIMPLE, credentialName: {credential}}}
    hosts: [{hosts}]
"""


def _gateway(hosts: str, *, namespace: str = "istio-system", tls: str = "") -> str:
    """Return a Gateway with a server on port 80, then those with TLS."""
    servers = (_PLAIN.format(hosts=hosts) if hosts else "") + tls
    return _SERVERS.format(namespace=namespace, servers=servers)


def _tls_server(hosts: str, name: str = "https", credential: str = "shop-cert") -> str:
    return _TLS.format(hosts=hosts, name=name, credential=credential)


def _virtual_service(
    hosts: str,
    *,
    name: str = "cart",
    gateways: str = "istio-system/public",
    match: str = "uri: {prefix: /}",
    destination: str = "host: cart, port: {number: 80}",
) -> str:
    """Return a VirtualService in namespace shop with one rule; no text leaves its gateways out."""
    named = f"  gateways: [{gateways}]\n" if gateways else ""
    return (
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        f"metadata: {{name: {name}, namespace: shop}}\nspec:\n  hosts: [{hosts}]\n{named}"
        f"  http:\n  - match: [{{{match}}}]\n    route: [{{destination: {{{destination}}}}}]\n"
    )


_SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}]}
"""


def _no_gateway_for_host() -> Example:
    """A VirtualService lists `pay.example.com`, and the Gateway accepts `shop.example.com` only."""
    return Example(
        {**_NO_ROUTE, "authority": "pay.example.com", "path": "/"},
        _gateway("shop.example.com") + _virtual_service("shop.example.com, pay.example.com"),
    )


def _gateway_without_virtualservice() -> Example:
    """The Gateway is there, and the only VirtualService is bound to another one."""
    return Example(
        _NO_ROUTE,
        _gateway('"*"') + _virtual_service("admin.example.com", name="admin", gateways="internal"),
    )


def _host_not_in_virtualservice() -> Example:
    """The Gateway accepts every host, and the VirtualService lists `pay.example.com`."""
    return Example(_NO_ROUTE, _gateway('"*"') + _virtual_service("pay.example.com"))


def _virtualservice_not_bound() -> Example:
    """Gateway and VirtualService both list the host, and `spec.gateways` was forgotten."""
    return Example(
        _NO_ROUTE, _gateway("shop.example.com") + _virtual_service("shop.example.com", gateways="")
    )


def _gateway_reference_wrong() -> Example:
    """The VirtualService in `shop` names `public`; that Gateway is in `istio-system`."""
    return Example(
        _NO_ROUTE,
        _gateway("shop.example.com") + _virtual_service("shop.example.com", gateways="public"),
    )


def _gateway_selects_other_pods() -> Example:
    """The Gateway selects `istio: ingressgateway`, the pod of the log is `istio: edge`."""
    pod = """\
---
apiVersion: v1
kind: Pod
metadata:
  name: edge-7c9d8-x2x4z
  namespace: istio-system
  labels: {istio: edge}
spec: {containers: [{name: istio-proxy}]}
"""
    return Example(
        {**_NO_ROUTE, "pod_name": "edge-7c9d8-x2x4z"},
        _gateway("shop.example.com") + _virtual_service("shop.example.com") + pod,
    )


def _gateway_host_scope() -> Example:
    """The Gateway takes the host from VirtualServices of namespace `web`; this one is in `shop`."""
    return Example(
        _NO_ROUTE, _gateway("web/shop.example.com") + _virtual_service("shop.example.com")
    )


def _wildcard_does_not_cover() -> Example:
    """Gateway and VirtualService list `*.example.com`, and a client asks for `example.com`."""
    return Example(
        {**_NO_ROUTE, "authority": "example.com", "path": "/"},
        _gateway('"*.example.com"') + _virtual_service('"*.example.com"'),
    )


def _port_not_served() -> Example:
    """The host is served on port 443, and the client came to port 80, where another one is."""
    return Example(
        _NO_ROUTE,
        _gateway("status.example.com", tls=_tls_server("shop.example.com"))
        + _virtual_service("shop.example.com"),
    )


def _port_in_host() -> Example:
    """A gateway of Istio 1.7: its records have text numbers and `istio_policy_status`."""
    old = {"istio_policy_status": "-"}

    def legacy(record: Record) -> Record:
        kept = {key: value for key, value in record.items() if key != "response_code_details"}
        return {key: "-" if value is None else str(value) for key, value in (kept | old).items()}

    return Example(
        legacy({**_NO_ROUTE, "authority": "shop.example.com:31380"}),
        _gateway("shop.example.com") + _virtual_service("shop.example.com"),
        before=(legacy(_SERVED),),
    )


def _trailing_dot_in_host() -> Example:
    """The client asks for `shop.example.com.`, with a dot at the end."""
    return Example(
        {**_NO_ROUTE, "authority": "shop.example.com."},
        _gateway("shop.example.com") + _virtual_service("shop.example.com"),
    )


def _path_not_matched() -> Example:
    """The only route of the host takes the exact path `/cart`, and a client asks for `/cart/7`."""
    return Example(
        {**_NO_ROUTE, "path": "/cart/7"},
        _gateway("shop.example.com")
        + _virtual_service("shop.example.com", match="uri: {exact: /cart}"),
    )


def _condition_not_met() -> Example:
    """The route takes `POST` only, and the request is a `GET`."""
    return Example(
        _NO_ROUTE,
        _gateway("shop.example.com")
        + _virtual_service("shop.example.com", match="uri: {prefix: /cart}, method: {exact: POST}"),
    )


def _shadowed() -> Example:
    """One VirtualService has `/pay` for the exact host, the other `/cart` for the wildcard."""
    return Example(
        _NO_ROUTE,
        _gateway('"*.example.com"')
        + _virtual_service('"*.example.com"', match="uri: {prefix: /cart}")
        + _virtual_service("shop.example.com", name="pay", match="uri: {prefix: /pay}"),
    )


def _subset_unknown() -> Example:
    """The route names subset `v2`, and the DestinationRule has `v1` alone."""
    rule = """\
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart, namespace: shop}
spec:
  host: cart
  subsets: [{name: v1, labels: {version: v1}}]
"""
    return Example(
        _NO_CLUSTER,
        _gateway("shop.example.com")
        + _virtual_service(
            "shop.example.com", destination="host: cart, subset: v2, port: {number: 80}"
        )
        + rule
        + _SERVICE,
    )


def _service_missing() -> Example:
    """The route names port 8080, which is the port of the pods; the Service has port 80."""
    return Example(
        _NO_CLUSTER,
        _gateway("shop.example.com")
        + _virtual_service("shop.example.com", destination="host: cart, port: {number: 8080}")
        + _SERVICE,
    )


def _no_endpoints() -> Example:
    """The Service selects `app: cart`, and the pods of its namespace are labeled `app: basket`."""
    pod = """\
---
apiVersion: v1
kind: Pod
metadata: {name: basket-6f7d9-4k2lp, namespace: shop, labels: {app: basket}}
spec: {containers: [{name: basket}]}
"""
    return Example(
        _NO_ENDPOINTS,
        _gateway("shop.example.com") + _virtual_service("shop.example.com") + _SERVICE + pod,
    )


def _no_tls_server_for_name() -> Example:
    """A client connects for `pay.example.com`; the only TLS server is for `shop.example.com`."""
    return Example(
        _REFUSED,
        _gateway("", tls=_tls_server("shop.example.com")) + _virtual_service("shop.example.com"),
    )


def _credential_missing() -> Example:
    """The TLS server names `shop-cert`, and the Secrets of the namespace were given with it."""
    given = """\
---
apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata: {name: shop-certificate, namespace: istio-system}
"""
    return Example(
        _SERVED,
        _gateway("shop.example.com", tls=_tls_server("shop.example.com"))
        + _virtual_service("shop.example.com")
        + given,
    )


def _tls_name_reused() -> Example:
    """Two servers share a certificate for `*.example.com`; a browser reuses its connection."""
    servers = _tls_server("shop.example.com", "https-shop") + _tls_server(
        "pay.example.com", "https-pay"
    )
    asked: Record = {"requested_server_name": "shop.example.com", "authority": "pay.example.com"}
    return Example(
        {**_NO_ROUTE, **_OVER_TLS, **asked, "path": "/"},
        _gateway("", tls=servers)
        + _virtual_service("shop.example.com")
        + _virtual_service("pay.example.com", name="pay"),
    )


def _direct_by_configuration() -> Example:
    """The route itself answers 503, as for maintenance."""
    answer = """\
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: shop}
spec:
  hosts: [shop.example.com]
  gateways: [istio-system/public]
  http:
  - directResponse: {status: 503}
"""
    told: Record = {
        "response_code": 503,
        "response_code_details": "direct_response",
        "upstream_cluster": None,
    }
    return Example({**_BY_GATEWAY, **told}, _gateway("shop.example.com") + answer)


def _refused_by_policy() -> Example:
    """An AuthorizationPolicy of the gateway denies the request, and the host is routed."""
    denied: Record = {
        "response_code": 403,
        "response_code_details": "rbac_access_denied_matched_policy"
        "[ns[istio-system]-policy[only-staff]-rule[0]]",
    }
    return Example(
        {**_BY_GATEWAY, **denied},
        _gateway("shop.example.com") + _virtual_service("shop.example.com"),
    )


def _routed_now() -> Example:
    """The VirtualService is in the files, and the request has no route."""
    return Example(_NO_ROUTE, _gateway("shop.example.com") + _virtual_service("shop.example.com"))


def _not_in_files() -> Example:
    """Only the VirtualService was given, and no Gateway."""
    return Example(_NO_ROUTE, _virtual_service("shop.example.com").removeprefix("---\n"))


EXAMPLES: dict[str, Callable[[], Example]] = {
    "no_gateway_for_host": _no_gateway_for_host,
    "gateway_without_virtualservice": _gateway_without_virtualservice,
    "host_not_in_virtualservice": _host_not_in_virtualservice,
    "virtualservice_not_bound": _virtualservice_not_bound,
    "gateway_reference_wrong": _gateway_reference_wrong,
    "gateway_selects_other_pods": _gateway_selects_other_pods,
    "gateway_host_scope": _gateway_host_scope,
    "wildcard_does_not_cover": _wildcard_does_not_cover,
    "port_not_served": _port_not_served,
    "port_in_host": _port_in_host,
    "trailing_dot_in_host": _trailing_dot_in_host,
    "path_not_matched": _path_not_matched,
    "condition_not_met": _condition_not_met,
    "shadowed": _shadowed,
    "subset_unknown": _subset_unknown,
    "service_missing": _service_missing,
    "no_endpoints": _no_endpoints,
    "no_tls_server_for_name": _no_tls_server_for_name,
    "credential_missing": _credential_missing,
    "tls_name_reused": _tls_name_reused,
    "direct_by_configuration": _direct_by_configuration,
    "refused_by_policy": _refused_by_policy,
    "routed_now": _routed_now,
    "not_in_files": _not_in_files,
}


def example_of(code: str) -> str:
    """Return what is in a log and a configuration, both, and what is explained of them.

    Args:
        code: Of the cause.

    Raises:
        LookupError: If the first explanation has another cause, and no remark has it.
    """
    make = EXAMPLES[code]
    example = make()
    return (
        f"{(make.__doc__ or '').strip()}\n\n"
        f"```yaml\n{example.mesh.strip()}\n```\n\n"
        f"The record, without what says nothing here:\n\n```json\n{_shown(example.record)}\n```\n\n"
        f"What is explained:\n\n```text\n{_explained(code, example)}\n```\n"
    )


def explained(code: str) -> str:
    """Return what is explained of an example, as a block of Markdown.

    Args:
        code: Of its cause.
    """
    return f"```text\n{_explained(code, EXAMPLES[code]())}\n```\n"


_SAYS_NOTHING = {
    "start_time", "downstream_remote_address", "duration", "upstream_service_time",
    "upstream_host", "route_name",
}  # fmt: skip


def _shown(record: Record) -> str:
    """Return a record as JSON over a few lines, without what is the same everywhere."""
    lines = [""]
    for key, value in record.items():
        if key in _SAYS_NOTHING or value in {None, "-"}:
            continue
        text = f"{json.dumps(key)}: {json.dumps(value)}, "
        if lines[-1] and len(lines[-1]) + len(text) > _WIDTH - 4:
            lines.append("")
        lines[-1] += text
    return "{" + "\n ".join(line.rstrip() for line in lines).removesuffix(",") + "}"


def _explained(code: str, example: Example) -> str:
    """Return the first explanation as the terminal shows it, or what no record can show."""
    with tempfile.TemporaryDirectory() as folder:
        log, mesh_file = Path(folder, _LOG), Path(folder, _MESH)
        log.write_text("\n".join(map(json.dumps, [*example.before, example.record])), "utf-8")
        mesh_file.write_text(example.mesh, "utf-8")
        mesh = Mesh(read_configuration([str(mesh_file)]))
        spec = TallySpec(turned_away=mesh.turned_away)
        summary = summarize(tally_sources([Source(_LOG, str(log))], spec=spec), mesh=mesh)
    told = [found.diagnosis.cause for found in summary.explanations[:1]]
    odd = [note.code for note in summary.remarks]
    if code not in (told or odd):
        raise LookupError(code, told, odd)
    out = io.StringIO()
    write_explained_text(summary, out, limit=1, color=False, width=_WIDTH)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    if not told:
        return "\n".join(lines[lines.index(_REMARKS) :])
    first = next(place for place, line in enumerate(lines) if line.startswith("1."))
    return "\n".join(line[3:] for line in lines[first : lines.index("", first)])
