"""Points in time as access logs write them.

Envoy's default is ISO 8601 in UTC with milliseconds and ``Z``; custom formats
have a space instead of ``T``, an offset, or seconds since 1970.
"""

from __future__ import annotations

import polars as pl

__all__ = ["times_of"]

_DEFAULT = "%Y-%m-%dT%H:%M:%S%.fZ"
_WITHOUT_OFFSET = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.fZ")
_WITH_OFFSET = ("%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f %z",
                "%d/%b/%Y:%H:%M:%S %z")  # fmt: skip
# Seconds, milliseconds, microseconds and nanoseconds since 1970, told by their size: seconds
# reach 10^11 in the year 5138.
_LATEST_US = 253_402_300_799_999_999
"""The last microsecond of the year 9999, the latest that has a name."""
_EPOCH_SCALES = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (float("inf"), 1e-3))


def times_of(logged: pl.Series) -> pl.Series:
    """Return logged times in UTC with microseconds; null where unreadable.

    Args:
        logged: Text, or numbers since 1970.
    """
    if logged.dtype != pl.String:
        return _from_epoch(logged.cast(pl.Float64))
    times = _utc(logged.str.to_datetime(_DEFAULT, time_unit="us", strict=False))
    unread = times.is_null() & logged.is_not_null()
    if not unread.any():
        return times
    rest = logged.filter(unread)
    found = pl.select(
        pl.coalesce(
            *(_utc(_parsed(rest, layout)) for layout in _WITHOUT_OFFSET),
            *(_parsed(rest, layout).dt.convert_time_zone("UTC") for layout in _WITH_OFFSET),
            _from_epoch(rest.cast(pl.Float64, strict=False)),
        )
    ).to_series()
    return times.scatter(unread.arg_true(), found)


def _parsed(text: pl.Series, layout: str) -> pl.Series:
    return text.str.to_datetime(layout, time_unit="us", strict=False)


def _utc(times: pl.Series) -> pl.Series:
    return times.dt.replace_time_zone("UTC")


def _from_epoch(numbers: pl.Series) -> pl.Series:
    value = pl.col("value")
    microseconds = pl.coalesce(
        pl.when((value > 0) & (value < limit) & (value * scale <= _LATEST_US)).then(value * scale)
        for limit, scale in _EPOCH_SCALES
    )
    return (
        numbers.alias("value")
        .to_frame()
        .select(microseconds.round().cast(pl.Int64, strict=False).cast(pl.Datetime("us", "UTC")))
        .to_series()
    )
