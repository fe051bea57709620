"""Blocks as a compiled decoder hands them over, made of those of the reference one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.paths import MAX_TEXT
from envoylogs.keyed.cleaning import cleaned
from envoylogs.keyed.joining import joined
from envoylogs.reading.decoded_block import PATH_SHAPE, PLACE, THERE, DecodedBlock

if TYPE_CHECKING:
    from envoylogs.reading.fates import LineFates

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def shape_of(path: str) -> str:
    """Return what is alike in paths, as ``decoded_block.PATH_SHAPE`` says it."""
    bare = re.split(r"[?#]", path[:MAX_TEXT])[0]
    first, *others = bare.split("/")
    return "/".join([first, *map(_alike, others)])


def _alike(segment: str) -> str:
    if re.fullmatch(r"[0-9]+", segment):
        return "0"
    if _UUID.fullmatch(segment):
        return "00000000-0000-0000-0000-000000000000"
    return "a" * 16 if re.fullmatch(r"[0-9a-fA-F]{16,}", segment) else segment


_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"
"""Envoy's default, with all that a microsecond needs."""


def plain(block: DecodedBlock) -> DecodedBlock:
    """Return the same as it would have been logged, with nothing apart or worked out."""
    rows = block.rows.with_columns(
        *(values[block.rows[name]].alias(name) for name, values in block.coded.items()),
        *(
            pl.Series(name, values).gather(block.rows[PLACE])
            for name, values in block.seldom.items()
        ),
    )
    if block.is_clean and "start_time" in rows.columns:
        rows = rows.with_columns(pl.col("start_time").dt.strftime(_TIME))
    return DecodedBlock(
        block.keys.drop(THERE, strict=False), rows.drop(PLACE, PATH_SHAPE, strict=False)
    )


def clean(block: DecodedBlock, fates: LineFates) -> DecodedBlock:
    """Return a block with its values read, and what repeats in its rows coded.

    Args:
        block: Of any decoder.
        fates: Where values are counted that can't be read.
    """
    if block.others is not None:
        others, places = block.others
        block = joined(block, cleaned(others, fates), places)
    read = cleaned(plain(block), fates)
    names = [name for name in ("path", *schema.OF_EXAMPLES) if name in read.rows.columns]
    seldom = {name: read.rows[name] for name in names}
    of_paths = [None if path is None else shape_of(path) for path in seldom["path"]]
    rows = read.rows.drop(names).with_columns(
        pl.Series(PATH_SHAPE, of_paths, dtype=pl.String),
        pl.int_range(pl.len(), dtype=pl.UInt32).alias(PLACE),
    )
    coded = {}
    for name in ("upstream_host", PATH_SHAPE, "source"):
        values = rows[name].drop_nulls().unique().sort(descending=True)
        places = pl.int_range(values.len(), dtype=pl.UInt32, eager=True)
        place = rows[name].replace_strict(values, places, default=None, return_dtype=pl.UInt32)
        coded[name], rows = values, rows.with_columns(place)
    return read._replace(rows=rows, seldom=seldom, coded=coded)
