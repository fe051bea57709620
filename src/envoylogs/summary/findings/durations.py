"""What the durations of failures prove.

That is a limit which ends them all, that nothing was asked, or that a service kept its clients
waiting until they left: its doing and not theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from envoylogs.envoy.failures.of_services import KEPT_WAITING
from envoylogs.summary.findings.became_slow import median_class
from envoylogs.summary.findings.proof import sum_of
from envoylogs.summary.findings.subjects import SUBJECT, with_subject
from envoylogs.summary.judged import with_host
from envoylogs.summary.percentiles import latency_by
from envoylogs.tally.slowness import class_end_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envoylogs.envoy.harm import Failure
    from envoylogs.summary.findings.onset import Episode
    from envoylogs.summary.findings.suspects import Suspect
    from envoylogs.summary.judged import Judged

_LEAST_LIMIT_MS, _ENOUGH = 500, 3
_SPREAD, _MEAN_OFF, _SPREAD_MS = 0.02, 0.03, 20
_AT_ONCE_MS = 1


class Durations(NamedTuple):
    """How long the failures of a subject had taken, in milliseconds."""

    records: int
    median_ms: int
    p90_ms: int
    max_ms: int
    mean_ms: float

    @property
    def limit_ms(self) -> int | None:
        """What nearly all of them took, if it is the same and long enough to be a limit."""
        alike = (
            self.records >= _ENOUGH
            and self.median_ms >= _LEAST_LIMIT_MS
            and self.p90_ms - self.median_ms <= max(_SPREAD * self.median_ms, _SPREAD_MS)
            and abs(self.mean_ms - self.median_ms) <= max(_MEAN_OFF * self.median_ms, _SPREAD_MS)
        )
        return self.median_ms if alike else None

    @property
    def at_once(self) -> bool:
        """Whether nearly all of them took no time."""
        return self.p90_ms <= _AT_ONCE_MS

    def proof(self, failure: Failure) -> str | None:
        """Return what they prove, in words; null if nothing."""
        limit = self.limit_ms
        if limit is not None:
            alike = self.max_ms - limit <= max(_SPREAD * limit, _SPREAD_MS)
            return f"{'all' if alike else 'nearly all'} ended after {seconds(limit)}"
        if failure.unasked and self.at_once:
            return "at once (0 ms), so the service was never asked"
        return None

    def next(self) -> str | None:
        """Return what to look for if something ends them all after the same time."""
        limit = self.limit_ms
        if limit is None:
            return None
        return (
            f"Look for a limit of {seconds(limit)} in between: idle or request time-outs of load "
            "balancers, NAT, proxies and sidecars, and of the application's server."
        )


def seconds(milliseconds: int) -> str:
    """Return a duration in seconds with one decimal place."""
    return f"{milliseconds / 1000:,.1f} s"


def durations_by_subject(
    judged: Judged, believed: Sequence[str | None]
) -> Mapping[tuple[Any, ...], Durations]:
    """Return the durations of each failure, by failure and subject."""
    counts = judged.tally.failure_durations.frame
    if counts.is_empty():
        return {}
    keys = ["failure", *SUBJECT]
    rows = with_subject(with_host(counts).lazy(), believed).collect()
    found = latency_by(rows, keys, "took")
    wanted = ("count", "p50", "p90", "max", "mean")
    return {
        tuple(key): Durations(*(took[name] for name in wanted)) for *key, took in found.iter_rows()
    }


_TIMES_LONGER, _LONGER_MS, _ENOUGH_USUAL = 3, 500, 20


def waited(
    judged: Judged, suspect: Suspect, rows: pl.DataFrame, when: Episode, durations: Durations | None
) -> str | None:
    """Return that clients waited far longer than a service usually takes, in words; null if not.

    Only where they did for a while: all along some wait long for what is long.
    """
    if suspect.failure.name != KEPT_WAITING.name or when.is_whole or durations is None:
        return None
    left = rows["requests"].filter(rows["response_code"] == 0)
    if 2 * int(left.sum()) < suspect.failed:
        return None
    at_other_times = pl.any_horizontal(
        pl.lit(value=False) if when.since is None else pl.col("last") < when.since,
        pl.lit(value=False) if when.until is None else pl.col("first") > when.until,
    )
    usually = judged.tally.slowness.frame.filter(
        pl.col("upstream_cluster") == suspect.subject.name, at_other_times
    )
    if sum_of(usually) < _ENOUGH_USUAL:
        return None
    by_class = usually.group_by("from_ms").agg(pl.col("requests").sum())
    usual_ms = class_end_ms(int(by_class.select(median_class()).item()))
    if durations.median_ms < max(_TIMES_LONGER * usual_ms, usual_ms + _LONGER_MS):
        return None
    longer = "" if durations.limit_ms else f"half of them waited {seconds(durations.median_ms)}, "
    return f"{longer}half of its answers usually take less than {usual_ms:,} ms"
