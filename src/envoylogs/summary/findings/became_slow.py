"""What became slow: most requests take far longer for a while, or since a moment.

What is usual is what a service or host does when it is quick: its requests, in
the order of time, are taken in parts of about equal size, and the usual median
is the one that a quarter of the parts stay below. Medians are known by their
class (see ``tally.slowness``), so a rule that asks for three times as long
compares where one class begins with where another ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.summary.findings.finding import Severity
from envoylogs.summary.findings.proof import first_of, sum_of
from envoylogs.summary.findings.timelines import between, stretches
from envoylogs.summary.findings.weighing import is_burst
from envoylogs.summary.judged import Parts
from envoylogs.tally.folding.marks import FOLDED_MARKS
from envoylogs.tally.slowness import CLASSES_MS, class_end_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envoylogs.summary.findings.onset import Stretch
    from envoylogs.summary.findings.timelines import Timelines

_TIMES_SLOWER, _SLOWER_MS, _ENOUGH, _HALF = 3, 100, 50, 0.5
_FAR_SLOWER = 10
_OF_A_PART = 25
_USUAL = (4, 20)
"""As with failures (see ``onset``): a quarter of the parts, or a twentieth where most is slow."""

_MOST_SUSPECTS = 100
MOST_SLOW = 20
"""So many services, hosts and pods of a kind are told to be slow at most."""


class BecameSlow(NamedTuple):
    """A service or host that became slow.

    Attributes:
        name: Which.
        stretch: When, and how many requests were slow.
        usual_ms: Its median is usually below that.
        slow_ms: What takes so long or longer is slow.
        median_ms: Half of the requests took so long or longer then.
        first: The first slow request.
    """

    name: str
    stretch: Stretch
    usual_ms: int
    slow_ms: int
    median_ms: int
    first: int | None

    @property
    def share(self) -> float:
        """The share of the requests of its time that were slow."""
        return self.stretch.requests / self.stretch.of

    @property
    def severity(self) -> Severity:
        """How bad it is: far slower than usual is high."""
        far = self.median_ms >= _FAR_SLOWER * self.usual_ms
        return Severity.HIGH if far else Severity.MEDIUM


def became_slow(
    rows: pl.DataFrame, timelines: Timelines, timed_out: Callable[[str, Stretch], int] | None = None
) -> list[BecameSlow]:
    """Return what became slow, with the most slow requests first.

    Args:
        rows: Of ``SlownessCounts``, of one measure, with ``name``: of whom they are.
        timelines: Of the log, for how long a stretch is.
        timed_out: Returns how many requests of a name got no answer in a stretch.
    """
    rows = rows.filter(
        pl.col("start").is_not_null()
        & ~pl.col("name").is_in(FOLDED_MARKS)
        & (pl.col("requests").sum().over("name") >= 2 * _ENOUGH)
    )
    if rows.is_empty():
        return []
    suspected = [
        (name, usual_ms, slow_ms, medians)
        for name, medians in _medians(rows).iter_rows()
        for usual_ms, slow_ms in map(_limits, {medians[len(medians) // n] for n in _USUAL})
        if medians[-1] >= slow_ms
    ]
    suspected.sort(key=lambda one: (-sum(median >= one[2] for median in one[3]), one[:2]))
    candidates = [
        (name, usual_ms, edge)
        for name, usual_ms, slow_ms, medians in suspected[:_MOST_SUSPECTS]
        for edge in CLASSES_MS
        if slow_ms <= edge <= medians[-1]
    ]
    stretch_of, parts = _stretches(rows, candidates, timelines.width_us), Parts(rows)
    found = [
        slow
        for number, (name, usual_ms, edge) in enumerate(candidates)
        if (stretch := stretch_of.get(number))
        and (slow := _of(name, parts.of(name=name), (usual_ms, edge), stretch, timed_out))
    ]
    # Of what is slow a little the usual has some too, which blurs when it began; of what is very
    # slow there is less. The best is where most are slow and fewest are not.
    found.sort(key=lambda slow: (slow.stretch.of - 2 * slow.stretch.requests, slow.slow_ms))
    best = {slow.name: slow for slow in reversed(found)}
    return sorted(best.values(), key=lambda slow: (-slow.stretch.requests, slow.name))[:MOST_SLOW]


def _stretches(
    rows: pl.DataFrame, candidates: Sequence[tuple[str, int, int]], width_us: int
) -> dict[int, Stretch]:
    """Return when requests were slow, by the number of the candidate.

    A candidate is a name, what is usual, and from where on requests are slow, in milliseconds.
    """
    if not candidates:
        return {}
    asked = pl.LazyFrame(candidates, schema=["name", "usual_ms", "edge"], orient="row")
    slow = pl.when(pl.col("from_ms") >= pl.col("edge")).then(pl.lit("slow"))
    marked = rows.lazy().join(asked.with_row_index("of"), on="name")
    found = stretches(marked.with_columns(failure=slow, failed_as=slow), width_us)
    return {number: stretch for (number, _), stretch in found.items()}


def _of(
    name: str,
    rows: pl.DataFrame,
    limits_ms: tuple[int, int],
    stretch: Stretch,
    timed_out: Callable[[str, Stretch], int] | None,
) -> BecameSlow | None:
    """Return when requests of one name were slow, if most of them were for a while."""
    usual_ms, slow_ms = limits_ms
    is_slow = pl.col("from_ms") >= slow_ms
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
    failed = sum_of(slow, "errors") + (timed_out(name, stretch) if timed_out else 0)
    if failed >= _HALF * stretch.requests:
        return None
    by_class = inside.group_by("from_ms").agg(pl.col("requests").sum())
    median_ms = int(by_class.select(median_class())["from_ms"].item())
    return BecameSlow(name, stretch, usual_ms, slow_ms, median_ms, first_of(slow))


def _medians(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``name`` and the sorted medians of the parts of its requests, a list.

    Classes of all parts stand one after the other, so one search finds all medians among them.
    """
    requests, n = pl.col("requests"), pl.col("of_part")
    # A bucket is of the part that its middle is in.
    middle = requests.cum_sum() - requests // 2
    by_start = (
        rows.lazy()
        .with_row_index("place")
        .group_by("name", "start")
        .agg(requests.sum(), "place")
        .sort("name", "start")
        .select("name", (middle.over("name") // _OF_A_PART).alias("part"), "place")
        .with_columns(pl.struct("name", "part").rle_id().alias("part"))
    ).collect()
    names = by_start.lazy().group_by("part", maintain_order=True).agg(pl.col("name").first())
    part_of = by_start.select("part", "place").explode("place")
    classes = rows.select("from_ms", "requests")[part_of["place"]].hstack(part_of.select("part"))
    by_class = (
        classes.lazy().group_by("part", "from_ms").agg(requests.sum()).sort("part", "from_ms")
    ).collect()
    reached = by_class["requests"].cum_sum()
    half = n.cum_sum() - n + (n + 1) // 2
    return (
        by_class.lazy()
        .group_by("part", maintain_order=True)
        .agg(requests.sum().alias("of_part"))
        .with_columns(
            pl.lit(by_class["from_ms"])
            .gather(pl.lit(reached).search_sorted(half, side="left"))
            .alias("from_ms")
        )
        .join(names, on="part")
        .group_by("name")
        .agg(pl.col("from_ms").sort())
        .sort("name")
        .collect()
    )


def median_class() -> pl.Expr:
    """Return where the class begins that the median is in, of requests by class."""
    requests = pl.col("requests").sort_by("from_ms")
    enough = requests.cum_sum() * 2 >= requests.sum()
    return pl.col("from_ms").sort().filter(enough).first()


def _limits(median_ms: int) -> tuple[int, int]:
    """Return where the class of a usual median ends, and from where on requests are slow."""
    usual_ms = class_end_ms(median_ms)
    return usual_ms, max(_TIMES_SLOWER * usual_ms, usual_ms + _SLOWER_MS)
