"""Services that became slow: most requests take far longer for a while, or since a moment.

What is usual is what a service does when it is quick: its requests, in the
order of time, are taken in parts of about equal size, and the usual median is
the one that a quarter of the parts stay below. Medians are known by their class (see
``tally.slowness``), so a rule that asks for three times as long compares where
one class begins with where another ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.clusters import NAMELESS, service_label
from envoylogs.envoy.outcomes import SWITCHING_PROTOCOLS, UPSTREAM_ANSWERED, Actor
from envoylogs.summary.findings.conditions import all_of, equals, is_one_of, is_request
from envoylogs.summary.findings.finding import Finding, OfMany, Severity
from envoylogs.summary.findings.proof import first_of, gateways_of, sum_of
from envoylogs.summary.findings.timelines import between
from envoylogs.summary.findings.weighing import is_burst
from envoylogs.tally.folded_marks import FOLDED_MARKS
from envoylogs.tally.slowness import CLASSES_MS, class_end_ms

if TYPE_CHECKING:
    from envoylogs.summary.facts import Facts
    from envoylogs.summary.findings.timelines import Stretch, Timelines

__all__ = ["TurnedSlow", "turned_slow"]

_TIMES_SLOWER, _SLOWER_MS, _ENOUGH, _HALF = 3, 100, 50, 0.5
_FAR_SLOWER = 10
_OF_A_PART = 25
_USUAL = (4, 20)
"""As with failures (see ``onset``): a quarter of the parts, or a twentieth where most is slow."""

_MOST_SUSPECTS, _MOST_SUBJECTS = 100, 20
_TIMED_OUT = "upstream_timeout"


_SLOW_SERVICES = OfMany(
    "{label} became slow: half of their requests take several times as long as usual",
    "Look for what all of them wait for: a database, a service that all of them call, a node, the "
    "network, CPU throttling; or for more traffic at that time.",
    "upstream_service_time (or duration) of each over time.",
    noun="services",
)


class TurnedSlow(NamedTuple):
    """A service that became slow.

    Attributes:
        cluster: Which.
        stretch: When, and how many requests were slow.
        usual_ms: Its median is usually below that.
        slow_ms: What takes so long or longer is slow.
        median_ms: Half of the requests took so long or longer then.
        first: The first slow request.
    """

    cluster: str
    stretch: Stretch
    usual_ms: int
    slow_ms: int
    median_ms: int
    first: int | None

    @property
    def share(self) -> float:
        """The share of the requests of its time that were slow."""
        return self.stretch.requests / self.stretch.of

    def finding(self, facts: Facts) -> Finding:
        """Return it as a verdict."""
        when = self.stretch.episode
        far = self.median_ms >= _FAR_SLOWER * self.usual_ms
        return Finding(
            code="slow_upstream",
            severity=Severity.HIGH if far else Severity.MEDIUM,
            who=Actor.UPSTREAM,
            subject=self.cluster,
            title=f"{service_label(self.cluster)} became slow: half of its requests take "
            f"{self.median_ms:,} ms or more, usually less than {self.usual_ms:,} ms",
            requests=self.stretch.requests,
            of=self.stretch.of,
            first_seen=self.first if when.since is None else when.since,
            since=when.since,
            until=when.until,
            onset_unclear=when.onset_unclear,
            gateways=gateways_of(
                facts, facts.requests.filter(pl.col("upstream_cluster") == self.cluster)
            ),
            where=all_of(
                is_request,
                is_one_of("outcome", UPSTREAM_ANSWERED),
                f"(response_code IS NULL OR response_code <> {SWITCHING_PROTOCOLS})",
                equals("upstream_cluster", self.cluster),
                f"COALESCE(upstream_service_time_ms, duration_ms) >= {self.slow_ms}",
            ),
            timed=True,
            proof=f"upstream_service_time (or duration) of {self.slow_ms:,} ms or more, over time.",
            of_many=_SLOW_SERVICES,
            next="Look at what the service waits for (its traces, database, own upstreams), at CPU "
            "throttling, and whether it was released or got more traffic at that time; compare its "
            "pods.",
        )


def turned_slow(facts: Facts, timelines: Timelines) -> list[TurnedSlow]:
    """Return the services that became slow, those with the most slow requests first.

    Args:
        facts: Of the log.
        timelines: Of the log, for how long a stretch is and what failed in it.
    """
    rows = facts.tally.slowness.frame.filter(
        pl.col("start").is_not_null()
        & ~pl.col("upstream_cluster").is_in([*NAMELESS, *FOLDED_MARKS])
        & (pl.col("requests").sum().over("upstream_cluster") >= 2 * _ENOUGH)
    )
    suspected = [
        (cluster, usual_ms, slow_ms, medians)
        for cluster, medians in _medians(rows).iter_rows()
        for usual_ms, slow_ms in map(_limits, {medians[len(medians) // n] for n in _USUAL})
        if medians[-1] >= slow_ms
    ]
    suspected.sort(key=lambda one: (-sum(median >= one[2] for median in one[3]), one[:2]))
    found = [
        slow
        for cluster, usual_ms, slow_ms, medians in suspected[:_MOST_SUSPECTS]
        for of_cluster in [rows.filter(pl.col("upstream_cluster") == cluster)]
        for edge in CLASSES_MS
        if slow_ms <= edge <= medians[-1]
        if (slow := _of(cluster, of_cluster, usual_ms, edge, timelines))
    ]
    # Of what is slow a little the usual has some too, which blurs when it began; of what is very
    # slow there is less. The best is where most are slow and fewest are not.
    found.sort(key=lambda slow: (slow.stretch.of - 2 * slow.stretch.requests, slow.slow_ms))
    best = {slow.cluster: slow for slow in reversed(found)}
    return sorted(best.values(), key=lambda slow: (-slow.stretch.requests, slow.cluster))[
        :_MOST_SUBJECTS
    ]


def _of(
    cluster: str, rows: pl.DataFrame, usual_ms: int, slow_ms: int, timelines: Timelines
) -> TurnedSlow | None:
    """Return when requests of one service were slow, if most of them were for a while."""
    is_slow = pl.col("from_ms") >= slow_ms
    marked = rows.with_columns(pl.when(is_slow).then(pl.lit("slow")).alias("failure"))
    stretch = timelines.stretch(marked, is_slow)
    # Where as many quick ones as ever go on beside them, other requests came and the service is as
    # it was.
    if (
        not is_burst(stretch)
        or stretch.requests < max(_ENOUGH, _HALF * stretch.of)
        or stretch.went_on
    ):
        return None
    when = stretch.episode
    near = rows.filter(pl.col("start").is_between(when.first, when.last))
    inside = between(near, when.since, when.until)
    slow = inside.filter(is_slow)
    # What fails slowly is told of as failing.
    failed = sum_of(slow, "errors") + _timed_out(cluster, stretch, timelines)
    if failed >= _HALF * stretch.requests:
        return None
    by_class = inside.group_by("from_ms").agg(pl.col("requests").sum())
    median_ms = int(by_class.select(_median())["from_ms"].item())
    return TurnedSlow(cluster, stretch, usual_ms, slow_ms, median_ms, first_of(slow))


def _timed_out(cluster: str, stretch: Stretch, timelines: Timelines) -> int:
    """Return how many requests of a service timed out in a stretch, and got no answer."""
    rows = timelines.of("upstream_cluster", cluster).filter(
        (pl.col("kind") == "request") & (pl.col("outcome") == _TIMED_OUT)
    )
    return sum_of(between(rows, stretch.episode.since, stretch.episode.until))


def _medians(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``upstream_cluster`` and the sorted medians of the parts of its requests, a list."""
    requests = pl.col("requests")
    # A bucket is of the part that its middle is in.
    middle = requests.cum_sum() - requests // 2
    parts = (
        rows.group_by("upstream_cluster", "start")
        .agg(requests.sum())
        .sort("upstream_cluster", "start")
        .select(
            "upstream_cluster",
            "start",
            (middle.over("upstream_cluster") // _OF_A_PART).alias("part"),
        )
    )
    return (
        rows.join(parts, on=["upstream_cluster", "start"])
        .group_by("upstream_cluster", "part", "from_ms")
        .agg(requests.sum())
        .group_by("upstream_cluster", "part")
        .agg(_median())
        .group_by("upstream_cluster")
        .agg(pl.col("from_ms").sort())
        .sort("upstream_cluster")
    )


def _median() -> pl.Expr:
    """Return where the class begins that the median is in, of requests by class."""
    requests = pl.col("requests").sort_by("from_ms")
    enough = requests.cum_sum() * 2 >= requests.sum()
    return pl.col("from_ms").sort().filter(enough).first()


def _limits(median_ms: int) -> tuple[int, int]:
    """Return where the class of a usual median ends, and from where on requests are slow."""
    usual_ms = class_end_ms(median_ms)
    return usual_ms, max(_TIMES_SLOWER * usual_ms, usual_ms + _SLOWER_MS)
