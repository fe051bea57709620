"""Which known key a key of a log object is, or a path of nested ones.

It is the known key that it folds to as a whole, with its short words written
out, or without the words of ``fields.WRAPPERS`` in front.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envoylogs.envoy.fields import ABBREVIATIONS, ALIASES, FLAT_ONLY, WRAPPERS, fold, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NESTED = "\x1f"
"""What joins the keys of nested objects to a path. No key has it, so that a path is never taken
for a key with a dot in it, which comes before it."""

SEPARATORS = re.compile(f"[-_. {NESTED}]")
"""What stands between words, one at a time."""

_JOINT = re.compile(f"[.{NESTED}]")
LONGEST = 200
"""How long a key is at most that is taken apart; no known one is nearly as long."""

_COLUMNS = {fold(key): column for column, keys in ALIASES.items() for key in keys}
_PLACES = {fold(key): place for keys in ALIASES.values() for place, key in enumerate(keys)}
_OF_ONE_WORD = frozenset(key for keys in ALIASES.values() for key in keys if "_" not in key)
_FLAT_ONLY = frozenset(map(fold, FLAT_ONLY))
_WRAPPERS = {fold(word): columns for word, columns in WRAPPERS.items()}
_LONGEST_WRAPPER = max(map(len, map(words_of, WRAPPERS)))

_ALWAYS_VALUES = frozenset(
    map(fold, {"duration", "response_code", "user_agent", "upstream_cluster",
               "downstream_local_address", "downstream_remote_address"})
)  # fmt: skip
"""Keys with which others begin, as ``response_code_details`` does. Every log has them, so that to
look for objects in them would cost, and no format nests there."""

_ANYWHERE = fold("start_time")
"""A key that is meant behind every wrapper, unlike the others of its column: ``request.time`` may
be a span."""


class KnownKeys:
    """The known keys, and those that a user maps.

    Args:
        mapped: The user's keys as they were given, each with its column.

    Attributes:
        columns: The column of each known key, folded.
        places: The place of each among those of its column; below 0 if it is mapped.
        mapped: The user's keys, folded.
    """

    def __init__(self, mapped: tuple[tuple[str, str], ...]) -> None:
        theirs = {fold(key): column for key, column in mapped}
        beginnings = _beginnings(key for key, _ in mapped)
        self.mapped = frozenset(theirs)
        self.columns = _COLUMNS | theirs
        self.places = _PLACES | {key: n - len(theirs) for n, key in enumerate(theirs)}
        self._beginnings = _BEGINNINGS | beginnings
        self._values = _ALWAYS_VALUES - beginnings

    def key_of(self, path: str) -> str | None:
        """Return the known key, folded, that a key or a path is; None if it is none."""
        # A long one is not remembered: it may be a megabyte, and another one in each record.
        whole = fold(path) if len(path) <= LONGEST else fold.__wrapped__(path)
        if whole in self.mapped or (whole in self.columns and _has_its_words(path, whole)):
            return whole
        if len(path) > LONGEST:
            return None
        words = _written_out(path)
        if self._is_known(words):
            return "".join(words)
        behind = [frozenset(ALIASES)]
        for place, columns in _wrappers(words):
            behind.append(columns)
            rest = "".join(words[place:])
            if self._is_known(words[place:]) and (
                rest == _ANYWHERE or all(self.columns[rest] in columns for columns in behind)
            ):
                return rest
        return None

    def may_hold(self, path: str) -> bool:
        """Tell whether an object with this key or path may hold others that are known."""
        if len(path) > LONGEST:
            return False
        whole = fold(path)
        if NESTED not in path and whole in self._values:
            return False
        words = _written_out(path)
        ends = [0, *(place for place, _ in _wrappers(words))]
        return (
            whole in self._beginnings
            or any("".join(words[place:]) in self._beginnings for place in ends)
            or ends[-1] == len(words) > 0
        )

    def _is_known(self, words: list[str]) -> bool:
        """Tell whether some words are a known key, which are not the whole of what was logged."""
        key = "".join(words)
        if key in self.mapped or key not in self.columns:
            return key in self.mapped
        return key not in _FLAT_ONLY and (len(words) == 1 or key not in _OF_ONE_WORD)


def _has_its_words(path: str, known: str) -> bool:
    """Tell whether a key that folds to a known one has its words, and is not nested if it may not.

    ``host.name`` is no ``hostname``.
    """
    if known in _OF_ONE_WORD and SEPARATORS.search(path.strip().removeprefix(":")):
        return False
    return known not in _FLAT_ONLY or _JOINT.search(path) is None


def _written_out(path: str) -> list[str]:
    return [ABBREVIATIONS.get(word, word) for word in words_of(path)]


def _wrappers(words: list[str]) -> Iterator[tuple[int, frozenset[str]]]:
    """Yield where each wrapper ends that some words begin with, and what it stands before."""
    place = 0
    while place < len(words):
        for end in range(min(place + _LONGEST_WRAPPER, len(words)), place, -1):
            columns = _WRAPPERS.get("".join(words[place:end]))
            if columns is not None:
                yield end, columns
                break
        else:
            return
        place = end


def _beginnings(keys: Iterable[str]) -> frozenset[str]:
    """Return what stands before each word but the first of some keys, folded."""
    split = [words_of(key) for key in keys]
    return frozenset("".join(words[:n]) for words in split for n in range(1, len(words)))


_BEGINNINGS = _beginnings(key for keys in ALIASES.values() for key in keys)
