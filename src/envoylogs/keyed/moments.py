"""Moments and lengths of time as people give them to a command."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from envoylogs.errors import SelectionError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_US = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""The first microsecond that has a name."""
_SPAN = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHOWN = 40
"""How many characters of a number are repeated in a message."""
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")


def time_of(option: str, text: str, now: datetime) -> int:
    """Return a moment in microseconds since 1970.

    Args:
        option: For the error.
        text: RFC 3339 (UTC without an offset), a time of day (its latest
            occurrence before now, UTC), or how long ago (``-15m``).
        now: With a time zone.

    Raises:
        SelectionError: If it is none of these.
    """
    now = now.astimezone(UTC)
    try:
        if text.startswith("-"):
            return _microseconds(now - timedelta(microseconds=span_of(option, text[1:])))
        if _CLOCK.fullmatch(text):
            clock = datetime.strptime(text, "%H:%M:%S" if text.count(":") > 1 else "%H:%M")  # noqa: DTZ007
            found = now.replace(
                hour=clock.hour, minute=clock.minute, second=clock.second, microsecond=0
            )
            return _microseconds(found if found <= now else found - timedelta(days=1))
        found = datetime.fromisoformat(text.upper())
        return _microseconds(found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise SelectionError(
            f"{option} {text!r} is no time. Give RFC 3339 (2026-11-01T14:05:00Z), a time of day "
            "(14:05, its latest occurrence) or how long ago (-15m; s, m, h, d)."
        ) from error


def span_of(option: str, text: str) -> int:
    """Return a length of time such as ``15m`` in microseconds.

    Raises:
        SelectionError: If it is none.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise SelectionError(
            f"{option} {text!r} is no length of time. Give a number and s, m, h or d: 15m."
        )
    try:
        span = timedelta(**{_UNITS[found[2]]: int(found[1])})
    except (ValueError, OverflowError) as error:
        # A number of more digits than Python reads is too long too.
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        raise SelectionError(
            f"{option} {shown!r} is longer than can be counted. Give 999999999d or less."
        ) from error
    return span // timedelta(microseconds=1)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def iso_of(time_us: int) -> str:
    """Return microseconds since 1970 as RFC 3339."""
    return (_EPOCH + timedelta(microseconds=time_us)).isoformat().replace("+00:00", "Z")
