"""Sources to the records that were selected, as they stand in them; what the end of a log tells.

What these read is not counted: the lines behind a number, the newest time,
the hosts that a gateway routes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.errors import IncompleteSourceError, TallyQuestionError
from envoylogs.keyed.batches import BATCH_RECORDS, Wanted, decode
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import Reading
from envoylogs.sources.compression import PROBLEMS
from envoylogs.sources.known_logs import KnownLogs
from envoylogs.tally.hosts import KnownNames
from envoylogs.tally.revealed import names_by_token, with_names
from envoylogs.tally.state import DEFAULT_SPEC
from envoylogs.tally.storage import is_saved_tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.keyed.anonymize import Anonymizer
    from envoylogs.sources.source import Source

__all__ = [
    "anonymized_records",
    "names_of_routed",
    "newest_time",
    "refuse_tallies",
    "selected_lines",
]

_BEHIND_KNOWN_NAMES = ("authority", "requested_server_name", "outcome", "kind", "upstream_cluster")


def selected_lines(
    sources: Sequence[Source],
    selections: Sequence[Selection],
    *,
    text_format: TextFormat | None = None,
    keys: FieldKeys = DEFAULT_KEYS,
    on_untimed: Callable[[int], None] | None = None,
) -> Iterator[pl.DataFrame]:
    """Read sources and return the records that were selected as they stand in them.

    Args:
        sources: What to read, in order; a pipe is answered as it arrives.
        selections: Which records; each must select them.
        text_format: As of a ``Reading``.
        keys: As of a ``Reading``.
        on_untimed: Called with numbers of records that a window left out only since
            they have no time.

    Yields:
        ``source``, ``line`` (the first of the record, from 1) and ``text``
        (bytes, without the last line feed), in the order of the input.

    Raises:
        SourceError: If a source can't be opened or read.
        IncompleteSourceError: After all lines, if an archive could not be
            unpacked to its end.
        TallyQuestionError: If a source is a saved tally, which has no lines.
    """
    refuse_tallies(sources)
    first, *others = selections
    columns = {column for selection in others for column in selection.columns}
    wanted = Wanted(columns, first, text=True, text_format=text_format, keys=keys)
    for frame in _selected(sources, wanted, others, on_untimed):
        yield frame.select(*schema.POSITION, "text")


def anonymized_records(  # noqa: PLR0913  # one parameter a concern of the caller
    sources: Sequence[Source],
    selections: Sequence[Selection],
    anonymizer: Anonymizer,
    *,
    text_format: TextFormat | None = None,
    keys: FieldKeys = DEFAULT_KEYS,
    on_untimed: Callable[[int], None] | None = None,
) -> Iterator[pl.DataFrame]:
    """Read sources twice and return the records that were selected, anonymized.

    Args:
        sources: What to read, in order; each can be read again.
        selections: Which records, by what they were before; each must select them.
        anonymizer: Replaces what may say who somebody is.
        text_format: As of a ``Reading``.
        keys: As of a ``Reading``.
        on_untimed: Called with numbers of records that a window left out only since
            they have no time.

    Yields:
        ``source``, ``line`` and the columns of ``schema.NORMALIZED``, in the
        order of the input; hosts that the gateway routes have their names.

    Raises:
        SourceError: If a source can't be opened or read.
        IncompleteSourceError: As ``selected_lines``.
        TallyQuestionError: If a source is a saved tally, which has no lines.
    """
    refuse_tallies(sources)
    first, *others = selections
    # Which hosts are routed is known at the end only.
    reading = Reading(selection=first, text_format=text_format, keys=keys, anonymizer=anonymizer)
    names = names_of_routed(sources, reading)
    wanted = Wanted(tuple(schema.NORMALIZED), first, text_format=text_format, keys=keys)
    for frame in _selected(sources, wanted, others, on_untimed):
        hidden = anonymizer.anonymized(KeyedRecords.of(frame)).records.frame()
        records = with_names(hidden, names)
        source = pl.col("source").map_elements(anonymizer.name_of_source, return_dtype=pl.String)
        yield records.with_columns(source).select(*schema.POSITION, *schema.NORMALIZED)


def names_of_routed(sources: Iterable[Source], reading: Reading) -> dict[str, str]:
    """Read sources and return the names of hosts that the gateway routes, by their tokens.

    Args:
        sources: What to read, in order.
        reading: How, with an anonymizer. Who is known does not depend on the selection.

    Raises:
        SourceError: If a source can't be opened or read.
    """
    everything = replace(reading, selection=Selection(roles=reading.selection.roles))
    known = KnownNames.empty(everything.spec(DEFAULT_SPEC))
    for decoded in decode(sources, everything.wanted(_BEHIND_KNOWN_NAMES), stop=reading.stop):
        known = known.merge(KnownNames.of(decoded.normalized(), known.spec)).bounded()
    return names_by_token(known)


def refuse_tallies(sources: Iterable[Source]) -> None:
    """Refuse sources that have counts and no records.

    Raises:
        TallyQuestionError: If one of them is a saved tally.
    """
    for source in sources:
        if is_saved_tally(source):
            raise TallyQuestionError.no_lines(source.name)


def _selected(
    sources: Sequence[Source],
    wanted: Wanted,
    others: Sequence[Selection],
    on_untimed: Callable[[int], None] | None,
) -> Iterator[pl.DataFrame]:
    """Yield the records that are wanted and that other selections select too.

    Raises:
        IncompleteSourceError: After all records.
    """
    damaged: list[tuple[str, str, int]] = []
    logs, requests = KnownLogs(), RequestsSeen()
    for source in sources:
        records = BATCH_RECORDS if source.size else 1
        bytes_read = 0
        decoding = decode([source], wanted, batch_records=records, logs=logs, requests=requests)
        for decoded in decoding:
            counts = decoded.fates.counts
            bytes_read += counts[source.name, "bytes", ""]
            damaged += [
                (source.name, detail, bytes_read) for _, fate, detail in counts if fate == "damaged"
            ]
            frame = decoded.normalized().frame
            if on_untimed is not None:
                on_untimed(counts["", "untimed_left_out", ""])
            for selection in others:
                frame = None if frame is None else selection.chosen(frame)
            if frame is not None and frame.height:
                yield frame
    for name, problem, bytes_read in damaged:
        meaning = PROBLEMS[problem.partition("_")[0]]
        raise IncompleteSourceError.of(name, problem, meaning, bytes_read)


def newest_time(
    sources: Iterable[Source],
    *,
    text_format: TextFormat | None = None,
    keys: FieldKeys = DEFAULT_KEYS,
) -> int | None:
    """Return the latest start of a record in microseconds since 1970, None without times.

    Args:
        sources: What to read.
        text_format: As of a ``Reading``.
        keys: As of a ``Reading``.

    Raises:
        SourceError: If a source can't be opened or read.
        TallyError: If a source is a saved tally, from which no time can be selected.
    """
    newest: int | None = None
    wanted = Wanted(("start_time",), text_format=text_format, keys=keys)
    for source in sources:
        if is_saved_tally(source):
            raise TallyQuestionError.not_selectable(source.name, "--last", None)
        for decoded in decode([source], wanted):
            records = decoded.normalized().selected
            last = None if records is None else records.rows["start_time"].dt.epoch("us").max()
            if isinstance(last, int):
                newest = last if newest is None else max(newest, last)
    return newest
