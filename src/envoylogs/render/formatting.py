"""Numbers, times and text as people read them; the same in every renderer.

Text from a log is hostile: whoever sends a request writes authority, path and
user agent. ``printable`` shows control characters as escapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from envoylogs.summary.in_words import counted
from envoylogs.tally.folding.marks import FOLDED, FOLDED_KNOWN

MISSING = "-"
"""How a missing value is shown, as Envoy does."""

FOLDED_WORDS = {FOLDED_KNOWN: "(other known ones)", FOLDED: "(all others)"}
"""What stands for folded names, and how it is shown."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Clock:
    """Whose clock times are shown by; a program has one."""

    zone: tzinfo = UTC


_CLOCK = _Clock()


def show_times_in(zone: tzinfo) -> None:
    """Show all times by the clock of a zone from now on."""
    _CLOCK.zone = zone
    iso_time.cache_clear()


def _moment(time_us: int | None) -> datetime | None:
    if time_us is None:
        return None
    try:
        return (_EPOCH + timedelta(microseconds=time_us)).astimezone(_CLOCK.zone)
    except OverflowError:
        return None


@lru_cache(maxsize=4096)  # buckets of all splits begin at the same times
def iso_time(time_us: int | None) -> str | None:
    """Return microseconds since 1970 as RFC 3339, with as many digits as needed."""
    moment = _moment(time_us)
    if moment is None or time_us is None:
        return None
    precise = "microseconds" if time_us % 1000 else "milliseconds"
    return moment.isoformat(timespec=precise).replace("+00:00", "Z")


def clock(time_us: int | None) -> str:
    """Return the time of day: ``12:40:03``."""
    moment = _moment(time_us)
    return MISSING if moment is None else moment.strftime("%H:%M:%S")


def day_and_clock(time_us: int | None) -> str:
    """Return day and time: ``2026-11-01 12:40:03``."""
    moment = _moment(time_us)
    return MISSING if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}".rjust(19, "0")


def window(first_us: int | None, last_us: int | None) -> str:
    """Return a stretch of time, the day of its end only where it is another one."""
    start, end = day_and_clock(first_us), day_and_clock(last_us)
    shown = clock(last_us) if start[:10] == end[:10] else end
    return f"{start} to {shown} {'UTC' if _CLOCK.zone is UTC else _CLOCK.zone}"


def count(number: int | None) -> str:
    """Return a whole number with separators: ``12,345``."""
    return MISSING if number is None else f"{number:,}"


def span(seconds: int) -> str:
    """Return a stretch of time in its largest whole unit: ``5 minutes``, ``day``."""
    sizes = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
    length, unit = next(found for found in sizes if seconds % found[0] == 0)
    n = seconds // length
    return unit if n == 1 else counted(n, unit)


def milliseconds(number: float | None) -> str:
    """Return milliseconds with separators."""
    return MISSING if number is None else f"{number:,.0f}"


def percent(share: float | None) -> str:
    """Return a share of 0 to 1 as a percentage that never claims a false 0 or 100."""
    if share is None:
        return MISSING
    if share in {0, 1}:
        return f"{share:.0%}".replace("%", " %")
    shown = share * 100
    if shown < 0.01:  # noqa: PLR2004
        return "<0.01 %"
    if shown > 99.99:  # noqa: PLR2004
        return ">99.99 %"
    if 9.995 <= shown < 99.95:  # noqa: PLR2004
        return f"{shown:.1f} %"
    return f"{shown:.2f} %"


def size(number: int) -> str:
    """Return a number of bytes in decimal units: ``1.2 GB``."""
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:  # noqa: PLR2004
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def printable(text: object) -> str:
    """Return text for a terminal: nothing in it moves the cursor, colors or reorders.

    Control characters, the marks that turn the direction of writing, other
    invisible formats and lone surrogates become escapes.
    """
    if text is None:
        return MISSING
    shown = str(text)
    if shown.isspace():
        # A name of spaces alone would be seen by nobody.
        return "".join(r"\x20" if c == " " else c.encode("unicode_escape").decode() for c in shown)
    if shown.isascii() and shown.isprintable():
        return shown
    if "\0" in shown:
        for mark, words in FOLDED_WORDS.items():
            shown = shown.replace(mark, words)
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in shown
    )
