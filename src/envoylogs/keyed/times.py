"""Points in time as access logs write them.

Envoy's default is ISO 8601 in UTC with milliseconds and ``Z``; custom formats
have a space instead of ``T``, a decimal comma, an offset, ``UTC``, or seconds
since 1970. Other names of zones mean several offsets, so such a time can't be
read: a wrong time would be worse than none.
"""

from __future__ import annotations

import polars as pl

_DEFAULT = "%Y-%m-%dT%H:%M:%S%.fZ"
_SECOND = len("2026-11-28T12:30:05")
_MIDNIGHT = "1970-01-01T00:00:00"
_FEW = 8
"""How many times fewer fractions of seconds there must be than times."""
_LAYOUTS = (
    _DEFAULT, "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.fZ",
    "%Y/%m/%d %H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.fZ", "%a, %d %b %Y %H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z", "%Y/%m/%d %H:%M:%S%.f%z",
    "%d/%b/%Y:%H:%M:%S%z", "%a, %d %b %Y %H:%M:%S%z",
)  # fmt: skip
"""Tried one after the other on what is left, after ``_alike``."""

# What is written in several ways, each with the way that the layouts have.
_ALIKE = (
    (r"(:\d\d),(\d)", "${1}.$2"),
    # Go prints the name of a zone behind its offset, which says it all.
    (r"([+-]\d\d:?\d\d) [A-Z]{3,5}$", "$1"),
    (r"(?i)(:\d\d(?:\.\d+)?) ?(?:UTC|GMT|Z)$", "${1}Z"),
    (r"(:\d\d(?:\.\d+)?) ?([+-]\d\d):?(\d\d)$", "$1$2$3"),
    (r"(:\d\d(?:\.\d+)?) ?([+-]\d\d)$", "$1${2}00"),
)

# Seconds, milliseconds, microseconds and nanoseconds since 1970, told by their size: seconds
# reach 10^11 in the year 5138.
_LATEST_US = 253_402_300_799_999_999
"""The last microsecond of the year 9999, the latest that has a name."""
_EARLIEST_US = -62_135_596_800_000_000
"""The first of the year 1, the earliest."""
_EPOCH_SCALES = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (float("inf"), 1e-3))


def times_of(logged: pl.Series) -> pl.Series:
    """Return logged times in UTC with microseconds; null where unreadable.

    Args:
        logged: Text, or numbers since 1970.
    """
    if logged.dtype != pl.String:
        return _from_epoch(logged.cast(pl.Float64))
    times = _of_few_parts(logged)
    if times is None:
        times = _parsed(logged, _DEFAULT)
    if times.null_count() > logged.null_count():
        unread = times.is_null() & logged.is_not_null()
        times = times.scatter(unread.arg_true(), _others(logged.filter(unread)))
    return _named(times)


def _of_few_parts(logged: pl.Series) -> pl.Series | None:
    """Return times in the default layout, seconds and fractions apart; null where unreadable.

    A log has few of either, and reading a time takes ten times as long as finding it.

    Args:
        logged: Text. None is returned if it has many different fractions.
    """
    text = pl.col(logged.name)
    parts = logged.to_frame().select(second=text.str.head(_SECOND), rest=text.str.slice(_SECOND))
    second, rest = parts["second"].unique(), parts["rest"].unique()
    if _FEW * rest.len() > logged.len():
        return None
    of_second = _parsed(second, _DEFAULT.removesuffix("%.fZ")).cast(pl.Int64)
    of_rest = _parsed(_MIDNIGHT + rest, _DEFAULT).cast(pl.Int64)
    us = pl.col("second").replace_strict(second, of_second) + pl.col("rest").replace_strict(
        rest, of_rest
    )
    return parts.select(us.cast(pl.Datetime("us", "UTC")).alias(logged.name)).to_series()


def _others(logged: pl.Series) -> pl.Series:
    """Return the times of values that are not in the default layout, each by itself."""
    alike = logged
    for pattern, way in _ALIKE:
        alike = alike.str.replace(pattern, way)
    times = _from_epoch(logged.cast(pl.Float64, strict=False))
    for layout in _LAYOUTS:
        unread = times.is_null()
        if not unread.any():
            break
        times = times.scatter(unread.arg_true(), _parsed(alike.filter(unread), layout))
    return times


def _named(times: pl.Series) -> pl.Series:
    """Return times without those that no calendar has, which Polars reads from text."""
    us = times.cast(pl.Int64)
    first, last = us.min(), us.max()
    if not isinstance(first, int) or (first >= _EARLIEST_US and last <= _LATEST_US):  # type: ignore[operator]
        return times
    return times.set((us < _EARLIEST_US) | (us > _LATEST_US), None)


def _parsed(text: pl.Series, layout: str) -> pl.Series:
    if layout.endswith("%z"):
        times = text.str.to_datetime(layout, time_unit="us", strict=False)
        return times.dt.convert_time_zone("UTC")
    return text.str.to_datetime(layout, time_unit="us", time_zone="UTC", strict=False)


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
