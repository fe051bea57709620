"""Which names the gateway routed requests for or accepted connections with.

They are counted over all records read, whatever was selected: who is known
does not depend on which of the requests a user asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.envoy.outcomes import is_routed
from envoylogs.envoy.traffic import host_of
from envoylogs.tally.folded_marks import FOLDED_KNOWN
from envoylogs.tally.state import CountState, TallySpec

if TYPE_CHECKING:
    from envoylogs.reading.batches import Batch

__all__ = ["KnownNames"]


@dataclass(frozen=True, slots=True, eq=False)
class KnownNames(CountState):
    """Routed requests by host, and accepted records by TLS server name, in lower case.

    ``name_kind`` is ``host`` or ``server_name``.
    """

    KEYS: ClassVar = {"name_kind": pl.String(), "name": pl.String()}
    SUMS: ClassVar = ("records",)

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec) -> Self:
        """Count the known names of one batch."""
        if batch.whole is None:
            return cls.empty(spec)
        routed = (pl.col("kind") == "request") & is_routed()
        accepted = (pl.col("kind") == "connection") & (pl.col("outcome") != "no_filter_chain")
        server_name = pl.col("requested_server_name").str.to_lowercase()
        frames = [
            batch.whole.filter(where & name.is_not_null())
            .group_by(pl.lit(kind).alias("name_kind"), name.alias("name"))
            .agg(pl.len().cast(pl.Int64).alias("records"))
            for kind, name, where in (
                ("host", host_of(pl.col("authority")), routed),
                ("server_name", server_name, routed | accepted),
            )
        ]
        return cls(pl.concat(frames), spec)

    def bounded(self) -> Self:
        """Return at most ``max_names`` names a kind: those with the most records, and the rest."""
        if self.frame.height <= self.spec.max_names:
            return self
        first = self.frame.sort("records", "name", descending=[True, False])
        place = pl.int_range(pl.len()).over("name_kind")
        kept = pl.when(place < self.spec.max_names).then("name").otherwise(pl.lit(FOLDED_KNOWN))
        return type(self)(self.added(self.spec, first.with_columns(kept.alias("name"))), self.spec)
