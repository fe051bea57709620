"""Frames of normalized records into a tally: whatever was made of them meanwhile is checked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.failures.lookup import FAILURES, with_failure
from envoylogs.envoy.outcomes import OUTCOME_NAMES
from envoylogs.envoy.roles import ROLES, ProxiesSeen
from envoylogs.envoy.traffic import KINDS
from envoylogs.errors import ArgumentError, UnknownKeyError, nearest
from envoylogs.keyed.batches import Batch, Decoded
from envoylogs.keyed.decoding import BATCH_RECORDS
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.reading.fates import LineFates
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec
from envoylogs.tally.tally_sum import TallySum

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from envoylogs.keyed.plan import ReadPlan
    from envoylogs.tally.tally import Tally


def tally_of_frame(
    frame: pl.DataFrame | pl.LazyFrame,
    spec: TallySpec = DEFAULT_SPEC,
    plan: ReadPlan | None = None,
) -> Tally:
    """Return what is remembered of the records of a frame.

    Args:
        frame: Columns of ``SCANNED``; those that are missing count as never
            logged, but ``outcome`` and ``kind`` must be there. Others are let be.
        spec: What to remember.
        plan: Which of them are counted; all of them without one.

    Raises:
        UnknownKeyError: If ``outcome`` or ``kind`` is missing.
        ArgumentError: If a column has another type, or values that there are not.
    """
    lazy = frame.lazy()
    types = lazy.collect_schema()
    names = types.names()
    for name in schema.OF_COUNTED_RECORDS:
        if name not in names:
            raise UnknownKeyError(
                f"the frame has no column {name!r}, without which records can't be counted: it "
                f"has {', '.join(names) or 'none'}. Take it from envoylogs.scan(), with all its "
                "columns."
            )
    known = schema.NORMALIZED | schema.POSITION
    for name, dtype in known.items():
        if name in types and not _is_like(types[name], dtype):
            raise ArgumentError(
                f"the column {name!r} of the frame is of type {types[name]} and not {dtype}, as "
                "envoylogs.scan() has it."
            )
    rows = lazy.select(
        (pl.col(name) if name in names else pl.lit(None).alias(name)).cast(dtype)
        for name, dtype in known.items()
    ).with_columns(
        pl.col("source").fill_null("frame"),
        pl.col("line").fill_null(0),
        pl.col("role").fill_null("gateway"),
    )
    adding = TallySum(spec if plan is not None else replace(spec, selection=None))
    requests = RequestsSeen()
    seen = [name for name in schema.NORMALIZED if name in names]
    for batch in rows.collect_batches(
        chunk_size=BATCH_RECORDS, maintain_order=True, engine="streaming"
    ):
        _refuse_odd_values(batch)
        records = with_failure(batch.drop("failure"))
        # What was worked out of all columns is better than of those that are left.
        records = records.with_columns(pl.coalesce(batch["failure"], "failure").alias("failure"))
        fates = _fates_of(batch, seen)
        if plan is None:
            for source, role, n in batch.group_by("source", "role").len().iter_rows():
                fates.add(source, "role", n, role)
            adding.add(Batch.of(records, fates))
        else:
            decoded = Decoded(None, plan, fates, ProxiesSeen(), requests)
            adding.add(decoded.batch_of(KeyedRecords.of(records), plan.selection, requests))
    return adding.total().merge()


_VALUES: dict[str, Collection[str | None]] = {
    "outcome": OUTCOME_NAMES,
    "kind": KINDS,
    "role": ROLES,
    "failure": (None, *FAILURES),
}
"""Columns whose values are words of this tool, each with those that it may have."""


def _refuse_odd_values(records: pl.DataFrame) -> None:
    """Refuse values that no reader makes.

    Raises:
        ArgumentError: With the column, the value and what may be in its place.
    """
    for name, values in _VALUES.items():
        found = records[name].unique(maintain_order=True)
        for value in (value for value in found if value not in values):
            known = [value for value in values if value is not None]
            raise ArgumentError(
                f"the column {name!r} of the frame has the value {value!r}, which is none."
                f"{nearest(str(value), known)} It may have {', '.join(known)}"
                f"{' and null' if None in values else ''}."
            )
    for name, (least, most) in schema.INTEGERS.items():
        for value in records[name].filter(~records[name].is_between(least, most)).head(1):
            raise ArgumentError(
                f"the column {name!r} of the frame has the value {value}, which is none. It may "
                f"have whole numbers from {least} to {most} and null."
            )


def _is_like(dtype: pl.DataType, wanted: pl.DataType) -> bool:
    """Tell whether values of a type can be taken for those of another one as they are."""
    if dtype == pl.Null() or dtype == wanted:
        return True
    if wanted == pl.Int64():
        return dtype.is_integer() and dtype not in (pl.UInt64(), pl.UInt128(), pl.Int128())
    if wanted == pl.String():
        return isinstance(dtype, pl.Categorical | pl.Enum)
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is not None


def _fates_of(batch: pl.DataFrame, seen: Iterable[str]) -> LineFates:
    """Return the accounts of records that are no lines any more: each counts as one."""
    fates = LineFates()
    for source, n in batch.group_by("source").len().iter_rows():
        for fate in ("lines", "record_lines", "records"):
            fates.add(source, fate, n)
    for name in seen:
        fates.add("", "column_seen", batch.height, name)
    return fates
