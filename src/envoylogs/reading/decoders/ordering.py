"""Blocks of several shapes as one, and who wrote their records."""

from __future__ import annotations

import polars as pl

from envoylogs.reading.decoded_block import KEY, DecodedBlock, split_keys
from envoylogs.reading.decoders.logged_values import as_text
from envoylogs.reading.payloads import NOBODY, Origin


def in_order(blocks: list[DecodedBlock], places: pl.Series) -> DecodedBlock:
    """Return several blocks as one, their numbers of keys told apart.

    Args:
        blocks: Without seldom or coded columns.
        places: The place of each record of all of them, one block after the other.
    """
    keys, rows = (
        _joined(of_all) for of_all in ([one.keys for one in blocks], [one.rows for one in blocks])
    )
    return DecodedBlock(keys, rows[places.arg_sort()])


def _joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of several shapes, one behind the other.

    Columns that they have as several types become text, as within a shape: integers that become
    floats beside others lose digits.
    """
    types: dict[str, set[pl.DataType]] = {}
    for frame in frames:
        for name, dtype in frame.schema.items():
            types.setdefault(name, set()).add(dtype)
    mixed = {name for name, of_column in types.items() if len(of_column) > 1}
    return pl.concat(
        [
            frame.with_columns(as_text(frame[name]) for name in frame.columns if name in mixed)
            for frame in frames
        ],
        how="diagonal",
    )


def with_origins(block: DecodedBlock, origins: list[Origin]) -> DecodedBlock:
    """Return records with who wrote them, as a part of their keys."""
    distinct = list(dict.fromkeys([*origins, NOBODY]))
    place_of = {origin: place for place, origin in enumerate(distinct)}
    places = pl.Series([place_of[origin] for origin in origins], dtype=pl.UInt32)
    places = places.extend_constant(place_of[NOBODY], block.rows.height - len(origins))
    before, who, key = split_keys(block.keys.height, block.rows[KEY], places, len(distinct))
    names = pl.DataFrame(distinct, schema=dict.fromkeys(Origin._fields, pl.String()), orient="row")[
        who
    ]
    keys = block.keys[before]
    logged = keys["pod"] if "pod" in keys.columns else pl.Series([None], dtype=pl.String)
    keys = keys.with_columns(names).with_columns(pl.coalesce("pod", pl.lit(logged)).alias("pod"))
    return block._replace(keys=keys, rows=block.rows.with_columns(key.alias(KEY)))
