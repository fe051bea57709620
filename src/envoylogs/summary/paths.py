"""Which paths and hosts lost their route, got it back, or never had one."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.summary.judged import is_known
from envoylogs.tally.folding.names_apart import is_folded

if TYPE_CHECKING:
    from envoylogs.summary.judged import Judged

_KEYS = ("host", "method", "path_group")
_LONGEST_GRACE_US = 30_000_000


def grace_us(judged: Judged) -> int:
    """Return how long routed and unrouted requests may overlap in a change, in microseconds.

    Several gateways take a change one after the other, within seconds. In a
    short log the same overlap would be most of it, so it is at most a
    twentieth of the log.
    """
    if judged.first is None or judged.last is None:
        return 0
    return min(_LONGEST_GRACE_US, (judged.last - judged.first) // 20)


def is_lost() -> pl.Expr:
    """Tell the states of paths that are routed at another time than they are not."""
    return pl.col("state").is_in(["lost", "mixed"])


def path_states(judged: Judged) -> pl.DataFrame:
    """Return what became of each path over the log.

    Returns:
        One row for each host, method and path group: ``routed``, ``unrouted``,
        ``unrouted_404``, ``first_routed`` and the like (microseconds),
        ``known`` (the host), ``state`` and ``host_lost``. States: ``routed``;
        ``lost`` (routed earlier, unrouted since, or first asked for when its
        whole host was lost); ``gained`` (unrouted earlier, routed since); ``mixed``
        (both at the same time); ``never`` (never routed). A host is lost if a
        path of it is and no path of it is routed any more. Ordered by unrouted
        descending, then by key.
    """
    grace = grace_us(judged)
    lost = (
        (pl.col("first_routed") < pl.col("first_unrouted"))
        & (pl.col("last_routed") <= pl.col("first_unrouted") + grace)
        & (pl.col("last_unrouted") > pl.col("last_routed"))
    )
    gained = (
        (pl.col("first_unrouted") < pl.col("first_routed"))
        & (pl.col("last_unrouted") <= pl.col("first_routed") + grace)
        & (pl.col("last_routed") > pl.col("last_unrouted"))
    )
    lost_since = pl.col("first_unrouted").filter(pl.col("state") == "lost").min().over("host")
    last_routed = pl.col("last_routed").max().over("host")
    lost_late = (
        (pl.col("state") == "never")
        & pl.col("host_lost")
        & (pl.col("first_unrouted") > last_routed)
    )
    return (
        judged.paths.lazy()
        .group_by(_KEYS)
        .agg(
            pl.col("routed", "unrouted", "unrouted_404").sum(),
            pl.col("first_routed", "first_unrouted").min(),
            pl.col("last_routed", "last_unrouted").max(),
        )
        .filter((pl.col("routed") > 0) | (pl.col("unrouted") > 0))
        .with_columns(
            is_known(pl.col("host"), judged.known_hosts).alias("known"),
            pl.when(pl.col("unrouted") == 0)
            .then(pl.lit("routed"))
            .when(pl.col("routed") == 0)
            .then(pl.lit("never"))
            .when(lost)
            .then(pl.lit("lost"))
            .when(gained)
            .then(pl.lit("gained"))
            .otherwise(pl.lit("mixed"))
            .alias("state"),
        )
        .with_columns((last_routed <= lost_since + grace).fill_null(value=False).alias("host_lost"))
        .with_columns(pl.when(lost_late).then(pl.lit("lost")).otherwise("state").alias("state"))
        .sort(-pl.col("unrouted"), *_KEYS, nulls_last=True)
        .collect()
    )


def refused_since(judged: Judged) -> pl.DataFrame:
    """Return the paths that were served, and that the gateway refuses to everybody since.

    Returns:
        One row for each known host, method, path group and ``refusal`` (the way to
        fail): ``served`` before, ``refused`` since and ``first_refused`` (microseconds).
        Ordered by refused descending, then by key.
    """
    paths = judged.paths.lazy()
    served = paths.group_by(_KEYS).agg(
        pl.col("served").sum(), pl.col("first_served").min(), pl.col("last_served").max()
    )
    return (
        paths.filter(pl.col("refusal").is_not_null())
        .group_by(*_KEYS, "refusal")
        .agg(pl.col("refused").sum(), pl.col("first_refused").min(), pl.col("last_refused").max())
        .join(served, on=_KEYS, nulls_equal=True)
        .filter(
            is_known(pl.col("host"), judged.known_hosts),
            ~is_folded("path_group"),
            pl.col("first_served") < pl.col("first_refused"),
            pl.col("last_served") <= pl.col("first_refused") + grace_us(judged),
            pl.col("last_served") < pl.col("last_refused"),
        )
        .select(*_KEYS, "refusal", "served", "refused", "first_refused")
        .sort(-pl.col("refused"), *_KEYS, "refusal", nulls_last=True)
        .collect()
    )


def with_lost(rows: pl.DataFrame, paths: pl.DataFrame) -> pl.DataFrame:
    """Return rows with ``lost``: whether an unrouted path was routed at another time.

    It is null where names were folded and some of the paths that they may stand
    for were lost and others were not.

    Args:
        rows: With ``host``, ``method`` and ``path_group``; their order is kept.
        paths: See ``path_states``.
    """
    unrouted = paths.lazy().filter("known", pl.col("unrouted") > 0)
    of_some = is_lost().any().alias("of_some"), is_lost().all().alias("of_all")
    names = rows.lazy().select(_KEYS).unique()
    found = []
    for hidden in product((False, True), repeat=len(_KEYS)):
        folded = dict(zip(_KEYS, hidden, strict=True))
        named = [name for name in _KEYS if not folded[name]]
        here = names.filter(is_folded(name) == is_hidden for name, is_hidden in folded.items())
        found.append(
            here.join(unrouted.group_by(named).agg(of_some), on=named, how="left", nulls_equal=True)
            if named
            else here.join(unrouted.select(of_some), how="cross")
        )
    lost = (
        pl.when(pl.col("of_some").fill_null(value=False).not_())
        .then(pl.lit(value=False))
        .when("of_all")
        .then(pl.lit(value=True))
        .alias("lost")
    )
    decided = pl.concat(found).select(*_KEYS, lost).collect()
    return rows.join(decided, on=_KEYS, how="left", nulls_equal=True, maintain_order="left")
