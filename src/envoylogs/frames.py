"""Sources as a Polars lazy frame of normalized records; frames into a tally.

Polars tells the source which columns a query needs, which rows and how many;
the reader makes no other columns and stops when it has enough. The frame holds
what ``schema.NORMALIZED`` and ``schema.DERIVED`` name, then where each record
stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from envoylogs import schema
from envoylogs.envoy.traffic import column_expression, columns_behind
from envoylogs.keyed.batches import Batch, Decoded
from envoylogs.keyed.decoding import BATCH_RECORDS, decode
from envoylogs.keyed.plan import NO_HOOKS, Hooks, ReadPlan
from envoylogs.pipeline import work_ahead
from envoylogs.records import names_of_routed, refuse_tallies
from envoylogs.schema import UNKNOWN_KEYS
from envoylogs.tally.accounts import LineCounts, LineExamples
from envoylogs.tally.known_tokens import with_names
from envoylogs.tally.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envoylogs.sources.source import Source

SCANNED: dict[str, pl.DataType] = schema.NORMALIZED | schema.DERIVED | schema.POSITION
"""Names and types of all columns, in their order."""

_HOSTS = {"authority", "requested_server_name", "host"}

_FITS = "fits the predicate"

ORIGIN = "envoylogs"
"""The key of a Parquet file's metadata under which JSON says where its records are from."""


class Accounting:
    """What became of the lines that were read for queries."""

    def __init__(self) -> None:
        self.tally = Tally.empty()
        """A tally that has accounts and nothing else."""
        self.is_asked = False
        """Whether a query asked for a record at all; ``LIMIT 0`` does not."""

    def add(self, batch: Batch) -> None:
        """Take the accounts of one more batch."""
        before = self.tally
        # Its frame may lack what a window is made of.
        lines = Batch(None, batch.fates)
        self.tally = replace(
            before,
            lines=before.lines.merge(LineCounts.of(lines, before.spec)),
            examples=before.examples.merge(LineExamples.of(lines, before.spec)),
        )


def scanned_frame(
    sources: Sequence[Source],
    plan: ReadPlan,
    *,
    unknown_keys: bool = False,
    hooks: Hooks = NO_HOOKS,
    read: Accounting | None = None,
) -> pl.LazyFrame:
    """Return sources as a lazy frame; each ``collect`` reads them again.

    Args:
        sources: Logs, in the order in which they are read.
        plan: How they are read; the columns follow from the query.
        unknown_keys: Whether there is one more column, ``schema.UNKNOWN_KEYS``;
            not together with an anonymizer, which can't know what is in it.
        hooks: What is told of the reading.
        read: Is told what became of the lines.

    Returns:
        Columns of ``SCANNED``; a row for each record that is selected, in the
        order of the sources. What is no record is left out; ``analyze`` counts
        it. The frame pickles, so that another process may read the sources.

    Raises:
        TallyQuestionError: If a source is a saved tally, which has no records.
    """
    refuse_tallies(sources)
    columns = SCANNED | ({UNKNOWN_KEYS: pl.String()} if unknown_keys else {})
    name = sources[0].name if len(sources) == 1 else f"{len(sources):,} sources"
    return register_io_source(
        _Scan(tuple(sources), plan, tuple(columns), hooks, read),
        schema=columns,
        explain_name="ENVOYLOGS",
        explain_detail=name,
    )


@dataclass(frozen=True)
class _Scan:
    """What a query calls: the rows and columns that it needs of some sources."""

    sources: tuple[Source, ...]
    plan: ReadPlan
    columns: tuple[str, ...]
    hooks: Hooks
    read: Accounting | None

    def __call__(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # noqa: ARG002  # a hint; batches are as the reader makes them
    ) -> Iterator[pl.DataFrame]:
        """Yield frames, as ``polars.io.plugins.register_io_source`` has it."""
        if self.read is not None:
            self.read.is_asked = True
        names = [*self.columns] if with_columns is None else with_columns
        asked = {*names, *(() if predicate is None else predicate.meta.root_names())}
        wanted = replace(self.plan, columns=columns_behind(asked), unknown=UNKNOWN_KEYS in asked)
        routed = self._routed_names if _HOSTS & asked else {}
        records = BATCH_RECORDS if n_rows is None else min(max(n_rows, 1), BATCH_RECORDS)
        decoding = decode(self.sources, wanted, hooks=self.hooks, batch_records=records)
        left = n_rows
        for batch in work_ahead(decoding, Decoded.normalized):
            if self.read is not None:
                self.read.add(batch)
            if batch.frame is None:
                continue
            frame = with_names(batch.frame, routed)
            rows = frame if left is None else frame.head(left)
            left = None if left is None else left - rows.height
            rows = rows.with_columns(
                column_expression(name) for name in schema.DERIVED if name in asked
            )
            fitting = rows if predicate is None else _fitting(rows, predicate)
            # A selection of no column has no rows, and what counts the rows of a product asks none.
            yield fitting.select(names) if names else fitting.drop(fitting.columns)
            if left == 0:
                return

    @cached_property
    def _routed_names(self) -> dict[str, str]:
        # Which hosts are routed, and so have a name, is known at the end of a log only.
        if self.plan.anonymizer is None:
            return {}
        return names_of_routed(self.sources, self.plan, hooks=self.hooks)


def _fitting(rows: pl.DataFrame, predicate: pl.Expr) -> pl.DataFrame:
    # Of a null that no column is in, Polars' filter makes a value for each of its threads.
    return rows.filter(rows.with_columns(predicate.alias(_FITS)).get_column(_FITS))
