"""Lines that are no record at first sight: what can still be made of them.

A line may be a part of an object that is printed over several, or hold a record
beside something else (``json_documents``), or be invalid JSON that a proxy wrote
(``repair``). Whatever is left is counted with a reason (``reasons``).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import orjson

from envoylogs.reading.fates import LineFates
from envoylogs.reading.mending.json_documents import (
    Mended,
    OpenObject,
    embedded_objects,
    object_at_end,
    whole_object,
)
from envoylogs.reading.mending.reasons import (
    holds_key_of_record,
    holds_record,
    path_to_record,
    reason_of,
    reason_of_broken,
)
from envoylogs.reading.mending.refused_values import loads
from envoylogs.reading.mending.repair import repaired
from envoylogs.reading.payloads import Payloads, RawRecords

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envoylogs.envoy.field_keys import FieldKeys

Line = tuple[int, bytes]

# What a line of a printed object begins with, if no object begins there.
_INSIDE_OBJECT = (b'"', b"}", b"]", b",", b":")


class UnclearLines:
    """Reads the unclear lines of one source, in their order.

    Args:
        source: The name of the source.
        keys: Which keys hold which columns.
        keep_text: Whether the bytes of records are kept beside them.
    """

    def __init__(self, source: str, keys: FieldKeys, *, keep_text: bool = False) -> None:
        self._source = source
        self._keys = keys
        self._keep_text = keep_text
        self._open: OpenObject | None = None
        self._payloads = Payloads([], [])
        self._records = RawRecords()
        self._fates = LineFates()

    @property
    def is_open(self) -> bool:
        """Whether an object has begun and not ended."""
        return self._open is not None

    @property
    def waiting(self) -> set[int]:
        """Numbers of the lines of an object that has begun and not ended."""
        parts = self._payloads.parts
        numbers = self._open.numbers if self._open is not None else []
        return {part for number in numbers for part in parts.get(number, (number,))}

    def state(self, number: int) -> tuple[object, ...]:
        """Return all that what is made of the lines to come depends on.

        Args:
            number: Of the next line, from which the others are counted.
        """
        if self._open is None:
            return ()
        numbers, known = self._open.numbers, Payloads([], [])
        known.take_over(self._payloads, numbers, -number)
        lines = [line for _, line in self._open.lines]
        return [n - number for n in numbers], lines, known

    def pass_over(self, n: int) -> None:
        """Go on by a number of lines after which the state is what it was."""
        if self._open is not None:
            before, self._payloads = self._payloads, Payloads([], [])
            self._payloads.take_over(before, self._open.numbers, n)
            self._open.shift(n)

    def begin(self, records: RawRecords, fates: LineFates) -> None:
        """Begin a block; its records go here, and its lines are accounted for there."""
        self._records, self._fates = records, fates

    def enter(self, payloads: Payloads) -> None:
        """Take the lines of the block; what is known of those of an open object is kept."""
        if self._open is not None:
            payloads.take_over(self._payloads, self._open.numbers)
        self._payloads = payloads

    def read_broken(self, number: int, line: bytes) -> None:
        """Read a line that is no JSON value: part of an object, or not JSON at all."""
        text = line.strip()
        if not text:
            self._fates.add(self._source, "blank", self._payloads.height(number))
        elif self._open is not None:
            self._read_in_object(number, line)
        elif text.startswith(b"{"):
            self._read_beginning(number, line)
        elif not self._take_embedded(number, line):
            self._count(number, line, reason_of(line))

    def read_other(self, number: int, line: bytes, value: object) -> None:
        """Read a line that is JSON of some value and no record."""
        if self._open is not None:
            self._continue(number, line)
        else:
            self._count_other([(number, line)], value)

    def abandon(self) -> None:
        """Give up the open object, if there is one: what follows it does not belong to it."""
        if self._open is not None:
            failed, self._open = self._open, None
            self._read_again(failed, last=True)

    def _read_in_object(self, number: int, line: bytes) -> None:
        """Read a line that belongs to the open object unless a record begins with it."""
        if line.lstrip().startswith(b"{") and holds_key_of_record(line):
            self.abandon()
            self._read_beginning(number, line)
        else:
            self._continue(number, line)

    def _read_beginning(self, number: int, line: bytes) -> None:
        """Read a line that begins an object, or is one but for some damage."""
        if not self._take_at_once(number, line):
            self._open = OpenObject()
            self._continue(number, line)

    def _take_at_once(self, number: int, line: bytes) -> bool:
        """Take what a line that begins with an object holds, if no later line is needed."""
        whole = self._mended_record(line, whole_object)
        if whole is not None:
            self._take([(number, line)], whole)
            return True
        if self._take_embedded(number, line):
            return True
        behind_cut = object_at_end(line)
        if behind_cut is not None and self._keys.is_record(behind_cut[0]):
            value, kinds = behind_cut
            self._take([(number, line)], (value, (*kinds, "half_record_before")))
            return True
        mended = self._mended_record(line)
        if mended is not None:
            self._take([(number, line)], mended)
        return mended is not None

    def _take(self, lines: list[Line], mended: Mended) -> None:
        """Take lines that are one object, mended if it was broken."""
        value, kinds = mended
        if not self._keys.is_record(value):
            self._count_other(lines, value)
            return
        self._append(value, lines)
        height = sum(self._payloads.height(number) for number, _ in lines)
        self._fates.add(self._source, "record_lines", height)
        self._repaired(kinds)

    def _repaired(self, kinds: Sequence[str]) -> None:
        for kind in kinds:
            self._fates.add(self._source, "repaired", 1, kind)

    def _take_embedded(self, number: int, line: bytes) -> bool:
        """Take the records that share a line with something else; tell whether there are any."""
        found = [mended for mended in embedded_objects(line) if self._keys.is_record(mended[0])]
        for value, kinds in found:
            self._append(value, [(number, line)])
            self._repaired(kinds)
        if found:
            self._fates.add(self._source, "record_lines", self._payloads.height(number))
            self._fates.add(self._source, "enveloped", 1, "unknown_prefix")
        return bool(found)

    def _append(self, value: dict[str, object], lines: Sequence[Line]) -> None:
        number, last = lines[0][0], lines[-1][0]
        self._records.objects.append(value)
        self._records.lines.append(number)
        if self._keep_text:
            self._records.texts.append(b"\n".join(self._original(*line) for line in lines))
        if last in self._payloads.origins:
            self._payloads.origins[number] = self._payloads.origins[last]

    def _extend(self, number: int, line: bytes) -> OpenObject | None:
        """Add a line to the open object; return that if it can't become whole."""
        opened = self._open or OpenObject()
        hopeful = opened.add(number, line)
        self._open = opened if hopeful and not opened.closed else None
        if hopeful and not opened.closed:
            return None
        mended = (whole_object(opened.text) or repaired(opened.text)) if hopeful else None
        if mended is None:
            return opened
        self._take(opened.lines, mended)
        return None

    def _continue(self, number: int, line: bytes) -> None:
        failed = self._extend(number, line)
        if failed is not None:
            self._read_again(failed, last=False)

    def _read_again(self, failed: OpenObject | None, *, last: bool) -> None:
        """Count the first line of a failed object as malformed and read the others again.

        If they are the ``last``, nothing follows, so that no object may stay open.
        """
        waiting: deque[Line] = deque()
        while failed is not None:
            number, line = failed.lines[0]
            self._count(number, line, reason_of_broken(line, alone=len(failed.lines) == 1))
            failed = self._read_rest(failed, waiting)
            while waiting and failed is None:
                failed = self._read_line_again(*waiting.popleft())
            if last and failed is None and self._open is not None:
                failed, self._open = self._open, None

    def _read_rest(self, failed: OpenObject, waiting: deque[Line]) -> OpenObject | None:
        """Read the second line of a failed object again; others wait, if they are not its own."""
        rest = failed.lines[1:]
        if rest and rest[0][1].lstrip().startswith(b"{"):
            if self._take_at_once(*rest[0]):
                rest = rest[1:]
            elif failed.drop_first():
                self._open = failed
                return None
            else:
                waiting.extendleft(reversed(rest[1:]))
                return self._extend(*rest[0])
        waiting.extendleft(reversed(rest))
        return None

    def _read_line_again(self, number: int, line: bytes) -> OpenObject | None:
        """Read a line of a failed object; return the object that it ends and that failed too."""
        begins = line.lstrip().startswith(b"{")
        if self._open is not None or (begins and not self._take_at_once(number, line)):
            return self._extend(number, line)
        if not begins and line.lstrip()[:1] in _INSIDE_OBJECT:
            self._count(number, line, reason_of_broken(line, alone=False))
        elif not begins:
            self._count_line(number, line)
        return None

    def _count_line(self, number: int, line: bytes) -> None:
        """Count a line that follows an object which never ended, for what it is."""
        try:
            value, _ = loads(line)
        except orjson.JSONDecodeError:
            if not self._take_embedded(number, line):
                self._count(number, line, reason_of(line))
        else:
            self._count_other([(number, line)], value)

    def _count_other(self, lines: list[Line], value: object) -> None:
        """Count the lines of JSON that is no record, unless a record is inside."""
        wrapped = any(holds_record(line) for _, line in lines)
        if not wrapped and isinstance(value, dict):
            keys = self._keys.flattened(value, unknown=True)
            self._fates.add_keys(self._source, "key_other", 1, keys)
        if wrapped and self._fates.keeps(self._source, "wrapped_record"):
            path = path_to_record(b"\n".join(line for _, line in lines))
            if path is not None:
                self._fates.wrapped_in(self._source, lines[0][0], path)
        for number, line in lines:
            self._count(number, line, "wrapped_record" if wrapped else None)

    def _count(self, number: int, line: bytes, reason: str | None) -> None:
        """Count a line as malformed; as another program's without a reason."""
        original, n = self._original(number, line), self._payloads.height(number)
        if reason is None:
            self._fates.other(self._source, number, original, n)
        else:
            self._fates.malformed(self._source, number, reason, original, n)

    def _mended_record(
        self, line: bytes, mend: Callable[[bytes], Mended | None] = repaired
    ) -> Mended | None:
        """Return the record that a line of broken JSON is; None if it can't be mended."""
        text = line.strip().rstrip(b", \t\r")
        if not text.startswith(b"{") or not text.endswith(b"}"):
            return None
        mended = mend(text)
        return mended if mended is not None and self._keys.is_record(mended[0]) else None

    def _original(self, number: int, line: bytes) -> bytes:
        """Return a line as it stands in the source."""
        return self._payloads.originals.get(number, line)
