"""The counts that a page filters: as numbers, packed.

The script of the page unpacks the same; ``assets/counts.js`` has the other
half of each rule. Rows are in the order of latency, which makes a percentile of
any slice one pass over them, and makes runs of equal latency that pack well.
"""

from __future__ import annotations

import base64
import gzip
from typing import TYPE_CHECKING

import orjson
import polars as pl

from envoylogs.render.words import LEDGER
from envoylogs.summary.overview import UNDECIDED
from envoylogs.summary.slices import SLICE_COLUMNS

if TYPE_CHECKING:
    from envoylogs.summary.slices import Slices

PAGE_LEDGER = LEDGER | {UNDECIDED: "no route, lost or never routed: names were folded"}
"""Who answered 404, by the keys of the ledger, in the order in which counts name them."""

_US_PER_S = 1_000_000

_LEVEL = 6
"""Of compression: the highest takes three times as long, for a fiftieth fewer bytes."""


def packed_counts(slices: Slices) -> str:
    """Return the counts as JSON, compressed with gzip, in base64.

    Objects in it: ``dimensions`` has the values of each column, the most
    frequent first; ``combinations`` the place of each value in them, and what
    the combination is; ``rows`` has ``values`` (pairs of a latency and how many
    rows have it), and of each row the combination (as the difference to the row
    before of the same latency), the time bucket and how many records there are;
    ``starts`` the time buckets, in seconds since 1970, null last; ``examples``
    records behind failures.
    """
    starts = slices.rows["start"].unique().sort(nulls_last=True)
    dimensions, combinations = _numbered(slices.combinations)
    rows = slices.rows.join(
        pl.DataFrame({"start": starts}).with_row_index("bucket"),
        on="start", how="left", nulls_equal=True, maintain_order="left",
    )  # fmt: skip
    same_latency = pl.col("value_ms").eq_missing(pl.col("value_ms").shift(1))
    number = pl.col("combination").cast(pl.Int64)
    deltas = rows.select(
        pl.when(same_latency.fill_null(value=False))
        .then(number - number.shift(1))
        .otherwise(number)
    ).to_series()
    if rows.height:
        # The first row has no row before, which is not the same as one without latency.
        deltas[0] = int(rows["combination"][0])
    runs = rows.group_by("value_ms", maintain_order=True).len()
    counts = {
        "dimensions": dimensions,
        "combinations": combinations,
        "rows": {
            "values": list(runs.iter_rows()),
            "combinations": deltas.to_list(),
            "buckets": rows["bucket"].to_list(),
            "requests": rows["records"].to_list(),
        },
        "starts": (starts // _US_PER_S).to_list(),
        "examples": slices.examples.to_dicts(),
    }
    return base64.b64encode(gzip.compress(orjson.dumps(counts), _LEVEL, mtime=0)).decode()


def _numbered(frame: pl.DataFrame) -> tuple[dict[str, list[object]], dict[str, list[int]]]:
    """Return the values of each column, and combinations as places in them."""
    dimensions: dict[str, list[object]] = {}
    combinations: dict[str, list[int]] = {}
    for name in SLICE_COLUMNS:
        values = frame[name].unique(maintain_order=True)
        places = pl.DataFrame({name: values}).with_row_index("place")
        placed = frame.select(name).join(places, on=name, how="left", nulls_equal=True,
                                         maintain_order="left")  # fmt: skip
        dimensions[name] = values.to_list()
        combinations[name] = placed["place"].to_list()
    for name in ("connection", "error", "noise", "known"):
        combinations[name] = frame[name].cast(pl.Int64).to_list()
    kinds = {kind: place for place, kind in enumerate(PAGE_LEDGER)}
    ledger = frame["ledger"].replace_strict(kinds, default=-1, return_dtype=pl.Int64)
    combinations["ledger"] = ledger.to_list()
    return dimensions, combinations
