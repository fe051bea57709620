"""Who became slow, as findings: services, and the gateway itself for a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.clusters import NAMELESS, service_label
from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.flags import has_flag
from envoylogs.envoy.harm import Actor
from envoylogs.envoy.outcomes import SWITCHING_PROTOCOLS, UPSTREAM_ANSWERED
from envoylogs.summary.findings.became_slow import BecameSlow, became_slow
from envoylogs.summary.findings.conditions import all_of, any_of, equals, is_one_of, is_request
from envoylogs.summary.findings.finding import Finding, OfMany, told_alike
from envoylogs.summary.findings.proof import gateways_of, sum_of
from envoylogs.summary.findings.timelines import between
from envoylogs.summary.judged import with_host
from envoylogs.tally.slowness import GATEWAY_TIME, SMALL_BYTES, UPSTREAM_TIME

if TYPE_CHECKING:
    from envoylogs.summary.findings.stretches import Stretch
    from envoylogs.summary.findings.whole_log import WholeLog

__all__ = ["gateway_slow", "is_answered_request", "service_slow", "services_turned_slow"]

_TIMED_OUT = "upstream_timeout"

_SLOW_SERVICES = OfMany(
    "{label} became slow: half of their requests take several times as long as usual",
    "Look for what all of them wait for: a database, a service that all of them call, a node, the "
    "network, CPU throttling; or for more traffic at that time.",
    "upstream_service_time (or duration) of each over time.",
    noun="services",
    by_share=False,
)

is_answered_request = all_of(
    is_request,
    is_one_of("outcome", UPSTREAM_ANSWERED),
    f"(response_code IS NULL OR response_code <> {SWITCHING_PROTOCOLS})",
)
"""What times are measured over, as a condition in SQL."""


def services_turned_slow(log: WholeLog) -> list[BecameSlow]:
    """Return the services that became slow, by cluster."""

    def timed_out(cluster: str, stretch: Stretch) -> int:
        rows = log.timelines.of(kind="request", upstream_cluster=cluster).filter(
            pl.col("outcome") == _TIMED_OUT
        )
        return sum_of(between(rows, stretch.episode.since, stretch.episode.until))

    rows = log.tally.slowness.frame.filter(
        (pl.col("measure") == UPSTREAM_TIME) & ~pl.col("upstream_cluster").is_in(NAMELESS)
    )
    named = rows.with_columns(pl.col("upstream_cluster").alias("name"))
    return became_slow(named, log.timelines, timed_out)


def service_slow(log: WholeLog, slow: BecameSlow) -> Finding:
    """Return a service that became slow as a verdict."""
    return Finding(
        code="slow_upstream",
        severity=slow.severity,
        who=Actor.UPSTREAM,
        subject=slow.name,
        title=f"{service_label(slow.name)} became slow: half of its requests take "
        f"{slow.median_ms:,} ms or more, usually less than {slow.usual_ms:,} ms",
        **slow.stretch.told(slow.first),
        gateways=gateways_of(log, log.requests.filter(pl.col("upstream_cluster") == slow.name)),
        where=all_of(
            is_answered_request,
            equals("upstream_cluster", slow.name),
            f"COALESCE(upstream_service_time_ms, duration_ms) >= {slow.slow_ms}",
        ),
        proof=f"upstream_service_time (or duration) of {slow.slow_ms:,} ms or more, over time.",
        of_many=_SLOW_SERVICES,
        next="Look at what the service waits for (its traces, database, own upstreams), at CPU "
        "throttling, and whether it was released or got more traffic at that time; compare its "
        "pods.",
    )


def gateway_slow(log: WholeLog) -> list[Finding]:
    """Return the hosts whose requests the gateway began to hold up.

    It is told of requests and answers so small that no slow network can be why they take longer
    than the service did.
    """
    rows = log.tally.slowness.frame.filter(
        (pl.col("measure") == GATEWAY_TIME) & pl.col("from_ms").is_not_null()
    )
    named = with_host(rows).rename({"host": "name"})
    return [_of_gateway(log, slow) for slow in became_slow(named, log.timelines)]


def _of_gateway(log: WholeLog, slow: BecameSlow) -> Finding:
    failure = FAILURES["gateway_slow"]
    of_host = log.requests_of(slow.name)
    delayed = of_host.filter(has_flag("DI"))["response_flags"].unique().sort()
    not_delayed = [
        any_of("response_flags IS NULL", f"NOT ({is_one_of('response_flags', delayed)})")
    ]
    return Finding(
        code="slow_gateway",
        severity=slow.severity,
        who=failure.actor,
        subject=slow.name,
        title=f"{failure.says.format(label=slow.name)}: half of them spend {slow.median_ms:,} ms "
        f"or more outside the service, usually less than {slow.usual_ms:,} ms",
        **slow.stretch.told(slow.first),
        gateways=gateways_of(log, of_host),
        where=all_of(
            is_answered_request,
            equals("host", slow.name),
            *(not_delayed if delayed.len() else []),
            f"bytes_sent <= {SMALL_BYTES} AND bytes_received <= {SMALL_BYTES}",
            f"duration_ms - upstream_service_time_ms >= {slow.slow_ms}",
        ),
        proof=f"duration is {slow.slow_ms:,} ms or more longer than upstream_service_time, over "
        "time, where bodies are small.",
        failure=failure.name,
        of_many=told_alike(failure),
        next=failure.next,
    )
