"""Small logs that each give one finding, for the pages of findings.

Every function of ``LOGS`` makes the records of one log; its docstring says
what is in the log and stands on the page. The last record of the log is the
one that is shown. The findings are what the program says of these logs, and of
the configurations of ``MESHES``.
"""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from envoylogs.mesh.documents import read_configuration
from envoylogs.mesh.mesh import Mesh
from envoylogs.pipeline import tally_sources
from envoylogs.render.terminal.screen import write_text
from envoylogs.sources.source import Source
from envoylogs.summary.summary import summarize
from envoylogs.tally.spec import TallySpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Record = dict[str, str | int | None]

_WIDTH = 88
_NAME = "gateway.log"

_SERVED: Record = {
    "start_time": "",
    "downstream_remote_address": "",
    "requested_server_name": "shop.example.com",
    "authority": "shop.example.com",
    "method": "GET",
    "path": "/cart",
    "response_code": 200,
    "response_flags": "-",
    "response_code_details": "via_upstream",
    "route_name": "cart",
    "upstream_cluster": "outbound|80||cart.shop.svc.cluster.local",
    "upstream_host": "192.0.2.81:8080",
    "duration": 12,
    "upstream_service_time": "11",
}
_UNANSWERED: Record = {"upstream_service_time": None}
_BY_GATEWAY: Record = {**_UNANSWERED, "upstream_host": None, "duration": 0}
_NO_ROUTE: Record = {
    **_BY_GATEWAY,
    "response_code": 404,
    "response_flags": "NR",
    "response_code_details": "route_not_found",
    "route_name": None,
    "upstream_cluster": None,
}
_REFUSED: Record = {
    **_NO_ROUTE,
    "response_code": 0,
    "response_code_details": "filter_chain_not_found",
    "authority": None,
    "method": None,
    "path": None,
}


_CONNECTION: Record = {
    "authority": None,
    "method": None,
    "path": None,
    "response_code": 0,
    "response_code_details": None,
    "route_name": None,
    "requested_server_name": "db.example.com",
    "upstream_cluster": "outbound|5432||db.data.svc.cluster.local",
    "upstream_host": "192.0.2.91:5432",
    "upstream_service_time": None,
}


def _records(first: int, count: int, **changes: str | int | None) -> Iterator[Record]:
    """Yield records five seconds apart, of seven clients in turn."""
    for place in range(first, first + count):
        second = 5 * place
        yield {
            **_SERVED,
            "start_time": f"2026-11-01T12:{second // 60:02}:{second % 60:02}.000Z",
            "downstream_remote_address": f"192.0.2.{10 + place % 7}:50000",
            **changes,
        }


def _mixed(*, of: int, every: int, **changes: str | int | None) -> Iterator[Record]:
    """Yield records of which the last and each so many before it are changed."""
    for place in range(of):
        changed = (of - 1 - place) % every == 0
        yield from _records(place, 1, **(changes if changed else {}))


def _lost_host() -> Iterator[Record]:
    """Five minutes of routed requests, then five minutes of requests without a route."""
    yield from _records(0, 60)
    yield from _records(60, 60, **_NO_ROUTE)


def _lost_route() -> Iterator[Record]:
    """`/cart` and `/pay` are routed for five minutes; then `/pay` has no route any more."""
    yield from _records(0, 60)
    yield from _records(0, 60, path="/pay", route_name="pay")
    yield from _records(60, 60)
    yield from _records(60, 60, **(_NO_ROUTE | {"path": "/pay"}))


def _lost_tls_name() -> Iterator[Record]:
    """Five minutes of requests over TLS, then five minutes of refused connections."""
    yield from _records(0, 60)
    yield from _records(60, 60, **_REFUSED)


def _unrouted_host() -> Iterator[Record]:
    """Ten minutes of 404s from a gateway of Istio 1.5, which routes nothing."""
    legacy: Record = {"response_code": 404, "route_name": "default", "upstream_cluster": None}
    for record in _records(0, 120, **_BY_GATEWAY, **legacy):
        del record["response_code_details"]
        yield {key: "-" if value is None else str(value) for key, value in record.items()}


def _unrouted_path() -> Iterator[Record]:
    """Ten minutes of `/cart`, which is routed, and of `/wishlist/7`, which never is."""
    yield from _records(0, 120)
    yield from _records(0, 120, **(_NO_ROUTE | {"path": "/wishlist/7"}))


def _tls_reuse() -> Iterator[Record]:
    """Two hosts that are routed; one request in four for the second has the other's SNI."""
    pay: Record = {"authority": "pay.example.com", "route_name": "pay", "path": "/"}
    yield from _records(0, 120)
    for record in _mixed(of=120, every=4, **_NO_ROUTE):
        named = {} if record["response_flags"] == "NR" else {
            "route_name": "pay", "requested_server_name": "pay.example.com",
        }  # fmt: skip
        yield {**record, "authority": pay["authority"], "path": "/", **named}


def _no_cluster() -> Iterator[Record]:
    """120 requests; every second one takes a route to a subset that does not exist."""
    yield from _mixed(
        of=120, every=2, **_BY_GATEWAY, response_code=503, response_flags="NC",
        response_code_details="cluster_not_found", upstream_cluster=None,
    )  # fmt: skip


def _no_endpoints() -> Iterator[Record]:
    """Five minutes of served requests; then the service has no endpoint any more."""
    yield from _records(0, 60)
    yield from _records(
        60, 60, **_BY_GATEWAY, response_code=503, response_flags="UH",
        response_code_details="no_healthy_upstream",
    )  # fmt: skip


def _bad_upstream_host() -> Iterator[Record]:
    """120 requests to two hosts in turn; one of them resets all of its connections."""
    yield from _mixed(
        of=120, every=2, **_UNANSWERED, response_code=503, response_flags="UC",
        response_code_details="upstream_reset_before_response_started{connection_termination}",
        upstream_host="192.0.2.82:8080",
    )  # fmt: skip


def _connect_failure() -> Iterator[Record]:
    """Five minutes of served requests; then the only host of the service refuses."""
    yield from _records(0, 60)
    yield from _records(
        60, 60, **_UNANSWERED, response_code=503, response_flags="UF,URX",
        response_code_details="upstream_reset_before_response_started"
        "{remote_connection_failure,delayed_connect_error:_111}",
    )  # fmt: skip


def _upstream_reset() -> Iterator[Record]:
    """120 requests to one host; every tenth connection ends before an answer."""
    yield from _mixed(
        of=120, every=10, **_UNANSWERED, response_code=503, response_flags="UC",
        response_code_details="upstream_reset_before_response_started{connection_termination}",
    )  # fmt: skip


def _upstream_timeout() -> Iterator[Record]:
    """120 requests to one host; every fifth reaches the route's time-out of 15 seconds."""
    yield from _mixed(
        of=120, every=5, **_UNANSWERED, response_code=504, response_flags="UT",
        response_code_details="response_timeout", duration=15000,
    )  # fmt: skip


def _overflow() -> Iterator[Record]:
    """120 requests; every fifth finds the connection pool full."""
    yield from _mixed(
        of=120, every=5, **_BY_GATEWAY, response_code=503, response_flags="UO",
        response_code_details="upstream_reset_before_response_started{overflow}",
    )  # fmt: skip


def _broken_response() -> Iterator[Record]:
    """120 requests to one host; every tenth answer begins with 200 and breaks off."""
    yield from _mixed(
        of=120, every=10, response_flags="UC",
        response_code_details="upstream_reset_after_response_started{connection_termination}",
    )  # fmt: skip


def _upstream_errors() -> Iterator[Record]:
    """Five minutes of served requests; then every second one is answered with 500."""
    yield from _records(0, 60)
    for record in _mixed(of=120, every=2, response_code=500):
        if str(record["start_time"]) >= "2026-11-01T12:05":
            yield record


def _dependency_failed() -> Iterator[Record]:
    """120 requests; every fifth fails because the authorization service does not answer."""
    yield from _mixed(
        of=120, every=5, **_BY_GATEWAY, response_code=403, response_flags="UAEX",
        response_code_details="ext_authz_error",
    )  # fmt: skip


def _gateway_errors() -> Iterator[Record]:
    """Five minutes of served requests; then the route itself answers with 503."""
    yield from _records(0, 60)
    yield from _records(
        60, 60, **_BY_GATEWAY, response_code=503, response_code_details="direct_response",
        upstream_cluster=None,
    )  # fmt: skip


def _unattributed_errors() -> Iterator[Record]:
    """A custom format with neither flags nor cluster nor host; every second request fails."""
    yield from _with_little(_mixed(of=120, every=2, response_code=503))


def _refused_jump() -> Iterator[Record]:
    """Five minutes of served requests; then an AuthorizationPolicy denies all of them."""
    yield from _records(0, 60)
    yield from _records(
        60, 60, **_BY_GATEWAY, response_code=403,
        response_code_details="rbac_access_denied_matched_policy[none]",
    )  # fmt: skip


def _faults_injected() -> Iterator[Record]:
    """120 requests; a fault rule aborts every fifth."""
    yield from _mixed(
        of=120, every=5, **_BY_GATEWAY, response_code=503, response_flags="FI",
        response_code_details="fault_filter_abort",
    )  # fmt: skip


def _clients_give_up() -> Iterator[Record]:
    """Five minutes of served requests; then all clients leave after ten seconds."""
    yield from _records(0, 60)
    yield from _records(
        60, 60, **_UNANSWERED, response_code=0, response_flags="DC",
        response_code_details="downstream_remote_disconnect", duration=10000,
    )  # fmt: skip


def _connections_failed() -> Iterator[Record]:
    """Five minutes of TCP connections; then the database can't be reached."""
    yield from _records(0, 60, **_CONNECTION)
    yield from _records(60, 60, **(_CONNECTION | {"response_flags": "UF,URX", "duration": 10000}))


def _connections_refused() -> Iterator[Record]:
    """120 connections without a TLS server name, which no filter chain accepts."""
    yield from _records(0, 120, **(_REFUSED | {"requested_server_name": None}))


def _slow_upstream() -> Iterator[Record]:
    """120 requests to two hosts in turn; one takes 11 ms, the other 400 ms."""
    yield from _mixed(
        of=120, every=2, upstream_host="192.0.2.82:8080", duration=401, upstream_service_time="400"
    )


def _slow_gateway() -> Iterator[Record]:
    """Five minutes of requests; then each waits for two seconds before it reaches its service."""
    small: Record = {"bytes_sent": 900, "bytes_received": 0}
    yield from _records(0, 60, **small)
    yield from _records(60, 60, **small, duration=2013)


def _redirects_jump() -> Iterator[Record]:
    """Five minutes of served requests; then the gateway redirects all of them to HTTPS."""
    yield from _records(0, 60)
    yield from _records(
        60, 60, **_BY_GATEWAY, response_code=301, response_code_details="direct_response",
        route_name=None, upstream_cluster=None,
    )  # fmt: skip


def _upgrades_cut() -> Iterator[Record]:
    """120 WebSockets, which all end after a minute because the service closes them."""
    yield from _records(
        0, 120, response_code=101, response_flags="UC", duration=60001,
        response_code_details="upstream_reset_after_response_started{connection_termination}",
    )  # fmt: skip


def _traffic_stopped() -> Iterator[Record]:
    """Two hosts with a request every five seconds; after ten minutes one is asked for no more."""
    yield from _records(0, 240)
    yield from _records(0, 120, authority="pay.example.com", route_name="pay", path="/pay")


def _log_incomplete() -> Iterator[Record]:
    """120 requests of a custom format that has neither flags nor cluster nor host."""
    yield from _with_little(_mixed(of=120, every=10, response_code=503))


def _with_little(records: Iterator[Record]) -> Iterator[Record]:
    """Yield records without what tells who answered."""
    missing = ("response_flags", "response_code_details", "upstream_cluster", "upstream_host",
               "upstream_service_time", "route_name")  # fmt: skip
    for record in records:
        yield {key: value for key, value in record.items() if key not in missing}


_MESH = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: ["*.example.com"]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: shop
  namespace: shop
  managedFields: [{manager: kubectl-apply, operation: Update, time: "2026-11-01T11:58:00Z"}]
spec:
  hosts: [shop.example.com, pay.example.com]
  gateways: [istio-system/public]
  http:
  - route: [{destination: {host: cart, port: {number: 80}}}]
"""
_POLICY = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: only-staff
  namespace: istio-system
  managedFields: [{manager: argocd-controller, operation: Apply, time: "2026-11-01T12:04:52Z"}]
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  action: ALLOW
  rules: [{from: [{source: {ipBlocks: [192.0.2.200/32]}}]}]
"""


def _stale_gateway() -> Iterator[Record]:
    """A VirtualService was applied two minutes before, and the gateway still has no route."""
    yield from _records(0, 120, **_NO_ROUTE, downstream_local_address="192.0.2.2:8080")


def _silent_host() -> Iterator[Record]:
    """The configuration routes two hosts, and all requests are for one of them."""
    yield from _records(0, 120, downstream_local_address="192.0.2.2:8080")


MESHES = {"stale_gateway": _MESH, "silent_host": _MESH, "denied_jump": _POLICY}
"""What the mesh was told, by the codes of findings that rest on it."""

LOGS: dict[str, Callable[[], Iterator[Record]]] = {
    "lost_host": _lost_host,
    "lost_route": _lost_route,
    "lost_tls_name": _lost_tls_name,
    "unrouted_host": _unrouted_host,
    "stale_gateway": _stale_gateway,
    "unrouted_path": _unrouted_path,
    "tls_reuse": _tls_reuse,
    "no_cluster": _no_cluster,
    "no_endpoints": _no_endpoints,
    "bad_upstream_host": _bad_upstream_host,
    "connect_failure": _connect_failure,
    "upstream_reset": _upstream_reset,
    "upstream_timeout": _upstream_timeout,
    "overflow": _overflow,
    "broken_response": _broken_response,
    "upstream_errors": _upstream_errors,
    "dependency_failed": _dependency_failed,
    "gateway_errors": _gateway_errors,
    "unattributed_errors": _unattributed_errors,
    "refused_jump": _refused_jump,
    "denied_jump": _refused_jump,
    "faults_injected": _faults_injected,
    "clients_give_up": _clients_give_up,
    "connections_failed": _connections_failed,
    "connections_refused": _connections_refused,
    "slow_upstream": _slow_upstream,
    "slow_gateway": _slow_gateway,
    "redirects_jump": _redirects_jump,
    "upgrades_cut": _upgrades_cut,
    "traffic_stopped": _traffic_stopped,
    "silent_host": _silent_host,
    "log_incomplete": _log_incomplete,
}


def example_of(code: str) -> str:
    """Return a log's description, its last record and the finding that the log gives.

    Args:
        code: Of the finding.

    Raises:
        LookupError: If the log does not give the finding.
    """
    log = LOGS[code]
    records = list(log())
    mesh = f"\n```yaml\n{MESHES[code].strip()}\n```\n\n" if code in MESHES else ""
    return (
        f"{(log.__doc__ or '').strip()}\n{mesh}The last record:\n\n"
        f"```json\n{_wrapped(records[-1])}\n```\n\n"
        f"The finding:\n\n```text\n{_finding_of(code, records)}\n```\n"
    )


def _wrapped(record: Record) -> str:
    """Return a record as JSON over a few lines, broken between its members."""
    lines = [""]
    for member in json.dumps(record)[1:-1].split(', "'):
        text = member if member.startswith('"') else f'"{member}'
        if lines[-1] and len(lines[-1]) + len(text) > _WIDTH - 4:
            lines.append("")
        lines[-1] += f"{text}, "
    shown = "{" + "\n ".join(line.rstrip() for line in lines).removesuffix(",") + "}"
    if json.loads(shown) != record:
        raise ValueError(shown)
    return shown


def _finding_of(code: str, records: list[Record]) -> str:
    """Return the finding of some records as the terminal shows it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, _NAME)
        in_time = sorted(records, key=lambda record: str(record["start_time"]))
        path.write_text("\n".join(map(json.dumps, in_time)), encoding="utf-8")
        mesh = mesh_of(code, folder)
        spec = TallySpec() if mesh is None else TallySpec(turned_away=mesh.turned_away)
        summary = summarize(tally_sources([Source(_NAME, str(path))], spec=spec), mesh=mesh)
    found = [finding for finding in summary.findings if finding.code == code]
    if not found:
        raise LookupError(code)
    out = io.StringIO()
    summary.findings = tuple(found[:1])
    write_text(summary, out, color=False, width=_WIDTH)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    first = next(place for place, line in enumerate(lines) if line.startswith("1."))
    return "\n".join(line[2:].strip() for line in lines[first : lines.index("", first)])


def mesh_of(code: str, folder: str) -> Mesh | None:
    """Return the configuration that a finding rests on; null for none.

    Args:
        code: Of the finding.
        folder: Where its file may be written.
    """
    if code not in MESHES:
        return None
    path = Path(folder, "mesh.yaml")
    path.write_text(MESHES[code], encoding="utf-8")
    return Mesh(read_configuration([str(path)]))
