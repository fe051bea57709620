"""Sources to the records that were selected, as they stand in them; what the end of a log tells.

What these read is not counted: the lines behind a number, the newest time,
the hosts that a gateway routes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.paths import MAX_TEXT, without_query
from envoylogs.errors import IncompleteSourceError, TallyQuestionError
from envoylogs.keyed.batches import Decoded
from envoylogs.keyed.decoding import BATCH_RECORDS, decode
from envoylogs.keyed.distinct_requests import RequestsSeen
from envoylogs.keyed.keyed_records import KeyedRecords
from envoylogs.keyed.plan import NO_HOOKS, Hooks, ReadPlan
from envoylogs.keyed.selection import NOTHING_SELECTED, Selection
from envoylogs.pipeline import spec_of_plan, work_ahead
from envoylogs.sources.known_logs import KnownLogs
from envoylogs.sources.remote.ahead import begun
from envoylogs.tally.known_names import KnownNames
from envoylogs.tally.known_tokens import names_by_token, with_names
from envoylogs.tally.spec import DEFAULT_SPEC
from envoylogs.tally.storage import holds_counts, holds_records, is_saved_tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from envoylogs.sources.source import Source

_BEHIND_KNOWN_NAMES = ("authority", "requested_server_name", "outcome", "kind", "upstream_cluster")


def selected_lines(
    sources: Sequence[Source],
    plan: ReadPlan,
    *,
    on_untimed: Callable[[int], None] | None = None,
) -> Iterator[pl.DataFrame]:
    """Read sources and return the records that were selected as they stand in them.

    Args:
        sources: What to read, in order; a pipe is answered as it arrives.
        plan: How, and which records.
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
    for frame in _selected(sources, replace(plan, columns=(), text=True), on_untimed):
        yield frame.select(*schema.POSITION, "text")


def anonymized_records(
    sources: Sequence[Source],
    plan: ReadPlan,
    *,
    on_untimed: Callable[[int], None] | None = None,
) -> Iterator[pl.DataFrame]:
    """Read sources twice and return the records that were selected, anonymized.

    Takes and raises the same as ``selected_lines``. Each source can be read again, the plan
    has an anonymizer, and records are selected by what they were before.

    Yields:
        ``source``, ``line`` and the columns of ``schema.NORMALIZED``, in the
        order of the input; hosts that the gateway routes have their names.
    """
    refuse_tallies(sources)
    anonymizer = plan.anonymizer
    assert anonymizer is not None  # noqa: S101
    # Which hosts are routed is known at the end only.
    names = names_of_routed(sources, plan)
    wanted = replace(plan, columns=tuple(schema.NORMALIZED), anonymizer=None)
    for frame in _selected(sources, wanted, on_untimed):
        hidden = anonymizer.anonymized(KeyedRecords.of(frame)).records.frame()
        records = with_names(hidden, names)
        source = pl.col("source").map_elements(anonymizer.name_of_source, return_dtype=pl.String)
        yield records.with_columns(source).select(*schema.POSITION, *schema.NORMALIZED)


def names_of_routed(
    sources: Iterable[Source], plan: ReadPlan, *, hooks: Hooks = NO_HOOKS
) -> dict[str, str]:
    """Read sources and return the names of hosts that the gateway routes, by their tokens.

    The plan has an anonymizer; who is known does not depend on its selection.

    Raises:
        SourceError: If a source can't be opened or read.
    """
    everything = replace(
        plan, columns=_BEHIND_KNOWN_NAMES, selection=Selection(roles=plan.selection.roles)
    )
    known = KnownNames.empty(spec_of_plan(DEFAULT_SPEC, everything))
    decoding = decode(sources, everything, hooks=Hooks(stop=hooks.stop))
    for batch in work_ahead(decoding, Decoded.normalized):
        known = known.merge(KnownNames.of(batch, known.spec)).bounded()
    return names_by_token(known)


USUAL_FROM = 10
"""In how many requests a word of a path must stand to be usual."""

_MOST_WORDS = 100_000


def usual_words(sources: Iterable[Source], plan: ReadPlan) -> frozenset[str]:
    """Read sources and return the segments of paths that stand in some requests at least.

    Memory is bounded: where there are very many, a few that are usual may be missing.

    Raises:
        SourceError: If a source can't be opened or read.
    """
    refuse_tallies(sources)
    wanted = replace(plan, columns=("path",), anonymizer=None)
    counts = pl.DataFrame(schema={"word": pl.String(), "requests": pl.Int64()})
    for batch in work_ahead(decode(sources, wanted), Decoded.normalized):
        if batch.selected is None:
            continue
        paths = batch.selected.frame(["path"]).lazy().group_by("path").agg(requests=pl.len())
        words = without_query(pl.col("path").str.head(MAX_TEXT)).str.split("/").list.unique()
        found = paths.select(words.alias("word"), pl.col("requests").cast(pl.Int64)).explode("word")
        added = pl.concat([counts.lazy(), found]).group_by("word").agg(pl.col("requests").sum())
        counts = added.drop_nulls().sort("requests", descending=True).head(_MOST_WORDS).collect()
    return frozenset(counts.filter(pl.col("requests") >= USUAL_FROM)["word"])


def refuse_tallies(sources: Iterable[Source]) -> None:
    """Refuse sources that have counts and no records.

    Raises:
        TallyQuestionError: If one of them is a saved tally.
    """
    for source in sources:
        if is_saved_tally(source) and not holds_counts(source):
            raise TallyQuestionError(
                f"{source.name}: is a Parquet file, and no log: pl.scan_parquet reads it. What "
                "envoylogs convert wrote is counted by summarize and analyze."
            )
        if is_saved_tally(source):
            raise TallyQuestionError(
                f"{source.name}: is a saved tally: it has counts and no lines. Give the logs."
            )


def _selected(
    sources: Sequence[Source],
    wanted: ReadPlan,
    on_untimed: Callable[[int], None] | None,
) -> Iterator[pl.DataFrame]:
    """Yield the records that are wanted."""
    damaged: list[tuple[str, str, int]] = []
    logs, requests = KnownLogs(), RequestsSeen()
    for source in begun(sources):
        records = BATCH_RECORDS if source.size else 1
        bytes_read = 0
        decoding = decode([source], wanted, batch_records=records, logs=logs, requests=requests)
        for batch in work_ahead(decoding, Decoded.normalized, waiting=1 if source.size else 0):
            counts = batch.fates.counts
            bytes_read += counts[source.name, "bytes", ""]
            damaged += [
                (source.name, detail, bytes_read) for _, fate, detail in counts if fate == "damaged"
            ]
            frame = batch.frame
            if on_untimed is not None:
                on_untimed(counts["", "untimed_left_out", ""])
            if frame is not None and frame.height:
                yield frame
    for name, problem, bytes_read in damaged:
        raise IncompleteSourceError.of(name, problem, bytes_read)


def times_of(sources: Iterable[Source], plan: ReadPlan, asked: str) -> tuple[int, int] | None:
    """Return the first and the last start of a record in microseconds, null without times.

    They are those of all records of the usual roles.

    Args:
        sources: Each can be read again.
        plan: How they are read.
        asked: The option that it is for.

    Raises:
        SourceError: If a source can't be opened or read.
        TallyError: If a source is a saved tally, from which no time can be selected.
    """
    found: tuple[int, int] | None = None
    wanted = replace(plan, columns=("start_time",), selection=NOTHING_SELECTED, anonymizer=None)
    for source in begun(sources):
        if holds_records(source):
            raise TallyQuestionError(
                f"{source.name}: {asked} is not looked for in records that were read before. Give "
                "--since and --until with their days."
            )
        if is_saved_tally(source):
            raise TallyQuestionError.not_selectable(source.name, asked, None)
        for batch in work_ahead(decode([source], wanted), Decoded.normalized):
            records = batch.selected
            if records is None:
                continue
            times = records.rows["start_time"].dt.epoch("us")
            first, last = times.min(), times.max()
            if isinstance(first, int) and isinstance(last, int):
                before = found or (first, last)
                found = min(before[0], first), max(before[1], last)
    return found
