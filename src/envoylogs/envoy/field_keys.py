"""Which column a key of a log object holds, and which objects are records.

Keys of nested objects are read as paths: ``request.headers.user-agent``. A
path or a key holds the column of the known key that it is, folded as a whole
(``response.code``, ``responseCode``), or that is left without the words of
``fields.WRAPPERS`` in front (``http_status_code``). A user may map keys to
columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from envoylogs.envoy.fields import ALIASES, EITHER, ENVOY_ONLY, OF_A_PROXY, OF_LOG_LINES, fold
from envoylogs.envoy.known_keys import LONGEST, NESTED, SEPARATORS, KnownKeys
from envoylogs.errors import MappingError, UnknownKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

MAX_DEPTH = 8
"""How many keys a path has at most; what is deeper is not read."""

COLUMN_NAMES = {name: column for column, keys in ALIASES.items() for name in (keys[0], column)}
"""The columns by what they may be called: their own names, and Istio's keys."""

_FOLDED_NAMES = {fold(name): column for name, column in COLUMN_NAMES.items()}
_ENVOY_ONLY = frozenset(map(fold, ENVOY_ONLY))
_OF_A_PROXY = frozenset(map(fold, OF_A_PROXY))
_OF_LOG_LINES = tuple(frozenset(map(fold, keys)) for keys in OF_LOG_LINES)
_EITHER = {fold(key): columns for key, columns in EITHER.items()}
_CODE = "response_code"

_ENOUGH = 3
"""With how many other known keys a code that is spelled unlike Envoy's tells a record."""


@dataclass(frozen=True)
class FieldKeys:
    """The known keys, and those that a user maps.

    A mapped key comes before the known keys of its column, holds no other
    column any more, and tells a record as the key of that column does. A
    value: compared, hashed and pickled by what is mapped.

    Attributes:
        mapped: Keys as they were given, each with its column.
        signs: The keys of which one alone tells a record, as they mostly stand in logs.
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
    _known: KnownKeys = field(init=False, repr=False, compare=False)
    _codes: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = KnownKeys(self.mapped)
        mapped = {fold(key): column for key, column in self.mapped}
        signs = {key for key, column in mapped.items() if fold(_own_key(column)) in _ENVOY_ONLY}
        signs |= _ENVOY_ONLY - mapped.keys()
        codes = {key for key, column in mapped.items() if column == _CODE}
        spelled = {key for key in (*ENVOY_ONLY, *dict(self.mapped)) if fold(key) in signs}
        made = {
            "signs": frozenset(signs | spelled),
            # Records have the same few keys again and again; a stranger's may be long.
            "known_key": lru_cache(maxsize=512)(known.key_of),
            "may_hold": lru_cache(maxsize=512)(known.may_hold),
            "_step": lru_cache(maxsize=512)(self._step_to),
            "_known": known,
            "_codes": frozenset(({fold(_CODE)} - mapped.keys()) | codes),
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
            column = _FOLDED_NAMES.get(fold(name))
            if column is None:
                raise UnknownKeyError.of("column that a log holds", name, COLUMN_NAMES)
            for key in keys:
                if not fold(key):
                    raise MappingError(f"no key is given for {column}. Give one: {column}=KEY.")
                _, other = column_of.setdefault(fold(key), (key, column))
                if other != column:
                    raise MappingError(
                        f"{key!r} is mapped to {other} and to {column}; a key holds one column."
                    )
        return cls(tuple(column_of.values()))

    def column_of(self, key: str) -> str | None:
        """Return the normalized column that a key or a path of a log object holds, or None."""
        known = self.known_key(key)
        return None if known is None else self._known.columns[known]

    def columns_of(self, key: str) -> tuple[str, ...]:
        """Return the columns of which a key holds one, as each of its values tells."""
        # Long keys are not remembered, since each may be a megabyte; no known one is long.
        known = self.known_key(key) if len(key) <= LONGEST else self._known.key_of(key)
        if known is None:
            return ()
        if known in _EITHER and known not in self._known.mapped:
            return _EITHER[known]
        return (self._known.columns[known],)

    def precedence(self, key: str) -> tuple[bool, bool, int]:
        """Return the place of a known key among those of its column; the smallest is read first.

        Mapped keys come first, and a key before one that is nested or wrapped.
        """
        known = self.known_key(key) or ""
        place = self._known.places[known]
        return place >= 0, NESTED in key or known != fold(key), place

    def is_record(self, found: Mapping[str, object]) -> bool:
        """Tell whether an object is an access record.

        It is one if it has a key that only Envoy writes, or ``response_code``
        and another known key, nested or not. A code that is spelled in another
        way (``responseCode``) needs more known keys, of which one is a
        proxy's, since applications write it too; and a line with a level and
        a message is an application's.
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
            self._step(key + NESTED, inner)[1] in self.signs
            for key, value in inside
            for inner in value
        ) or bool(inside and self._tells(self.flattened(found)))

    def _tells(self, keys: Collection[str]) -> bool:
        # Ends with the first sign, which stands early in most records.
        if not self.signs.isdisjoint(map(self.known_key, keys)):
            return True
        spelled = {self.known_key(key): key for key in keys}
        known = spelled.keys()
        codes = self._codes & known
        others = known - codes - {None}
        if not codes or not others:
            return False
        if not codes.isdisjoint(self._known.mapped):
            return True
        if is_log_line(keys):
            return False
        return any(_is_plain(spelled[code]) for code in codes) or (
            len(others) >= _ENOUGH and not others.isdisjoint(_OF_A_PROXY)
        )

    def holders(self, keys: Iterable[str]) -> list[str]:
        """Return the keys of an object under which there may be one with known keys."""
        return [
            key for key in keys if len(key) <= LONGEST and NESTED not in key and self.may_hold(key)
        ]

    def flattened(self, found: Mapping[str, object], *, unknown: bool = False) -> dict[str, object]:
        """Return an object with the known keys of the objects inside it, each by its path.

        Objects that may hold known keys are left out themselves; everything
        else stays as it is.

        Args:
            found: A record.
            unknown: Whether the other keys of these objects are wanted too.
        """
        flat: dict[str, object] = {}
        self._flatten(found, "", MAX_DEPTH, flat, unknown=unknown)
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
                inside = self.unknown(value, path + NESTED)
                if inside:
                    others[key] = inside
            elif known is None:
                others[key] = value
        return others

    def _flatten(
        self,
        found: Mapping[str, object],
        before: str,
        levels: int,
        flat: dict[str, object],
        *,
        unknown: bool,
    ) -> None:
        for key, value in found.items():
            path, known, may_hold = self._step(before, key)
            if may_hold and type(value) is dict:
                if levels > 1:
                    self._flatten(value, path + NESTED, levels - 1, flat, unknown=unknown)
            elif unknown or not before or known is not None:
                flat[path] = value

    def _step_to(self, before: str, key: str) -> tuple[str, str | None, bool]:
        """Return the path of a key inside an object, its known key, and whether it may hold any."""
        path = before + key
        return path, self._known.key_of(path), self._known.may_hold(path)


def is_log_line(keys: Iterable[str]) -> bool:
    """Tell by its keys whether an object is a line of an application: a level and a message."""
    folded = set(map(fold, keys))
    return not any(folded.isdisjoint(some) for some in _OF_LOG_LINES)


def _is_plain(path: str) -> bool:
    """Tell whether a key or a path ends in ``response_code``, whatever separates the words."""
    return "_".join(SEPARATORS.split(path.strip().lower())).endswith(_CODE)


def _own_key(column: str) -> str:
    """Return the key by which a column is known, rather than by a header that stands for it."""
    return column if column in ALIASES[column] else ALIASES[column][0]


DEFAULT_KEYS = FieldKeys()
"""The known keys alone."""
