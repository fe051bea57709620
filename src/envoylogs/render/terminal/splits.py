"""How the requests of a route were split between clusters, in all and over time."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import polars as pl
from rich.text import Text

from envoylogs.envoy.clusters import service_label
from envoylogs.render.formatting import count, milliseconds, percent, span
from envoylogs.render.terminal.cells import WIDE, heading, moment, more, new_table, number, text
from envoylogs.summary.tables import SPLITS, SPLITS_OVER_TIME

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from envoylogs.render.named_tables import Row
    from envoylogs.summary.summary import Summary


def worth_showing(summary: Summary) -> list[Row]:
    """Return the splits with more than one part or with a subset."""
    return [
        split
        for split in summary.table(SPLITS).iter_rows(named=True)
        if not split["mirror"]
        and (len(split["parts"]) > 1 or any(part["subset"] for part in split["parts"]))
    ]


def print_splits(console: Console, shown: list[Row], limit: int | None) -> None:
    """Print splits, at most so many; nothing without any."""
    if not shown:
        return
    heading(console, "Split per subset", "share of the requests sent, with its 95 % interval")
    wide = console.width >= WIDE
    numbers = ["requests", "share", "interval", "errors"]
    numbers += ["p50 ms", "p99", "upstream p50", "p99"] if wide else ["p99 ms"]
    table = new_table(["route and part"], numbers)
    for split in shown[:limit]:
        _add_split(table, split, wide=wide)
    console.print(table)
    more(console, min(len(shown), limit or len(shown)), len(shown))


def _title_of(split: Row) -> Text:
    """Return the host of a split, and its route if that has a name."""
    title = text(split["authority"], "bold")
    if split["named"]:
        title.append_text(text(f" route {split['route_name']}", "bold"))
    return title


def _add_split(table: Table, split: Row, *, wide: bool) -> None:
    title = _title_of(split)
    for name, label in (("not_sent", "never sent"), ("unattributed", "without a cluster")):
        if split[name]:
            title.append_text(text(f", {count(split[name])} {label}", "dim"))
    if split["attribution"] == "ambiguous":
        title.append_text(text(", perhaps several routes", "dim"))
    table.add_row(title, number(split["requests"]), *(Text() for _ in table.columns[2:]))
    for part in split["parts"]:
        cluster = part["upstream_cluster"]
        latency, upstream = part["latency_ms"], part["upstream_time_ms"]
        low, high = percent(part["share_low"]), percent(part["share_high"])
        of_both = (latency["p50"], latency["p99"], upstream["p50"], upstream["p99"])
        shown = of_both if wide else (latency["p99"],)
        table.add_row(
            text(f"  {cluster if wide else service_label(cluster)}"),
            number(part["requests"]),
            text(percent(part["share"])),
            text(f"{low.removesuffix(' %')} to {high}", "dim"),
            number(part["errors"], "red"),
            *map(text, map(milliseconds, shown)),
        )


def print_splits_over_time(console: Console, summary: Summary, limit: int | None) -> None:
    """Print the splits that are worth it by time bucket, at most ``limit`` rows of each."""
    rows = summary.table(SPLITS_OVER_TIME)
    width = summary.bucket_seconds
    heading(
        console,
        "Split per subset over time",
        f"by {span(width)}: share of the requests sent, with its 95 % interval" if width else "",
    )
    shown = worth_showing(summary) or summary.table(SPLITS).to_dicts()
    if not shown:
        console.print(Text("The table is empty.", "dim"))
        return
    table = new_table(["time", "part"], ["requests", "share", "interval", "errors"])
    total, printed = 0, 0
    for split in shown:
        of_split = rows.filter(
            pl.col("authority").eq_missing(split["authority"])
            & pl.col("route_name").eq_missing(split["route_name"])
        )
        total += of_split.height
        table.add_row(_title_of(split), *(Text() for _ in table.columns[1:]))
        of_limit = of_split if limit is None else of_split.head(limit)
        printed += of_limit.height
        for start, parts in groupby(of_limit.iter_rows(named=True), lambda row: row["start"]):
            for place, part in enumerate(parts):
                table.add_row(moment(start) if not place else Text(), *_cells_of_part(part))
    console.print(table)
    more(console, printed, total)


def _cells_of_part(part: Row) -> list[Text]:
    low, high = percent(part["share_low"]), percent(part["share_high"])
    return [
        text(service_label(part["upstream_cluster"])),
        number(part["requests"]),
        text(percent(part["share"])),
        text(f"{low.removesuffix(' %')} to {high}", "dim"),
        number(part["errors"], "red"),
    ]
