"""What became of each line: record, blank, another program's line, or malformed.

The four add up to the lines read. A malformed line has a reason, and the
first few of each reason are kept as examples; all of them can be handed to a
callback as they come.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from envoylogs.envoy.known_keys import NESTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REASONS: dict[str, str] = {
    "binary": "holds a zero byte, so it is no text",
    "cut_at_end": "the beginning of a record whose end is missing",
    "cut_at_start": "the end of a record whose beginning is missing",
    "invalid_json": "looks like a JSON object and is not valid JSON",
    "line_too_long": "longer than 1 MiB",
    "prefixed_record": "a record behind a prefix, which can't be read",
    "text_format": "looks like Envoy's TEXT format and fits none of its known forms",
    "unfinished_object": "a JSON object that never ends",
    "wrapped_record": "a record inside another object, which is not read yet",
}
"""Why a line is malformed, in words."""

UNREADABLE = "unreadable "
"""What examples of values that can't be read have in the place of a reason, before the column."""

WRAPPED_IN = "wrapped in"
"""Likewise of the path of keys to the record in a line of reason ``wrapped_record``."""

EXAMPLES_KEPT = 3
"""How many examples are kept of each reason, by source."""

KEYS_KEPT = 100
"""How many keys are kept by source and fate, the shortest: each record may have one of its own."""

_TEXT_KEPT = 200
_KEY_KEPT = 100
"""How many characters of a key are kept; a stranger's may be long."""

_NOT_SHOWN = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class LineExample:
    """One line that is no record: where it stands, why, and how it begins if that is kept.

    A value that can't be read, and what a record is wrapped in, are kept likewise:
    see ``UNREADABLE`` and ``WRAPPED_IN``.
    """

    source: str
    line: int
    reason: str
    text: str | None


@dataclass(slots=True)
class ShortestKeys:
    """Counts keys that nothing used, in bounded memory.

    The ``KEYS_KEPT`` shortest of all are there, and exact, since none of them was ever left out;
    some longer ones may be there too.

    Attributes:
        counts: How often each key was there; a key as ``_shown`` makes it.
    """

    counts: dict[str, int] = field(default_factory=dict)
    _longest: tuple[int, str] | None = None

    def copy(self) -> ShortestKeys:
        """Return the same, to which more may be added."""
        return ShortestKeys(self.counts.copy(), self._longest)

    def add(self, n: int, keys: Iterable[str]) -> None:
        """Count each of some keys n times more."""
        for key in keys:
            # Cut before it is looked up, since a stranger's may be long.
            shown = _shown(key[:_KEY_KEPT])
            if shown in self.counts:
                self.counts[shown] += n
            elif self._longest is None or _length(shown) < self._longest:
                self.counts[shown] = n
                if len(self.counts) > 2 * KEYS_KEPT:
                    self._leave_out()

    def _leave_out(self) -> None:
        """Leave out all but the shortest keys, and from now on whatever is longer than these."""
        kept = sorted(self.counts, key=_length)[:KEYS_KEPT]
        self.counts = {key: self.counts[key] for key in kept}
        self._longest = _length(kept[-1])


def _length(key: str) -> tuple[int, str]:
    return len(key), key


@dataclass(slots=True)
class LineFates:
    """The fates of some lines.

    Attributes:
        counts: Lines (or bytes, records, values) by (source, fate, detail).
            Fates are ``bytes``, ``lines``, ``record_lines``, ``blank``,
            ``other``, ``malformed`` (detail: reason), ``records``,
            ``enveloped`` (kind, see ``envelopes``), ``repaired`` (kind),
            ``role`` (records by role), ``role_left_out`` (those of roles that
            are not looked at), ``column_seen`` (column),
            ``unreadable`` (column), ``untimed_left_out`` (records that fit a selection
            but have no time to be in its window), ``seen_before`` (records of requests
            that were read before). ``copied`` are bytes that were not read since those of
            another source (its name) are the same. ``damaged`` counts sources that
            could not be unpacked to their end (problem, see ``sources.compression``).
        keys: Keys that nothing used, by (source, fate): ``key_unused`` of records with a key
            that no column holds, ``key_other`` of lines of JSON that are no records.
        examples: The first lines of each reason and source.
        on_malformed: Called with malformed lines as they were, one or more that follow
            one another, separated by line feeds.
        keep_text: Whether examples say how their lines begin, and keys are counted:
            what is no record may hold anything.
    """

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    keys: dict[tuple[str, str], ShortestKeys] = field(default_factory=dict)
    examples: list[LineExample] = field(default_factory=list)
    on_malformed: Callable[[bytes], None] | None = None
    keep_text: bool = True

    def copy(self) -> LineFates:
        """Return the same, to which more may be added."""
        keys = {of: keys.copy() for of, keys in self.keys.items()}
        return replace(self, counts=self.counts.copy(), keys=keys, examples=self.examples.copy())

    def add(self, source: str, fate: str, n: int, detail: str = "") -> None:
        """Count lines of one fate."""
        if n:
            self.counts[(source, fate, detail)] += n

    def add_keys(self, source: str, fate: str, n: int, keys: Iterable[str]) -> None:
        """Count records or lines with each of some keys that nothing used."""
        if self.keep_text:
            self.keys.setdefault((source, fate), ShortestKeys()).add(n, keys)

    def take_keys(self, source: str, fate: str, keys: ShortestKeys) -> None:
        """Take keys that were counted elsewhere, of which none were before."""
        if self.keep_text and keys.counts:
            self.keys[source, fate] = keys

    def malformed(self, source: str, line: int, reason: str, raw: bytes, n: int = 1) -> None:
        """Count a malformed line, joined of ``n``, and keep it if it is an early one of its reason.

        The reason is one of ``REASONS``, and the line as it was.
        """
        if self.keeps(source, reason):
            self._example(source, line, reason, _beginning(raw))
        self.add(source, "malformed", n, reason)
        if self.on_malformed is not None:
            self.on_malformed(raw)

    def other(self, source: str, line: int, raw: bytes, n: int = 1) -> None:
        """Count one line of another program; the first few are kept as examples too."""
        if self.counts[source, "other", ""] < EXAMPLES_KEPT:
            self._example(source, line, "other", _beginning(raw))
        self.add(source, "other", n)

    def unreadable(self, source: str, line: int, column: str, value: str) -> None:
        """Keep a value, as it was logged, that can't be read as the type of its column."""
        self._example(source, line, f"{UNREADABLE}{column}", value[:_TEXT_KEPT])

    def wrapped_in(self, source: str, line: int, path: str) -> None:
        """Keep where in its object the record of a line stands that is counted next.

        The path is what takes it out, for ``jq``: the keys on the way.
        """
        self._example(source, line, WRAPPED_IN, path)

    def keeps(self, source: str, reason: str) -> bool:
        """Tell whether the next malformed line of a reason is kept as an example."""
        return self.counts[source, "malformed", reason] < EXAMPLES_KEPT

    def _example(self, source: str, line: int, reason: str, text: str) -> None:
        kept = text if self.keep_text else None
        self.examples.append(LineExample(source, line, reason, kept))


def _beginning(raw: bytes) -> str:
    return raw[:_TEXT_KEPT].decode("utf-8", "replace").strip()


@lru_cache(maxsize=512)
def _shown(key: str) -> str:
    """Return a key, cut, as it is counted: in one line of ASCII, nested ones with dots."""
    return _NOT_SHOWN.sub("?", key.replace(NESTED, "."))
