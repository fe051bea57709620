"""The reference reader: JSON, line by line, by orjson, with lines of TEXT between.

A faster decoder may stand beside it and may not change an answer. Objects
over several lines are followed too (``json_documents``); ``text_lines`` tells
the records of TEXT. Whatever is no record is counted with a reason (``fates``).
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.reading.fates import LineFates
from envoylogs.reading.json_documents import OpenObject
from envoylogs.reading.text_lines import TextLines, looks_cut, looks_like_text
from envoylogs.sources.blocks import LongLine

if TYPE_CHECKING:
    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.reading.text_lines import TextRun
    from envoylogs.sources.blocks import Block

__all__ = ["JsonLinesReader", "Records"]

Line = tuple[int, bytes]

_BOM = b"\xef\xbb\xbf"
# The key of a record somewhere in a line, its quotes escaped or not.
_KEY_OF_RECORD = re.compile(rb'(?:response_code|response_flags|upstream_cluster)\\*"\s*:')
# What a line of a printed object begins with, if no object begins there.
_INSIDE_OBJECT = (b'"', b"}", b"]", b",", b":")


@dataclass(slots=True)
class Records:
    """The records of one block.

    Attributes:
        objects: The records of JSON, as they were logged.
        lines: The number of the first line of each.
        texts: The bytes of each, without the last line feed; empty unless wanted.
        runs: The records of TEXT.
        run_texts: The bytes of each record of a run, by its line; empty unless wanted.
    """

    objects: list[dict[str, object]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    runs: list[TextRun] = field(default_factory=list)
    run_texts: dict[int, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.objects) + sum(len(run.numbers) for run in self.runs)


class JsonLinesReader:
    """Reads the blocks of one source, in their order.

    Args:
        source: The name of the source.
        keep_text: Whether the bytes of records are kept beside them.
        text_format: The user's own format of TEXT lines.
        keys: Which keys hold which columns.
    """

    def __init__(
        self,
        source: str,
        *,
        keep_text: bool = False,
        text_format: TextFormat | None = None,
        keys: FieldKeys = DEFAULT_KEYS,
    ) -> None:
        self._source = source
        self._keep_text = keep_text
        self._keys = keys
        self._text_lines = TextLines(text_format)
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
        fates.add(self._source, "records", len(records))
        return records

    def finish(self, fates: LineFates) -> Records:
        """Account for an object that is still open at the end of the source."""
        self._fates = fates
        records = Records()
        self._abandon(records)
        fates.add(self._source, "records", len(records))
        return records

    def _read_lines(self, item: Block, records: Records) -> None:
        lines = item.data.split(b"\n")
        first = self._next_line
        self._next_line += len(lines)
        if first == 1:
            lines[0] = lines[0].removeprefix(_BOM)
        self._fates.add(self._source, "lines", len(lines))
        records.runs = self._text_lines.runs(item.data, lines, first)
        start = 0
        for number in self._take_runs(records, lines, first):
            self._read_json(lines[start : number - first], first + start, records)
            self._abandon(records)
            start = number - first + 1
        self._read_json(lines[start:], first + start, records)

    def _take_runs(self, records: Records, lines: list[bytes], first: int) -> list[int]:
        """Account for the lines of TEXT; return their numbers in order."""
        numbers = sorted(number for run in records.runs for number in run.numbers)
        self._fates.add(self._source, "record_lines", len(numbers))
        for run in records.runs:
            for kind, n in run.repaired.items():
                self._fates.add(self._source, "repaired", n, kind)
        if self._keep_text:
            records.run_texts = {number: lines[number - first] for number in numbers}
        return numbers

    def _read_json(self, lines: list[bytes], first: int, records: Records) -> None:
        append, append_number = records.objects.append, records.lines.append
        keep_text, append_text = self._keep_text, records.texts.append
        loads, error = orjson.loads, orjson.JSONDecodeError
        no_sign, is_record = self._keys.signs.isdisjoint, self._keys.is_record
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
                if keep_text:
                    append_text(line)
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
            if _is_whole_record(text, self._keys):
                self._abandon(records)
                self._take([(number, line)], text, records)
            else:
                self._continue(number, line, records)
        elif text.startswith(b"{"):
            self._open = OpenObject()
            self._continue(number, line, records)
        else:
            self._count_text(number, line)

    def _read_other(self, number: int, line: bytes, records: Records) -> None:
        """Read a line that is JSON and no record."""
        if self._open is not None:
            self._continue(number, line, records)
        else:
            self._count_other([(number, line)])

    def _take(self, lines: list[Line], text: bytes, records: Records) -> bool:
        """Account for lines that may be one object; tell whether they are."""
        try:
            value = orjson.loads(_as_utf8(text))
        except orjson.JSONDecodeError:
            return False
        if isinstance(value, dict) and self._keys.is_record(value):
            records.objects.append(value)
            records.lines.append(lines[0][0])
            if self._keep_text:
                records.texts.append(b"\n".join(line for _, line in lines))
            self._fates.add(self._source, "record_lines", len(lines))
            if not _is_utf8(text):
                self._fates.add(self._source, "repaired", 1, "invalid_utf8")
        else:
            self._count_other(lines)
        return True

    def _count_other(self, lines: list[Line]) -> None:
        """Count the lines of JSON that is no record, unless a record is inside."""
        wrapped = any(_KEY_OF_RECORD.search(line) for _, line in lines)
        for number, line in lines:
            if wrapped:
                self._fates.malformed(self._source, number, "wrapped_record", line)
            else:
                self._fates.other(self._source, number, line)

    def _extend(self, number: int, line: bytes, records: Records) -> list[Line]:
        """Add a line to the open object; return its lines if it can't become whole."""
        opened = self._open or OpenObject()
        hopeful = opened.add(number, line)
        self._open = opened if hopeful and not opened.closed else None
        if hopeful and (not opened.closed or self._take(opened.lines, opened.text, records)):
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
                if self._open is not None or line.lstrip().startswith(b"{"):
                    failed = self._extend(number, line, records)
                elif line.lstrip()[:1] in _INSIDE_OBJECT:
                    self._count_broken(number, line, alone=False)
                else:
                    self._count_line(number, line)
            if last and not failed and self._open is not None:
                failed, self._open = self._open.lines, None

    def _count_broken(self, number: int, line: bytes, *, alone: bool) -> None:
        reason = "invalid_json" if alone else "unfinished_object"
        self._fates.malformed(self._source, number, reason, line)

    def _count_line(self, number: int, line: bytes) -> None:
        """Count a line that follows an object which never ended, for what it is."""
        try:
            orjson.loads(line)
        except orjson.JSONDecodeError:
            self._count_text(number, line)
        else:
            self._count_other([(number, line)])

    def _count_text(self, number: int, line: bytes) -> None:
        """Count a line that is no JSON, with the reason that a person would give."""
        if b"\0" in line:
            reason = "binary"
        elif looks_like_text(line):
            reason = "text_format"
        elif _KEY_OF_RECORD.search(line):
            reason = "prefixed_record" if b"{" in line else "cut_at_start"
        elif looks_cut(line):
            reason = "prefixed_record" if b'Z] "' in line else "cut_at_start"
        else:
            self._fates.other(self._source, number, line)
            return
        self._fates.malformed(self._source, number, reason, line)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_utf8(text: bytes) -> bytes:
    """Return text with a replacement character for each byte that is not UTF-8.

    Scanners send such bytes in any header, and these lines are of interest.
    """
    return text if _is_utf8(text) else text.decode("utf-8", "replace").encode()


def _is_whole_record(text: bytes, keys: FieldKeys) -> bool:
    """Tell whether a line that is no JSON is a record but for bytes that are not UTF-8."""
    if not text.startswith(b"{") or _is_utf8(text):
        return False
    try:
        value = orjson.loads(_as_utf8(text))
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and keys.is_record(value)
