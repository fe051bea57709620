"""Parts of a spec, read without trust in their types.

A value of a wrong type counts as not given, and a note names it. Kubernetes refuses
such objects, so that none of them is in force anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from envoylogs.mesh.intent.values import Note

if TYPE_CHECKING:
    from envoylogs.mesh.objects import MeshObject, ObjectName

_LONGEST_VALUE = 60
_NO_LABELS: Mapping[str, str] = {}


class Spec:
    """One mapping of a spec, with where it stands.

    Attributes:
        owner: The object.
        place: Where in its spec, empty for the whole.
        fields: What stands there, as parsed.
    """

    __slots__ = ("_notes", "fields", "owner", "place")

    def __init__(
        self, owner: ObjectName, fields: Mapping[str, Any], notes: list[Note], place: str = ""
    ) -> None:
        self.owner = owner
        self.fields = fields
        self.place = place
        self._notes = notes

    def where(self, key: str) -> str:
        """Return the place of a field, as ``http[1].match``."""
        return f"{self.place}.{key}" if self.place else key

    def has(self, key: str) -> bool:
        """Return whether a field is given."""
        return self.fields.get(key) is not None

    def text(self, key: str) -> str:
        """Return a text, empty if it is not given; a number or a truth value becomes its text."""
        value = self.fields.get(key)
        if isinstance(value, str):
            return value
        if value is None:
            return ""
        self._wrong(key, value, "a text")
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, int | float) else ""

    def number(self, key: str) -> int | None:
        """Return a whole number, null if it is not given; a text of digits becomes its number."""
        value = self.fields.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self._wrong(key, value, "a whole number")
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:  # noqa: PLR2004
            return int(value)
        return None

    def flag(self, key: str) -> bool:
        """Return a truth value, false if it is not given."""
        value = self.fields.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        self._wrong(key, value, "true or false")
        return False

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts without those that are none."""
        return tuple(each for _, each in self._entries(key, str, "a list of texts"))

    def parts(self, key: str) -> list[Spec]:
        """Return a list of mappings without those that are none."""
        return [
            Spec(self.owner, each, self._notes, f"{self.where(key)}[{index}]")
            for index, each in self._entries(key, Mapping, "a list of mappings")
        ]

    def part(self, key: str) -> Spec | None:
        """Return a mapping, null if it is not given."""
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self._wrong(key, value, "a mapping")
            return None
        return Spec(self.owner, value, self._notes, self.where(key))

    def labels(self, key: str) -> Mapping[str, str]:
        """Return a mapping of texts, empty if it is not given."""
        part = self.part(key)
        return {str(name): part.text(str(name)) for name in part.fields} if part else _NO_LABELS

    def note(self, code: str, key: str, says: str, *, certain: bool = True) -> None:
        """Note what is odd about a field."""
        value = _shown(self.fields.get(key))
        self._notes.append(
            Note(code, self.owner, self.where(key), value, says, "proved" if certain else "open")
        )

    def _entries(self, key: str, kind: type[Any], expected: str) -> list[tuple[int, Any]]:
        value = self.fields.get(key)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self._wrong(key, value, expected)
            return []
        entries = [(index, each) for index, each in enumerate(value) if isinstance(each, kind)]
        if len(entries) < len(value):
            self._wrong(key, value, expected)
        return entries

    def _wrong(self, key: str, value: object, expected: str) -> None:
        says = f"{self.where(key)} is not {expected}, so that Kubernetes refuses the object."
        self._notes.append(Note("malformed", self.owner, self.where(key), _shown(value), says))


def spec_of(each: MeshObject, notes: list[Note]) -> Spec:
    """Return the spec of an object; what is odd in it goes to ``notes``."""
    return Spec(each.name, each.spec, notes)


def quiet_spec(each: MeshObject) -> Spec:
    """Return the spec of an object whose oddities are noted elsewhere, or are nobody's concern."""
    ignored: list[Note] = []
    return Spec(each.name, each.spec, ignored)


def _shown(value: object) -> str:
    shown = "" if value is None else str(value)
    return shown if len(shown) <= _LONGEST_VALUE else shown[:_LONGEST_VALUE] + "..."
