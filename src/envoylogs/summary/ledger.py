"""The ledger of 404s: who answered, and why."""

from __future__ import annotations

import polars as pl

__all__ = ["LEDGER_KINDS", "NOT_FOUND", "UNDECIDED", "ledger_kind"]

NOT_FOUND = 404

LEDGER_KINDS = (
    "lost", "never_routed", "noise", "application", "configured", "fault", "other",
)  # fmt: skip
"""What becomes of each 404; together they are all of them."""

UNDECIDED = "lost_or_never_routed"
"""Where names were folded, some paths that were lost can't be told from those never routed."""


def ledger_kind(*, lost: pl.Expr) -> pl.Expr:
    """Return the kind of a request with code 404.

    Args:
        lost: Whether the path of an unrouted request of a known host was routed
            at another time; null where that can't be told.

    The columns ``outcome``, ``unrouted``, ``known`` and ``noise`` are read.
    """
    outcome, of_known = pl.col("outcome"), pl.col("unrouted") & pl.col("known")
    return (
        pl.when(of_known & lost).then(pl.lit("lost"))
        .when(of_known & lost.is_null()).then(pl.lit(UNDECIDED))
        .when(of_known).then(pl.lit("never_routed"))
        .when("noise").then(pl.lit("noise"))
        .when(outcome == "upstream_4xx").then(pl.lit("application"))
        .when(outcome == "direct_response").then(pl.lit("configured"))
        .when(outcome == "fault_injected").then(pl.lit("fault"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip
