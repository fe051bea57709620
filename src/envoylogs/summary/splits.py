"""How the requests of a route were split between clusters.

Weights belong to a route, so the group is the route name and the host of the
authority; the parts are whole clusters, since a part may be another service.
Every request for which a cluster was chosen counts, failures too: they are
exactly what a canary does wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.clusters import cluster_parts
from envoylogs.errors import UnknownKeyError, nearest
from envoylogs.summary.percentiles import latency_by, latency_column
from envoylogs.tally.folding.marks import FOLDED_MARKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envoylogs.summary.judged import Judged

NOT_SENT = ("denied", "rate_limited", "dependency_failed", "fault_injected", "client_error",
            "direct_response", "blocked", "blackhole", "no_route")  # fmt: skip
"""Outcomes of requests that were never sent, although a cluster may be logged."""

_GROUP = ("route_name", "host")
_NAMES = ("authority", "route_name")
_PART = (*_GROUP, "upstream_cluster")
_Z_95 = 1.959963984540054


def splits(judged: Judged) -> pl.DataFrame:
    """Return the observed split of every group that a cluster was chosen for.

    Returns:
        One row for each group: ``route_name``, ``authority`` (without port),
        ``named`` (the route has a name other than ``default``), ``attribution``
        (``route`` by its name; ``host`` unnamed with one service; ``ambiguous``
        unnamed with several services, which may be several routes), ``mirror``
        (the authority of mirrored requests), ``requests`` (sent), ``not_sent``,
        ``unattributed`` (without a cluster), ``parts`` and ``buckets``, lists
        of structs. Shares are of the requests sent, 0 to 1, with a 95 % Wilson
        interval. Ordered by requests descending, then by group; parts likewise;
        buckets by ``start``, then by cluster.
    """
    requests = judged.requests.lazy()
    sent = requests.filter(
        pl.col("upstream_cluster").is_not_null() & ~pl.col("outcome").is_in(NOT_SENT)
    )
    parts = _parts(judged, sent)
    rest = (
        requests.filter(pl.col("upstream_cluster").is_null() | pl.col("outcome").is_in(NOT_SENT))
        .group_by(_GROUP)
        .agg(
            _requests(pl.col("upstream_cluster").is_not_null()).alias("not_sent"),
            _requests(pl.col("upstream_cluster").is_null()).alias("unattributed"),
        )
    )
    named = (pl.col("route_name") != "default").fill_null(value=False)
    return (
        parts.group_by(_GROUP, maintain_order=True)
        .agg(
            pl.col("requests").sum(),
            pl.col("service").fill_null(pl.col("upstream_cluster")).n_unique().alias("services"),
            pl.struct(pl.exclude(_GROUP)).alias("parts"),
        )
        .join(rest, on=_GROUP, how="left", nulls_equal=True)
        .join(_buckets(judged), on=_GROUP, how="left", nulls_equal=True)
        .with_columns(
            named.alias("named"),
            pl.when(named).then(pl.lit("route"))
            .when(pl.col("services") == 1).then(pl.lit("host"))
            .otherwise(pl.lit("ambiguous")).alias("attribution"),
            pl.col("host").str.ends_with("-shadow").fill_null(value=False).alias("mirror"),
            pl.col("not_sent", "unattributed").fill_null(0),
        )
        .select(
            "route_name", pl.col("host").alias("authority"), "named", "attribution", "mirror",
            "requests", "not_sent", "unattributed", "parts", pl.col("buckets").fill_null([]),
        )
        .sort(-pl.col("requests"), "route_name", "authority", nulls_last=True)
        .collect()
    )  # fmt: skip


def parts_of(splits: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each part of each split, with all requests sent as ``group_requests``."""
    groups = [name for name in splits.columns if name not in {"parts", "buckets"}]
    flat = splits.drop("buckets").rename({"requests": "group_requests"})
    flat = flat.explode("parts").unnest("parts")
    return flat.select(list(dict.fromkeys([*groups, "group_requests", *flat.columns])))


def _requests(where: pl.Expr) -> pl.Expr:
    return pl.col("requests").filter(where).sum()


def _of_all(group: Sequence[str]) -> pl.Expr:
    """Return all requests of a group, beside each of its rows.

    A single value would be divided by as its reciprocal, which is off in the last digit.
    """
    requests = pl.col("requests")
    return requests.sum().over(group) + 0 * requests


def _shares(total: pl.Expr) -> list[pl.Expr]:
    """Return what there is to say of the requests of a cluster among all of a group."""
    requests, errors = pl.col("requests"), pl.col("errors")
    low, high = wilson_interval(requests, total)
    _, _, subset, service = cluster_parts(pl.col("upstream_cluster"))
    return [
        service.alias("service"),
        subset.alias("subset"),
        requests,
        (requests / total).alias("share"),
        low.alias("share_low"),
        high.alias("share_high"),
        errors,
        (errors / requests).alias("error_share"),
    ]


def _parts(judged: Judged, sent: pl.LazyFrame) -> pl.LazyFrame:
    """Return one row for each group and cluster, those of a group by requests descending."""
    requests = pl.col("requests")
    parts = sent.group_by(_PART).agg(requests.sum(), requests.filter("error").sum().alias("errors"))
    for measure, counts in judged.latency.items():
        latency = latency_by(counts, _PART, measure)
        parts = parts.join(latency.lazy(), on=_PART, how="left", nulls_equal=True)
    return parts.sort(-requests, *_PART, nulls_last=True).select(
        *_PART,
        *_shares(_of_all(_GROUP)),
        latency_column("latency_ms"),
        latency_column("upstream_time_ms"),
    )


def splits_over_time(judged: Judged) -> pl.DataFrame:
    """Return the observed split of every group by time bucket.

    Args:
        judged: What to count; its ``buckets`` say how wide they are.

    Returns:
        One row for each group, bucket and cluster: ``route_name``, ``authority`` (without port),
        ``start`` (of the bucket, microseconds), ``upstream_cluster``, ``service``, ``subset``,
        ``requests`` (sent), ``share`` (of the group's in the bucket) with its 95 % interval,
        ``errors``, ``error_share``. Records without a time are in none. Ordered by the requests
        of the group, then by group, start and cluster.
    """
    return (
        _sent_over_time(judged)
        .with_columns(_of_all(_GROUP).alias("of_group"))
        .sort(-pl.col("of_group"), *_GROUP, "start", "upstream_cluster", nulls_last=True)
        .select(
            "route_name",
            pl.col("host").alias("authority"),
            "start",
            "upstream_cluster",
            *_shares(_of_all([*_GROUP, "start"])),
        )
        .collect()
    )


def one_split(shares: pl.DataFrame, authority: str | None, route_name: str | None) -> pl.DataFrame:
    """Return the rows of one split: the first with several parts, else the first.

    Args:
        shares: Of ``splits_over_time``.
        authority: Whose it must be, ``-`` for a missing one; null for any.
        route_name: Likewise.

    Raises:
        UnknownKeyError: If there is none.
    """
    found = shares.filter(
        *(
            pl.col(name).fill_null("-") == wanted
            for name, wanted in (("authority", authority), ("route_name", route_name))
            if wanted is not None
        ),
        ~pl.any_horizontal(pl.col(_NAMES).is_in(FOLDED_MARKS).fill_null(value=False)),
    )
    several = pl.col("upstream_cluster").n_unique().over(_NAMES) > 1
    first = found.filter(several).head(1)
    if first.is_empty():
        first = found.head(1)
    is_named = authority is not None or route_name is not None
    if first.is_empty() or not (is_named or found.select(several.any()).item()):
        raise _no_split(shares, authority, route_name)
    return found.join(first.select(_NAMES), on=_NAMES, how="semi", nulls_equal=True,
                      maintain_order="left")  # fmt: skip


def _no_split(
    shares: pl.DataFrame, authority: str | None, route_name: str | None
) -> UnknownKeyError:
    known = {"authority": authority, "route_name": route_name}
    named = [f"{name} {wanted!r}" for name, wanted in known.items() if wanted is not None]
    if not named:
        return UnknownKeyError(
            "no route sent requests to several clusters. Name one of table('splits') to see it "
            "nevertheless: authority=..., route_name=..."
        )
    near = "".join(
        nearest(wanted, names)
        for name, wanted in known.items()
        if wanted is not None
        if wanted not in (names := shares[name].fill_null("-").unique().sort().to_list())
    )
    return UnknownKeyError(
        f"no requests of {' and '.join(named)} were sent to a cluster.{near} table('splits') has "
        "all that were."
    )


def _sent_over_time(judged: Judged) -> pl.LazyFrame:
    """Return one row for each group, cluster and time bucket."""
    return (
        judged.timeline.lazy()
        .filter(
            (pl.col("kind") == "request")
            & pl.col("upstream_cluster").is_not_null()
            & pl.col("start").is_not_null()
            & ~pl.col("outcome").is_in(NOT_SENT)
        )
        .with_columns(judged.bucket)
        .group_by(*_PART, "start")
        .agg(pl.col("requests", "errors").sum())
    )


def _buckets(judged: Judged) -> pl.LazyFrame:
    """Return the share of each part over time, as a list for each group."""
    requests = pl.col("requests")
    return (
        _sent_over_time(judged)
        .with_columns((requests / _of_all([*_GROUP, "start"])).alias("share"))
        .sort("start", "upstream_cluster")
        .group_by(_GROUP)
        .agg(pl.struct("start", "upstream_cluster", "requests", "share").alias("buckets"))
    )


def wilson_interval(count: pl.Expr, total: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return the 95 % Wilson score interval of a share (Wilson 1927).

    Args:
        count: Successes.
        total: Trials, at least one.
    """
    share, z2, total = count / total, _Z_95**2, total.cast(pl.Float64)
    center = (share + z2 / (2 * total)) / (1 + z2 / total)
    spread = (share * (1 - share) / total + z2 / (4 * total * total)).sqrt()
    half = spread * _Z_95 / (1 + z2 / total)
    # The ends of the interval are 0 and 1 exactly where the share is.
    low = pl.when(count == 0).then(0.0).otherwise((center - half).clip(0, 1))
    high = pl.when(share == 1).then(1.0).otherwise((center + half).clip(0, 1))
    return low, high
