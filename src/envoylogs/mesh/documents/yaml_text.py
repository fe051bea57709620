"""Documents of YAML, one at a time, and the items of a list one at a time.

The events of libyaml are made into values here. A loader builds each document twice and whole:
of a list of 5,000 objects that takes seven times as long and four times the memory. Here is also
where a hostile text is stopped: by its depth, by what its aliases stand for, and by aliases
of what is not complete. Tags are not followed, so nothing but texts, numbers, lists and
objects can come out.

Values are read as ``kubectl`` does it, by the rules of YAML 1.1 for booleans (``yes``, ``on``),
but times stay texts, and so do numbers in other bases. Of keys that stand twice the last one
counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from envoylogs.mesh.errors import MeshFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_DEPTH = 100
"""How deep lists and objects may stand in each other; those of Kubernetes reach 30."""

MAX_ALIASED_VALUES = 1_000_000
"""How many values aliases may stand for in one file."""

LEFT_OUT = frozenset({"fieldsV1"})
"""Keys whose values are passed over: a third of what ``kubectl`` prints, and of no use."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {
    spelled: value
    for value, words in ((True, ("y", "yes", "true", "on")), (False, ("n", "no", "false", "off")))
    for word in words
    for spelled in (word, word.capitalize(), word.upper())
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,300}(\.[0-9]{0,300})?([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Document:
    """A value at the top of a file, or an item of a list there.

    Attributes:
        line: On which it begins, counted from 1.
        value: What it is; null for an empty document.
        list_kind: The kind of the list that it is an item of; null for no item, empty if the
            list has no kind.
    """

    line: int
    value: Any
    list_kind: str | None = None


def yaml_documents(data: bytes, name: str, warn: Callable[[str], None]) -> Iterator[Document]:
    """Yield the documents of a text in YAML, and in place of a list its items.

    Args:
        data: The text in UTF-8.
        name: Of the file, for errors.
        warn: Told in a sentence of keys that stand twice.

    Raises:
        MeshFileError: If it is no valid YAML, or beyond the bounds; what came before it was
            yielded.
    """
    reader = _Reader(yaml.CSafeLoader(data), name, warn)
    try:
        yield from reader.documents()
    except yaml.reader.ReaderError as error:
        line = data.count(b"\n", 0, error.position) + 1
        reason = error.reason if isinstance(error.reason, str) else "it is no text in UTF-8"
        raise MeshFileError.syntax(f"{name}:{line}", reason, "YAML") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise MeshFileError.syntax(place, error.problem or "unreadable", "YAML") from None


@dataclass(slots=True)
class _Anchored:
    """A value that aliases may stand for, and of how many values it consists."""

    value: Any
    size: int


@dataclass(slots=True)
class _Reader:
    """Makes values of events."""

    parser: yaml.CSafeLoader
    name: str
    warn: Callable[[str], None]
    anchors: dict[str, _Anchored | None] = field(default_factory=dict)
    values: int = 0
    aliased: int = 0

    def _next(self) -> yaml.Event:
        event = self.parser.get_event()
        # Null stands after the end of the stream, which nobody asks for.
        return event or yaml.StreamEndEvent()

    def documents(self) -> Iterator[Document]:
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors.clear()
                yield from self._document(self._next())

    def _document(self, event: yaml.Event) -> Iterator[Document]:
        line = _line(event)
        if not isinstance(event, yaml.MappingStartEvent) or event.anchor:
            yield Document(line, self._value(event, 0))
            return
        pairs: list[tuple[Any, Any]] = []
        held: list[Document] = []
        listed = False
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event)
            event = self._next()
            if key == "items" and isinstance(event, yaml.SequenceStartEvent) and not event.anchor:
                listed = True
                while not isinstance(event := self._next(), yaml.SequenceEndEvent):
                    at = _line(event)
                    item = self._value(event, 2)
                    # Items of some lists leave their kind to the list, which may name it later.
                    if isinstance(item, dict) and "kind" in item:
                        yield Document(at, item, "")
                    else:
                        held.append(Document(at, item))
            else:
                pairs.append((key, self._value(event, 1)))
        value = self._object(pairs, line)
        if listed:
            kind = value.get("kind")
            for item in held:
                yield Document(item.line, item.value, kind if isinstance(kind, str) else "")
        else:
            yield Document(line, value)

    def _value(self, event: yaml.Event, depth: int) -> Any:  # noqa: ANN401 - any value of YAML
        self.values += 1
        if isinstance(event, yaml.ScalarEvent):
            single = scalar(event.value) if event.implicit[0] else event.value
            if event.anchor:
                self.anchors[event.anchor] = _Anchored(single, 1)
            return single
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth >= MAX_DEPTH:
            raise MeshFileError.beyond(
                self._place(event), f"over {MAX_DEPTH} lists and objects are in each other"
            )
        anchor = event.anchor if isinstance(event, yaml.CollectionStartEvent) else None
        if anchor:
            # Null while it is not complete: an alias of itself has no end.
            self.anchors[anchor] = None
        before = self.values + self.aliased
        is_sequence = isinstance(event, yaml.SequenceStartEvent)
        value = self._list(depth) if is_sequence else self._pairs(event, depth)
        if anchor:
            self.anchors[anchor] = _Anchored(value, self.values + self.aliased - before + 1)
        return value

    def _list(self, depth: int) -> list[Any]:
        found = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            found.append(self._value(event, depth + 1))
        return found

    def _pairs(self, start: yaml.Event, depth: int) -> dict[str, Any]:
        pairs: list[tuple[Any, Any]] = []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event)
            value = self._value(self._next(), depth + 1)
            if key not in LEFT_OUT:
                pairs.append((key, value))
        return self._object(pairs, _line(start))

    def _key(self, event: yaml.Event) -> str:
        if isinstance(event, yaml.ScalarEvent):
            if event.anchor:
                self.anchors[event.anchor] = _Anchored(event.value, 1)
            return str(event.value)
        if isinstance(event, yaml.AliasEvent) and isinstance(key := self._alias(event), str):
            return key
        raise MeshFileError.syntax(self._place(event), "a key is a list or an object", "YAML")

    def _object(self, pairs: list[tuple[Any, Any]], line: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        for key, value in pairs:
            if key == "<<":
                several = value if isinstance(value, list) else [value]
                merged += [each for each in several if isinstance(each, dict)]
                continue
            if key in found:
                self.warn(
                    f"{self.name}:{line}: a key stands twice in the object that begins here; "
                    "the last one counts."
                )
            found[key] = value
        for each in merged:
            self.aliased += len(each)
            self._check_aliases(line)
            found = {**each, **found}
        return found

    def _alias(self, event: yaml.AliasEvent) -> Any:  # noqa: ANN401 - any value of YAML
        if event.anchor not in self.anchors:
            raise MeshFileError.syntax(self._place(event), "an alias has no anchor", "YAML")
        anchored = self.anchors[event.anchor]
        if anchored is None:
            raise MeshFileError.syntax(self._place(event), "an alias contains itself", "YAML")
        self.aliased += anchored.size
        self._check_aliases(_line(event))
        return anchored.value

    def _check_aliases(self, line: int) -> None:
        if self.aliased > MAX_ALIASED_VALUES:
            raise MeshFileError.beyond(
                f"{self.name}:{line}", f"aliases stand for over {MAX_ALIASED_VALUES:,} values"
            )

    def _place(self, event: yaml.Event) -> str:
        mark = event.start_mark
        return f"{self.name}:{mark.line + 1}:{mark.column + 1}" if mark else self.name


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def scalar(text: str) -> bool | int | float | str | None:
    """Return what a scalar without quotes stands for."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return text if text.isdigit() else float(text)
    return text
