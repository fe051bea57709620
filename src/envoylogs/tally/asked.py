"""Requests and connections by the columns that a user asked for, with the latency of requests.

Empty unless ``TallySpec.by`` names columns: every tally has the counts that
the usual tables are made of, and those of any other columns only on demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs import schema
from envoylogs.envoy.derived import column_expression
from envoylogs.envoy.paths import MAX_TEXT, masked_query, path_group
from envoylogs.tally.classes import DurationCounts
from envoylogs.tally.folded import SHORT_TEXTS
from envoylogs.tally.latency import answered_requests, counted_by_value
from envoylogs.tally.state import CountState, TallySpec, microseconds
from envoylogs.tally.traffic import CODE_CLASSES, conditions_counted, connections_counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.reading.batches import Batch

__all__ = ["AskedLatency", "AskedTraffic", "asked_column", "key_types"]


class _Asked(CountState):
    """Has the columns that were asked for as keys."""

    __slots__ = ()

    @classmethod
    def keys(cls, spec: TallySpec) -> dict[str, pl.DataType]:
        """Return the columns that were asked for, and those of every tally."""
        return key_types(spec.by) | cls.KEYS


def key_types(names: Iterable[str]) -> dict[str, pl.DataType]:
    """Return the types of asked columns as keys; times are microseconds since 1970."""
    asked = {name: schema.COUNTABLE[name] for name in names}
    return {
        name: pl.Int64() if isinstance(dtype, pl.Datetime) else dtype
        for name, dtype in asked.items()
    }


def asked_column(name: str, spec: TallySpec) -> pl.Expr:
    """Return a column that was asked for as a key; names are as all states have them."""
    column = column_expression(name)
    if name == "path" and not spec.show_query:
        column = masked_query(column)
    if name == "path_group":
        # As paths has it, which says what paths are known.
        return path_group(pl.col("path"), spec.path_segments)
    if name == "start_time":
        return microseconds(name).alias(name)
    return column.str.head(MAX_TEXT) if name in SHORT_TEXTS else column


@dataclass(frozen=True, slots=True, eq=False)
class AskedTraffic(_Asked):
    """Requests and connections: codes by class, what was wrong with them, bytes and times.

    ``kind`` tells them apart; ``requests`` is the number of either. Rows of
    releases that counted requests alone have no kind.
    """

    KEYS: ClassVar = {"kind": schema.NORMALIZED["kind"]}
    SUMS: ClassVar = (
        "requests", *(f"code {name}" for name in CODE_CLASSES), "blackhole", "of_unrouted",
        "errors", "failed", "refused", "bytes_sent", "bytes_received",
    )  # fmt: skip
    MINIMA: ClassVar = ("first",)
    MAXIMA: ClassVar = ("last",)

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec) -> Self:
        """Count the requests and connections of one batch."""
        if batch.frame is None or not spec.by:
            return cls.empty(spec)
        conditions = conditions_counted() | connections_counted()
        time = microseconds("start_time")
        records = batch.frame.filter(pl.col("kind") != "own")
        counts = records.group_by(asked_column(name, spec) for name in cls.keys(spec)).agg(
            pl.len().cast(pl.Int64).alias("requests"),
            *(where.sum().cast(pl.Int64).alias(name) for name, where in conditions.items()),
            pl.col("bytes_sent", "bytes_received").sum(),
            time.min().alias("first"),
            time.max().alias("last"),
        )
        return cls(counts.select(*cls.columns(spec)), spec)


@dataclass(frozen=True, slots=True, eq=False)
class AskedLatency(_Asked, DurationCounts):
    """Answered requests by whole milliseconds."""

    KEYS: ClassVar = {"value_ms": pl.Int64()}

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec) -> Self:
        """Count the answered requests of one batch."""
        answered = answered_requests(batch) if spec.by else None
        if answered is None:
            return cls.empty(spec)
        keys = [asked_column(name, spec) for name in spec.by]
        return cls(cls.counted(spec, counted_by_value(answered, "latency_ms", keys)), spec)
