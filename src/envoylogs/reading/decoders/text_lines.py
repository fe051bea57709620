"""Which lines are records of Envoy's TEXT format.

Told block by block by Polars (``text_patterns`` has the formats); the lines
are taken apart later, batch by batch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import orjson
import polars as pl

from envoylogs.envoy.traffic import KNOWN_METHODS
from envoylogs.reading.decoders.text_patterns import (
    TextPattern,
    default_patterns,
    patterns_without_time,
    telling,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envoylogs.envoy.text_formats import TextFormat

_QUOTES = "“”„‟"
"""What word processors make of a quote."""

_BEGINNING = re.compile(rb'\s*\[20\d\d-[^\s\]]{1,40}Z\] (?:"|' + "|".join(_QUOTES).encode() + rb")")
# Only whole words, so that a record that was cut inside the method stays one that was cut.
_WITHOUT_TIME = re.compile(
    rb'[ \t]*"?(?:%b|-) [^" ]* [^" ]+" \d{1,3} [A-Za-z,-]+ ' % "|".join(KNOWN_METHODS).encode()
)
_LAST_RECORD = r'^.+(\[20\d\d-[^\s\]]{1,40}Z\] ".*)$'
# From the code or what follows it to x_forwarded_for, which no other program writes.
_MIDDLE = re.compile(rb'" \d+ [A-Z,-]+ (?:[^"]*"[^"]*" ){0,2}\d+ \d+ \d+ (?:\d+|-) "')


_LINE = "line"
_FEW = 64
"""How many lines are asked of all patterns in one query."""


def looks_like_text(line: bytes) -> bool:
    """Tell whether a line begins like a record of Envoy's and Istio's own formats."""
    return _BEGINNING.match(line) is not None


def looks_cut(line: bytes) -> bool:
    """Tell whether a line holds the middle of such a record, whatever stands before it."""
    return _MIDDLE.search(line) is not None


@dataclass(frozen=True, slots=True)
class TextRun:
    """Lines of one source that fit one pattern.

    Attributes:
        pattern: What they fit.
        values: The lines, repaired, as text.
        numbers: The number of each line.
        repaired: What was repaired in them, by kind.
    """

    pattern: TextPattern
    values: pl.Series
    numbers: list[int]
    repaired: dict[str, int] = field(default_factory=dict)


class TextLines:
    """Finds the lines of TEXT formats in blocks.

    Args:
        own: The user's own format, which is tried first.
    """

    def __init__(self, own: TextFormat | None = None) -> None:
        self._own = own
        of_own = [] if own is None else [TextPattern(own, lenient=way) for way in (False, True)]
        self._patterns = (*of_own, *default_patterns())

    def own_numbers(self, lines: list[bytes], first: int) -> set[int]:
        """Return the numbers of the lines, from ``first`` on, that fit the user's own format.

        They fit as they stand, with whatever stands around them.
        """
        if self._own is None:
            return set()
        values, _ = _as_text(lines)
        fits = values.str.contains(telling(self._patterns[0]))
        if not fits.all() and self._patterns[1].tells_its_beginning:
            fits |= values.str.contains(telling(self._patterns[1]))
        return {number for number, fit in enumerate(fits, first) if fit}

    def runs(
        self, data: bytes, lines: Sequence[bytes], numbers: Sequence[int], *, are_bare: bool = False
    ) -> list[TextRun]:
        """Return the lines of a block that are records.

        Where they ``are_bare``, all are known to begin as records of JSON do, or with a time.
        """
        found = self._runs_of(data, self._candidates(data, lines, numbers), self._patterns)
        if are_bare:
            return found
        taken = {number for run in found for number in run.numbers}
        untimed = {
            number: line
            for number, line in zip(numbers, lines, strict=True)
            if _WITHOUT_TIME.match(line) and number not in taken
        }
        return found + self._runs_of(data, untimed, patterns_without_time(), mend=False)

    def _runs_of(
        self,
        data: bytes,
        candidates: dict[int, bytes],
        patterns: Sequence[TextPattern],
        *,
        mend: bool = True,
    ) -> list[TextRun]:
        """Return the lines that fit some patterns, among those that may be records."""
        if candidates and b"\0" in data:
            candidates = {number: line for number, line in candidates.items() if b"\0" not in line}
        if not candidates:
            return []
        numbers = list(candidates)
        values, broken = _as_text(list(candidates.values()))
        found, left = _fitting(values, numbers, patterns)
        if left and mend:
            gone = set(left)
            kept = pl.Series([number in gone for number in numbers])
            found += self._mended(values.filter(kept), left)
        if broken is not None:
            wrong = {number for number, is_broken in zip(numbers, broken, strict=True) if is_broken}
            for run in found:
                run.repaired["invalid_utf8"] = len(wrong.intersection(run.numbers))
        return found

    def _candidates(
        self, data: bytes, lines: Sequence[bytes], numbers: Sequence[int]
    ) -> dict[int, bytes]:
        """Return the lines that may be records, by their numbers."""
        if self._own is None:
            # Told from the block as a whole, so that a block without TEXT costs nothing.
            if not _may_hold_text(data):
                return {}
            beginning = _BEGINNING.match
            numbered = zip(numbers, lines, strict=True)
            return {number: line for number, line in numbered if beginning(line)}
        like_json = self._own.literals[0].startswith("{")
        return {
            number: line
            for number, line in zip(numbers, lines, strict=True)
            if not line.lstrip().startswith(b"{") or (like_json and not _is_json(line))
        }

    def _mended(self, values: pl.Series, numbers: list[int]) -> list[TextRun]:
        """Return the runs among lines that fit nothing as they are."""
        found: list[TextRun] = []
        ways: tuple[tuple[str, Callable[[pl.Series], pl.Series]], ...] = (
            ("typographic_quotes", lambda lines: lines.str.replace_all(f"[{_QUOTES}]", '"')),
            # Written when a line before had not ended. Only where the line as a whole is no record,
            # since a client can put the beginning of one into a header.
            ("half_record_before", lambda lines: lines.str.extract(_LAST_RECORD)),
        )
        for kind, mend in ways:
            # Of those that are left: another way may have taken some.
            mended = mend(values)
            changed = (mended != values).fill_null(value=False)
            if not changed.any():
                continue
            of_changed = [number for number, is_so in zip(numbers, changed, strict=True) if is_so]
            runs, left = _fitting(mended.filter(changed), of_changed, self._patterns)
            for run in runs:
                run.repaired[kind] = len(run.numbers)
            found += runs
            fitted = {*of_changed}.difference(left)
            values = values.filter(pl.Series([number not in fitted for number in numbers]))
            numbers = [number for number in numbers if number not in fitted]
        return found


def _fitting(
    values: pl.Series, numbers: list[int], patterns: Sequence[TextPattern]
) -> tuple[list[TextRun], list[int]]:
    """Return the runs among some lines, and the numbers of those that fit nothing."""
    found: list[TextRun] = []
    # A query takes as long as a hundred lines.
    at_once = values.len() <= _FEW and _fits_at_once(values, patterns)
    for place, pattern in enumerate(patterns):
        fits = at_once[place] if at_once else values.str.contains(telling(pattern))
        if fits.all():
            found.append(TextRun(pattern, values, numbers))
            return found, []
        if fits.any():
            of_run = [number for number, fit in zip(numbers, fits, strict=True) if fit]
            found.append(TextRun(pattern, values.filter(fits), of_run))
            numbers = [number for number, fit in zip(numbers, fits, strict=True) if not fit]
            values = values.filter(~fits)
            at_once = at_once and [other.filter(~fits) for other in at_once]
    return found, numbers


def _fits_at_once(values: pl.Series, patterns: Sequence[TextPattern]) -> list[pl.Series]:
    """Return for each pattern which lines fit it."""
    return values.alias(_LINE).to_frame().select(_told(tuple(patterns))).get_columns()


@lru_cache(maxsize=16)
def _told(patterns: tuple[TextPattern, ...]) -> list[pl.Expr]:
    fits = (pl.col(_LINE).str.contains(telling(pattern)) for pattern in patterns)
    return [fit.alias(str(place)) for place, fit in enumerate(fits)]


def _may_hold_text(data: bytes) -> bool:
    """Tell whether a block holds ``[20``; one byte is looked for ten times as fast as three."""
    place = data.find(b"[")
    while place >= 0 and not data.startswith(b"[20", place):
        place = data.find(b"[", place + 1)
    return place >= 0


def _as_text(lines: list[bytes]) -> tuple[pl.Series, list[bool] | None]:
    """Return lines as text, and which of them are no UTF-8; None if all are."""
    try:
        return pl.Series(lines, dtype=pl.Binary).cast(pl.String), None
    except pl.exceptions.ComputeError:
        text = [line.decode("utf-8", "replace") for line in lines]
        return pl.Series(text), [
            one.encode() != line for one, line in zip(text, lines, strict=True)
        ]


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True
