"""The tables: overview, 404 ledger, breakdowns, rejections; splits stand beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.envoy.outcomes import UNROUTED
from envoylogs.render.formatting import count, milliseconds, percent, size, span
from envoylogs.render.named_tables import rows_of_table
from envoylogs.render.terminal.cells import (
    WIDE,
    head,
    heading,
    moment,
    more,
    new_table,
    number,
    print_joint,
    print_plain,
    text,
    time,
)
from envoylogs.render.terminal.counts import print_connections, print_counts
from envoylogs.render.terminal.splits import (
    print_splits,
    print_splits_over_time,
    worth_showing,
)
from envoylogs.render.words import LEDGER
from envoylogs.summary.tables import (
    ASKED,
    ASKED_CONNECTIONS,
    JOINT,
    SPLITS,
    SPLITS_OVER_TIME,
    TABLES,
    TIMELINE,
)

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from envoylogs.render.named_tables import Row
    from envoylogs.summary.overview import Overview
    from envoylogs.summary.summary import Summary

_ORDER = ("outcome", "response_code", "authority", "route_name", "upstream_cluster",
          "upstream_host", "response_flags", "response_code_details", "gateway")  # fmt: skip
_QUANTILES = {"p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99", "p999": "p99.9", "max": "max"}


def print_tables(console: Console, summary: Summary, limit: int | None) -> None:
    """Print every table, at most ``limit`` rows each."""
    has_requests = bool(summary.overview.requests)
    _print_overview(console, summary)
    if not has_requests:
        print_connections(console, summary, limit)
    _print_ledger(console, summary)
    # What the gateway was told to answer is nobody's problem, and a route to one cluster no split.
    rejections = summary.table("rejections")
    answered = rejections["outcome"] != "direct_response"
    print_splits(console, worth_showing(summary), limit)
    _print_rejections(console, rejections.filter(answered), limit)
    if has_requests:
        print_connections(console, summary, limit)
        for column in _ORDER:
            if summary.table(column)[column].drop_nulls().len():
                print_counts(console, summary, column, limit)


def print_table(console: Console, summary: Summary, name: str, limit: int | None) -> None:
    """Print one table, at most ``limit`` rows of it."""
    if name == "not_found_ledger":
        _print_ledger(console, summary)
    elif name == SPLITS:
        print_splits(console, summary.table(name).to_dicts(), limit)
    elif name == SPLITS_OVER_TIME:
        print_splits_over_time(console, summary, limit)
    elif name == "rejections":
        _print_rejections(console, summary.table(name), limit)
    elif name == JOINT:
        print_joint(console, rows_of_table(summary, name), limit)
    elif name == TIMELINE:
        _print_timeline(console, summary, limit)
    elif name == ASKED:
        _print_asked(console, summary, limit)
    elif TABLES[name].counts:
        print_counts(console, summary, name, limit)
    else:
        print_plain(console, name.capitalize(), rows_of_table(summary, name), limit)


def _print_timeline(console: Console, summary: Summary, limit: int | None) -> None:
    """Print requests over time, by who must act where anybody has to."""
    rows = summary.table(TIMELINE)
    width = summary.bucket_seconds
    heading(console, "Timeline", f"by {span(width)}; requests by who must act" if width else "")
    actors = [
        field.name
        for field in rows.schema["by_actor"].fields  # type: ignore[attr-defined]
        if rows["by_actor"].struct.field(field.name).sum()
    ]
    table = new_table(["time"], ["requests", "errors", "unrouted", *actors])
    for row in head(rows, limit):
        table.add_row(
            moment(row["start"]),
            number(row["requests"]),
            number(row["errors"], "red"),
            number(row["unrouted"], "magenta"),
            *(number(row["by_actor"][actor]) for actor in actors),
        )
    console.print(table)
    more(console, table.row_count, rows.height)


def _print_asked(console: Console, summary: Summary, limit: int | None) -> None:
    has_connections = summary.table(ASKED_CONNECTIONS).height > 0
    # A log of connections alone has no table of requests, and one that is empty has.
    if summary.table(ASKED).height or not has_connections:
        print_counts(console, summary, ASKED, limit)
    if has_connections:
        print_counts(console, summary, ASKED_CONNECTIONS, limit)


def _print_overview(console: Console, summary: Summary) -> None:
    overview = summary.overview
    heading(console, "Overview")
    facts = new_table(["", ""], [])
    facts.show_header = False
    judged = "of what is no noise" if overview.noise["requests"] else "of all"
    rows = {
        "requests": count(overview.requests),
        "errors": f"{count(overview.errors)} ({percent(overview.error_share)} {judged})",
        "refused": overview.refused and f"{count(overview.refused)} by the gateway, below code 500",
        "injected": overview.injected
        and f"{count(overview.injected)}, aborted by fault rules, no errors",
        "unrouted": _unrouted(overview),
        "bytes": f"{size(overview.bytes_sent)} sent, {size(overview.bytes_received)} received",
        "connections": overview.connections and _connections(overview),
        "own traffic": overview.own_traffic
        and f"{count(overview.own_traffic)}, probes and scrapes, not in requests",
    }
    for name, value in rows.items():
        if value:
            facts.add_row(text(name), text(value))
    console.print(facts)
    if overview.latency_ms["count"]:
        console.print()
        table = new_table(["milliseconds"], ["answered", *_QUANTILES.values(), "mean"])
        for name, latency in (
            ("latency", overview.latency_ms),
            ("upstream", overview.upstream_time_ms),
            ("gateway", overview.gateway_ms),
        ):
            if latency["count"]:
                quantiles = (milliseconds(latency[name]) for name in (*_QUANTILES, "mean"))
                table.add_row(text(name), number(latency["count"]), *map(text, quantiles))
        console.print(table)


def _unrouted(overview: Overview) -> str:
    words = f"{count(overview.unrouted)}, of these blackhole {count(overview.blackhole)}"
    known = overview.unrouted_known
    return f"{words}, of known hosts {count(known)}" if known else words


def _connections(overview: Overview) -> str:
    parts = [
        f"{count(n)} {word}"
        for n, word in (
            (overview.connections_failed, "failed"),
            (overview.connections_refused, "refused"),
        )
        if n
    ]
    bad = f" ({', '.join(parts)})" if parts else ""
    return f"{count(overview.connections)}{bad}, not in requests"


def _print_ledger(console: Console, summary: Summary) -> None:
    ledger = summary.overview.not_found_ledger
    if not ledger["all"]:
        return
    heading(console, "Ledger of 404s", f"{count(ledger['all'])} in all")
    table = new_table(["who answered 404"], ["requests", "share"])
    for name, label in LEDGER.items():
        if ledger[name]:
            share = percent(ledger[name] / ledger["all"])
            table.add_row(text(label), number(ledger[name]), text(share))
    console.print(table)


def _print_rejections(console: Console, rows: pl.DataFrame, limit: int | None) -> None:
    if rows.is_empty():
        return
    heading(console, "Turned away by the gateway itself")
    wide = console.width >= WIDE
    keys = ["outcome", "host", "why"] + (["paths"] if wide else [])
    table = new_table(keys, ["requests", "first", "last"])
    table.columns[0].no_wrap = True
    for row in head(rows, limit):
        given = [row[name] for name in ("response_flags", "response_code_details")]
        reasons = [str(reason) for reason in given if reason is not None]
        why = " ".join([*(reasons if wide else reasons[:1]), *_unlike_names(row)])
        table.add_row(
            text(row["outcome"]),
            text(row["host"], "" if row["known"] else "dim"),
            text(why or None),
            *([text(", ".join(row["paths"][:2]) or None)] if wide else []),
            number(row["requests"]),
            time(row["first"]),
            time(row["last"]),
        )
    console.print(table)
    more(console, table.row_count, rows.height)


def _unlike_names(row: Row) -> list[str]:
    """Return the TLS server name of requests without a route if it is not their host."""
    unlike = [name for name in row["server_names"] if name.lower() != row["host"]]
    return [f"TLS name {unlike[0]}"] if unlike and row["outcome"] in UNROUTED else []
