"""Which column a key of a log object holds, and which objects are records.

Keys of nested objects are read as paths: ``request.headers.user-agent``. A
path holds the column of the key that it is, folded as a whole
(``response.code``), or that is left without the words of
``fields.WRAPPERS`` in front. A user may map keys to columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from envoylogs.envoy.fields import ALIASES, ENVOY_ONLY, WRAPPERS, fold
from envoylogs.errors import MappingError, UnknownKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["COLUMN_NAMES", "DEFAULT_KEYS", "MAX_DEPTH", "FieldKeys"]

MAX_DEPTH = 8
"""How many keys a path has at most; what is deeper is not read."""

_NESTED = "\x1f"
"""What joins the keys of nested objects to a path. No key has it, so that a path is never taken
for a key with a dot in it, which comes before it."""

_JOINT = re.compile(f"[.{_NESTED}]")

COLUMN_NAMES = {name: column for column, keys in ALIASES.items() for name in (keys[0], column)}
"""The columns by what they may be called: their own names, and Istio's keys."""

_ALWAYS_VALUES = frozenset({"duration", "response_code", "upstream_cluster"})
"""Keys with which others begin, as ``response_code_details`` does. Every log has them, so that to
look for objects in them would cost, and no format nests there."""

_ANYWHERE = "start_time"
"""A key that is meant behind every wrapper, unlike the others of its column: ``request.time`` may
be a span."""


@dataclass(frozen=True)
class FieldKeys:
    """The known keys, and those that a user maps.

    A mapped key comes before the known keys of its column, holds no other
    column any more, and tells a record as the key of that column does. A
    value: compared, hashed and pickled by what is mapped.

    Attributes:
        mapped: Keys as they were given, each with its column.
        signs: The keys of which one alone tells a record.
        known_key: Returns the known key, folded, that a key or a path is; None if it is none.
        may_hold: Tells whether an object with this key may hold others that are known.
    """

    mapped: tuple[tuple[str, str], ...] = ()
    signs: frozenset[str] = field(init=False, repr=False, compare=False)
    known_key: Callable[[str], str | None] = field(init=False, repr=False, compare=False)
    may_hold: Callable[[str], bool] = field(init=False, repr=False, compare=False)
    _step: Callable[[str, str], tuple[str, str | None, bool]] = field(
        init=False, repr=False, compare=False
    )
    _columns: dict[str, str] = field(init=False, repr=False, compare=False)
    _places: dict[str, int] = field(init=False, repr=False, compare=False)
    _codes: frozenset[str] = field(init=False, repr=False, compare=False)
    _beginnings: frozenset[str] = field(init=False, repr=False, compare=False)
    _values: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        theirs = {fold(key): column for key, column in self.mapped}
        columns = {key: column for column, keys in ALIASES.items() for key in keys} | theirs
        signs = {key for key, column in theirs.items() if _own_key(column) in ENVOY_ONLY}
        codes = {key for key, column in theirs.items() if column == "response_code"}
        places = {key: place for keys in ALIASES.values() for place, key in enumerate(keys)}
        made = {
            # As they were given too: that is how they stand in the log.
            "signs": frozenset(
                (ENVOY_ONLY - theirs.keys())
                | signs
                | {key for key, _ in self.mapped if fold(key) in signs}
            ),
            # Records have the same few keys again and again; a stranger's may be long.
            "known_key": lru_cache(maxsize=512)(self._known_key),
            "may_hold": lru_cache(maxsize=512)(self._may_hold),
            "_step": lru_cache(maxsize=512)(self._step_to),
            "_columns": columns,
            "_places": places | {key: -len(theirs) + n for n, key in enumerate(theirs)},
            "_codes": frozenset(({"response_code"} - theirs.keys()) | codes),
            "_beginnings": _beginnings(columns),
            "_values": _ALWAYS_VALUES - _beginnings(theirs),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[type[FieldKeys], tuple[tuple[tuple[str, str], ...]]]:
        return FieldKeys, (self.mapped,)

    @classmethod
    def mapping(cls, keys_of: Mapping[str, Iterable[str]]) -> FieldKeys:
        """Return the known keys and those of a user.

        Args:
            keys_of: Keys by column, the one that is read first in front. A
                column is called by its name or as Istio logs it.

        Raises:
            UnknownKeyError: If no log holds such a column.
            MappingError: If a key is empty, or mapped to two columns.
        """
        column_of: dict[str, tuple[str, str]] = {}
        for name, keys in keys_of.items():
            column = COLUMN_NAMES.get(fold(name))
            if column is None:
                raise UnknownKeyError.of("column that a log holds", name, COLUMN_NAMES)
            for key in keys:
                if not fold(key):
                    raise MappingError.no_key(column)
                _, other = column_of.setdefault(fold(key), (key, column))
                if other != column:
                    raise MappingError.two_columns(key, other, column)
        return cls(tuple(column_of.values()))

    def column_of(self, key: str) -> str | None:
        """Return the normalized column that a key or a path of a log object holds, or None."""
        known = self.known_key(key)
        return None if known is None else self._columns[known]

    def precedence(self, key: str) -> tuple[bool, bool, int]:
        """Return the place of a known key among those of its column; the smallest is read first.

        Mapped keys come first, and a key before one that is nested or wrapped.
        """
        known = self.known_key(key) or ""
        place = self._places[known]
        return place >= 0, _NESTED in key or known != fold(key), place

    def is_record(self, found: Mapping[str, object]) -> bool:
        """Tell whether an object is an access record.

        It is one if it has a key that only Envoy writes, or ``response_code``
        and another known key, nested or not.
        """
        if not self.signs.isdisjoint(found) or self._tells(found):
            return True
        inside = [
            (key, value)
            for key, value in found.items()
            if type(value) is dict and self.may_hold(key)
        ]
        # Most have a sign one level below, which is found without going through everything.
        return any(
            self._step(key + _NESTED, inner)[1] in self.signs
            for key, value in inside
            for inner in value
        ) or bool(inside and self._tells(self.flattened(found)))

    def _tells(self, keys: Iterable[str]) -> bool:
        known = {self.known_key(key) for key in keys}
        if not self.signs.isdisjoint(known):
            return True
        return not self._codes.isdisjoint(known) and len(known - {None}) > 1

    def holders(self, keys: Iterable[str]) -> list[str]:
        """Return the keys of an object under which there may be one with known keys."""
        return [key for key in keys if _NESTED not in key and self.may_hold(key)]

    def flattened(self, found: Mapping[str, object]) -> dict[str, object]:
        """Return an object with the known keys of the objects inside it, each by its path.

        Objects that may hold known keys are left out themselves; everything
        else stays as it is.
        """
        flat: dict[str, object] = {}
        self._flatten(found, "", MAX_DEPTH, flat)
        return flat

    def unknown(self, found: Mapping[str, object], before: str = "") -> dict[str, object]:
        """Return what of an object no column can hold; objects in it without what is known.

        Args:
            found: A record, or an object inside one.
            before: The path to it.
        """
        others: dict[str, object] = {}
        for key, value in found.items():
            path, known, may_hold = self._step(before, key)
            if may_hold and type(value) is dict:
                inside = self.unknown(value, path + _NESTED)
                if inside:
                    others[key] = inside
            elif known is None:
                others[key] = value
        return others

    def _flatten(
        self, found: Mapping[str, object], before: str, levels: int, flat: dict[str, object]
    ) -> None:
        for key, value in found.items():
            path, known, may_hold = self._step(before, key)
            if may_hold and type(value) is dict:
                if levels > 1:
                    self._flatten(value, path + _NESTED, levels - 1, flat)
            elif not before or known is not None:
                flat[path] = value

    def _step_to(self, before: str, key: str) -> tuple[str, str | None, bool]:
        """Return the path of a key inside an object, its known key, and whether it may hold any."""
        path = before + key
        return path, self._known_key(path), self._may_hold(path)

    def _known_key(self, path: str) -> str | None:
        whole = fold(path)
        if whole in self._columns:
            return whole
        holds = [frozenset(ALIASES)]
        keys = _JOINT.split(path, MAX_DEPTH)
        for place, key in enumerate(keys[:-1], 1):
            if fold(key) not in WRAPPERS:
                return None
            holds.append(WRAPPERS[fold(key)])
            rest = fold(".".join(keys[place:]))
            column = self._columns.get(rest)
            if rest == _ANYWHERE or all(column in columns for columns in holds):
                return rest
        return None

    def _may_hold(self, path: str) -> bool:
        if _NESTED not in path and fold(path) in self._values:
            return False
        keys = _JOINT.split(path, MAX_DEPTH)
        for place, key in enumerate(keys):
            if fold(".".join(keys[place:])) in self._beginnings:
                return True
            if fold(key) not in WRAPPERS:
                return False
        return True


def _own_key(column: str) -> str:
    """Return the key by which a column is known, rather than by a header that stands for it."""
    return column if column in ALIASES[column] else ALIASES[column][0]


def _beginnings(keys: Iterable[str]) -> frozenset[str]:
    """Return what stands before each ``_`` of some keys."""
    return frozenset(key[:place] for key in keys for place, sign in enumerate(key) if sign == "_")


DEFAULT_KEYS = FieldKeys()
"""The known keys alone."""
