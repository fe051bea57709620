"""The objects of a batch by shape: those with the same keys that hold a column.

Which other keys an object has makes no shape, since each may have one of its
own: these are counted, and let go.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envoylogs.reading.decoders.reference import ObjectShape, keys_of_all
from envoylogs.reading.fates import ShortestKeys

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from envoylogs.envoy.field_keys import FieldKeys

_Objects = list[dict[str, object]]

_KEYS_REMEMBERED = 65_536
"""Of how many keys in all it is remembered which shape they make together."""


@dataclass(frozen=True, eq=False, slots=True)
class _KeySet:
    """What the keys of an object say.

    Attributes:
        shape: The shape of the objects with these keys.
        holders: The keys under which there may be an object with keys that are known.
        unused: The keys that no column holds; those of ``holders`` hold no object here.
    """

    shape: ObjectShape
    holders: list[str]
    unused: list[str]


class ObjectShapes:
    """Takes objects apart by shape.

    Args:
        keys: Which keys hold which columns.
        wanted: The columns that are kept.

    Attributes:
        unused: Of how many objects each key was that no column holds.
    """

    def __init__(self, keys: FieldKeys, wanted: Collection[str]) -> None:
        self._keys = keys
        self._wanted = wanted
        self._shapes: dict[frozenset[str], ObjectShape] = {}
        self._key_sets: dict[frozenset[str], _KeySet] = {}
        self._remembered = 0
        self.unused = ShortestKeys()

    @property
    def shapes(self) -> Collection[ObjectShape]:
        """All shapes; the objects of each are in the order in which they came."""
        return self._shapes.values()

    def extend(
        self, objects: _Objects, places: Sequence[int], keys: frozenset[str] | None = None
    ) -> None:
        """Take objects, and the place of each in the batch.

        Args:
            objects: Records as they were logged.
            places: In ascending order.
            keys: The keys that each of them has, if that is known.
        """
        common = keys_of_all(objects) if keys is None else keys
        if common is None:
            self._extend_mixed(objects, places)
            return
        key_set = self._key_set(common)
        nested = [_is_nested(found, key_set) for found in objects] if key_set.holders else []
        if not any(nested):
            self._take(key_set, objects, places)
        elif all(nested):
            flat = [self._keys.flattened(found, unknown=True) for found in objects]
            common = keys_of_all(flat)
            if common is None:
                self._extend_mixed(flat, places)
            else:
                self._take(self._key_set(common), flat, places)
        else:
            self._extend_mixed(objects, places)

    def _take(self, key_set: _KeySet, objects: _Objects, places: Sequence[int]) -> None:
        key_set.shape.extend(objects, places)
        self.unused.add(len(objects), key_set.unused)

    def _extend_mixed(self, objects: _Objects, places: Sequence[int]) -> None:
        """Take objects with different keys."""
        by_shape: dict[ObjectShape, tuple[_Objects, list[int]]] = {}
        n_of: Counter[_KeySet] = Counter()
        for place, found in zip(places, objects, strict=True):
            flat, key_set = found, self._key_set(frozenset(found))
            if key_set.holders and _is_nested(found, key_set):
                flat = self._keys.flattened(found, unknown=True)
                key_set = self._key_set(frozenset(flat))
            of_shape, its_places = by_shape.setdefault(key_set.shape, ([], []))
            of_shape.append(flat)
            its_places.append(place)
            if key_set.unused:
                n_of[key_set] += 1
        for shape, (of_shape, its_places) in by_shape.items():
            shape.extend(of_shape, its_places)
        for key_set, n in n_of.items():
            self.unused.add(n, key_set.unused)

    def _key_set(self, logged: frozenset[str]) -> _KeySet:
        found = self._key_sets.get(logged)
        if found is None:
            used = frozenset(key for key in logged if self._keys.columns_of(key))
            shape = self._shapes.get(used)
            if shape is None:
                shape = self._shapes[used] = ObjectShape(used, self._keys, self._wanted)
            unused = [key for key in logged if key not in used]
            found = _KeySet(shape, self._keys.holders(logged), unused)
            self._remember(logged, found)
        return found

    def _remember(self, logged: frozenset[str], key_set: _KeySet) -> None:
        self._remembered += len(logged)
        if self._remembered > _KEYS_REMEMBERED:
            self._key_sets.clear()
            self._remembered = len(logged)
        self._key_sets[logged] = key_set


def _is_nested(found: dict[str, object], key_set: _KeySet) -> bool:
    return any(type(found[key]) is dict for key in key_set.holders)
