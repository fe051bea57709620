"""Which hosts and clusters are values of labels, and what stands for all others.

Strangers choose hosts, and clusters too where a route takes them from a header,
and every new value costs a monitoring system memory for as long as it keeps
samples. So only names that the gateway routed to are values, a limited number
of them. Everything else is in series whose label is empty; a second label says
what they are of, so that no name can pass for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.clusters import cluster_parts
from envoylogs.envoy.outcomes import CLUSTER_EXISTS
from envoylogs.envoy.traffic import host_of
from envoylogs.summary.judged import is_known

if TYPE_CHECKING:
    from envoylogs.summary.judged import Judged

DEFAULT_NAMES = 100
"""How many hosts, and how many clusters, are values of labels unless told otherwise."""

AUTHORITY_KINDS = ("known", "other_known", "unknown", "missing")
"""Values of ``authority_kind``; ``authority`` is empty with all but the first."""

CLUSTER_KINDS = ("known", "other", "missing")
"""Values of ``upstream_cluster_kind``; ``upstream_cluster`` is empty with all but the first."""

# A host has 253 characters at most, a cluster two names and a port. A route for a wildcard makes
# known whatever clients ask for below it, so what no host is called is left out here.
_HOST = r"^[ -~]{1,253}$"
_CLUSTER = r"^[ -~]{1,512}$"


def authority_labels(judged: Judged, limit: int) -> list[pl.Expr]:
    """Return the labels of a host, made of the column ``authority``.

    So many known hosts are named at most, those with most requests.

    Returns:
        ``authority``: the host without its port if it is named, else the empty
        text. ``authority_kind``: ``known`` if it is named, ``other_known`` for
        other known hosts, ``unknown``, and ``missing`` where there is none.
    """
    host = host_of(pl.col("authority"))
    named = _is_named(host, judged.requests.filter("known"), "host", _HOST, limit)
    kind = (
        pl.when(named).then(pl.lit("known"))
        .when(host.is_null()).then(pl.lit("missing"))
        .when(is_known(host, judged.named_hosts)).then(pl.lit("other_known"))
        .otherwise(pl.lit("unknown"))
    )  # fmt: skip
    return [_or_empty(named, host).alias("authority"), kind.alias("authority_kind")]


def cluster_labels(judged: Judged, limit: int) -> list[pl.Expr]:
    """Return the labels of a cluster, made of the column ``upstream_cluster``.

    So many clusters are named at most, those with most requests of those that exist.

    Returns:
        ``upstream_cluster``: if it is named, else the empty text.
        ``upstream_cluster_kind``: ``known`` if it is named, ``other``, and
        ``missing`` where there is none. ``upstream_service`` and
        ``upstream_subset``: of its name, empty where that has none.
    """
    cluster = pl.col("upstream_cluster")
    existing = judged.requests.filter(pl.col("outcome").is_in(CLUSTER_EXISTS))["upstream_cluster"]
    rows = judged.requests.filter(cluster.is_in(existing.unique().implode()))
    named = _is_named(cluster, rows, "upstream_cluster", _CLUSTER, limit)
    # Which of the folded clusters exist is not remembered, so all others are of one kind.
    kind = (
        pl.when(named).then(pl.lit("known"))
        .when(cluster.is_null()).then(pl.lit("missing"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip
    _, _, subset, service = cluster_parts(cluster)
    return [
        _or_empty(named, cluster).alias("upstream_cluster"),
        kind.alias("upstream_cluster_kind"),
        _or_empty(named, service.fill_null("")).alias("upstream_service"),
        _or_empty(named, subset.fill_null("")).alias("upstream_subset"),
    ]


def _is_named(name: pl.Expr, rows: pl.DataFrame, column: str, form: str, limit: int) -> pl.Expr:
    """Tell the names that are among those of a column with most requests and have its form."""
    counted = rows.filter(pl.col(column).str.contains(form)).group_by(column)
    ordered = counted.agg(pl.col("requests").sum()).sort(-pl.col("requests"), column)
    return name.is_in(ordered[column].head(limit).implode()).fill_null(value=False)


def _or_empty(named: pl.Expr, value: pl.Expr) -> pl.Expr:
    return pl.when(named).then(value).otherwise(pl.lit(""))
