"""Findings about delays that a fault rule makes: the requests are served, only later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.envoy.flags import has_flag
from envoylogs.summary.findings.conditions import all_of, equals, is_one_of
from envoylogs.summary.findings.finding import Finding, OfMany, Severity, severity_of, worth_telling
from envoylogs.summary.findings.proof import first_of, gateways_of, is_host, sum_of
from envoylogs.summary.findings.timelines import between
from envoylogs.summary.findings.turned_slow import is_answered_request
from envoylogs.summary.findings.weighing import is_burst
from envoylogs.tally.slowness import DELAY

if TYPE_CHECKING:
    from envoylogs.summary.facts import Facts
    from envoylogs.summary.findings.timelines import Timelines

__all__ = ["delay_findings"]

_FELT_MS = 100
"""Nobody feels less."""


def delay_findings(facts: Facts, timelines: Timelines) -> list[Finding]:
    """Return the hosts whose requests a fault rule delays so that users feel it.

    Args:
        facts: Of the log.
        timelines: Of the log, for how long a stretch is.
    """
    slowness = facts.tally.slowness.frame.filter(pl.col("authority").is_not_null())
    felt = (pl.col("measure") == DELAY) & (pl.col("from_ms") >= _FELT_MS)
    rows = slowness.with_columns(
        facts.host_of_authority, pl.when(felt).then(pl.lit("delay_injected")).alias("failure")
    )
    found = []
    for host in rows.filter(felt)["host"].unique().sort():
        of_host = rows.filter(is_host(host))
        stretch = timelines.stretch(of_host, felt)
        if not (is_burst(stretch) or worth_telling(stretch.requests, stretch.of)):
            continue
        when, failure = stretch.episode, FAILURES["delay_injected"]
        delayed = of_host.filter(felt)
        inside = delayed if when.is_whole else between(delayed, when.since, when.until)
        longest = pl.col("from_ms").sort_by("from_ms").repeat_by("requests").explode()
        median_ms = int(inside.select(longest.median()).item())
        of_requests = facts.requests.filter(is_host(host) & has_flag("DI"))
        flags = of_requests["response_flags"].unique().sort()
        found.append(
            Finding(
                code="faults_injected",
                severity=max(severity_of(stretch.requests, stretch.of), Severity.HIGH),
                who=failure.actor,
                subject=host,
                title=f"{failure.says.format(label=host)}, half of them by {median_ms:,} ms or "
                "more",
                requests=stretch.requests,
                of=stretch.of,
                first_seen=first_of(delayed) if when.since is None else when.since,
                since=when.since,
                until=when.until,
                onset_unclear=when.onset_unclear,
                gateways=gateways_of(facts, of_requests),
                where=all_of(
                    is_answered_request,
                    equals("host", host),
                    is_one_of("response_flags", flags),
                    f"duration_ms - COALESCE(upstream_service_time_ms, 0) >= {_FELT_MS}",
                ),
                timed=not when.is_whole,
                proof=f"Flag DI, and {sum_of(delayed):,} requests took {_FELT_MS} ms or more "
                "longer than the service.",
                failure=failure.name,
                of_many=OfMany(failure.says, failure.next, by_share=False),
                next=failure.next,
            )
        )
    return found
