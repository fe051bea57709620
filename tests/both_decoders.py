"""What both decoders make of the same lines, with all that is known of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from envoylogs.envoy.paths import path_group
from envoylogs.envoy.roles import ProxiesSeen
from envoylogs.grouping.numbering import Numberings
from envoylogs.keyed.meaning import normalized
from envoylogs.reading.decoded_block import PATH_SHAPE
from envoylogs.reading.decoders.columns import wanted_with
from envoylogs.reading.decoders.compiled import CompiledDecoder
from envoylogs.reading.fates import LineFates
from envoylogs.sources.blocks import Block

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from envoylogs.keyed.plan import ReadPlan


class Found(NamedTuple):
    """Everything that is known of some lines."""

    records: pl.DataFrame | None
    counts: dict[tuple[str, str, str], int]
    keys: dict[tuple[str, str], dict[str, int]]
    examples: list[object]
    rejects: list[bytes]


def read_by(
    blocks: Sequence[bytes], plan: ReadPlan, coded: Collection[str] | None, source: str = "a.log"
) -> Found:
    """Read blocks of whole lines; by the reference if ``coded`` is null."""
    decoder = None
    if coded is not None:
        decoder = CompiledDecoder(
            wanted_with(plan.columns),
            plan.keys,
            coded=coded,
            seldom=plan.seldom,
            keep_text=plan.text,
            unknown=plan.unknown,
        )
    rejects: list[bytes] = []
    fates = LineFates(on_malformed=rejects.append)
    reader, numbers, found = plan.reader_at(source, 1, decoder), Numberings(), []
    columns = plan.collector(decoder)
    for number, data in enumerate(blocks):
        columns.extend(source, reader.read(Block(data, len(data) + 1), fates))
        # Numbers of keys hold over batches, and what is in them does not.
        if number % 3 == 2 and len(columns):
            found.append(_frame(columns.decoded(fates), numbers, plan, fates))
            columns = plan.collector(decoder)
    columns.extend(source, reader.finish(fates))
    if len(columns):
        found.append(_frame(columns.decoded(fates), numbers, plan, fates))
    return Found(
        pl.concat(found) if found else None,
        {of: n for of, n in fates.counts.items() if n},
        {of: keys.counts for of, keys in fates.keys.items()},
        sorted(fates.examples, key=repr),
        rejects,
    )


def _frame(block: Any, numbers: Numberings, plan: ReadPlan, fates: LineFates) -> pl.DataFrame:
    frame = normalized(block, numbers, plan.columns, fates, ProxiesSeen()).frame()
    paths = PATH_SHAPE if PATH_SHAPE in frame.columns else "path"
    if paths in frame.columns:
        # Which shape a path has nobody asks, but which group the shape is of.
        frame = frame.with_columns(path_group(pl.col(paths)).alias("path_group"))
    frame = frame.drop(PATH_SHAPE, strict=False)
    return frame.select(sorted(frame.columns))


def unlike(blocks: Sequence[bytes], plan: ReadPlan, source: str = "a.log") -> str | None:
    """Return what differs between what both decoders make of blocks; None if nothing does."""
    expected = read_by(blocks, plan, None, source)
    found = read_by(blocks, plan, plan.coded, source)
    for name, one, other in zip(Found._fields, expected, found, strict=True):
        if name != "records" and one != other:
            return f"{name}: {one!r} by the reference, {other!r} compiled"
    return _unlike_records(expected.records, found.records)


def _unlike_records(expected: pl.DataFrame | None, found: pl.DataFrame | None) -> str | None:
    if expected is None or found is None:
        return None if found is expected else f"records: {expected} by the reference, {found}"
    if found.equals(expected) and found.schema == expected.schema:
        return None
    if found.shape != expected.shape or found.schema != expected.schema:
        return f"records: {expected} by the reference, {found} compiled"
    columns = [name for name in found.columns if not found[name].equals(expected[name])]
    rows = [found.select(columns).to_dicts(), expected.select(columns).to_dicts()]
    pairs = [(one, other) for other, one in zip(*rows, strict=True) if one != other]
    return f"records: by the reference and compiled {pairs}"


def assert_alike(blocks: Sequence[bytes], plan: ReadPlan, source: str = "a.log") -> None:
    """Read blocks of whole lines by both decoders, which must make the same of them."""
    difference = unlike(blocks, plan, source)
    assert difference is None, difference
