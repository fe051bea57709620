"""What the log tells of the gateway that wrote it, and of what it routed, for an explanation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from envoylogs.envoy.traffic import host_of
from envoylogs.mesh.diagnosis.refusals import USUAL_GATEWAY, Routed, Seen
from envoylogs.mesh.intent import GatewayFacts
from envoylogs.mesh.pods import gateway_group, is_pod
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.judged import Judged

_MESH_DOMAIN = r"^outbound\|\d+\|[^|]*\|[^.|]+\.[^.|]+\.svc\.([^|]+)$"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seen_of(judged: Judged, accounts: Accounts) -> Seen:
    """Return what else the log shows of hosts and paths."""
    refused = set(judged.tally.turned_away.frame.select(host_of(pl.col("authority"))).to_series())
    first, last = pl.col("first_routed").min(), pl.col("last_routed").max()
    paths = judged.paths.filter(pl.col("routed") > 0)
    by_host = paths.group_by("host").agg(first, last)
    by_path = paths.filter(pl.col("host").is_in(list(refused - {None}))).group_by(
        "host", "path_group"
    )

    return Seen(
        hosts={host: _routed(*times) for host, *times in _named(by_host.iter_rows())},
        paths={
            (host, group): _routed(*times)
            for host, group, *times in _named(by_path.agg(first, last).iter_rows())
        },
        server_names=frozenset(judged.known_names),
        gateway=_gateway(judged),
        logs_server_names="requested_server_name" not in set(accounts.columns_never_seen),
    )


def _routed(first_us: int | None, last_us: int | None) -> Routed:
    if last_us is None:
        return Routed(first_us, None, None)
    until = _EPOCH + timedelta(microseconds=last_us)
    return Routed(first_us, last_us, f"{until:%Y-%m-%dT%H:%M:%SZ}")


def facts_of(
    judged: Judged, accounts: Accounts, pod_of: Callable[[str], str], group: str | None = None
) -> GatewayFacts:
    """Return what the log tells of the gateway that wrote it.

    Args:
        judged: The log.
        accounts: Of its lines.
        pod_of: Returns the pod that has an address; the address where it is not known.
        group: Only of the pods of this group, see ``mesh.pods.gateway_group``; null for all.
    """
    turned_away = judged.tally.turned_away.frame
    pods = {name: pod_of(name) for name in accounts.gateways["gateway"].drop_nulls()}
    pods = {name: pod for name, pod in pods.items() if is_pod(pod)}
    if group is not None:
        pods = {name: pod for name, pod in pods.items() if gateway_group(pod) == group}
        turned_away = turned_away.filter(pl.col("gateway").is_in(list(pods)))
    ports = turned_away["listener_port"].drop_nulls().unique()
    clusters = judged.tally.traffic.frame["upstream_cluster"].drop_nulls().unique()
    domains = clusters.str.extract(_MESH_DOMAIN).drop_nulls()
    counted = domains.value_counts().sort("count", "upstream_cluster", descending=[True, False])
    return GatewayFacts(
        pods=frozenset(pods.values()),
        ports=frozenset(ports),
        mesh_domain=counted["upstream_cluster"][0] if counted.height else "cluster.local",
        release=_newest_release(accounts),
    )


def _newest_release(accounts: Accounts) -> tuple[int, int] | None:
    """Return the newest release of Istio that writes such records; null if any may.

    ``istio_policy_status`` left with Mixer in 1.8, and details came in 1.9; formats of one's own
    may leave these out, so that alone they say something of Istio's own columns only.
    """
    if not accounts.records:
        return None
    if "istio_policy_status" in set(accounts.unused_keys["key"]):
        return 1, 7
    never = set(accounts.columns_never_seen)
    istio = {"response_flags", "requested_server_name", "upstream_transport_failure_reason"}
    if {"response_code_details", "connection_termination_details"} <= never and not istio & never:
        return 1, 8
    return None


def _gateway(judged: Judged) -> str:
    """Return a pod that wrote the log, as a command names it; what is usual without any."""
    names = sorted(judged.everything["gateway"].drop_nulls().unique())
    pods = [name for name in names if is_pod(name)]
    return f"{pods[0]} -n NAMESPACE" if pods else USUAL_GATEWAY


def _named(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    return (row for row in rows if row[0] is not None and row[0] not in FOLDED_MARKS)
