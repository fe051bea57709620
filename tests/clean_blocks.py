"""Blocks as a compiled decoder hands them over, made of those of the reference one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.paths import MAX_TEXT
from envoylogs.keyed.meaning import cleaned
from envoylogs.reading.decoded_block import PATH_SHAPE, PLACE, DecodedBlock

if TYPE_CHECKING:
    from collections.abc import Collection

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


def clean(
    block: DecodedBlock, columns: Collection[str], fates: LineFates, *, shapes: bool = True
) -> DecodedBlock:
    """Return a block with its values read, and what repeats in its rows coded.

    Args:
        block: As it was logged.
        columns: Those that are wanted.
        fates: Where values are counted that can't be read.
        shapes: Whether paths are seldom asked, and their shapes are in their place.
    """
    read = cleaned(block, columns, fates)
    rows, seldom, coded = read.rows, dict(read.seldom), dict(read.coded)
    if shapes:
        of_paths = [None if path is None else shape_of(path) for path in rows["path"]]
        seldom["path"] = rows["path"]
        rows = rows.drop("path").with_columns(pl.Series(PATH_SHAPE, of_paths, dtype=pl.String))
        if PLACE not in rows.columns:
            rows = rows.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias(PLACE))
    for name in ("upstream_host", PATH_SHAPE):
        if name in rows.columns:
            values = rows[name].drop_nulls().unique().sort(descending=True)
            places = pl.int_range(values.len(), dtype=pl.UInt32, eager=True)
            place = rows[name].replace_strict(values, places, default=None, return_dtype=pl.UInt32)
            coded[name], rows = values, rows.with_columns(place)
    assert set(coded) <= {*schema.OF_RECORDS, PATH_SHAPE}
    return read._replace(rows=rows, seldom=seldom, coded=coded)
