"""What a path says: its group, and itself without the values of its query."""

from __future__ import annotations

import polars as pl

from envoylogs.envoy.distinct import numbered

MAX_TEXT = 512
"""Where strings that strangers choose are cut, in characters."""

PATH_SEGMENTS = 4
"""How many segments of a path tell path groups apart, unless told otherwise."""


def without_query(path: pl.Expr) -> pl.Expr:
    """Return a path without its query and fragment."""
    return path.str.replace(r"(?s)[?#].*$", "")


QUERY = pl.col("path").str.extract(r"(?s)^[^?#]*(\?[^#]*)").fill_null("")
"""The query of a path from its question mark on; empty for none, and where there is no path."""


def masked_query(path: pl.Expr) -> pl.Expr:
    """Return a path with the values of its query and fragment replaced by ``*``."""
    parts = path.str.extract_groups(r"(?s)^([^?#]*)(.*)$")
    values = parts.struct.field("2").str.replace_all(r"=[^&#]*", "=*")
    return (parts.struct.field("1") + values).alias("path")


def path_group(path: pl.Expr, segments: int = PATH_SEGMENTS) -> pl.Expr:
    """Return a path without its query and with its ids replaced, as ``path_group``.

    Numbers become ``{id}``, UUIDs ``{uuid}`` and hexadecimal words of 16 and
    more digits ``{hash}``; deeper segments become ``*``. So does what stands in
    the place of these in a path that was anonymized: ``{id:3f9a...}`` is ``{id}``.
    """
    bare = without_query(path.str.head(MAX_TEXT))
    # Slashes are doubled so that neighbors do not share one: the engine has no look-ahead.
    doubled = (bare + "/").str.replace_all("/", "//", literal=True)
    marked = (
        doubled.str.replace_all(r"/\d+/", "/{id}/")
        .str.replace_all(r"/[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/", "/{uuid}/")
        .str.replace_all(r"/[0-9a-fA-F]{16,}/", "/{hash}/")
        .str.replace_all(r"/\{(id|uuid|hash):[0-9a-f]{16}\}/", "/{$1}/")
    )
    single = marked.str.replace_all("//", "/", literal=True).str.strip_suffix("/")
    deep = rf"(?s)^((?:[^/]*/){{{segments}}}[^/]*)/.*$"
    return (
        pl.when(single == "")
        .then(pl.when(path.is_not_null()).then(pl.lit("/")))
        .otherwise(single.str.replace(deep, "${1}/*"))
        .alias("path_group")
    )


def numbered_path_groups(
    paths: pl.Series, segments: int = PATH_SEGMENTS
) -> tuple[pl.Series, pl.Series]:
    """Return the path groups of some paths, many maybe alike, and which of them each path is of."""
    # Where a number stands, any other gives the same group: each step leaves fewer to look at.
    bare = without_query(pl.col(paths.name).str.head(MAX_TEXT))
    alike = bare.str.replace_all(r"/\d+(/|$)", "/0${1}")
    found, number = numbered(paths.to_frame())
    for step in (alike, path_group(pl.col(paths.name), segments)):
        found, numbers = numbered(found.select(step))
        number = numbers[number]
    return found.to_series(), number
