"""Findings about slowness: a service that became slow, a pod or a part slower than its siblings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.clusters import NAMELESS, service_label
from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.flags import has_flag
from envoylogs.envoy.harm import Actor
from envoylogs.envoy.outcomes import SWITCHING_PROTOCOLS, UPSTREAM_ANSWERED
from envoylogs.summary.findings.became_slow import MOST_SLOW, BecameSlow, became_slow
from envoylogs.summary.findings.conditions import all_of, equals, is_none_of, is_one_of, is_request
from envoylogs.summary.findings.finding import Finding, OfMany, Severity, told_alike
from envoylogs.summary.findings.proof import gateways_of, sum_of
from envoylogs.summary.findings.timelines import between
from envoylogs.summary.judged import with_host
from envoylogs.summary.percentiles import latency_by
from envoylogs.summary.splits import NOT_SENT
from envoylogs.tally.folding.marks import FOLDED_MARKS
from envoylogs.tally.slowness import GATEWAY_TIME, SMALL_BYTES, UPSTREAM_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.summary.findings.onset import Stretch
    from envoylogs.summary.findings.whole_log import WholeLog

_TIMES_SLOWER, _SLOWER_MS, _ENOUGH = 3, 50, 50
_NEARLY_ALL = 0.8

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


def slow_findings(log: WholeLog) -> list[Finding]:
    """Return who became slow, or is much slower than comparable others; one cause is told once."""
    hosts = list(_slow_hosts(log))
    found: list[Finding] = []
    for service in _services_turned_slow(log):
        some = any(cluster == service.name for cluster, _ in hosts)
        if service.share < _NEARLY_ALL and some:
            # Some pods are slow and the others are not.
            continue
        found.append(_service_slow(log, service))
        # While nearly all of them were slow no host was quicker, and medians of the whole log tell
        # only how many requests each had then.
        hosts = [slow for slow in hosts if slow[0] != service.name]
    told = {finding.subject for finding in found}
    parts = (part for part in _slow_parts(log.splits) if part.subject not in told)
    return [*found, *_gateway_slow(log), *(finding for _, finding in hosts), *parts]


def _slow_hosts(log: WholeLog) -> Iterator[tuple[str | None, Finding]]:
    """Yield upstream hosts with a median far above that of the rest of their cluster, and this."""
    counts = log.latency_by_trait("upstream_time_ms", "upstream_host").rename(
        {"name": "upstream_host"}
    )
    clusters = (
        log.requests.filter(pl.col("upstream_host").is_not_null())
        .select("upstream_host", "upstream_cluster")
        .unique()
        .sort("upstream_cluster", nulls_last=True)
        .unique("upstream_host", keep="first")
    )
    by_host = counts.join(clusters, on="upstream_host")
    if by_host["upstream_host"].n_unique() < 2:  # noqa: PLR2004
        return
    medians = (
        latency_by(by_host, ["upstream_cluster", "upstream_host"], "latency")
        .unnest("latency")
        .filter(pl.col("count") >= _ENOUGH)
        .with_columns(pl.len().over("upstream_cluster").alias("siblings"))
    )
    suspects = medians.filter(
        (pl.col("siblings") > 1)
        & (pl.col("p50") >= _TIMES_SLOWER * pl.col("p50").min().over("upstream_cluster"))
        & (pl.col("p50") - pl.col("p50").min().over("upstream_cluster") >= _SLOWER_MS)
    ).sort(-pl.col("count"), "upstream_host")
    for host in suspects.head(MOST_SLOW).iter_rows(named=True):
        rest = by_host.filter(
            pl.col("upstream_cluster").eq_missing(pl.lit(host["upstream_cluster"], pl.String))
            & (pl.col("upstream_host") != host["upstream_host"])
        )
        of_rest = latency_by(rest, ["upstream_cluster"], "latency")["latency"].item()
        if not _slower(host["p50"], of_rest["p50"]):
            continue
        rows = log.requests.filter(pl.col("upstream_host") == host["upstream_host"])
        yield (
            host["upstream_cluster"],
            Finding(
                code="slow_upstream",
                severity=Severity.MEDIUM,
                who=Actor.UPSTREAM,
                subject=host["upstream_host"],
                title=f"{host['upstream_host']}, one of {host['siblings']} hosts of "
                f"{service_label(host['upstream_cluster'] or '-')}, takes {host['p50']:,} ms at "
                f"the median; the others take {of_rest['p50']:,} ms",
                requests=host["count"],
                of=host["count"] + of_rest["count"],
                gateways=gateways_of(log, rows),
                upstream_hosts=(1, host["siblings"]),
                where=all_of(
                    is_answered_request,
                    "upstream_service_time_ms IS NOT NULL",
                    equals("upstream_host", host["upstream_host"]),
                ),
                onset_unclear=True,
                proof="upstream_service_time of the same cluster by upstream_host.",
                next="Look at the node and the resources of this pod: CPU throttling, a cold "
                "cache, a noisy neighbor.",
            ),
        )


def _slower(median_ms: int, of_others_ms: int) -> bool:
    return median_ms >= _TIMES_SLOWER * of_others_ms and median_ms - of_others_ms >= _SLOWER_MS


def _slow_parts(splits: pl.DataFrame) -> Iterator[Finding]:
    """Yield parts of a split with a median far above that of the fastest part."""
    for split in splits.drop("buckets").iter_rows(named=True):
        parts = [
            (part["upstream_time_ms"]["p50"], part["upstream_cluster"], part["requests"])
            for part in split["parts"]
            if part["upstream_time_ms"]["count"] >= _ENOUGH
            and part["upstream_cluster"] not in FOLDED_MARKS
        ]
        if not {split["route_name"], split["authority"]}.isdisjoint(FOLDED_MARKS):
            continue
        if len(parts) < 2 or split["attribution"] == "ambiguous" or split["mirror"]:  # noqa: PLR2004
            continue
        best, fastest, _ = min(parts)
        route = split["route_name"] or split["authority"] or "-"
        for median, cluster, requests in parts:
            if not _slower(median, best):
                continue
            yield Finding(
                code="slow_upstream",
                severity=Severity.MEDIUM,
                who=Actor.UPSTREAM,
                subject=cluster,
                title=f"{service_label(cluster)} takes {median:,} ms at the median on {route}; "
                f"{service_label(fastest)} takes {best:,} ms",
                requests=requests,
                of=split["requests"],
                where=all_of(
                    is_request,
                    equals("route_name", split["route_name"]),
                    equals("host", split["authority"]),
                    equals("upstream_cluster", cluster),
                    f"NOT ({is_one_of('outcome', NOT_SENT)})",
                ),
                onset_unclear=True,
                proof="upstream_service_time of the parts of one route.",
                next="If it is a release, shift no more traffic to it until this is understood.",
            )


def _services_turned_slow(log: WholeLog) -> list[BecameSlow]:

    def timed_out(cluster: str, stretch: Stretch) -> int:
        rows = log.timelines.of(kind="request", upstream_cluster=cluster).filter(
            pl.col("outcome") == "upstream_timeout"
        )
        return sum_of(between(rows, stretch.episode.since, stretch.episode.until))

    rows = log.tally.slowness.frame.filter(
        (pl.col("measure") == UPSTREAM_TIME) & ~pl.col("upstream_cluster").is_in(NAMELESS)
    )
    named = rows.with_columns(pl.col("upstream_cluster").alias("name"))
    return became_slow(named, log.timelines, timed_out)


def _service_slow(log: WholeLog, slow: BecameSlow) -> Finding:
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


def _gateway_slow(log: WholeLog) -> list[Finding]:
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
    return Finding(
        code="slow_gateway",
        severity=slow.severity,
        **told_alike(
            failure,
            slow.name,
            f": half of them spend {slow.median_ms:,} ms or more outside the service, usually less "
            f"than {slow.usual_ms:,} ms",
        ),
        **slow.stretch.told(slow.first),
        gateways=gateways_of(log, of_host),
        where=all_of(
            is_answered_request,
            equals("host", slow.name),
            *([is_none_of("response_flags", delayed)] if delayed.len() else []),
            f"bytes_sent <= {SMALL_BYTES} AND bytes_received <= {SMALL_BYTES}",
            f"duration_ms - upstream_service_time_ms >= {slow.slow_ms}",
        ),
        proof=f"duration is {slow.slow_ms:,} ms or more longer than upstream_service_time, over "
        "time, where bodies are small.",
    )
