"""The whole log in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import Harm
from envoylogs.summary.ledger import LEDGER_KINDS, NOT_FOUND, ledger_kind
from envoylogs.summary.paths import is_lost
from envoylogs.summary.percentiles import EMPTY_LATENCY, latency_by
from envoylogs.tally.folding.names_apart import is_folded
from envoylogs.tally.latency import MEASURES

if TYPE_CHECKING:
    from envoylogs.summary.facts import Facts

__all__ = ["Overview", "overview"]

Latency = dict[str, object]


@dataclass(frozen=True, slots=True)
class Overview:
    """Totals of a log. Connections and the gateway's own traffic are not in ``requests``.

    Attributes:
        requests: Requests.
        connections: TCP connections and TLS connections that were refused.
        own_traffic: Health checks and scrapes of the gateway itself.
        first: Start of the first record, microseconds since 1970.
        last: Start of the last.
        bytes_received: By the gateway from clients.
        bytes_sent: By the gateway to clients.
        outcomes: Requests and connections by outcome, most frequent first.
        blackhole: Requests of outcome ``blackhole``.
        unrouted: Requests of outcome ``blackhole`` or ``no_route``.
        unrouted_known: The same of known hosts; the others are noise.
        errors: Requests that count as errors, see ``envoy.outcomes.harm_of``.
        injected: Requests that a fault rule aborted, which are no errors.
        refused: Requests that the gateway refused: denied, limited, bad, below code 500.
        answered_4xx: Requests that the upstream refused.
        clients_left: Requests whose clients left before the answer.
        unknown_harmed: How many of the errors and refusals have the outcome ``unknown``.
        connections_failed: Connections that could not be passed on.
        connections_refused: Connections that were not accepted, with those of strangers.
        error_share: Errors of all requests that are no noise, 0 to 1; null for none.
        noise: Unrouted requests and refused connections of unknown names, and these names.
        not_found_ledger: All requests with code 404 by who answered and why.
        latency_ms: Of requests that the upstream answered.
        upstream_time_ms: Until the upstream's answer began, of the same requests.
        gateway_ms: The difference of the two, where both are logged.
    """

    requests: int
    connections: int
    own_traffic: int
    first: int | None
    last: int | None
    bytes_received: int
    bytes_sent: int
    outcomes: dict[str, int]
    blackhole: int
    unrouted: int
    unrouted_known: int
    errors: int
    injected: int
    refused: int
    answered_4xx: int
    clients_left: int
    unknown_harmed: int
    connections_failed: int
    connections_refused: int
    error_share: float | None
    noise: dict[str, int]
    not_found_ledger: dict[str, int]
    latency_ms: Latency
    upstream_time_ms: Latency
    gateway_ms: Latency


def overview(facts: Facts, paths: pl.DataFrame) -> Overview:
    """Return the totals of a log.

    Args:
        facts: What to add up.
        paths: See ``paths.path_states``.
    """
    requests, connections = facts.requests, facts.connections
    latency = _latencies(facts)
    errors = _sum(requests, "error")
    judged = facts.total - facts.noise
    return Overview(
        requests=facts.total,
        connections=_sum(connections),
        own_traffic=_sum(facts.own),
        first=facts.first,
        last=facts.last,
        bytes_received=int(requests["bytes_received"].sum()),
        bytes_sent=int(requests["bytes_sent"].sum()),
        outcomes=_outcomes(facts),
        blackhole=_sum(requests, pl.col("outcome") == "blackhole"),
        unrouted=_sum(requests, "unrouted"),
        unrouted_known=_sum(requests, pl.col("unrouted") & pl.col("known")),
        errors=errors,
        injected=_sum(requests, pl.col("harm") == Harm.INJECTED),
        refused=_sum(requests, pl.col("harm") == Harm.REFUSED),
        answered_4xx=_sum(requests, pl.col("harm") == Harm.ANSWERED_4XX),
        clients_left=_sum(requests, pl.col("harm") == Harm.GONE),
        unknown_harmed=_sum(
            requests, (pl.col("outcome") == "unknown") & pl.col("harm").is_not_null()
        ),
        connections_failed=_sum(connections, pl.col("harm") == Harm.FAILED),
        connections_refused=_sum(connections, pl.col("harm") == Harm.TURNED_AWAY),
        error_share=errors / judged if judged else None,
        noise=_noise(facts),
        not_found_ledger=_not_found_ledger(facts, paths),
        latency_ms=latency["latency_ms"],
        upstream_time_ms=latency["upstream_time_ms"],
        gateway_ms=latency["gateway_ms"],
    )


def _latencies(facts: Facts) -> dict[str, Latency]:
    """Return the latency of all answered requests by measure."""
    counts = [
        frame.select("measure", "value_ms", "digits", "requests")
        for frame in (
            facts.tally.latency_by_group.frame,
            facts.tally.latency_by_trait.frame.filter(pl.col("measure") == "gateway_ms"),
        )
    ]
    found = latency_by(pl.concat(counts), ["measure"], "latency")
    return dict.fromkeys(MEASURES, EMPTY_LATENCY) | dict(found.iter_rows())


def _sum(rows: pl.DataFrame, where: pl.Expr | str | None = None) -> int:
    if where is not None:
        rows = rows.filter(where)
    return int(rows["requests"].sum())


def _outcomes(facts: Facts) -> dict[str, int]:
    rows = pl.concat(
        [frame.select("outcome", "requests") for frame in (facts.requests, facts.connections)]
    )
    by_outcome = rows.group_by("outcome").agg(pl.col("requests").sum())
    ordered = by_outcome.sort("requests", "outcome", descending=[True, False])
    return dict(ordered.iter_rows())


def _noise(facts: Facts) -> dict[str, int]:
    requests = facts.requests.filter("noise")
    connections = facts.connections.filter("noise")
    return {
        "requests": _sum(requests),
        "hosts": _names(requests, "host"),
        "without_host": _sum(requests, pl.col("host").is_null()),
        "connections": _sum(connections),
        "server_names": _names(connections, "requested_server_name"),
        "without_server_name": _sum(connections, pl.col("requested_server_name").is_null()),
    }


def _names(rows: pl.DataFrame, column: str) -> int:
    """Return how many names there are besides those that were folded."""
    return rows.filter(~is_folded(column))[column].drop_nulls().n_unique()


def _not_found_ledger(facts: Facts, paths: pl.DataFrame) -> dict[str, int]:
    """Return all 404s by who answered and why; the parts add up to all."""
    found = facts.requests.filter(pl.col("response_code") == NOT_FOUND)
    # The paths alone say which are lost.
    kinds = found.group_by(ledger_kind(lost=pl.lit(value=False)).alias("kind"))
    counted = dict(kinds.agg(pl.col("requests").sum()).iter_rows())
    of_known = paths.filter("known")
    lost = int(of_known.filter(is_lost())["unrouted_404"].sum())
    never = counted.get("never_routed", 0) - lost
    parts = dict.fromkeys(LEDGER_KINDS, 0) | counted | {"lost": lost, "never_routed": never}
    return {**parts, "all": _sum(found)}
