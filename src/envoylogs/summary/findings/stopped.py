"""Findings about hosts that nobody asks for any more, though requests came all the time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.failures.lookup import FAILURES
from envoylogs.summary.findings.conditions import all_of, equals, is_request
from envoylogs.summary.findings.finding import Finding, Severity, told_alike
from envoylogs.summary.findings.proof import first_of, gateways_of, is_host, sum_of
from envoylogs.summary.findings.wording import seconds
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from envoylogs.summary.findings.timelines import Timelines
    from envoylogs.summary.findings.whole_log import WholeLog

_ENOUGH, _HALF, _TIMES_LONGER, _LATE = 100, 0.5, 10, 4
_BY_CHANCE, _FAILING = 1e-9, 0.25
_OTHERS, _AS_EVER = 20, 0.5


def stopped_findings(log: WholeLog, told: Collection[str]) -> Iterator[Finding]:
    """Yield the hosts with a steady traffic that ended while that of others goes on.

    Only of a whole log: what a selection leaves out may be what came after. Of names that are told
    already it is known why nothing arrives.
    """
    if log.tally.spec.selection is not None or log.first is None:
        return
    requests = log.requests.lazy()
    steady, latest = pl.collect_all(
        [
            requests.filter(
                pl.col("host").is_in(log.known_hosts.implode())
                & ~pl.col("host").is_in([*FOLDED_MARKS, *told])
            )
            .group_by("host")
            .agg(
                pl.col("requests").sum(),
                pl.col("first").min(),
                pl.col("last").max(),
                pl.col("gateway").unique(),
            )
            .filter(pl.col("requests") >= _ENOUGH, pl.col("first").is_not_null())
            .sort("host"),
            requests.filter(pl.col("last").is_not_null())
            .group_by("gateway", "host")
            .agg(pl.col("last").max())
            .sort("last", descending=True)
            .group_by("gateway", maintain_order=True)
            .agg(pl.struct("host", "last").head(2)),
        ]
    )
    last_at = dict(latest.iter_rows())
    for host, n, first, last, gateways in steady.iter_rows():
        # A log may end earlier at the gateways that served the host than at others.
        end = max(
            (of["last"] for at in gateways for of in last_at.get(at, ()) if of["host"] != host),
            default=last,
        )
        stream = _Stream(host, n, first, last, end)
        if last - first >= _HALF * (last - log.first) and _has_stopped(stream, log.timelines):
            yield _finding(log, stream)


class _Stream(NamedTuple):
    """The requests for a host, and the last one for another at the same gateways (``end``)."""

    host: str
    requests: int
    first: int
    last: int
    end: int

    @property
    def span_us(self) -> int:
        """How long they came."""
        return self.last - self.first

    @property
    def silence_us(self) -> int:
        """How long none has come."""
        return self.end - self.last


def _has_stopped(stream: _Stream, timelines: Timelines) -> bool:
    """Tell whether a silence is no chance."""
    silence, span = stream.silence_us, stream.span_us

    def is_chance(rate: float) -> bool:
        return rate * silence < -math.log(_BY_CHANCE)

    if silence <= 0 or span <= 0 or is_chance(stream.requests / span):
        return False
    rows = timelines.requests_of(stream.host).filter(pl.col("start").is_not_null())
    late = rows.filter(pl.col("first") >= stream.last - span // _LATE)
    # Who failed until the end is told of as that.
    if sum_of(late.filter(pl.col("failure").is_not_null())) >= _FAILING * sum_of(late):
        return False
    # Traffic that ebbs away makes long gaps by itself.
    if is_chance(sum_of(late) / (span / _LATE)):
        return False
    return silence > _TIMES_LONGER * _longest_gap_us(rows) and _go_on(stream, timelines)


def _finding(log: WholeLog, stream: _Stream) -> Finding:
    host, n, failure = stream.host, stream.requests, FAILURES["traffic_stopped"]
    every, none_for = (seconds(round(us / 1000)) for us in (stream.span_us / n, stream.silence_us))
    return Finding(
        code="traffic_stopped",
        severity=Severity.MEDIUM,
        **told_alike(failure, host),
        requests=n,
        of=n,
        first_seen=stream.first,
        since=stream.last,
        gateways=gateways_of(log, log.requests_of(host)),
        where=all_of(is_request, equals("host", host)),
        proof=f"A request every {every} until then, none in the last {none_for} of the log; other "
        "hosts go on.",
    )


def _longest_gap_us(rows: pl.DataFrame) -> int:
    """Return how long nothing came at most, as far as buckets can tell."""
    buckets = rows.group_by("start").agg(pl.col("first").min(), pl.col("last").max()).sort("start")
    between = (pl.col("first") - pl.col("last").shift()).max()
    within = (pl.col("last") - pl.col("first")).max()
    return max(value or 0 for value in buckets.select(between, within.alias("within")).row(0))


def _go_on(stream: _Stream, timelines: Timelines) -> bool:
    """Tell whether others are asked for as ever since a host is not, as far as they did not stop.

    Several may stop at once, and then say nothing of each other.
    """
    last, end = stream.last, stream.end
    rows = timelines.rows.filter(
        (pl.col("kind") == "request") & pl.col("believed") & ~is_host(stream.host)
    )
    rows = rows.filter(pl.col("last").max().over("host") > (last + end) // 2)
    before, since = rows.filter(pl.col("last") <= last), rows.filter(pl.col("first") > last)
    begin = first_of(before)
    if begin is None:
        return False
    expected = sum_of(before) / max(last - begin, 1) * (end - last)
    return sum_of(since) >= max(_OTHERS, _AS_EVER * expected)
