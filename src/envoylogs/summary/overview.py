"""The whole log in a few numbers, and the ledger of its 404s: who answered, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from envoylogs.envoy.harm import Harm
from envoylogs.summary.paths import is_lost
from envoylogs.summary.percentiles import EMPTY_LATENCY, latency_by
from envoylogs.tally.counting import total_of
from envoylogs.tally.folding.names_apart import is_folded
from envoylogs.tally.latency import MEASURES

if TYPE_CHECKING:
    from envoylogs.summary.findings.whole_log import WholeLog

NOT_FOUND = 404

LEDGER_KINDS = (
    "lost", "never_routed", "noise", "application", "configured", "fault", "other",
)  # fmt: skip
"""What becomes of each 404; together they are all of them."""

UNDECIDED = "lost_or_never_routed"
"""Where names were folded, some paths that were lost can't be told from those never routed."""

Latency = dict[str, Any]


class Overview(NamedTuple):
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


def overview(log: WholeLog) -> Overview:
    """Return the totals of a log."""
    harm, outcome = pl.col("harm"), pl.col("outcome")
    requests, connections, outcomes = pl.collect_all(
        [
            log.requests.lazy().select(
                total_of("requests", "bytes_received", "bytes_sent"),
                *_noise("requests", "host", "hosts", "without_host"),
                blackhole=_requests(outcome == "blackhole"),
                unrouted=_requests(pl.col("unrouted")),
                unrouted_known=_requests(pl.col("unrouted") & pl.col("known")),
                errors=_requests(pl.col("error")),
                injected=_requests(harm == Harm.INJECTED),
                refused=_requests(harm == Harm.REFUSED),
                answered_4xx=_requests(harm == Harm.ANSWERED_4XX),
                clients_left=_requests(harm == Harm.GONE),
                unknown_harmed=_requests((outcome == "unknown") & harm.is_not_null()),
            ),
            log.connections.lazy().select(
                *_noise(
                    "connections", "requested_server_name", "server_names", "without_server_name"
                ),
                connections=pl.col("requests").sum(),
                connections_failed=_requests(harm == Harm.FAILED),
                connections_refused=_requests(harm == Harm.TURNED_AWAY),
            ),
            log.everything.lazy()
            .group_by("outcome")
            .agg(pl.col("requests").sum())
            .sort(-pl.col("requests"), "outcome"),
        ]
    )
    counts = requests.row(0, named=True) | connections.row(0, named=True)
    noise = {name[1:]: counts.pop(name) for name in list(counts) if name.startswith(_NOISE)}
    without_noise = counts["requests"] - noise["requests"]
    return Overview(
        **counts,
        own_traffic=log.own_traffic,
        first=log.first,
        last=log.last,
        outcomes=dict(outcomes.iter_rows()),
        error_share=counts["errors"] / without_noise if without_noise else None,
        noise=noise,
        not_found_ledger=_not_found_ledger(log),
        **_latencies(log),
    )


_NOISE = "~"
"""Begins the names of columns that are about noise."""


def _requests(where: pl.Expr) -> pl.Expr:
    return pl.col("requests").filter(where).sum()


def _noise(counts: str, column: str, names: str, without: str) -> list[pl.Expr]:
    """Return how many records are noise, and of how many names besides those that were folded."""
    is_noise, name = pl.col("noise"), pl.col(column)
    found = name.filter(is_noise & ~is_folded(column)).drop_nulls().n_unique()
    return [
        _requests(is_noise).alias(f"{_NOISE}{counts}"),
        found.alias(f"{_NOISE}{names}"),
        _requests(is_noise & name.is_null()).alias(f"{_NOISE}{without}"),
    ]


def _latencies(log: WholeLog) -> dict[str, Any]:
    of_gateway = log.tally.latency_by_trait.frame.lazy().filter(pl.col("measure") == "gateway_ms")
    counts = [
        frame.select("measure", "value_ms", "digits", "requests")
        for frame in (log.tally.latency_by_group.frame.lazy(), of_gateway)
    ]
    found = latency_by(pl.concat(counts), ["measure"], "latency")
    return dict.fromkeys(MEASURES, EMPTY_LATENCY) | dict(found.iter_rows())


def _not_found_ledger(log: WholeLog) -> dict[str, int]:
    """Return all 404s by who answered and why; the parts add up to all."""
    found = log.requests.lazy().filter(pl.col("response_code") == NOT_FOUND)
    # The paths alone say which are lost.
    kinds = found.group_by(ledger_kind(lost=pl.lit(value=False)).alias("kind"))
    counted = dict(kinds.agg(pl.col("requests").sum()).collect().iter_rows())
    lost = int(log.path_states.filter(pl.col("known") & is_lost())["unrouted_404"].sum())
    never = counted.get("never_routed", 0) - lost
    parts = dict.fromkeys(LEDGER_KINDS, 0) | counted | {"lost": lost, "never_routed": never}
    return {**parts, "all": sum(counted.values())}


def ledger_kind(*, lost: pl.Expr) -> pl.Expr:
    """Return the kind of a request with code 404.

    Args:
        lost: Whether the path of an unrouted request of a known host was routed
            at another time; null where that can't be told.

    The columns ``outcome``, ``unrouted``, ``known`` and ``noise`` are read.
    """
    outcome, of_known = pl.col("outcome"), pl.col("unrouted") & pl.col("known")
    return (
        pl.when(of_known & lost).then(pl.lit("lost"))
        .when(of_known & lost.is_null()).then(pl.lit(UNDECIDED))
        .when(of_known).then(pl.lit("never_routed"))
        .when("noise").then(pl.lit("noise"))
        .when(outcome == "upstream_4xx").then(pl.lit("application"))
        .when(outcome == "direct_response").then(pl.lit("configured"))
        .when(outcome == "fault_injected").then(pl.lit("fault"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip
