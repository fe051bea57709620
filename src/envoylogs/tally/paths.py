"""Which paths were routed, unrouted, served and refused, and when.

It tells a path that lost its route, or is refused since a moment, from a stray request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.envoy.outcomes import UNROUTED, Harm, harm_of_record, is_error, is_routed
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

    ``unrouted_404`` are the unrouted ones with code 404: gRPC logs them as 200. ``served`` are
    those routed ones that came to no harm, ``failed`` those that were errors, of those that were
    selected. Requests that the gateway refused are rows of their own, with the way to fail as
    ``refusal``, which is null in all others.
    """

    KEYS: ClassVar = {
        "authority": pl.String(),
        "method": pl.String(),
        "path_group": pl.String(),
        "refusal": pl.String(),
    }
    SUMS: ClassVar = ("routed", "unrouted", "unrouted_404", "failed", "served", "refused")
    MINIMA: ClassVar = ("first_routed", "first_unrouted", "first_served", "first_refused")
    MAXIMA: ClassVar = ("last_routed", "last_unrouted", "last_served", "last_refused")

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec) -> Self:
        """Count the requests of one batch that say whether there was a route, or were refused.

        Unrouted and refused ones are counted of what was selected. What was routed is a fact about
        the log, as the known names are: a window that begins after a route was lost must not hide
        it.
        """
        if batch.whole is None:
            return cls.empty(spec)
        request = pl.col("kind") == "request"
        counted = [cls._columns(batch.whole.filter(request & is_routed()), "routed")]
        if batch.frame is not None:
            requests = batch.frame.filter(request)
            selected = {
                "unrouted": pl.col("outcome").is_in(UNROUTED),
                "failed": is_routed() & is_error(),
                "refused": harm_of_record() == Harm.REFUSED,
            }
            counted += [cls._columns(requests.filter(way), went) for went, way in selected.items()]
        time, went = pl.col("time"), pl.col("went")
        ways = {way: went == way for way in ("routed", "unrouted", "refused")}
        ways["served"] = ways["routed"] & pl.col("no_harm")
        by_path = (
            pl.concat(counted)
            .group_by("authority", "method", "path", "refusal")
            .agg(
                *(way.sum().cast(pl.Int64).alias(name) for name, way in ways.items()),
                (ways["unrouted"] & pl.col("is_404")).sum().cast(pl.Int64).alias("unrouted_404"),
                (went == "failed").sum().cast(pl.Int64).alias("failed"),
                *(time.filter(way).min().alias(f"first_{name}") for name, way in ways.items()),
                *(time.filter(way).max().alias(f"last_{name}") for name, way in ways.items()),
            )
        )
        frame = by_path.with_columns(path_group(pl.col("path"), spec.path_segments))
        return cls(cls.added(spec, frame.select(*cls.columns(spec))), spec)

    @classmethod
    def _columns(cls, records: pl.DataFrame, went: str) -> pl.DataFrame:
        """Return what is counted of records, which all went one way."""
        failure = pl.col("failure")
        return records.select(
            "authority", "method", "path",
            (failure if went == "refused" else pl.lit(None, pl.String)).alias("refusal"),
            microseconds("start_time").alias("time"),
            pl.lit(went).alias("went"),
            failure.is_null().alias("no_harm"),
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
