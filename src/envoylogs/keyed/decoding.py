"""Sources as a stream of batches: reading, up to but without normalizing."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from envoylogs import schema
from envoylogs.envoy.roles import ProxiesSeen
from envoylogs.errors import MissingSourceError
from envoylogs.grouping.numbering import Numberings
from envoylogs.keyed.batches import Batch, Decoded
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.keyed.plan import NO_HOOKS, Hooks, ReadPlan
from envoylogs.keyed.selection import NOTHING_SELECTED, Selection
from envoylogs.reading.fates import LineFates
from envoylogs.reading.part_reader import PartReader
from envoylogs.reading.source_reader import SourceReader
from envoylogs.sources.known_logs import KnownLogs
from envoylogs.sources.remote.ahead import begun
from envoylogs.sources.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from envoylogs.reading.decoders.columns import RecordColumns
    from envoylogs.reading.decoders.compiled import CompiledDecoder
    from envoylogs.sources.source import Source

BATCH_RECORDS = 65_536
"""How many records a batch holds at least, unless the input ends or they are long."""

COMPACT_RECORDS = 524_288
"""How many all batches that there are at a time may hold together where the compiled decoder took
them, for a tally: what is done once a batch costs as much as some ten thousand records."""

# Usual records are 400 to 900 bytes long; Envoy takes paths of 60,000.
_BATCH_BYTES = 64 * 1024 * 1024
"""How many bytes of log a batch is of at most, but for the rest of a block."""

_COMPACT_BYTES = 64 * 1024 * 1024
"""How many bytes records of the compiled decoder take at most, likewise."""


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


class _Size:
    """How much a batch holds at least, unless the input ends.

    Args:
        batch_records: How many records.
        compact_records: How many if the compiled decoder took nearly all; null for as many.
    """

    def __init__(self, batch_records: int, compact_records: int | None) -> None:
        self._records, self._compact = batch_records, compact_records

    def is_reached(
        self, records: RecordColumns, decoder: CompiledDecoder | None, log_bytes: int
    ) -> bool:
        """Return whether a batch ends here, which is of so many bytes of log."""
        n = len(records)
        if self._compact is None or decoder is None or not records.are_compact:
            return n >= self._records or (n > 0 and log_bytes >= _BATCH_BYTES)
        return n >= self._compact or decoder.size >= _COMPACT_BYTES


def decode(  # noqa: PLR0913  # one parameter a concern of the caller
    sources: Iterable[Source],
    plan: ReadPlan,
    *,
    hooks: Hooks = NO_HOOKS,
    batch_records: int = BATCH_RECORDS,
    compact_records: int | None = None,
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
        compact_records: How many it holds if the compiled decoder took all of them, whatever
            their length in the log; null for as many as others.
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

    size = _Size(batch_records, compact_records)
    of_others = 0
    for source in begun(sources):
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
                log_bytes = of_others + fates.counts[source.name, "bytes", ""]
                if size.is_reached(records, decoder, log_bytes):
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
