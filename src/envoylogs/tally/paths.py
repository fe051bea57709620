"""Which paths were routed, unrouted, served and refused, and when.

It tells a path that lost its route, or is refused since a moment, from a stray request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.envoy.outcomes import UNROUTED, is_error, is_refused, is_routed
from envoylogs.tally.counting import FIRST, LAST, REQUESTS, Counted
from envoylogs.tally.folding.marks import FOLDED, FOLDED_KNOWN
from envoylogs.tally.folding.names_apart import is_folded
from envoylogs.tally.path_groups import PATH_GROUP, with_path_groups
from envoylogs.tally.state import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envoylogs.keyed.batches import Batch
    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.folding.fold import Fold
    from envoylogs.tally.spec import TallySpec

NOT_FOUND = 404

_WAYS = ("routed", "served", "unrouted", "failed", "refused")


class PathCounts(Counts):
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
    def asked(cls, batch: Batch, spec: TallySpec) -> list[Counted]:
        """Count the requests of one batch that say whether there was a route, or were refused.

        Unrouted and refused ones are counted of what was selected. What was routed is a fact about
        the log, as the known names are: a window that begins after a route was lost must not hide
        it.
        """
        of_log = {"routed": is_routed(), "served": is_routed() & pl.col("failure").is_null()}
        of_selected = {
            "unrouted": pl.col("outcome").is_in(UNROUTED),
            "failed": is_routed() & is_error(),
            "refused": is_refused(),
        }
        if batch.selected is not None and batch.unselected is None:
            return [cls._counted(batch.selected, of_log | of_selected, spec)]
        return [
            cls._counted(records, ways, spec)
            for records, ways in ((batch.unselected, of_log), (batch.selected, of_selected))
            if records is not None
        ]

    @classmethod
    def _counted(
        cls, records: KeyedRecords, ways: Mapping[str, pl.Expr], spec: TallySpec
    ) -> Counted:
        """Count requests by what has become of them, which are ``ways``."""
        ways = {way: where.fill_null(value=False) for way, where in ways.items()}
        numbered, groups = with_path_groups(records, spec.path_segments)
        return Counted(
            records=numbered,
            keys={
                "authority": pl.col("authority"),
                "method": pl.col("method"),
                "failure": pl.when(ways["refused"]).then("failure")
                if "refused" in ways
                else pl.lit(None, pl.String),
                "is_404": pl.col("response_code").eq_missing(NOT_FOUND),
                **ways,
            },
            values={PATH_GROUP: pl.col(PATH_GROUP)},
            names={PATH_GROUP: groups},
            measures={"requests": REQUESTS, "first": FIRST, "last": LAST},
            where=(pl.col("kind") == "request") & pl.any_horizontal(ways.values()),
        )

    @classmethod
    def of_counts(cls, spec: TallySpec, counts: Sequence[pl.DataFrame]) -> Self:
        """Return what was counted, by each way apart."""
        if not counts:
            return cls.empty(spec)
        missing = pl.LazyFrame(schema=cls.columns(spec))
        by_way = [
            counted.lazy()
            .filter(way)
            .select(
                "authority",
                "method",
                "path_group",
                pl.when(pl.lit(way == "refused")).then("failure").alias("refusal"),
                pl.col("requests").alias(way),
                pl.when("is_404").then("requests").otherwise(0).alias(f"{way}_404"),
                pl.col("first").alias(f"first_{way}"),
                pl.col("last").alias(f"last_{way}"),
            )
            for counted in counts
            for way in _WAYS
            if way in counted.columns
        ]
        rows = pl.concat([missing, *by_way], how="diagonal").select(*cls.columns(spec))
        return cls(cls.grouped(rows, spec).collect(), spec)

    @classmethod
    def renamed(cls, frame: pl.DataFrame, spec: TallySpec, fold: Fold | None) -> pl.DataFrame:
        """Return rows with their names folded, routed paths apart from those that were not."""
        # By row and not by path alone: what a host lost must not mix with what it never had.
        folded = super().renamed(frame, spec, fold)
        mark = pl.when(pl.col("routed") > 0).then(pl.lit(FOLDED_KNOWN)).otherwise(pl.lit(FOLDED))
        path = pl.when(is_folded("path_group")).then(mark).otherwise("path_group")
        return folded.with_columns(path.alias("path_group")) if fold else frame
