"""Rows of CSV exports: with a record in a quoted cell, told row by row, or with a column for a key.

Grafana, CloudWatch, Datadog, Kibana, Splunk, BigQuery and spreadsheets write
them: any column order, any delimiter, quotes doubled (RFC 4180) or behind
backslashes, and line breaks inside of cells.

A client chooses what stands in other programs' lines, so a row counts only if
all of it is one: quotes end at delimiters, and what is not quoted is a word, a
number or a time.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from itertools import repeat
from typing import TYPE_CHECKING

import orjson

from envoylogs.reading.mending.json_documents import MAX_BYTES, MAX_LINES
from envoylogs.reading.mending.reasons import holds_record
from envoylogs.reading.mending.refused_values import loads
from envoylogs.reading.payloads import Unwrapped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from envoylogs.envoy.field_keys import FieldKeys

Line = tuple[int, bytes]

# A quoted cell in which a record begins, maybe behind an envelope: an object, or a TEXT record.
_CELL_OF_RECORD = re.compile(
    rb'(?:^|(?P<delimiter>[,;\t|]) ?)"[^"\n]{0,200}?'
    rb'(?:\{\s*(?:""|(?P<escape>\\)"|\Z)|\[20\d\d-[^\s\]"]{1,40}\] (?:""|(?P<escaped>\\)"))'
)
# Cells without quotes, and the first one with them: told in a tenth of the time that a line takes.
_HEAD = re.compile(rb'[^"\'{}\[\]]{0,1000}"').match
_DOUBLED = re.compile(rb'"((?:[^"]++|"")*+)"')
_ESCAPED = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_BACKSLASH = re.compile(rb"\\(.)", re.DOTALL)
_DELIMITERS = (b",", b";", b"\t", b"|")


def _unquoted(delimiter: bytes) -> re.Pattern[bytes]:
    """Return what a cell may hold without quotes: a time, which may have spaces, or a word."""
    end = re.escape(delimiter)
    in_time = rb"[\dT:./+-]" if delimiter == b"," else rb"[\dT:./+,-]"
    time = rb"\d(?:" + in_time + rb"| (?=[^ ]))*+(?: ?[A-Za-z]{1,5})?(?=" + end + rb"|\Z)"
    return re.compile(time + rb"|[^\s\"'{}\[\]" + end + rb"]*")


_UNQUOTED = {delimiter: _unquoted(delimiter) for delimiter in _DELIMITERS}


def record_in_row(row: bytes) -> Unwrapped | None:
    """Return what the cell of a record holds; null if this is no row with one.

    Args:
        row: A line, or several if a cell has line breaks.
    """
    if _HEAD(row) is None or (b'""' not in row and b'\\"' not in row):
        return None
    found = _CELL_OF_RECORD.search(row)
    if found is None:
        return None
    is_escaped = _is_escaped(row, found)
    cells = _cells(row.rstrip(b"\r"), found["delimiter"], is_escaped=is_escaped)
    if not cells:
        return None
    texts = [_unescaped(cell) if is_escaped else cell.replace(b'""', b'"') for cell in cells]
    record = max(texts, key=lambda text: (holds_record(text), len(text)))
    return Unwrapped("csv", record.strip())


def _is_escaped(row: bytes, found: re.Match[bytes]) -> bool:
    """Tell whether quotes stand behind backslashes, as the record that was found has it."""
    if found["escape"] or found["escaped"]:
        return True
    # A printed object, whose first key is on the next line.
    return row[: found.end()].endswith(b"{") and b'""' not in row and b'\\"' in row


def _cells(row: bytes, delimiter: bytes | None, *, is_escaped: bool) -> list[bytes]:
    """Return what the quoted cells of a row hold, still escaped; none if it is no row.

    Args:
        row: Without its line end.
        delimiter: What stands before the record; null if that is the first cell.
        is_escaped: Whether quotes stand behind backslashes.
    """
    quoted = _ESCAPED if is_escaped else _DOUBLED
    found: list[bytes] = []
    position = 0
    while True:
        is_quoted = row.startswith(b'"', position)
        if not is_quoted and delimiter is None:
            return []
        cell = (quoted if is_quoted else _UNQUOTED[delimiter or b","]).match(row, position)
        if cell is None:
            return []
        if is_quoted:
            found.append(cell[1])
        position = cell.end()
        if position == len(row):
            return found
        here = row[position : position + 1]
        delimiter = delimiter or here
        if here != delimiter or here not in _DELIMITERS:
            return []
        # Some write a space behind it.
        position += 2 if row.startswith(b' "', position + 1) else 1


def _unescaped(cell: bytes) -> bytes:
    try:
        return str(loads(b'"%b"' % cell)[0]).encode()
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        # Written by who escapes nothing but quotes and backslashes.
        return _BACKSLASH.sub(rb"\1", cell)


class CsvRows:
    """Joins the lines of rows whose record has line breaks inside its cell, in their order."""

    def __init__(self) -> None:
        self._open: list[Line] = []
        self._bytes = 0
        self._escaped: bool | None = None

    @property
    def is_open(self) -> bool:
        """Whether a row has begun and not ended."""
        return bool(self._open)

    @property
    def waiting(self) -> set[int]:
        """Numbers of the lines of a row that has begun and not ended."""
        return {number for number, _ in self._open}

    def joined(
        self, lines: Sequence[bytes], first: int, bare: Collection[int]
    ) -> Iterable[tuple[int, bytes, Sequence[int]]]:
        """Return lines, those of one row as one; the last row may stay open.

        Args:
            lines: As they stand in the source.
            first: The number of the first of them.
            bare: Numbers of lines that are known to be no part of a row.

        Returns:
            The number of each line, its text, and the numbers of the lines that follow it in
            its row.
        """
        if not (self._open or any(map(_may_begin, lines))):
            return zip(range(first, first + len(lines)), lines, repeat(()))
        rows = self._rows(enumerate(lines, first), bare)
        return (
            (row[0][0], b"\n".join(line for _, line in row), [number for number, _ in row[1:]])
            for row in rows
        )

    def _rows(self, lines: Iterable[Line], bare: Collection[int]) -> Iterator[list[Line]]:
        """Yield lines, those of one row together."""
        left = deque(lines)
        while left:
            number, line = left.popleft()
            if not self._open:
                if number not in bare and self._begins(line):
                    self._add(number, line)
                else:
                    yield [(number, line)]
                continue
            if (
                number in bare
                or self._bytes > MAX_BYTES
                or len(self._open) >= MAX_LINES
                or (_CELL_OF_RECORD.search(line) is not None)
            ):
                left.appendleft((number, line))
                left.extendleft(reversed(self._open[1:]))
                yield [self.finish()[0]]
                continue
            self._add(number, line)
            if not self._ends(line):
                continue
            row = self.finish()
            if record_in_row(b"\n".join(line for _, line in row)) is None:
                left.extendleft(reversed(row[1:]))
                row = row[:1]
            yield row

    def _begins(self, line: bytes) -> bool:
        """Tell whether a row begins with this line and does not end with it."""
        if not _may_begin(line):
            return False
        found = _CELL_OF_RECORD.search(line)
        if found is None:
            return False
        is_escaped = bool(found["escape"] or found["escaped"])
        if not _is_odd(line, is_escaped=is_escaped):
            return False
        # The quotes of a printed object are on the lines that follow.
        is_printed = not is_escaped and line.rstrip().endswith(b"{")
        self._escaped = None if is_printed else is_escaped
        return True

    def _ends(self, line: bytes) -> bool:
        """Tell whether the quote that is open ends in this line."""
        if self._escaped is None and b'"' in line:
            self._escaped = b'\\"' in line and b'""' not in line
        return _is_odd(line, is_escaped=bool(self._escaped))

    def _add(self, number: int, line: bytes) -> None:
        self._open.append((number, line))
        self._bytes += len(line)

    def finish(self) -> list[Line]:
        """Return the lines of the row that has begun, which is over."""
        taken, self._open, self._bytes, self._escaped = self._open, [], 0, None
        return taken


def _may_begin(line: bytes) -> bool:
    """Tell at once whether a row may begin with a line and not end with it."""
    if _HEAD(line) is None:
        return False
    return b'""' in line or b'\\"' in line or line.endswith((b"{", b"{\r"))


def _is_odd(line: bytes, *, is_escaped: bool) -> bool:
    """Tell whether a quote begins in a line and does not end there, or ends and did not begin."""
    bare = _BACKSLASH.sub(b"", line) if is_escaped else line
    return bool(bare.count(b'"') & 1)


class CsvColumns:
    """Reads rows that have a column for each key, as the first line of the source names them.

    Args:
        keys: Which keys make a record.
    """

    def __init__(self, keys: FieldKeys) -> None:
        self._keys = keys
        self._names: list[str] = []
        self._delimiter = ","

    @property
    def is_open(self) -> bool:
        """Whether the first line named the keys, so that rows may follow."""
        return bool(self._names)

    def begin(self, line: bytes) -> None:
        """Look at the first line of a source: whether it names the keys of a record."""
        for delimiter in map(bytes.decode, _DELIMITERS):
            names = _row(line, delimiter)
            if len(set(names)) < len(names) or not all(map(_NAME, names)):
                continue
            # Exports with the record in a cell have a few of its keys beside it, as labels.
            known = sum(self._keys.column_of(name) is not None for name in names)
            enough = known >= max(_LEAST_KEYS, len(names) / 2)
            if enough and self._keys.is_record(dict.fromkeys(names)):
                self._names, self._delimiter = names, delimiter
                return

    def record_in(self, line: bytes) -> Unwrapped | None:
        """Return the record that a row is; null for what is no row, or names the keys."""
        cells = _row(line, self._delimiter)
        if len(cells) != len(self._names) or cells == self._names:
            return None
        return Unwrapped("csv", dict(zip(self._names, cells, strict=True)))


_LEAST_KEYS = 4
_NAME = re.compile(r"[\w.:-]{1,100}").fullmatch


def _row(line: bytes, delimiter: str) -> list[str]:
    """Return the cells of a line, those in quotes without them; none if quotes don't match."""
    text = line.decode("utf-8", "replace").rstrip("\r")
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
