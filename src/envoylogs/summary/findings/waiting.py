"""Clients that leave because a service keeps them waiting: its doing and not theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.failures.of_services import KEPT_WAITING
from envoylogs.summary.findings.became_slow import median_class
from envoylogs.summary.findings.durations import seconds
from envoylogs.summary.findings.proof import sum_of
from envoylogs.tally.slowness import class_end_ms

if TYPE_CHECKING:
    from envoylogs.summary.findings.durations import Durations
    from envoylogs.summary.findings.onset import Episode
    from envoylogs.summary.findings.suspects import Suspect
    from envoylogs.summary.findings.whole_log import WholeLog

__all__ = ["waited"]

_TIMES_LONGER, _LONGER_MS, _ENOUGH = 3, 500, 20


def waited(
    log: WholeLog, suspect: Suspect, rows: pl.DataFrame, when: Episode, durations: Durations | None
) -> str | None:
    """Return that clients waited far longer than a service usually takes, in words; null if not.

    Args:
        log: Of which.
        suspect: Who may have kept them waiting.
        rows: The rows of ``TrafficCounts`` that failed.
        when: The episode in which they did; all along some wait long for what is long.
        durations: How long they had waited; null if that was not logged.
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
    usually = log.tally.slowness.frame.filter(
        pl.col("upstream_cluster") == suspect.subject.name, at_other_times
    )
    if sum_of(usually) < _ENOUGH:
        return None
    by_class = usually.group_by("from_ms").agg(pl.col("requests").sum())
    usual_ms = class_end_ms(int(by_class.select(median_class()).item()))
    if durations.median_ms < max(_TIMES_LONGER * usual_ms, usual_ms + _LONGER_MS):
        return None
    longer = "" if durations.limit_ms else f"half of them waited {seconds(durations.median_ms)}, "
    return f"{longer}half of its answers usually take less than {usual_ms:,} ms"
