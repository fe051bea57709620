"""What the gateway answered by itself: by host, port, method and path, as routes ask for them.

Empty unless ``TallySpec.turned_away`` names columns: only an explanation asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.envoy.outcomes import SELF_ANSWERED
from envoylogs.envoy.paths import QUERY, without_query
from envoylogs.tally.counting import FIRST, LAST, REQUESTS, Counted
from envoylogs.tally.folding.marks import FOLDED
from envoylogs.tally.folding.names_apart import FOLDABLE, is_folded
from envoylogs.tally.state import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.folding.fold import Fold
    from envoylogs.tally.spec import TallySpec

TURNED_AWAY = ("path", "query", "user_agent")
"""What ``TallySpec.turned_away`` may name: columns that each request has a value of its own of."""

LONGEST = 4096
"""Where these are cut, in characters: a route can tell a longer path from another by its end."""

_FEWEST_ROWS = 1


class TurnedAway(Counts):
    """Requests and connections that the gateway answered by itself.

    By everything that a record holds of what routes ask for. ``listener_port`` is that of
    ``downstream_local_address``. A path has no query; ``query`` begins with ``?``, and is the
    empty string for none. Past the rows of a state the paths that were asked for least are folded.
    """

    KEYS: ClassVar = {
        "kind": pl.String(),
        "gateway": pl.String(),
        "authority": pl.String(),
        "requested_server_name": pl.String(),
        "listener_port": pl.Int64(),
        "method": pl.String(),
        "outcome": pl.String(),
        "failure": pl.String(),
        "response_code": pl.Int64(),
        "response_code_details": pl.String(),
        "route_name": pl.String(),
        "upstream_cluster": pl.String(),
    }
    SUMS: ClassVar = ("requests",)
    MINIMA: ClassVar = ("first",)
    MAXIMA: ClassVar = ("last",)

    @classmethod
    def keys(cls, spec: TallySpec) -> dict[str, pl.DataType]:
        """Return what is the same in many requests, then the columns that were asked for."""
        return cls.KEYS | dict.fromkeys(spec.turned_away, pl.String())

    @classmethod
    def names(cls, spec: TallySpec) -> Mapping[str, str]:
        """Return the columns of names; paths and what is like them are folded with their rows."""
        return {name: name for name in cls.KEYS if name in FOLDABLE}

    @classmethod
    def counted(cls, records: KeyedRecords, spec: TallySpec) -> list[Counted]:
        """Count what the gateway answered in one batch."""
        if not spec.turned_away:
            return []
        port = pl.col("downstream_local_address").str.extract(r":(\d{1,5})$").cast(pl.Int64)
        values = {
            "path": without_query(pl.col("path")),
            "query": QUERY,
            "user_agent": pl.col("user_agent"),
        }
        return [
            Counted(
                records=records,
                keys={name: port if name == "listener_port" else pl.col(name) for name in cls.KEYS},
                values={name: values[name].str.head(LONGEST) for name in spec.turned_away},
                measures={"requests": REQUESTS, "first": FIRST, "last": LAST},
                where=pl.col("outcome").is_in(SELF_ANSWERED) & (pl.col("kind") != "own"),
            )
        ]

    @classmethod
    def renamed(cls, frame: pl.DataFrame, spec: TallySpec, fold: Fold | None) -> pl.DataFrame:
        """Return rows with their names folded; what folded hosts were asked for says nothing."""
        folded = super().renamed(frame, spec, fold)
        if not fold or not spec.turned_away:
            return folded
        of_all = is_folded("authority")
        return folded.with_columns(
            pl.when(of_all).then(pl.lit(FOLDED)).otherwise(name).alias(name)
            for name in spec.turned_away
        )

    def coarser(self, *, names_left: bool) -> Self | None:
        """Return the same with the paths folded that were asked for least, a half of what is left.

        Null if all are folded.
        """
        del names_left
        asked = list(self.spec.turned_away)
        if not asked:
            return None
        whole = self.frame.with_columns(has_path=~is_folded(asked[0]))
        if whole["has_path"].sum() <= _FEWEST_ROWS:
            return None
        order = whole.sort(
            pl.col("has_path"), pl.col("requests"), *self.KEYS, *asked,
            descending=[True, True, *[False] * (len(self.KEYS) + len(asked))], nulls_last=True,
        )  # fmt: skip
        kept = int(whole["has_path"].sum()) // 2
        place = pl.int_range(pl.len())
        folded = order.with_columns(
            pl.when(place < kept).then(pl.col(name)).otherwise(pl.lit(FOLDED)).alias(name)
            for name in asked
        ).drop("has_path")
        return type(self)(self.summed(self.spec, folded), self.spec)
