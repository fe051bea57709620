"""Which names the gateway routed requests for or accepted connections with.

They are counted over all records read, whatever was selected: who is known
does not depend on which of the requests a user asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import polars as pl

from envoylogs.envoy.outcomes import is_routed
from envoylogs.envoy.traffic import host_of
from envoylogs.tally.counting import REQUESTS, Counted
from envoylogs.tally.folding.marks import FOLDED_KNOWN
from envoylogs.tally.state import Counts

if TYPE_CHECKING:
    from envoylogs.keyed.batches import Batch
    from envoylogs.tally.spec import TallySpec

_SHOWN = {"token": pl.String(), "name": pl.String()}


class KnownNames(Counts):
    """Routed requests by host, and accepted records by TLS server name, in lower case.

    ``name_kind`` is ``host`` or ``server_name``. In anonymized tallies ``name`` is
    a token, as in all states, and ``shown`` the name behind it; null if it does not
    look like one that an operator gave.
    """

    KEYS: ClassVar = {"name_kind": pl.String(), "name": pl.String()}
    SUMS: ClassVar = ("records",)

    @classmethod
    def keys(cls, spec: TallySpec) -> dict[str, pl.DataType]:
        """Return kind and name, and what is shown for a token."""
        return cls.KEYS | ({} if spec.anonymized is None else {"shown": pl.String()})

    @classmethod
    def asked(cls, batch: Batch, spec: TallySpec) -> list[Counted]:
        """Count the known names of one batch, with what is shown for tokens."""
        if batch.whole is None:
            return []
        routed = (pl.col("kind") == "request") & is_routed()
        accepted = (pl.col("kind") == "connection") & (pl.col("outcome") != "no_filter_chain")
        server_name = pl.col("requested_server_name").str.to_lowercase()
        names = pl.DataFrame(schema=_SHOWN) if batch.names is None else batch.names

        def keys(name: pl.Expr) -> dict[str, pl.Expr]:
            if spec.anonymized is None:
                return {"name": name}
            shown = name.replace_strict(
                names["token"], names["name"], default=None, return_dtype=pl.String
            )
            return {"name": name, "shown": shown}

        return [
            Counted(
                records=batch.whole,
                keys=keys(name),
                constants={"name_kind": pl.lit(kind)},
                measures={"records": REQUESTS},
                where=where & name.is_not_null(),
            )
            for kind, name, where in (
                ("host", host_of(pl.col("authority")), routed),
                ("server_name", server_name, routed | accepted),
            )
        ]

    def bounded(self) -> Self:
        """Return at most ``max_names`` names a kind: those with the most records, and the rest."""
        if self.frame.height <= self.spec.max_names:
            return self
        first = self.frame.sort("records", "name", descending=[True, False])
        place = pl.int_range(pl.len()).over("name_kind")
        kept = pl.when(place < self.spec.max_names).then("name").otherwise(pl.lit(FOLDED_KNOWN))
        bounded = first.with_columns(kept.alias("name"))
        if "shown" in bounded.columns:
            shown = pl.when(pl.col("name") != FOLDED_KNOWN).then("shown")
            bounded = bounded.with_columns(shown.alias("shown"))
        return type(self)(self.added(self.spec, bounded), self.spec)
