"""The reference reader: JSON, line by line, by orjson, with lines of TEXT between.

``envelopes`` takes off what stands around a line, ``text_lines`` tells the
records of TEXT, and ``unclear_lines`` makes the best of what is neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.reading.decoders.reference import objects_alike
from envoylogs.reading.decoders.text_lines import TextLines
from envoylogs.reading.envelopes.unwrapping import Envelopes
from envoylogs.reading.mending.unclear_lines import UnclearLines
from envoylogs.reading.payloads import Payloads, RawRecords
from envoylogs.reading.repeated_lines import LEAST_LINES, Piece, pieces_of

if TYPE_CHECKING:
    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.reading.fates import LineFates
    from envoylogs.sources.blocks import LongLine

_BOM = b"\xef\xbb\xbf"
_BOM_INSIDE = b"\n" + _BOM


class ReferenceReader:
    """Reads the lines of one source, in their order.

    Args:
        source: The name of the source.
        keep_text: Whether the bytes of records are kept beside them.
        text_format: The user's own format of TEXT lines.
        keys: Which keys hold which columns.
        next_line: The number of the line that is read next.
    """

    def __init__(
        self,
        source: str,
        *,
        keep_text: bool = False,
        text_format: TextFormat | None = None,
        keys: FieldKeys = DEFAULT_KEYS,
        next_line: int = 1,
    ) -> None:
        self._source = source
        self._keep_text = keep_text
        self._text_lines = TextLines(text_format)
        self._envelopes = Envelopes(source, keys)
        self._unclear = UnclearLines(source, keys, keep_text=keep_text)
        self._keys = keys
        self.next_line = next_line

    @property
    def waiting(self) -> set[int] | None:
        """Numbers of the lines that have no fate yet; null if they can't be told."""
        parts = self._envelopes.waiting
        return None if parts is None else parts | self._unclear.waiting

    @property
    def holds_object(self) -> bool:
        """Whether an object has begun that has not ended, and that a record ends."""
        return self._unclear.is_open

    @property
    def holds_lines(self) -> bool:
        """Whether there are lines that are a part of those that follow."""
        return self._envelopes.is_open

    def read(self, data: bytes, records: RawRecords, fates: LineFates) -> None:
        """Read lines, and account for them."""
        for piece in pieces_of(data):
            records.extend(self._read_piece(piece, fates))

    def skip(self, line: LongLine, records: RawRecords, fates: LineFates) -> None:
        """Account for a line that is too long to be read."""
        self._unclear.begin(records, fates)
        fates.add(self._source, "lines", 1)
        self._unclear.abandon()
        fates.malformed(self._source, self.next_line, "line_too_long", line.head)
        self.next_line += 1

    def finish(self, fates: LineFates) -> RawRecords:
        """Account for what is still open at the end of the source."""
        records = RawRecords()
        self._unclear.begin(records, fates)
        waiting = self._envelopes.finish(fates)
        self._read_payloads(b"\n".join(waiting.lines), waiting, records, fates)
        self._unclear.abandon()
        return records

    def abandoned(self, fates: LineFates) -> RawRecords:
        """Return what is made of an open object that a record has ended."""
        records, payloads = RawRecords(), Payloads([], [])
        self._unclear.begin(records, fates)
        self._unclear.enter(payloads)
        self._unclear.abandon()
        _take_origins(payloads, records)
        return records

    def _read_piece(self, piece: Piece, fates: LineFates) -> RawRecords:
        """Read some lines, or one that is repeated.

        What is made of a line depends on it, on what is open (``_state``), and on how many
        examples there are of its fate. So if a line changes nothing of these, and no example is
        kept of it, then the same line after it does exactly the same, and so do all that follow:
        only numbers change, by as much for each. There must be no record in it, since records
        have values of their own. Until that is so, lines are read as usual, more each time: what
        is open may grow up to the limits of an object.
        """
        if piece.times == 1:
            return self._read_lines(piece.data, fates)
        line = piece.data
        records, left, usual = RawRecords(), piece.times, LEAST_LINES // 4
        while left and not len(records):
            left -= 1
            if self._read_steady(line, left, records, fates):
                return records
            n = min(left, usual)
            if n:
                records.extend(self._read_lines(_repeated(line, n), fates))
            left, usual = left - n, usual * 2
        if left:
            records.extend(self._read_lines(_repeated(line, left), fates))
        return records

    def _read_steady(self, line: bytes, more: int, records: RawRecords, fates: LineFates) -> bool:
        """Read a line; if that has changed nothing, ``more`` of the same are read at once.

        Returns:
            Whether these are read.
        """
        before, counts = self._state(), fates.counts.copy()
        examples, keys = len(fates.examples), self._keys_of(fates)
        rejected: list[bytes] = []
        hand_on = fates.on_malformed
        fates.on_malformed = rejected.append
        records.extend(self._read_lines(line, fates))
        fates.on_malformed = hand_on
        if hand_on is not None:
            for raw in rejected:
                hand_on(raw)
        is_steady = (
            not len(records)
            and len(fates.examples) == examples
            and self._envelopes.waiting == set()
            and self._state() == before
        )
        if not is_steady:
            return False
        for fate, n in list(fates.counts.items()):
            fates.add(*fate[:2], more * (n - counts[fate]), fate[2])
        for key, n in self._keys_of(fates).items():
            fates.add_keys(self._source, "key_other", more * (n - keys.get(key, 0)), [key])
        if hand_on is not None and rejected and more:
            hand_on(b"\n".join(rejected * more))
        self.next_line += more
        self._unclear.pass_over(more)
        return True

    def _state(self) -> tuple[object, ...]:
        """Return all that what is made of the lines to come depends on, but for their number."""
        is_first = self.next_line == 1
        return is_first, self._envelopes.waiting, self._unclear.state(self.next_line)

    def _keys_of(self, fates: LineFates) -> dict[str, int]:
        keys = fates.keys.get((self._source, "key_other"))
        return {} if keys is None else keys.counts.copy()

    def _read_lines(self, data: bytes, fates: LineFates) -> RawRecords:
        """Return the records of some lines by the reference, and account for these."""
        records = RawRecords()
        self._unclear.begin(records, fates)
        lines = data.split(b"\n")
        first = self.next_line
        self.next_line += len(lines)
        # One byte is looked for a hundred times as fast as four.
        if b"\xef" in data and (data.startswith(_BOM) or _BOM_INSIDE in data):
            # Files were put one behind the other, each with its mark.
            lines = [line.removeprefix(_BOM) for line in lines]
        fates.add(self._source, "lines", len(lines))
        bare = self._text_lines.own_numbers(lines, first)
        payloads = self._envelopes.unwrapped(lines, first, fates, bare)
        # A joined line may have begun in a block before this one.
        data = b"\n".join(payloads.lines) if payloads.parts else data
        self._read_payloads(data, payloads, records, fates)
        return records

    def _read_payloads(
        self, data: bytes, payloads: Payloads, records: RawRecords, fates: LineFates
    ) -> None:
        """Read lines without their envelopes; ``data`` are the same, maybe with them."""
        self._unclear.enter(payloads)
        records.runs = self._text_lines.runs(
            data, payloads.lines, payloads.numbers, are_bare=payloads.are_bare
        )
        of_text = self._take_runs(payloads, records, fates)
        start = 0
        for place, number in enumerate(payloads.numbers) if of_text else ():
            if number in of_text:
                if start < place:
                    self._read_json(payloads, slice(start, place), records, fates)
                self._unclear.abandon()
                start = place + 1
        if start < len(payloads.numbers):
            self._read_json(payloads, slice(start, None), records, fates)
        _take_origins(payloads, records)

    def _take_runs(self, payloads: Payloads, records: RawRecords, fates: LineFates) -> set[int]:
        """Account for the lines of TEXT; return their numbers."""
        numbers = {number for run in records.runs for number in run.numbers}
        fates.add(self._source, "record_lines", sum(map(payloads.height, numbers)))
        for run in records.runs:
            for kind, n in run.repaired.items():
                fates.add(self._source, "repaired", n, kind)
        if self._keep_text and numbers:
            for number, line in zip(payloads.numbers, payloads.lines, strict=True):
                if number in numbers:
                    records.run_texts[number] = payloads.originals.get(number, line)
        return numbers

    def _read_json(
        self, payloads: Payloads, of_lines: slice, records: RawRecords, fates: LineFates
    ) -> None:
        lines, numbers = payloads.lines[of_lines], payloads.numbers[of_lines]
        decoded = payloads.objects
        if not (decoded or self._unclear.is_open):
            keys, objects = objects_alike(lines, self._keys)
            if objects:
                records.keys = None if records.objects else keys
                records.objects += objects
                records.lines += numbers
                if self._keep_text:
                    records.texts += map(payloads.originals.get, numbers, lines)
                height = sum(map(payloads.height, numbers)) if payloads.parts else len(numbers)
                fates.add(self._source, "record_lines", height)
                return
        records.keys = None
        append, append_number = records.objects.append, records.lines.append
        keep_text, append_text = self._keep_text, records.texts.append
        original, unclear = payloads.originals.get, self._unclear
        loads, error = orjson.loads, orjson.JSONDecodeError
        no_sign, is_record = self._keys.signs.isdisjoint, self._keys.is_record
        on_one_line, parts, height_of = 0, payloads.parts, payloads.height
        for number, line in zip(numbers, lines, strict=True):
            try:
                value = decoded[number] if number in decoded else loads(line)
            except error:
                unclear.read_broken(number, line)
                continue
            if type(value) is dict and (not no_sign(value) or is_record(value)):
                if unclear.is_open:
                    unclear.abandon()
                append(value)
                append_number(number)
                if keep_text:
                    append_text(original(number, line))
                on_one_line += height_of(number) if parts else 1
            else:
                unclear.read_other(number, line, value)
        fates.add(self._source, "record_lines", on_one_line)


def _take_origins(payloads: Payloads, records: RawRecords) -> None:
    if origins := payloads.origins:
        records.origins = {n: origins[n] for n in records.numbers if n in origins}


def _repeated(line: bytes, n: int) -> bytes:
    return (line + b"\n") * (n - 1) + line
