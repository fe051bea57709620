"""Requests and connections by the columns that a user asked for, with the latency of requests.

Empty unless ``TallySpec.by`` names columns: every tally has the counts that
the usual tables are made of, and those of any other columns only on demand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl

from envoylogs import schema
from envoylogs.envoy.paths import MAX_TEXT, masked_query
from envoylogs.envoy.traffic import column_expression, columns_behind, host_of_record
from envoylogs.tally.counting import (
    FIRST,
    LAST,
    REQUESTS,
    TIME,
    Counted,
    Names,
    names_in,
    number_of,
    sum_of,
)
from envoylogs.tally.duration_classes import DurationCounts
from envoylogs.tally.folding.names_apart import SHORT_TEXTS
from envoylogs.tally.ladder import buckets_of
from envoylogs.tally.latency import answered_by
from envoylogs.tally.path_groups import PATH_GROUP, with_path_groups
from envoylogs.tally.state import Counts
from envoylogs.tally.traffic import CODE_CLASSES, conditions_counted, connections_counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from envoylogs.keyed.keyed_records import KeyedRecords
    from envoylogs.tally.spec import TallySpec


class _Asked(Counts):
    """Has the columns that were asked for as keys."""

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


def asked_columns(
    names: Iterable[str], spec: TallySpec
) -> tuple[dict[str, pl.Expr], dict[str, pl.Expr]]:
    """Return columns that were asked for: those of keys, and those of rows.

    A derived column is of keys if all that it is made from is.
    """
    found: tuple[dict[str, pl.Expr], dict[str, pl.Expr]] = {}, {}
    for name in names:
        # The host rests on whether there is a path, which the kind of a record says.
        of_rows = name != "host" and not columns_behind([name]).isdisjoint(schema.OF_RECORDS)
        found[of_rows][name] = asked_column(name, spec)
    return found


def with_asked_numbers(
    records: KeyedRecords, asked: Collection[str], spec: TallySpec
) -> tuple[KeyedRecords, dict[str, Names]]:
    """Return records with numbers in the place of asked columns, and what these stand for."""
    names = names_in(records, **{name: name for name in asked})
    if PATH_GROUP in asked:
        # As paths has it, which says what paths are known.
        records, names[PATH_GROUP] = with_path_groups(records, spec.path_segments)
    return records, names


def asked_column(name: str, spec: TallySpec) -> pl.Expr:
    """Return a column that was asked for as a key; names are as all states have them."""
    if name == "host":
        return host_of_record(pl.col("kind") == "connection")
    column = pl.col(name) if name == PATH_GROUP else column_expression(name)
    if name == "path" and not spec.show_query:
        column = masked_query(column)
    if name == "start_time":
        buckets = buckets_of(spec)
        return (TIME if buckets is None else buckets.starts(TIME)).alias(name)
    return column.str.head(MAX_TEXT) if name in SHORT_TEXTS else column


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
    def counted(cls, records: KeyedRecords, spec: TallySpec) -> list[Counted]:
        """Count the requests and connections of one batch."""
        if not spec.by:
            return []
        conditions = conditions_counted() | connections_counted()
        keys, values = asked_columns(cls.keys(spec), spec)
        numbered, names = with_asked_numbers(records, spec.by, spec)
        return [
            Counted(
                records=numbered,
                keys=keys,
                values=values,
                names=names,
                traits={f"is {name}": where for name, where in conditions.items()},
                measures={
                    "requests": REQUESTS,
                    **{name: number_of(f"is {name}") for name in conditions},
                    "bytes_sent": sum_of("bytes_sent"),
                    "bytes_received": sum_of("bytes_received"),
                    "first": FIRST,
                    "last": LAST,
                },
                where=pl.col("kind") != "own",
            )
        ]


class AskedLatency(_Asked, DurationCounts):
    """Answered requests by whole milliseconds."""

    KEYS: ClassVar = {"value_ms": pl.Int64()}

    @classmethod
    def counted(cls, records: KeyedRecords, spec: TallySpec) -> list[Counted]:
        """Count the answered requests of one batch."""
        if not spec.by:
            return []
        numbered, names = with_asked_numbers(records, spec.by, spec)
        return [answered_by(numbered, "latency_ms", *asked_columns(spec.by, spec), names)]
