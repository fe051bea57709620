"""Clean records of two decoders as one block, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.distinct import numbered
from envoylogs.reading.decoded_block import KEY, PATH_SHAPE, PLACE

if TYPE_CHECKING:
    from envoylogs.reading.decoded_block import DecodedBlock


def joined(block: DecodedBlock, others: DecodedBlock, places: pl.Series) -> DecodedBlock:
    """Return two clean blocks as one.

    Args:
        block: As the compiled decoder made it.
        others: With all columns of rows as values of their own.
        places: For each record of both its place among all.
    """
    rows, coded = others.rows, dict(block.coded)
    if PATH_SHAPE in coded:
        # A path is a shape of itself.
        rows = rows.with_columns(pl.col("path").alias(PATH_SHAPE))
    for name, values in block.coded.items():
        texts, number = numbered(rows[name].to_frame())
        coded[name] = pl.concat([values, texts.to_series()])
        number = (number + values.len()).set(rows[name].is_null(), None)
        rows = rows.with_columns(number.alias(name))
    seldom = dict[str, pl.Series]()
    for name, kept in block.seldom.items():
        values = pl.Series(name, kept)
        seldom[name] = pl.concat([values, rows[name]])
        place = pl.int_range(pl.len(), dtype=pl.UInt32) + values.len()
        rows = rows.with_columns(place.alias(PLACE))
    rows = rows.with_columns(pl.col(KEY) + block.keys.height)
    return block._replace(
        keys=_stacked(block.keys, others.keys),
        rows=_stacked(block.rows, rows)[places.arg_sort()],
        seldom=seldom,
        coded=coded,
        others=None,
        pass_over=None,
    )


def _stacked(frame: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of two frames in the columns and types of the first."""
    alike = others.select(pl.col(name).cast(dtype) for name, dtype in frame.schema.items())
    return pl.concat([frame, alike])
