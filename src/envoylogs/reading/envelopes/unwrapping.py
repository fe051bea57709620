"""Envelopes taken off line by line, whatever their family; one file may mix them all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envoylogs.envoy.field_keys import DEFAULT_KEYS
from envoylogs.reading.envelopes.csv_rows import CsvColumns, CsvRows, Line, record_in_row
from envoylogs.reading.envelopes.kubernetes import (
    BARE,
    LOOKED_AT,
    WRAPPING_OBJECTS,
    KubernetesLines,
)
from envoylogs.reading.payloads import NOBODY, Payloads, Unwrapped
from envoylogs.sources.blocks import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Collection

    from envoylogs.envoy.field_keys import FieldKeys
    from envoylogs.reading.fates import LineFates
    from envoylogs.reading.payloads import Origin

ENVELOPES = {
    "cri": "a file of a container runtime (CRI)",
    "csv": "a row of a CSV export, with the record in a quoted cell or a column for each key",
    "docker": "docker's json-file",
    "kubectl": "kubectl logs with --prefix, --timestamps or both",
    "stern": "stern, default output",
    "stern_json": "stern -o json or extjson",
    "unknown_prefix": "text in front of a record",
}
"""The kinds of envelopes, in words."""


@dataclass(slots=True)
class _Parts:
    """A line of which parts have come and the end has not."""

    number: int
    payloads: list[bytes] = field(default_factory=list)
    originals: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    size: int = 0
    n: int = 0

    def add(self, payload: bytes, of_source: Line) -> None:
        number, line = of_source
        self.n += 1
        self.size += len(payload)
        if self.size <= MAX_LINE_BYTES or self.n == 1:
            self.payloads.append(payload)
            self.originals.append(line)
            self.numbers.append(number)


_ESCAPES = re.compile(rb"\x1b\[[0-9;]*m")
_TIME_OF_TEXT = re.compile(rb"\[20\d\d-")
_TEXT_BEHIND = re.compile(rb'\[20\d\d-[^\s\]]{1,40}Z\] "')


class Envelopes:
    """Takes the envelopes off the lines of one source, in their order.

    Args:
        source: The name of the source; a runtime's file is named after its container.
        keys: Which keys make a record of a row.
    """

    def __init__(self, source: str, keys: FieldKeys = DEFAULT_KEYS) -> None:
        self._source = source
        self._of_kubernetes = KubernetesLines(source)
        self._waiting: dict[tuple[str, Origin, bytes], _Parts] = {}
        self._rows = CsvRows()
        self._columns = CsvColumns(keys)

    def unwrapped(
        self, lines: list[bytes], first: int, fates: LineFates, bare: Collection[int] = ()
    ) -> Payloads:
        """Return the lines of a block without their envelopes.

        Args:
            lines: As they stand in the source.
            first: The number of the first of them.
            bare: Numbers of lines that are known to have none.
            fates: Where envelopes are counted, by kind, and lines that are too
                long when their parts are joined.
        """
        # Told from the few ways in which lines begin, so that a log without envelopes pays 1 %.
        heads = {line[:LOOKED_AT] for line in lines}
        if first == 1 and lines[0]:
            self._columns.begin(lines[0])
        is_open = self._rows.is_open or self._columns.is_open
        if not (is_open or any(map(_may_be_wrapped, heads))):
            return Payloads(lines, list(range(first, first + len(lines))), are_bare=True)
        found = Payloads([], [])
        kinds: dict[str, int] = {}
        for number, line, others in self._rows.joined(lines, first, bare):
            if others:
                found.parts[number] = [number, *others]
            inside = None if number in bare else self._inside(line)
            if inside is not None and inside.kind == "csv":
                kinds["csv"] = kinds.get("csv", 0) + 1 + len(others)
                if isinstance(inside.payload, bytes):
                    inside = self._inside(inside.payload) or inside
            if inside is not None:
                kinds[inside.kind] = kinds.get(inside.kind, 0) + (inside.kind != "csv")
            self._take((number, line), inside, found, fates)
        for kind, n in kinds.items():
            fates.add(self._source, "enveloped", n, kind)
        return found

    def _take(
        self, of_source: Line, inside: Unwrapped | None, found: Payloads, fates: LineFates
    ) -> None:
        """Add a line without its envelope to what was found; one of several parts at its end."""
        number, line = of_source
        if inside is None:
            found.lines.append(line)
            found.numbers.append(number)
            return
        kind, payload, origin, stream, ends = inside
        if not isinstance(payload, bytes):
            found.objects[number] = payload
            payload = b"{}"
        elif not ends or (self._waiting and (kind, origin, stream) in self._waiting):
            whole = kind, origin, stream
            self._waiting.setdefault(whole, _Parts(number)).add(payload, of_source)
            if ends:
                self._complete(whole, found, fates)
            return
        found.lines.append(payload)
        found.numbers.append(number)
        found.originals[number] = line
        if origin is not NOBODY:
            found.origins[number] = origin

    @property
    def is_open(self) -> bool:
        """Whether what is made of the next line depends on those before."""
        return bool(self._rows.is_open or self._columns.is_open or self._waiting)

    @property
    def waiting(self) -> set[int] | None:
        """Numbers of the lines whose end has not come; null if some were too long to be kept."""
        waiting = self._waiting.values()
        if any(parts.n > len(parts.numbers) for parts in waiting):
            return None
        return self._rows.waiting | {number for parts in waiting for number in parts.numbers}

    def finish(self, fates: LineFates) -> Payloads:
        """Return the lines of which the last part never came."""
        rest = self._rows.finish()
        found = Payloads([line for _, line in rest], [number for number, _ in rest])
        for of_line in list(self._waiting):
            self._complete(of_line, found, fates)
        return found

    def _inside(self, line: bytes) -> Unwrapped | None:
        """Return a line without its envelope; None if it has none."""
        head = line[:1]
        if self._columns.is_open:
            return self._columns.record_in(line)
        if head == b"{":
            is_wrapped = line[:LOOKED_AT] in WRAPPING_OBJECTS
            return self._of_kubernetes.in_object(line) if is_wrapped else None
        if head == b'"':
            return record_in_row(line)
        if head in BARE:
            return None if line.lstrip()[:1] in BARE else self._behind_anything(line)
        if _TIME_OF_TEXT.match(line):
            # As in a block without envelopes: the text tells what else is in it.
            return None
        if head == b"\x1b":
            line = _ESCAPES.sub(b"", line)
        found = self._of_kubernetes.in_line(line) or record_in_row(line)
        return found or self._behind_anything(line)

    @staticmethod
    def _behind_anything(line: bytes) -> Unwrapped | None:
        """Read a TEXT record with anything in front of it."""
        match = _TEXT_BEHIND.search(line) if b'Z] "' in line else None
        # Behind a quote it is a value in somebody else's line, which a client may have sent.
        if match is None or match.start() == 0 or line[match.start() - 1] in b"'\"":
            return None
        return Unwrapped("unknown_prefix", line[match.start() :])

    def _complete(
        self, of_line: tuple[str, Origin, bytes], found: Payloads, fates: LineFates
    ) -> None:
        parts = self._waiting.pop(of_line)
        _, origin, _ = of_line
        original = b"\n".join(parts.originals)
        if parts.size > MAX_LINE_BYTES:
            fates.malformed(self._source, parts.number, "line_too_long", original, parts.n)
            return
        found.lines.append(b"".join(parts.payloads))
        found.numbers.append(parts.number)
        found.originals[parts.number] = original
        found.origins[parts.number] = origin
        found.parts[parts.number] = parts.numbers


def _may_be_wrapped(head: bytes) -> bool:
    """Tell from how a line begins whether it may have an envelope, or be cut."""
    begins = head.lstrip()
    if head in WRAPPING_OBJECTS or head[:1] == b'"':
        return True
    if begins[:1] == b'"':
        # A method behind a space is no key: what is left of TEXT without its time.
        return begins[1:3].isupper() or begins[1:3] == b"- "
    return not _TIME_OF_TEXT.match(head) and begins[:1] not in BARE
