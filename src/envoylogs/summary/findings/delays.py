"""Findings about delays that a fault rule makes: the requests are served, only later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.flags import has_flag
from envoylogs.summary.findings.conditions import all_of, equals, is_one_of
from envoylogs.summary.findings.finding import (
    Finding,
    Severity,
    severity_of,
    told_alike,
    worth_telling,
)
from envoylogs.summary.findings.proof import first_of, gateways_of, sum_of
from envoylogs.summary.findings.stretches import stretches
from envoylogs.summary.findings.timelines import between
from envoylogs.summary.findings.turned_slow import is_answered_request
from envoylogs.summary.findings.weighing import is_burst
from envoylogs.summary.judged import with_host
from envoylogs.summary.parts import Parts
from envoylogs.tally.slowness import DELAY

if TYPE_CHECKING:
    from envoylogs.summary.findings.whole_log import WholeLog

__all__ = ["delay_findings"]

_FELT_MS = 100
"""Nobody feels less."""


def delay_findings(log: WholeLog) -> list[Finding]:
    """Return the hosts whose requests a fault rule delays so that users feel it."""
    felt = (pl.col("measure") == DELAY) & (pl.col("from_ms") >= _FELT_MS)
    failure = FAILURES["delay_injected"]
    failed = pl.when(felt).then(pl.lit(failure.name))
    slowness = log.tally.slowness.frame
    if slowness.filter(felt).is_empty():
        return []
    by_host = with_host(slowness.filter(pl.col("authority").is_not_null())).lazy()
    rows = by_host.with_columns(failed.alias("failure"), failed_as=failed, of="host")
    felt_rows = rows.filter(felt).collect()
    of_felt = rows.join(felt_rows.lazy().select("host").unique(), on="host", how="semi")
    found, parts = [], Parts(felt_rows)
    for (host, _), stretch in sorted(stretches(of_felt, log.timelines.width_us).items()):
        if not (is_burst(stretch) or worth_telling(stretch.requests, stretch.of)):
            continue
        when, delayed = stretch.episode, parts.of(host=host)
        inside = delayed if when.is_whole else between(delayed, when.since, when.until)
        longest = pl.col("from_ms").sort_by("from_ms").repeat_by("requests").explode()
        median_ms = int(inside.select(longest.median()).item())
        of_requests = log.requests_of(host).filter(has_flag("DI"))
        flags = of_requests["response_flags"].unique().sort()
        found.append(
            Finding(
                code="faults_injected",
                severity=max(severity_of(stretch.requests, stretch.of), Severity.HIGH),
                who=failure.actor,
                subject=host,
                title=f"{failure.says.format(label=host)}, half of them by {median_ms:,} ms or "
                "more",
                **stretch.told(first_of(delayed)),
                gateways=gateways_of(log, of_requests),
                where=all_of(
                    is_answered_request,
                    equals("host", host),
                    is_one_of("response_flags", flags),
                    f"duration_ms - COALESCE(upstream_service_time_ms, 0) >= {_FELT_MS}",
                ),
                proof=f"Flag DI, and {sum_of(delayed):,} requests took {_FELT_MS} ms or more "
                "longer than the service.",
                failure=failure.name,
                of_many=told_alike(failure),
                next=failure.next,
            )
        )
    return found
