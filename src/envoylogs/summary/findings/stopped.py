"""Findings about hosts that nobody asks for any more, though requests came all the time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.summary.findings.conditions import all_of, equals, is_request
from envoylogs.summary.findings.durations import seconds
from envoylogs.summary.findings.finding import Finding, OfMany, Severity
from envoylogs.summary.findings.proof import first_of, gateways_of, is_host, last_of, sum_of
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from collections.abc import Collection

    from envoylogs.summary.facts import Facts
    from envoylogs.summary.findings.timelines import Timelines

__all__ = ["stopped_findings"]

_ENOUGH, _HALF, _TIMES_LONGER, _LATE = 100, 0.5, 10, 4
_BY_CHANCE, _FAILING = 1e-9, 0.25
_OTHERS, _AS_EVER = 20, 0.5


def stopped_findings(facts: Facts, timelines: Timelines, told: Collection[str]) -> list[Finding]:
    """Return the hosts with a steady traffic that ended while that of others goes on.

    Only of a whole log: what a selection leaves out may be what came after.

    Args:
        facts: Of the log.
        timelines: Of the log.
        told: Names of which it is told already why nothing arrives.
    """
    if facts.tally.spec.selection is not None or facts.first is None:
        return []
    steady = (
        facts.requests.filter(
            pl.col("host").is_in(facts.known_hosts.implode())
            & ~pl.col("host").is_in([*FOLDED_MARKS, *told])
        )
        .group_by("host")
        .agg(pl.col("requests").sum())
        .filter(pl.col("requests") >= _ENOUGH)
    )
    found = (_of(facts, timelines, host) for host in steady["host"].sort())
    return [finding for finding in found if finding is not None]


def _of(facts: Facts, timelines: Timelines, host: str) -> Finding | None:
    of_host = facts.requests.filter(is_host(host))
    first, last, begin = first_of(of_host), last_of(of_host), facts.first
    # A log may end earlier at the gateways that served the host than at others.
    gateways = of_host["gateway"].unique()
    others = facts.requests.filter(
        ~is_host(host) & pl.col("gateway").is_in(gateways.implode(), nulls_equal=True)
    )
    end = last_of(others)
    if first is None or last is None or end is None or begin is None:
        return None
    silence, span, n = end - last, last - first, sum_of(of_host)
    if silence <= 0 or span < _HALF * (last - begin):
        return None
    rows = timelines.of("host", host).filter(
        (pl.col("kind") == "request") & pl.col("start").is_not_null()
    )
    late = rows.filter(pl.col("first") >= last - span // _LATE)
    # Who failed until the end is told of as that.
    if sum_of(late.filter(pl.col("failure").is_not_null())) >= _FAILING * sum_of(late):
        return None
    # Traffic that ebbs away makes long gaps by itself.
    rate = min(n / span, sum_of(late) / (span / _LATE))
    if silence <= _TIMES_LONGER * _longest_gap_us(rows) or rate * silence < -math.log(_BY_CHANCE):
        return None
    if not _go_on(timelines, host, last, end):
        return None
    failure = FAILURES["traffic_stopped"]
    every, none_for = (seconds(round(us / 1000)) for us in (span / n, silence))
    return Finding(
        code="traffic_stopped",
        severity=Severity.MEDIUM,
        who=failure.actor,
        subject=host,
        title=failure.says.format(label=host),
        requests=n,
        of=n,
        first_seen=first,
        since=last,
        gateways=gateways_of(facts, of_host),
        where=all_of(is_request, equals("host", host)),
        proof=f"A request every {every} until then, none in the last {none_for} of the log; other "
        "hosts go on.",
        failure=failure.name,
        of_many=OfMany(failure.says, failure.next, by_share=False),
        next=failure.next,
    )


def _longest_gap_us(rows: pl.DataFrame) -> int:
    """Return how long nothing came at most, as far as buckets can tell."""
    buckets = rows.group_by("start").agg(pl.col("first").min(), pl.col("last").max()).sort("start")
    between = (pl.col("first") - pl.col("last").shift()).max()
    within = (pl.col("last") - pl.col("first")).max()
    return max(value or 0 for value in buckets.select(between, within.alias("within")).row(0))


def _go_on(timelines: Timelines, host: str, last: int, end: int) -> bool:
    """Tell whether others are asked for as ever since a host is not, as far as they did not stop.

    Several may stop at once, and then say nothing of each other.
    """
    rows = timelines.rows.filter(
        (pl.col("kind") == "request") & pl.col("believed") & ~is_host(host)
    )
    rows = rows.filter(pl.col("last").max().over("host") > (last + end) // 2)
    before, since = rows.filter(pl.col("last") <= last), rows.filter(pl.col("first") > last)
    begin = first_of(before)
    if begin is None:
        return False
    expected = sum_of(before) / max(last - begin, 1) * (end - last)
    return sum_of(since) >= max(_OTHERS, _AS_EVER * expected)
