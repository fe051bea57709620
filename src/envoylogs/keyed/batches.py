"""Sources as a stream of batches: normalized frames with the accounts of their lines."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

import polars as pl

from envoylogs import schema
from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.roles import ProxiesSeen
from envoylogs.errors import MissingSourceError
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.keyed.keyed_records import KEY, KeyedRecords
from envoylogs.keyed.meaning import normalized
from envoylogs.keyed.selection import NOTHING_SELECTED, Selection
from envoylogs.reading.block_reader import BlockReader
from envoylogs.reading.decoders.columns import RecordColumns
from envoylogs.reading.fates import LineFates
from envoylogs.reading.source_reader import SourceReader
from envoylogs.sources.known_logs import KnownLogs
from envoylogs.sources.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.keyed.anonymize import Anonymizer
    from envoylogs.reading.decoded_block import DecodedBlock
    from envoylogs.reading.progress import Progress
    from envoylogs.sources.source import Source

__all__ = ["BATCH_RECORDS", "Batch", "Decoded", "Wanted", "batches", "decode"]

BATCH_RECORDS = 65_536
"""How many records a batch holds at least, unless the input ends."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records and the accounts of the lines that were read for them.

    Attributes:
        selected: The records that were selected, None without any. Columns are those of
            ``schema.NORMALIZED`` that were wanted, then ``source`` and ``line``, and ``text``
            (bytes) if it was wanted.
        fates: Of the lines read since the batch before.
        unselected: All records of these lines, of the roles that are looked
            at, where a selection left some out.
        unchosen: All records of these lines where a role left some out.
        names: Names of hosts by token, if the records are anonymized; only those
            of known hosts are fit to be kept.
    """

    selected: KeyedRecords | None
    fates: LineFates
    unselected: KeyedRecords | None = None
    unchosen: KeyedRecords | None = None
    names: pl.DataFrame | None = None

    @classmethod
    def of(cls, records: pl.DataFrame | None, fates: LineFates) -> Self:
        """Return normalized records in plain columns as a batch."""
        return cls(None if records is None else KeyedRecords.of(records), fates)

    @property
    def frame(self) -> pl.DataFrame | None:
        """The records that were selected in plain columns, None without any."""
        return None if self.selected is None else self.selected.frame()

    @property
    def whole(self) -> KeyedRecords | None:
        """All records of the roles that are looked at, whatever was selected."""
        return self.selected if self.unselected is None else self.unselected

    @property
    def everything(self) -> KeyedRecords | None:
        """All records that were read, of any role."""
        return self.whole if self.unchosen is None else self.unchosen


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the records is wanted.

    Attributes:
        columns: Normalized columns; others are not made.
        selection: Which records.
        text: Whether the bytes of each record are wanted too, as ``text``.
        text_format: The user's own format of TEXT lines, tried before the defaults.
        keys: Which keys hold which columns.
        unknown: Whether what no column holds is wanted too, as ``unknown_keys``.
        anonymizer: Replaces what may say who somebody is, once the records are
            selected; null leaves it.
        seldom: Which of the columns will be asked of few records.
    """

    columns: Collection[str]
    selection: Selection = NOTHING_SELECTED
    text: bool = False
    text_format: TextFormat | None = None
    keys: FieldKeys = DEFAULT_KEYS
    unknown: bool = False
    anonymizer: Anonymizer | None = None
    seldom: Collection[str] = ()

    @property
    def all_columns(self) -> set[str]:
        """The columns that are wanted, and those that the selection reads."""
        return {*self.columns, *self.selection.columns}

    def collector(self) -> RecordColumns:
        """Return what collects the records of one batch."""
        asked = self.selection.columns
        seldom = [name for name in self.seldom if self.anonymizer is None and name not in asked]
        return RecordColumns(self.all_columns, self.keys, unknown=self.unknown, seldom=seldom)

    def reader_at(self, source: str, line: int) -> BlockReader:
        """Return a reader of a source, by its name, that begins at a line."""
        return BlockReader(
            source,
            keep_text=self.text,
            text_format=self.text_format,
            keys=self.keys,
            next_line=line,
        )


@dataclass(frozen=True, slots=True)
class Decoded:
    """A batch whose values are still as they were logged.

    Decoding holds the interpreter and normalizing does not, so a pipeline can
    do the two at the same time.
    """

    block: DecodedBlock | None
    wanted: Wanted
    fates: LineFates
    proxies: ProxiesSeen
    requests: RequestsSeen

    def normalized(self) -> Batch:
        """Return the batch that this becomes; may be called once, in the order of the batches."""
        if self.block is None:
            return Batch(None, self.fates)
        selection = self.wanted.selection
        read = normalized(self.block, {*self.wanted.all_columns, "role"}, self.fates, self.proxies)
        whole = self._of_roles(read)
        if "role" not in self.wanted.all_columns:
            read, whole = read.without("role"), whole.without("role")
        selected = selection.selected(whole)
        self.fates.add("", "filtered", read.height - selected.height)
        self.fates.add("", "untimed_left_out", selection.untimed(whole))
        if selection.distinct:
            distinct = selected.filter(self.requests.are_new(selected.rows["request_id"]))
            self.fates.add("", "seen_before", selected.height - distinct.height)
            selected = distinct
        return self._anonymized(
            Batch(
                selected if selected.height else None,
                self.fates,
                unselected=None if selected.height == whole.height else whole,
                unchosen=None if whole.height == read.height else read,
            )
        )

    def _of_roles(self, read: KeyedRecords) -> KeyedRecords:
        """Return the records of the roles that are looked at, and account for the others."""
        roles, wanted = read.keys["role"][read.rows[KEY]], self.wanted.selection.roles
        if roles.n_unique() > 1:
            counted = pl.DataFrame([read.rows["source"], roles]).group_by("source", "role").len()
            by_source = counted.select("source", "len", "role").rows()
        else:
            (role,) = roles[:1]
            by_source = [(*found, role) for found in read.rows["source"].value_counts().rows()]
        for source, n, role in by_source:
            self.fates.add(source, "role", n, role)
            if role not in wanted:
                self.fates.add(source, "role_left_out", n, role)
        are_all = {role for *_, role in by_source} <= set(wanted)
        return read if are_all else read.filter(roles.is_in(wanted))

    def _anonymized(self, batch: Batch) -> Batch:
        """Return a batch as it may be counted and shown, if it is to be anonymized."""
        anonymizer = self.wanted.anonymizer
        if anonymizer is None:
            return batch
        selected, unselected, unchosen = (
            None if records is None else anonymizer.anonymized(records)
            for records in (batch.selected, batch.unselected, batch.unchosen)
        )
        whole = unselected or selected
        return Batch(
            selected and selected.records,
            batch.fates,
            unselected and unselected.records,
            unchosen and unchosen.records,
            whole and whole.names,
        )


def batches(
    sources: Iterable[Source],
    *,
    columns: Collection[str] = tuple(schema.NORMALIZED),
    selection: Selection = NOTHING_SELECTED,
    on_malformed: Callable[[bytes], None] | None = None,
) -> Iterator[Batch]:
    """Read sources one after the other.

    Args:
        sources: What to read, in order.
        columns: The normalized columns that are wanted; others are not made.
        selection: Which records are wanted.
        on_malformed: Called with each malformed line as it was.

    Yields:
        Batches; the accounts of all of them cover every line read.

    Raises:
        SourceError: If a source can't be opened or read.
    """
    wanted = Wanted(columns, selection)
    for decoded in decode(sources, wanted, on_malformed=on_malformed):
        yield decoded.normalized()


def decode(  # noqa: PLR0913  # one parameter a concern of the caller
    sources: Iterable[Source],
    wanted: Wanted,
    *,
    on_malformed: Callable[[bytes], None] | None = None,
    batch_records: int = BATCH_RECORDS,
    logs: KnownLogs | None = None,
    proxies: ProxiesSeen | None = None,
    requests: RequestsSeen | None = None,
    stop: Stop | None = None,
    progress: Progress | None = None,
) -> Iterator[Decoded]:
    """Read sources one after the other, up to but without normalizing.

    Args:
        sources: What to read, in order.
        wanted: What of the records is wanted.
        on_malformed: Called with each malformed line as it was.
        batch_records: How many records a batch holds at least.
        logs: What was counted before, which is passed over; what is read is added.
        proxies: What was seen of who wrote the records before.
        requests: The requests that were read before.
        stop: Ends the reading early, as if the sources ended there.
        progress: Is told of every read.

    Yields:
        Batches before they are normalized, which is the half that holds the
        interpreter; ``batches`` does both halves at once.

    Raises:
        SourceError: If a source can't be opened or read.
    """
    stop = stop or Stop()
    logs = KnownLogs() if logs is None else logs
    proxies = ProxiesSeen() if proxies is None else proxies
    requests = RequestsSeen() if requests is None else requests
    records = wanted.collector()
    keep_text = wanted.anonymizer is None
    fates = LineFates(on_malformed=on_malformed, keep_text=keep_text)

    def decoded() -> Decoded:
        block = records.decoded(fates) if len(records) else None
        return Decoded(block, wanted, fates, proxies, requests)

    for source in sources:
        if stop.requested:
            break
        if wanted.anonymizer is not None:
            source = wanted.anonymizer.named(source)  # noqa: PLW2901  # the same one
        reader_at = partial(wanted.reader_at, source.name)
        reading = SourceReader(source, reader_at, logs, proxies, fates)
        with ExitStack() as opened:
            try:
                raw = opened.enter_context(source.open_raw())
            except MissingSourceError:
                # A log that rotates is seen under its new name the next time.
                if source.found and logs.resumable:
                    continue
                raise
            for read in reading.records(raw, stop, progress):
                records.extend(source.name, read)
                if len(records) >= batch_records:
                    yield decoded()
                    records = wanted.collector()
                    fates = LineFates(on_malformed=on_malformed, keep_text=keep_text)
                    reading.fates = fates
    if len(records) or fates.counts:
        yield decoded()
