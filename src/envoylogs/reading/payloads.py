"""Lines without their envelopes, who wrote them, and the records of a block as they were found."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoylogs.reading.decoders.text_lines import TextRun

# /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log and
# /var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log
_FILE_OF_CONTAINER = re.compile(
    r"(?:^|/)(?P<pod>[-a-z0-9.]+)_(?P<namespace>[-a-z0-9]+)_(?P<container>[-a-z0-9]+)"
    r"-[0-9a-f]{64}\.log"
)
_FILE_OF_POD = re.compile(
    r"(?:^|/)(?P<namespace>[-a-z0-9]+)_(?P<pod>[-a-z0-9.]+)_[-0-9a-f]{16,36}"
    r"/(?P<container>[-a-z0-9]+)/[^/]+$"
)


class Origin(NamedTuple):
    """Who wrote a line, as its envelope says; None for what it does not say."""

    pod: str | None = None
    namespace: str | None = None
    container: str | None = None


NOBODY = Origin()
"""An envelope that says nothing."""


class Unwrapped(NamedTuple):
    """What stood inside of the envelope of one line.

    Attributes:
        kind: Of the envelope.
        payload: The line inside, or what it holds where that is known.
        origin: Who wrote it.
        stream: On which stream; matters where lines have parts.
        ends: Whether it is the last part of its line.
    """

    kind: str
    payload: bytes | dict[str, object]
    origin: Origin = NOBODY
    stream: bytes = b""
    ends: bool = True


@dataclass(slots=True)
class Payloads:
    """Lines without their envelopes.

    Attributes:
        lines: What was inside; an empty object where it is in ``objects``.
        numbers: The number of each; of a joined line that of its first part.
        objects: What was inside where that was an object and no line, by its number.
        originals: The bytes of each line that had an envelope, by its number.
        origins: Who wrote each line that had an envelope, by its number.
        parts: The numbers of the lines of which each joined line is made, by its number.
        are_bare: Whether all lines begin as records, blank lines and printed objects do,
            which is told at once.
    """

    lines: list[bytes]
    numbers: list[int]
    objects: dict[int, dict[str, object]] = field(default_factory=dict)
    originals: dict[int, bytes] = field(default_factory=dict)
    origins: dict[int, Origin] = field(default_factory=dict)
    parts: dict[int, list[int]] = field(default_factory=dict)
    are_bare: bool = False

    def take_over(self, before: Payloads, numbers: Iterable[int], more: int = 0) -> None:
        """Take what is known of lines before, which have numbers that are by so much higher."""
        for number in numbers:
            if number in before.originals:
                self.originals[number + more] = before.originals[number]
            if number in before.origins:
                self.origins[number + more] = before.origins[number]
            if number in before.parts:
                self.parts[number + more] = [part + more for part in before.parts[number]]

    def height(self, number: int) -> int:
        """Return of how many lines of the source a line is made."""
        return len(self.parts[number]) if number in self.parts else 1


@dataclass(slots=True)
class RawRecords:
    """The records of one block.

    Attributes:
        objects: The records of JSON, as they were logged.
        lines: The number of the first line of each.
        texts: The bytes of each as they stand in the source, without the last
            line feed; empty unless wanted.
        runs: The records of TEXT.
        run_texts: The bytes of each record of a run, by its line; empty unless wanted.
        decoded: The records that the compiled decoder took: the place of the first of each run
            among all records in their order, and how many they are.
        origins: Who wrote a record, by its line; empty without envelopes.
        keys: The keys that each of ``objects`` has; null if that is not known.
    """

    objects: list[dict[str, object]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    runs: list[TextRun] = field(default_factory=list)
    run_texts: dict[int, bytes] = field(default_factory=dict)
    decoded: list[tuple[int, int]] = field(default_factory=list)
    origins: dict[int, Origin] = field(default_factory=dict)
    keys: frozenset[str] | None = None

    def __len__(self) -> int:
        return self._undecoded + sum(n for _, n in self.decoded)

    @property
    def _undecoded(self) -> int:
        return len(self.objects) + sum(len(run.numbers) for run in self.runs)

    def add_decoded(self, n: int) -> None:
        """Add records that the compiled decoder took."""
        self.decoded.append((len(self), n))

    def extend(self, others: RawRecords) -> None:
        """Take the records of lines that follow."""
        if others.objects:
            are_alike = not self.objects or self.keys == others.keys
            self.keys = others.keys if are_alike else None
        before = len(self)
        self.decoded += [(before + place, n) for place, n in others.decoded]
        self.objects += others.objects
        self.lines += others.lines
        self.texts += others.texts
        self.runs += others.runs
        self.run_texts |= others.run_texts
        self.origins |= others.origins

    @property
    def numbers(self) -> list[int]:
        """The number of the line of each record, first of JSON, then of TEXT."""
        return [*self.lines, *(number for run in self.runs for number in run.numbers)]


def origin_of_file(source: str) -> Origin:
    """Return whose log a runtime's file is, as its name says."""
    match = _FILE_OF_CONTAINER.search(source) or _FILE_OF_POD.search(source)
    if match is None:
        return NOBODY
    return Origin(match["pod"], match["namespace"], match["container"])
