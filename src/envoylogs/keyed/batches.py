"""Sources as a stream of batches: normalized frames with the accounts of their lines."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Self

import polars as pl

from envoylogs import schema
from envoylogs.envoy.roles import ProxiesSeen
from envoylogs.errors import MissingSourceError
from envoylogs.grouping.numbering import Numberings
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.keyed.meaning import normalized
from envoylogs.keyed.plan import NO_HOOKS, Hooks, ReadPlan
from envoylogs.keyed.selection import NOTHING_SELECTED, Selection
from envoylogs.reading.fates import LineFates
from envoylogs.reading.part_reader import PartReader
from envoylogs.reading.source_reader import SourceReader
from envoylogs.sources.known_logs import KnownLogs
from envoylogs.sources.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from envoylogs.reading.decoded_block import DecodedBlock
    from envoylogs.sources.source import Source

BATCH_RECORDS = 65_536
"""How many records a batch holds at least, unless the input ends or they are long."""

# Usual records are 400 to 900 bytes long; Envoy takes paths of 60,000.
_BATCH_BYTES = 64 * 1024 * 1024
"""How many bytes of log a batch is of at most, but for the rest of a block."""


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


@dataclass(slots=True)
class Decoded:
    """A batch whose values are still as they were logged.

    Decoding holds the interpreter and normalizing does not, so a pipeline can
    do the two at the same time.
    """

    block: DecodedBlock | None
    plan: ReadPlan
    fates: LineFates
    proxies: ProxiesSeen
    requests: RequestsSeen
    numbers: Numberings = field(default_factory=Numberings)

    def normalized(self) -> Batch:
        """Return the batch that this becomes; may be called once, in the order of the batches."""
        (batch,) = self.selected_by([(self.plan.selection, self.requests)])
        return batch

    def selected_by(self, selections: Sequence[tuple[Selection, RequestsSeen]]) -> list[Batch]:
        """Return a batch for each of some selections; what all share is worked out once.

        Args:
            selections: Each with the requests that it has read before. The plan has
                their columns.
        """
        if self.block is None:
            return [Batch(None, self.fates.copy()) for _ in selections]
        columns = {*self.plan.all_columns, "role"}
        # What was logged is let go once it is normalized: whoever waits for the rest holds this.
        block, self.block = self.block, None
        read = normalized(block, self.numbers, columns, self.fates, self.proxies)
        del block
        return [self.batch_of(read, *selection) for selection in selections]

    def batch_of(self, read: KeyedRecords, selection: Selection, requests: RequestsSeen) -> Batch:
        """Return what a selection takes of the records that were read."""
        fates = self.fates.copy()
        whole = _of_roles(read, selection.roles, fates)
        if "role" not in self.plan.all_columns:
            read, whole = read.without("role"), whole.without("role")
        selected = selection.selected(whole)
        fates.add("", "filtered", read.height - selected.height)
        fates.add("", "untimed_left_out", selection.untimed(whole))
        if selection.distinct:
            distinct = selected.filter(requests.are_new(selected.rows["request_id"]))
            fates.add("", "seen_before", selected.height - distinct.height)
            selected = distinct
        return self._anonymized(
            Batch(
                selected if selected.height else None,
                fates,
                unselected=None if selected.height == whole.height else whole,
                unchosen=None if whole.height == read.height else read,
            )
        )

    def _anonymized(self, batch: Batch) -> Batch:
        """Return a batch as it may be counted and shown, if it is to be anonymized."""
        anonymizer = self.plan.anonymizer
        if anonymizer is None:
            return batch
        selected, unselected, unchosen = (
            None if records is None else anonymizer.anonymized(records.decoded())
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


def _of_roles(read: KeyedRecords, wanted: Collection[str], fates: LineFates) -> KeyedRecords:
    """Return the records of the roles that are looked at, and account for the others."""
    sources, names = read.rows["source"], read.keys["role"].unique()
    if names.len() > 1:
        counted = pl.DataFrame([sources, read.of_keys(pl.col("role"))]).group_by(pl.all()).len()
        by_source = counted.select("source", "len", "role").rows()
    else:
        is_one = sources.min() == sources.max()
        found = [(sources[0], read.height)] if is_one else sources.value_counts().rows()
        by_source = [(*source, role) for source in found for role in names]
    if "source" in read.coded:
        texts = read.values_of("source")
        by_source = [(texts[source], n, role) for source, n, role in by_source]
    for source, n, role in by_source:
        fates.add(source, "role", n, role)
        if role not in wanted:
            fates.add(source, "role_left_out", n, role)
    are_all = {role for *_, role in by_source} <= set(wanted)
    return read if are_all else read.filter(read.of_keys(pl.col("role").is_in(wanted)))


def batches(
    sources: Iterable[Source],
    *,
    columns: Collection[str] = tuple(schema.NORMALIZED),
    selection: Selection = NOTHING_SELECTED,
    hooks: Hooks = NO_HOOKS,
) -> Iterator[Batch]:
    """Read sources one after the other.

    Args:
        sources: What to read, in order.
        columns: The normalized columns that are wanted; others are not made.
        selection: Which records are wanted.
        hooks: What is told of the reading.

    Yields:
        Batches; the accounts of all of them cover every line read.

    Raises:
        SourceError: If a source can't be opened or read.
    """
    for decoded in decode(sources, ReadPlan(columns, selection), hooks=hooks):
        yield decoded.normalized()


def decode(  # noqa: PLR0913  # one parameter a concern of the caller
    sources: Iterable[Source],
    plan: ReadPlan,
    *,
    hooks: Hooks = NO_HOOKS,
    batch_records: int = BATCH_RECORDS,
    logs: KnownLogs | None = None,
    proxies: ProxiesSeen | None = None,
    requests: RequestsSeen | None = None,
) -> Iterator[Decoded]:
    """Read sources one after the other, up to but without normalizing.

    Args:
        sources: What to read, in order.
        plan: What is read of them, and how.
        hooks: What is told of the reading.
        batch_records: How many records a batch holds, unless they are long.
        logs: What was counted before, which is passed over; what is read is added.
        proxies: What was seen of who wrote the records before.
        requests: The requests that were read before.

    Yields:
        Batches before they are normalized, which is the half that holds the
        interpreter; ``batches`` does both halves at once.

    Raises:
        SourceError: If a source can't be opened or read.
        NotSeparableError: If a source is a part that can't be read by itself.
    """
    stop = hooks.stop or Stop()
    logs = KnownLogs() if logs is None else logs
    proxies = ProxiesSeen() if proxies is None else proxies
    requests = RequestsSeen() if requests is None else requests
    decoder = plan.decoder()
    numbers = Numberings()
    records = plan.collector(decoder)
    keep_text = plan.anonymizer is None
    fates = LineFates(on_malformed=hooks.on_malformed, keep_text=keep_text)

    def decoded() -> Decoded:
        block = records.decoded(fates) if len(records) else None
        return Decoded(block, plan, fates, proxies, requests, numbers)

    of_others = 0
    for source in sources:
        if stop.requested:
            break
        if plan.anonymizer is not None:
            source = plan.anonymizer.named(source)  # noqa: PLW2901  # the same one
        reader_at = partial(plan.reader_at, source.name, decoder=decoder)
        reader = (
            SourceReader(source, reader_at, logs, proxies, fates)
            if source.part is None
            else PartReader(source, source.part, reader_at, fates)
        )
        with ExitStack() as opened:
            try:
                raw = opened.enter_context(source.open_raw())
            except MissingSourceError:
                # A log that rotates is seen under its new name the next time.
                if source.found and logs.resumable:
                    continue
                raise
            for read in reader.records(raw, stop, hooks.progress):
                records.extend(source.name, read)
                size = of_others + fates.counts[source.name, "bytes", ""]
                if len(records) >= batch_records or (len(records) and size >= _BATCH_BYTES):
                    ready = decoded()
                    of_others = 0
                    # What was collected is let go before anybody works on what was made of it.
                    records = plan.collector(decoder)
                    fates = LineFates(on_malformed=hooks.on_malformed, keep_text=keep_text)
                    reader.fates = fates
                    yield ready
                    del ready
            of_others += fates.counts[source.name, "bytes", ""]
    if len(records) or fates.counts:
        yield decoded()
