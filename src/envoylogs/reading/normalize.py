"""From a raw frame to the columns of ``schema.NORMALIZED``.

``-``, the empty string and an absent key become null; numbers are read from
numbers, from text and from floats without a fraction, which all occur by
Istio release; times become UTC. A value that can't be read as its column's
type becomes null and is counted. A method that holds a whole request line is
taken apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.clusters import cleaned_cluster, cluster_parts
from envoylogs.envoy.distinct import with_columns_by
from envoylogs.envoy.failures.lookup import with_failure
from envoylogs.envoy.flags import short_flags
from envoylogs.envoy.outcome_rules import with_outcome
from envoylogs.envoy.roles import with_role
from envoylogs.envoy.traffic import cleaned_authority, kind_of_record, without_port
from envoylogs.reading.fates import EXAMPLES_KEPT
from envoylogs.reading.times import times_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from envoylogs.envoy.roles import ProxiesSeen
    from envoylogs.reading.fates import LineFates

__all__ = ["normalized"]

_REQUEST_LINE = r"^(?P<method>\S+) (?P<path>\S.*|-) (?P<protocol>HTTP/[0-9.]+|-)$"

_FROM_CLUSTER = ("upstream_direction", "upstream_port", "upstream_subset", "upstream_service")
_LOGGED = [
    name
    for name in schema.NORMALIZED
    if name not in {*_FROM_CLUSTER, "gateway", "role", "outcome", "failure", "kind"}
]


def normalized(
    raw: pl.DataFrame, columns: Collection[str], fates: LineFates, proxies: ProxiesSeen
) -> pl.DataFrame:
    """Return a raw frame as normalized records.

    Args:
        raw: As ``columns.raw_frame`` makes it.
        columns: Which columns are wanted.
        fates: Where values are counted that can't be read as their type.
        proxies: What the records before have shown of who wrote them; what
            these show is added.

    Returns:
        The wanted columns in the order of the schema, then ``source`` and
        ``line``, and ``text`` and ``unknown_keys`` if they were kept; rows in
        their order.
    """
    text = [
        name
        for name, dtype in raw.schema.items()
        if dtype == pl.String and name != schema.UNKNOWN_KEYS
    ]
    cleaned = raw.with_columns(
        pl.when((pl.col(text) != "-") & (pl.col(text) != "")).then(pl.col(text)),
        *(pl.lit(None, pl.String).alias(name) for name in _LOGGED if name not in raw.columns),
    )
    cleaned = _with_request_lines_taken_apart(cleaned, fates)
    typed = cleaned.with_columns(
        *(
            _integer(name, cleaned.schema[name])
            for name in _LOGGED
            if name in schema.INTEGERS and cleaned.schema[name] != pl.Int64
        ),
        _unless_empty(cleaned_cluster(pl.col("upstream_cluster"))),
        _unless_empty(cleaned_authority(pl.col("authority"))),
        # Istio 1.1.0 to 1.1.2 log the start time as the method.
        pl.when(pl.col("method").str.starts_with("2").not_()).then(pl.col("method")),
        start_time=times_of(cleaned["start_time"]),
    )
    typed = _with_short_flags(typed)
    _note_unreadable(cleaned, typed, fates)
    if not {"outcome", "failure", "kind"}.isdisjoint(columns):
        typed = with_outcome(typed).with_columns(kind_of_record().alias("kind"))
    if "failure" in columns:
        typed = with_failure(typed)
    if "role" in columns:
        typed = with_role(typed, proxies)
    if "gateway" in columns:
        address = without_port(pl.col("downstream_local_address")).alias("gateway")
        typed = with_columns_by(typed, "downstream_local_address", [address])
        typed = typed.with_columns(pl.coalesce("pod", "gateway").alias("gateway"))
    if not set(_FROM_CLUSTER).isdisjoint(columns):
        typed = with_columns_by(
            typed, "upstream_cluster", cluster_parts(pl.col("upstream_cluster"))
        )
    kept = [name for name in ("text", schema.UNKNOWN_KEYS) if name in raw.columns]
    return typed.select(
        *(name for name in schema.NORMALIZED if name in columns), *schema.POSITION, *kept
    )


def _with_request_lines_taken_apart(logged: pl.DataFrame, fates: LineFates) -> pl.DataFrame:
    """Return records whose method is none but the method, where it held the whole request line.

    Path and protocol are those of the line where a record has no others.
    """
    if logged["method"].dtype != pl.String or not logged["method"].str.contains(" H|- -").any():
        return logged
    parts = pl.col("method").str.extract_groups(_REQUEST_LINE)
    is_line = pl.col("method").str.contains(_REQUEST_LINE)
    found = logged.with_columns(
        pl.when(is_line).then(_present(parts, "method")).otherwise("method").alias("method"),
        *(
            pl.coalesce(name, pl.when(is_line).then(_present(parts, name))).alias(name)
            for name in ("path", "protocol")
        ),
    )
    for name in ("path", "protocol"):
        fates.add("", "column_seen", found[name].count() - logged[name].count(), name)
    return found


def _present(parts: pl.Expr, name: str) -> pl.Expr:
    part = parts.struct.field(name)
    return pl.when(part != "-").then(part)


def _with_short_flags(records: pl.DataFrame) -> pl.DataFrame:
    """Return records with response flags by their short names."""
    flags = records["response_flags"]
    # Hardly any format logs the long names.
    if not flags.str.contains("[a-z]").any():
        return records
    distinct = flags.drop_nulls().unique()
    short = {name: short_flags(name) for name in distinct}
    return records.with_columns(
        pl.col("response_flags").replace_strict(short, default=None, return_dtype=pl.String)
    )


def _unless_empty(text: pl.Expr) -> pl.Expr:
    return pl.when(text != "").then(text)


def _integer(name: str, dtype: pl.DataType) -> pl.Expr:
    """Read whole numbers from text such as ``200`` and from floats such as ``200.0``."""
    logged = pl.col(name)
    if dtype == pl.String:
        return pl.coalesce(
            logged.cast(pl.Int64, strict=False), _whole(logged.cast(pl.Float64, strict=False))
        ).alias(name)
    return _whole(logged).alias(name)


def _whole(number: pl.Expr) -> pl.Expr:
    return pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False)


def _note_unreadable(cleaned: pl.DataFrame, typed: pl.DataFrame, fates: LineFates) -> None:
    """Count the values that are there and can't be read as the type of their column."""
    before, after = cleaned.null_count(), typed.null_count()
    for name in (*schema.INTEGERS, "start_time"):
        n = after[name].item() - before[name].item() if name in before.columns else 0
        if n:
            fates.add("", "unreadable", n, name)
            _keep_examples(cleaned.filter(typed[name].is_null()), name, fates)


def _keep_examples(cleaned: pl.DataFrame, name: str, fates: LineFates) -> None:
    """Keep the first values of each source that can't be read, of records without one."""
    value = pl.col(name).cast(pl.String)
    # Several records may stand on one line: the order is not that of their batches.
    found = (
        cleaned.select("source", "line", value.alias("value"))
        .drop_nulls("value")
        .sort("source", "line", "value")
    )
    place = pl.int_range(pl.len()).over("source")
    for source, line, logged in found.filter(place < EXAMPLES_KEPT).iter_rows():
        fates.unreadable(source, line, name, logged)
