"""The records behind a finding: examples, clients, gateways, buckets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.traffic import host_of
from envoylogs.summary.findings.finding import Example
from envoylogs.summary.findings.onset import Bucket

if TYPE_CHECKING:
    from envoylogs.summary.facts import Facts

__all__ = [
    "Witnesses",
    "buckets_of",
    "first_of",
    "gateways_of",
    "is_host",
    "last_of",
    "sum_of",
    "witnesses_of",
]

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What the kept examples of a failure say."""

    examples: tuple[Example, ...]
    clients: int
    durations_ms: tuple[int, ...]


def witnesses_of(facts: Facts, where: pl.Expr) -> Witnesses:
    """Return the examples that were kept of a failure.

    Args:
        facts: Of the log.
        where: Over the columns of ``FailureEvidence`` and ``host``.
    """
    kept = (
        facts.tally.evidence.frame.with_columns(host_of(pl.col("authority")).alias("host"))
        .filter(where)
        .sort("rank", "start", "request_id", "line", nulls_last=True)
    )
    examples = tuple(
        Example(*row) for row in kept.head(_EXAMPLES).select("source", "line", "request_id").rows()
    )
    return Witnesses(
        examples,
        kept["client"].drop_nulls().n_unique(),
        tuple(kept["duration_ms"].drop_nulls().sort().to_list()),
    )


def gateways_of(facts: Facts, rows: pl.DataFrame) -> tuple[int, int]:
    """Return how many gateways these rows are of, and how many there are."""
    everywhere = pl.concat([facts.requests["gateway"], facts.connections["gateway"]])
    return rows["gateway"].drop_nulls().n_unique(), everywhere.drop_nulls().n_unique()


def buckets_of(facts: Facts, subject: pl.Expr, failed: pl.Expr) -> list[Bucket]:
    """Return the requests of a subject over time, and how many of them failed.

    Args:
        facts: Of the log.
        subject: Which rows of the timeline it is; ``host`` is there too.
        failed: Which of these failed.
    """
    requests = pl.col("requests")
    found = (
        facts.tally.timeline.frame.with_columns(host_of(pl.col("authority")).alias("host"))
        .filter((pl.col("kind") == "request") & pl.col("start").is_not_null() & subject)
        .group_by("start")
        .agg(requests.sum(), requests.filter(failed).sum().alias("failed"))
        .sort("start")
    )
    return [Bucket(*row) for row in found.rows()]


def is_host(host: str | None) -> pl.Expr:
    """Tell the rows of a host, which may be missing."""
    return pl.col("host").eq_missing(pl.lit(host, pl.String))


def sum_of(rows: pl.DataFrame, column: str = "requests") -> int:
    """Return the sum of a column of counts."""
    return int(rows[column].sum())


def first_of(rows: pl.DataFrame, column: str = "first") -> int | None:
    """Return the earliest of some times, null without any."""
    first = rows[column].min()
    return first if isinstance(first, int) else None


def last_of(rows: pl.DataFrame, column: str = "last") -> int | None:
    """Return the latest of some times, null without any."""
    last = rows[column].max()
    return last if isinstance(last, int) else None
