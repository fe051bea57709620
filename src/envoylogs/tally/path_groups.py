"""Path groups of records as numbers, worked out once for all paths that are alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.envoy.paths import numbered_path_groups, path_group
from envoylogs.reading.decoded_block import PATH_SHAPE
from envoylogs.tally.counting import Names
from envoylogs.tally.folding.names_apart import kept_apart

if TYPE_CHECKING:
    from envoylogs.keyed.keyed_records import KeyedRecords

PATH_GROUP = "path_group"


def with_path_groups(records: KeyedRecords, segments: int) -> tuple[KeyedRecords, Names]:
    """Return records with the number of their path group in a column of rows, and the groups.

    Args:
        records: With paths, or with the shapes of paths.
        segments: How many segments of a path tell path groups apart.
    """
    if PATH_SHAPE not in records.coded:
        groups, number = numbered_path_groups(records.rows["path"], segments)
        names = Names(groups)
    else:

        def made(shapes: pl.DataFrame) -> pl.DataFrame:
            paths = kept_apart(shapes.rename({PATH_SHAPE: "path"}))
            return paths.select(path_group(pl.col("path"), segments))

        table = records.coded[PATH_SHAPE]
        number = records.rows[PATH_SHAPE]
        names = Names(table.once(f"path groups of {segments}", made).to_series(), table)
    rows = records.rows.hstack([number.alias(PATH_GROUP)])
    return replace(records, rows=rows), names
