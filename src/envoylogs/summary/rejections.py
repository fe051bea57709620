"""What the gateway answered by itself: which host, why, since when, who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.outcomes import SELF_ANSWERED

if TYPE_CHECKING:
    from envoylogs.summary.judged import Judged

_KEYS = ("outcome", "host_kind", "host", "route_name", "response_flags", "response_code_details")
_NAMES_KEPT = 10


def rejections(judged: Judged) -> pl.DataFrame:
    """Return the requests and connections that the gateway answered by itself.

    Returns:
        One row for each of ``outcome``, ``host`` (``host_kind`` is
        ``authority``, or ``server_name`` for connections), ``route_name``,
        ``response_flags`` and ``response_code_details``: ``requests``,
        ``first`` and ``last`` (microseconds), ``known``, ``routed_before``,
        ``last_routed`` (of the host), and lists of examples, at most ten each,
        the most frequent first: ``paths``, ``methods``, ``clients``,
        ``server_names``. Ordered by requests descending, then by key.
    """
    rows = (
        judged.everything.lazy()
        .filter(pl.col("outcome").is_in(SELF_ANSWERED))
        .with_columns(*_hosts(pl.col("kind") == "connection", "requested_server_name"))
        .group_by(_KEYS)
        .agg(
            pl.col("requests").sum(),
            pl.col("first").min(),
            pl.col("last").max(),
            pl.col("known").any(),
        )
    )
    routed = (
        judged.requests.lazy()
        .filter("routed")
        .group_by("host")
        .agg(pl.col("first").min().alias("first_routed"), pl.col("last").max().alias("last_routed"))
    )
    return (
        rows.join(routed, on="host", how="left", nulls_equal=True)
        .with_columns(
            routed_before=(pl.col("first_routed") < pl.col("last")).fill_null(value=False)
        )
        .pipe(_with_examples, judged)
        .select(
            *_KEYS, "known", "requests", "first", "last", "routed_before", "last_routed",
            *_EXAMPLES,
        )
        .sort(-pl.col("requests"), *_KEYS, nulls_last=True)
        .collect()
    )  # fmt: skip


def _hosts(connection: pl.Expr, server_name: str) -> tuple[pl.Expr, pl.Expr]:
    kind = pl.when(connection).then(pl.lit("server_name")).otherwise(pl.lit("authority"))
    host = pl.when(connection).then(server_name).otherwise("host")
    return host.alias("host"), kind.alias("host_kind")


_EXAMPLES = {
    "paths": "path",
    "methods": "method",
    "clients": "client",
    "server_names": "requested_server_name",
}


def _with_examples(rows: pl.LazyFrame, judged: Judged) -> pl.LazyFrame:
    """Return rows with a list of examples for each column of ``_EXAMPLES``."""
    keys = ("outcome", "host_kind", "host")
    hosts = _hosts(pl.col("outcome") == "no_filter_chain", "server_name")
    evidence = judged.evidence.lazy().with_columns(*hosts)
    for name, column in _EXAMPLES.items():
        # Counted and sorted by hand: value_counts() inside an aggregation crashes Polars 2.1.
        found = (
            evidence.filter(pl.col(column).is_not_null())
            .group_by(*keys, column)
            .len()
            .sort("len", column, descending=[True, False])
            .group_by(keys, maintain_order=True)
            .agg(pl.col(column).head(_NAMES_KEPT).alias(name))
        )
        rows = rows.join(found, on=keys, how="left", nulls_equal=True).with_columns(
            pl.col(name).fill_null([])
        )
    return rows
