"""The reference reader: JSON, line by line, by orjson.

A faster decoder may stand beside it and may not change an answer. Objects
over several lines are followed too (``json_documents``). Whatever is not an
access record is counted with a reason (``fates``).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from envoylogs.envoy.fields import ENVOY_ONLY, is_record
from envoylogs.reading.fates import LineFates
from envoylogs.reading.json_documents import OpenObject
from envoylogs.sources.blocks import LongLine

if TYPE_CHECKING:
    from envoylogs.sources.blocks import Block

__all__ = ["JsonLinesReader", "Records"]

Line = tuple[int, bytes]

_BOM = b"\xef\xbb\xbf"
_SIGNS_OF_RECORD = (b"response_code", b"upstream_cluster", b"response_flags")


@dataclass(slots=True)
class Records:
    """Decoded records of one block: the objects and the number of the first line of each."""

    objects: list[dict[str, object]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


class JsonLinesReader:
    """Reads the blocks of one source, in their order.

    Args:
        source: The name of the source.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._open: OpenObject | None = None
        self._fates = LineFates()
        self._next_line = 1

    def read(self, item: Block | LongLine, fates: LineFates) -> Records:
        """Return the records of the next block, and account for its lines."""
        self._fates = fates
        records = Records()
        fates.add(self._source, "bytes", item.size)
        if isinstance(item, LongLine):
            fates.add(self._source, "lines", 1)
            self._abandon(records)
            fates.malformed(self._source, self._next_line, "line_too_long", item.head)
            self._next_line += 1
        else:
            self._read_lines(item, records)
        fates.add(self._source, "records", len(records.objects))
        return records

    def finish(self, fates: LineFates) -> Records:
        """Account for an object that is still open at the end of the source."""
        self._fates = fates
        records = Records()
        self._abandon(records)
        fates.add(self._source, "records", len(records.objects))
        return records

    def _read_lines(self, item: Block, records: Records) -> None:
        lines = item.data.split(b"\n")
        first = self._next_line
        self._next_line += len(lines)
        if first == 1:
            lines[0] = lines[0].removeprefix(_BOM)
        self._fates.add(self._source, "lines", len(lines))
        append, append_number = records.objects.append, records.lines.append
        loads, error, no_sign = orjson.loads, orjson.JSONDecodeError, ENVOY_ONLY.isdisjoint
        on_one_line = 0
        for number, line in enumerate(lines, first):
            try:
                value = loads(line)
            except error:
                self._read_broken(number, line, records)
                continue
            if type(value) is dict and (not no_sign(value) or is_record(value)):
                if self._open is not None:
                    self._abandon(records)
                append(value)
                append_number(number)
                on_one_line += 1
            else:
                self._read_other(number, line, records)
        self._fates.add(self._source, "record_lines", on_one_line)

    def _read_broken(self, number: int, line: bytes, records: Records) -> None:
        """Read a line that is no JSON value: part of an object, or not JSON at all."""
        text = line.strip()
        if not text:
            self._fates.add(self._source, "blank", 1)
        elif self._open is not None:
            self._continue(number, line, records)
        elif text.startswith(b"{"):
            if not self._read_repaired(number, text, records):
                self._open = OpenObject()
                self._continue(number, line, records)
        else:
            self._count_text(number, line)

    def _read_other(self, number: int, line: bytes, records: Records) -> None:
        """Read a line that is JSON and no record."""
        if self._open is not None:
            self._continue(number, line, records)
        elif any(sign in line for sign in _SIGNS_OF_RECORD):
            self._fates.malformed(self._source, number, "wrapped_record", line)
        else:
            self._fates.other(self._source, number, line)

    def _read_repaired(self, number: int, text: bytes, records: Records) -> bool:
        """Read an object with bytes that are not UTF-8, which scanners send in any header."""
        try:
            text.decode()
        except UnicodeDecodeError:
            if self._take([(number, text.decode("utf-8", "replace").encode())], records):
                self._fates.add(self._source, "repaired", 1, "invalid_utf8")
                return True
        return False

    def _take(self, lines: list[Line], records: Records, text: bytes | None = None) -> bool:
        """Account for lines that may be one object; tell whether they are."""
        try:
            value = orjson.loads(lines[0][1] if text is None else text)
        except orjson.JSONDecodeError:
            return False
        if isinstance(value, dict) and is_record(value):
            records.objects.append(value)
            records.lines.append(lines[0][0])
            self._fates.add(self._source, "record_lines", len(lines))
        else:
            for number, line in lines:
                self._fates.other(self._source, number, line)
        return True

    def _extend(self, number: int, line: bytes, records: Records) -> list[Line]:
        """Add a line to the open object; return its lines if it can't become whole."""
        opened = self._open or OpenObject()
        hopeful = opened.add(number, line)
        self._open = opened if hopeful and not opened.closed else None
        if hopeful and (not opened.closed or self._take(opened.lines, records, opened.text)):
            return []
        return opened.lines

    def _continue(self, number: int, line: bytes, records: Records) -> None:
        failed = self._extend(number, line, records)
        if failed:
            self._read_again(failed, records, last=False)

    def _abandon(self, records: Records) -> None:
        """Give up the open object, if there is one: what follows it does not belong to it."""
        if self._open is not None:
            failed, self._open = self._open.lines, None
            self._read_again(failed, records, last=True)

    def _read_again(self, failed: list[Line], records: Records, *, last: bool) -> None:
        """Count the first line of a failed object as malformed and read the others again.

        Args:
            failed: The lines of the object.
            records: Where records go that begin at a later line.
            last: Whether nothing follows, so that no object may stay open.
        """
        waiting: deque[Line] = deque()
        while failed:
            self._count_broken(*failed[0], alone=len(failed) == 1)
            waiting.extendleft(reversed(failed[1:]))
            failed = []
            while waiting and not failed:
                number, line = waiting.popleft()
                if self._open is None and not line.lstrip().startswith(b"{"):
                    self._count_broken(number, line, alone=False)
                else:
                    failed = self._extend(number, line, records)
            if last and not failed and self._open is not None:
                failed, self._open = self._open.lines, None

    def _count_broken(self, number: int, line: bytes, *, alone: bool) -> None:
        reason = "invalid_json" if alone else "unfinished_object"
        self._fates.malformed(self._source, number, reason, line)

    def _count_text(self, number: int, line: bytes) -> None:
        """Count a line that is no JSON, with the reason that a person would give."""
        if b"\0" in line:
            reason = "binary"
        elif line.lstrip().startswith(b"[20") and b'Z] "' in line[:48]:
            reason = "text_format"
        elif any(sign in line for sign in _SIGNS_OF_RECORD):
            reason = "prefixed_record" if b"{" in line else "cut_at_start"
        else:
            self._fates.other(self._source, number, line)
            return
        self._fates.malformed(self._source, number, reason, line)
