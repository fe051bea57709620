"""Which paths were routed and unrouted, and when: what tells a lost route from a stray request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.envoy.outcomes import UNROUTED, is_error, is_routed
from envoylogs.envoy.paths import path_group
from envoylogs.tally.folded import is_folded
from envoylogs.tally.folded_marks import FOLDED, FOLDED_KNOWN
from envoylogs.tally.state import CountState, TallySpec, microseconds

if TYPE_CHECKING:
    from envoylogs.reading.batches import Batch
    from envoylogs.tally.fold import Fold

__all__ = ["PathCounts"]

NOT_FOUND = 404


@dataclass(frozen=True, slots=True, eq=False)
class PathCounts(CountState):
    """Routed and unrouted requests by authority, method and path group, with first and last.

    ``unrouted_404`` are the unrouted ones with code 404: gRPC logs them as 200. ``failed`` are
    the routed ones that were errors, of those that were selected.
    """

    KEYS: ClassVar = {
        "authority": pl.String(),
        "method": pl.String(),
        "path_group": pl.String(),
    }
    SUMS: ClassVar = ("routed", "unrouted", "unrouted_404", "failed")
    MINIMA: ClassVar = ("first_routed", "first_unrouted")
    MAXIMA: ClassVar = ("last_routed", "last_unrouted")

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec) -> Self:
        """Count the requests of one batch that say whether there was a route.

        Unrouted ones are counted of what was selected. What was routed is a fact about the log,
        as the known names are: a window that begins after a route was lost must not hide it.
        """
        if batch.whole is None:
            return cls.empty(spec)
        request, has_no_route = pl.col("kind") == "request", pl.col("outcome").is_in(UNROUTED)
        counted = [cls._columns(batch.whole.filter(request & is_routed()), "routed")]
        if batch.frame is not None:
            selected = batch.frame.filter(request & (has_no_route | is_error()))
            counted += [
                cls._columns(selected.filter(has_no_route), "unrouted"),
                cls._columns(selected.filter(is_routed()), "failed"),
            ]
        time = pl.col("time")
        routed, unrouted, failed = (
            pl.col("counted") == name for name in ("routed", "unrouted", "failed")
        )
        by_path = (
            pl.concat(counted)
            .group_by("authority", "method", "path")
            .agg(
                routed.sum().cast(pl.Int64).alias("routed"),
                unrouted.sum().cast(pl.Int64).alias("unrouted"),
                (unrouted & pl.col("is_404")).sum().cast(pl.Int64).alias("unrouted_404"),
                failed.sum().cast(pl.Int64).alias("failed"),
                time.filter(routed).min().alias("first_routed"),
                time.filter(unrouted).min().alias("first_unrouted"),
                time.filter(routed).max().alias("last_routed"),
                time.filter(unrouted).max().alias("last_unrouted"),
            )
        )
        frame = by_path.with_columns(path_group(pl.col("path"), spec.path_segments))
        return cls(cls.added(spec, frame.select(*cls.columns(spec))), spec)

    @classmethod
    def _columns(cls, records: pl.DataFrame, counted: str) -> pl.DataFrame:
        """Return what is counted of records, and as what."""
        return records.select(
            "authority", "method", "path",
            microseconds("start_time").alias("time"),
            pl.lit(counted, pl.Enum(["routed", "unrouted", "failed"])).alias("counted"),
            (pl.col("response_code") == NOT_FOUND).alias("is_404"),
        )  # fmt: skip

    @classmethod
    def renamed(cls, frame: pl.DataFrame, spec: TallySpec, fold: Fold | None) -> pl.DataFrame:
        """Return rows with their names folded, routed paths apart from those that were not."""
        # By row and not by path alone: what a host lost must not mix with what it never had.
        folded = super(PathCounts, cls).renamed(frame, spec, fold)
        mark = pl.when(pl.col("routed") > 0).then(pl.lit(FOLDED_KNOWN)).otherwise(pl.lit(FOLDED))
        path = pl.when(is_folded("path_group")).then(mark).otherwise("path_group")
        return folded.with_columns(path.alias("path_group")) if fold else frame
