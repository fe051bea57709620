"""Moments and lengths of time as people give them to a command."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from envoylogs.errors import SelectionError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_US = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""The first microsecond that has a name."""
_SPAN = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHOWN = 40
"""How many characters of a number are repeated in a message."""
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")


def moment_of(option: str, text: str, now: datetime, zone: tzinfo = UTC) -> int | time:
    """Return a moment in microseconds since 1970, or a time of a day that is not known yet.

    Args:
        option: For the error.
        text: RFC 3339 (of the zone without an offset), a time of day (``14:05``), or how long ago
            (``-15m``).
        now: With a time zone.
        zone: Whose clock is meant.

    Raises:
        SelectionError: If it is none of these.
    """
    try:
        if text.startswith("-"):
            return _microseconds(now - timedelta(microseconds=span_of(option, text[1:])))
        if _CLOCK.fullmatch(text):
            return datetime.strptime(text, "%H:%M:%S" if text.count(":") > 1 else "%H:%M").time()  # noqa: DTZ007
        found = datetime.fromisoformat(text.upper())
        local = found if found.tzinfo else found.replace(tzinfo=zone)
        # It may be beyond the calendar of UTC.
        return _microseconds(local.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise SelectionError(
            f"{option} {text!r} is no time. Give RFC 3339 (2026-11-01T14:05:00Z), a time of day "
            "(14:05, of the last day of the log that has it) or how long ago (-15m; s, m, h, d)."
        ) from error


class GivenWindow(NamedTuple):
    """A window as it was given: times of day are of days that the log says.

    Attributes:
        since: Its start, microseconds since 1970 or a time of day; null for open.
        until: Its end likewise.
        zone: Whose clock times of day are of.
    """

    since: int | time | None
    until: int | time | None
    zone: tzinfo = UTC

    @property
    def is_of_the_log(self) -> bool:
        """Whether the log says of which day it is, and not its other end."""
        ends = (self.since, self.until)
        return any(isinstance(end, time) for end in ends) and not any(
            isinstance(end, int) for end in ends
        )

    def around(self, first_us: int, last_us: int) -> tuple[int | None, int | None]:
        """Return the window in microseconds since 1970.

        A time of day is the latest one that the log has; of a log that has none the one of its
        last day. Beside another end it is the nearest one before or after that.

        Args:
            first_us: The first record, as far as it is needed.
            last_us: The last one.

        Raises:
            SelectionError: If that is at the end of the calendar.
        """
        since, until = self.since, self.until
        try:
            if isinstance(since, time) and isinstance(until, int):
                since = self._before(since, until)
            elif isinstance(since, time):
                since = self._of_log(since, first_us, last_us)
            if isinstance(until, time) and isinstance(since, int):
                until = self._after(until, since)
            elif isinstance(until, time):
                until = self._of_log(until, first_us, last_us)
        except (ValueError, OverflowError) as error:
            raise SelectionError(
                "a time of day of which there is no day: the log is of the end of the calendar."
            ) from error
        return since, until

    def _of_log(self, clock: time, first_us: int, last_us: int) -> int:
        found = self._on_day(clock, last_us)
        before = found if found <= last_us else self._on_day(clock, last_us, -1)
        return before if before >= first_us else found

    def _before(self, clock: time, end_us: int) -> int:
        found = self._on_day(clock, end_us)
        return found if found < end_us else self._on_day(clock, end_us, -1)

    def _after(self, clock: time, start_us: int) -> int:
        found = self._on_day(clock, start_us)
        return found if found > start_us else self._on_day(clock, start_us, 1)

    def _on_day(self, clock: time, of_us: int, days: int = 0) -> int:
        day = (_EPOCH + timedelta(microseconds=of_us)).astimezone(self.zone).date()
        return _microseconds(datetime.combine(day + timedelta(days), clock, self.zone))


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
