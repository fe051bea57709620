"""The tables of ``envoylogs summarize``, as a Polars user would ask for them.

The log is read once, by the streaming engine, with the columns and types that are
needed, and kept as it is counted; then all tables are collected together. Keys are
categories, and durations are sorted once for five percentiles, by nearest rank:
both take less time than the same without.
"""

from __future__ import annotations

import sys

import polars as pl

_TEXTS = ("authority", "downstream_local_address", "method", "path", "protocol",
          "response_code_details", "response_flags", "route_name", "start_time",
          "upstream_cluster", "upstream_host", "upstream_service_time")  # fmt: skip
_NUMBERS = ("bytes_received", "bytes_sent", "duration", "response_code")
_COLUMNS = ("authority", "route_name", "response_code", "upstream_cluster", "response_flags",
            "response_code_details", "gateway", "upstream_host")  # fmt: skip
_GROUP = ("authority", "route_name", "response_code", "upstream_cluster")
_PART = ("route_name", "host", "upstream_cluster")
_CLASSES = {"0": 0, "1xx": 1, "2xx": 2, "3xx": 3, "4xx": 4, "5xx": 5}
_PER_MILLE = {"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p999": 999}
_NOT_FOUND, _SWITCHED = 404, 101


def lines(log: str) -> pl.LazyFrame:
    """Return the lines of a log."""
    types = dict.fromkeys(_TEXTS, pl.String()) | dict.fromkeys(_NUMBERS, pl.Int64())
    return pl.scan_ndjson(log, schema=types, ignore_errors=True).with_columns(
        pl.col("response_flags").replace("-", None),
        pl.col("start_time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="ms"),
        pl.col("upstream_service_time").cast(pl.Int64),
        pl.col("authority").str.to_lowercase().str.strip_suffix(":80").str.strip_suffix(":443"),
    )


def kind() -> pl.Expr:
    """Return ``own``, ``connection`` or ``request``."""
    local = pl.col("downstream_local_address").str
    own = pl.col("upstream_cluster").is_in(["agent", "prometheus_stats"])
    no_request = pl.all_horizontal(pl.col("method", "path", "authority", "protocol").is_null())
    return (
        pl.when(own | local.ends_with(":15021") | local.ends_with(":15090"))
        .then(pl.lit("own"))
        .when((pl.col("response_code").fill_null(0) == 0) & no_request)
        .then(pl.lit("connection"))
        .otherwise(pl.lit("request"))
    )


def records(log: str) -> pl.LazyFrame:
    """Return the lines of a log as they are counted."""
    flags, details, cluster, code = (
        pl.col(name)
        for name in ("response_flags", "response_code_details", "upstream_cluster", "response_code")
    )
    no_upstream = cluster.is_null() & pl.col("upstream_host").is_null() & flags.is_null()
    blackhole = (code == _NOT_FOUND) & no_upstream & (pl.col("route_name") == "default")
    is_fine = flags.is_null() | flags.is_in(["DI", "URX", "DI,URX"])
    answered = (details == "via_upstream") & (code != _SWITCHED) & is_fine
    stopped = flags.is_in(["FI", "RL", "UAEX"]) | details.str.starts_with("rbac_")
    path = pl.col("path").str.split_exact("?", 1).struct[0]
    return (
        lines(log)
        .with_columns(
            kind().alias("kind"),
            pl.col("downstream_local_address").str.split_exact(":", 1).struct[0].alias("gateway"),
            (code // 100).alias("code_class"),
            (flags.eq_missing("NR") | blackhole.fill_null(value=False)).alias("unrouted"),
            (cluster.is_not_null() & ~stopped.fill_null(value=False)).alias("sent"),
            pl.when(answered).then("duration").alias("latency_ms"),
            pl.when(answered).then("upstream_service_time").alias("upstream_time_ms"),
        )
        .select(
            pl.col(name for name in _COLUMNS if name != "response_code").cast(pl.Categorical),
            pl.when("unrouted").then(path).alias("path"),
            pl.col("kind", "start_time", "response_code", "code_class", "unrouted", "sent"),
            pl.col("bytes_sent", "bytes_received", "latency_ms", "upstream_time_ms"),
        )
    )


def timed(
    rows: pl.LazyFrame, key: tuple[str, ...], *others: pl.Expr, ms: str = "latency_ms"
) -> pl.LazyFrame:
    """Return a table by a key: other numbers, and the percentiles of a column of durations."""
    times, count = pl.col(ms), pl.col("count")
    return (
        rows.group_by(key)
        .agg(
            *others,
            times.count().alias("count"),
            times.max().alias("max"),
            times.mean().alias("mean"),
            times.drop_nulls().sort().alias("in_order"),
        )
        .with_columns(
            pl.col("in_order")
            .list.get((count * per_mille + 999) // 1000 - 1, null_on_oob=True)
            .alias(name)
            for name, per_mille in _PER_MILLE.items()
        )
        .drop("in_order")
    )


def traffic() -> list[pl.Expr]:
    """Return what is counted of requests in every table."""
    return [
        pl.len().alias("requests"),
        *((pl.col("code_class") == digit).sum().alias(name) for name, digit in _CLASSES.items()),
        pl.col("unrouted", "bytes_sent", "bytes_received").sum(),
    ]


def window() -> list[pl.Expr]:
    """Return the earliest and the latest time."""
    start = pl.col("start_time")
    return [shown(start.min()).alias("first"), shown(start.max()).alias("last")]


def shown(time: pl.Expr) -> pl.Expr:
    """Return a time as text."""
    return time.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")


def named(rows: pl.LazyFrame, table: str, key: tuple[str, ...]) -> pl.LazyFrame:
    """Return rows with the name of their table, and key columns as a list of texts."""
    texts = pl.concat_list(pl.col(key).cast(pl.String)) if key else pl.lit([], pl.List(pl.String))
    return rows.select(pl.lit(table).alias("table"), texts.alias("key"), pl.exclude(key))


def by_requests(rows: pl.LazyFrame, table: str, key: tuple[str, ...]) -> pl.LazyFrame:
    """Return rows likewise, those with most requests first."""
    return named(rows.sort("requests", descending=True), table, key)


def overview(found: pl.LazyFrame) -> pl.LazyFrame:
    """Return the totals of the records of a log."""
    kind = pl.col("kind")
    is_request = kind == "request"
    return found.select(
        is_request.sum().alias("requests"),
        (kind == "connection").sum().alias("connections"),
        (kind == "own").sum().alias("own_traffic"),
        (is_request & (pl.col("response_code") == _NOT_FOUND)).sum().alias("not_found"),
        (is_request & pl.col("unrouted")).sum().alias("unrouted"),
        pl.col("bytes_sent", "bytes_received").filter(is_request).sum(),
        *window(),
    )


def tables(found: pl.LazyFrame, width_s: int) -> list[pl.LazyFrame]:
    """Return all tables of the records of a log."""
    counted = pl.len().alias("requests")
    requests = found.filter(pl.col("kind") == "request").with_columns(
        gateway_ms=pl.col("latency_ms") - pl.col("upstream_time_ms")
    )
    host = pl.col("authority").cast(pl.String).str.replace(r":\d+$", "").alias("host")
    bucket = shown(pl.col("start_time").dt.truncate(f"{width_s}s"))
    errors = (pl.col("code_class") == _CLASSES["5xx"]).sum().alias("5xx")
    by = {(name,): name for name in _COLUMNS} | {_GROUP: "groups"}
    return [
        named(overview(found), "overview", ()),
        *(
            named(timed(requests.with_columns(of=pl.lit(ms)), ("of",), ms=ms), "times", ("of",))
            for ms in ("latency_ms", "upstream_time_ms", "gateway_ms")
        ),
        *(by_requests(timed(requests, key, *traffic()), name, key) for key, name in by.items()),
        by_requests(
            timed(requests.filter("sent").with_columns(host), _PART, counted), "splits", _PART
        ),
        named(
            requests.group_by(bucket)
            .agg(counted, errors, pl.col("unrouted").sum())
            .sort("start_time"),
            "timeline",
            ("start_time",),
        ),
        by_requests(
            requests.filter("unrouted").group_by(host, "path").agg(counted, *window()),
            "turned_away",
            ("host", "path"),
        ),
    ]


def main(log: str, width_s: str) -> None:
    """Print the tables, with time buckets of so many seconds."""
    # A lazy frame would read the log again for some of the tables.
    found = records(log).collect(engine="streaming")
    for rows in pl.collect_all(tables(found.lazy(), int(width_s))):
        sys.stdout.write(rows.write_ndjson())


if __name__ == "__main__":
    main(*sys.argv[1:])
