"""Where every line went, from which source, and over which time."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from envoylogs.envoy.fields import ALIASES
from envoylogs.reading.fates import UNREADABLE, WRAPPED_IN
from envoylogs.summary.unused_keys import other_keys, unused_keys

if TYPE_CHECKING:
    from envoylogs.tally.tally import Tally


class Accounts(NamedTuple):
    """The lines of all sources by fate.

    ``lines = record_lines + blank + other + malformed``; a record that is
    printed over many lines has many record lines.

    Attributes:
        bytes: Read.
        lines: Read.
        record_lines: That are records or parts of records.
        blank: Without text.
        other: Of other programs.
        malformed: That should have been records.
        malformed_by_reason: The same by reason, see ``reading.fates.REASONS``.
        repaired: Records that were read after a repair, by kind.
        unreadable: Values that could not be read as the type of their column, by column.
        unreadable_examples: The first of them, one row for each column: ``column``,
            ``records``, ``source``, ``line``, ``value`` (as it was logged, its
            beginning; null in anonymized tallies).
        untimed: Records without a time that could be read.
        untimed_left_out: Records that a selection left out only since they have no
            time to be in its window.
        records: Access records.
        filtered: Records that a selection left out, or that are of another role.
        seen_before: Records left out since one of the same request was counted.
        copies: Sources that begin with the same bytes as another one, which
            were not read again: ``source``, ``of``, ``bytes``.
        enveloped: Lines that stood in an envelope, by kind, see ``reading.envelopes``.
        roles: Records by the role of their proxy, see ``envoy.roles``.
        roles_left_out: The same of roles that are not counted.
        columns_never_seen: Columns that no record had a key for.
        unused_keys: Keys of records that no column holds, see ``unused_keys.unused_keys``.
        other_keys: Keys of JSON objects that are no records, see ``unused_keys.other_keys``.
        examples: The first lines that are no records: source, line, reason, text
            (null in anonymized tallies).
        wrapped_in: What takes records out of other objects, by source, one or more
            of each: ``source``, ``path`` for ``jq``.
        sources: One row for each source: ``source``, ``role`` (of its proxies,
            ``mixed`` for several, null without records), ``bytes``
            (unpacked), ``lines``, ``blank``, ``records``, ``first``,
            ``last`` (microseconds), ``problem`` (why it could not be read
            to its end, see ``problems.PROBLEMS``; null if it could).
        gateways: One row for each gateway: ``gateway``, ``records``, ``first``, ``last``.
        overlap: The window that all gateways cover (microseconds): the last of
            their beginnings and the first of their ends; null with fewer than
            two, and if there is none.
    """

    bytes: int
    lines: int
    record_lines: int
    blank: int
    other: int
    malformed: int
    malformed_by_reason: dict[str, int]
    repaired: dict[str, int]
    unreadable: dict[str, int]
    unreadable_examples: pl.DataFrame
    untimed: int
    untimed_left_out: int
    records: int
    filtered: int
    seen_before: int
    copies: pl.DataFrame
    enveloped: dict[str, int]
    roles: dict[str, int]
    roles_left_out: dict[str, int]
    columns_never_seen: list[str]
    unused_keys: pl.DataFrame
    other_keys: pl.DataFrame
    examples: pl.DataFrame
    wrapped_in: pl.DataFrame
    sources: pl.DataFrame
    gateways: pl.DataFrame
    overlap: tuple[int, int] | None

    @property
    def damaged(self) -> pl.DataFrame:
        """Sources that were not read to their end: ``source``, ``problem``, ``bytes``."""
        found = self.sources["source", "problem", "bytes"]
        if found["problem"].null_count() == found.height:
            return found.clear()
        return found.filter(pl.col("problem").is_not_null())


def accounts(tally: Tally) -> Accounts:
    """Return where every line of a tally went."""
    lines = tally.lines.frame
    by_fate = _by_fate(lines)
    totals = {fate: sum(details.values()) for fate, details in by_fate.items()}
    gateways = _gateways(tally)
    examples = tally.examples.frame.sort("source", "line").select(
        "source", "line", "reason", "text"
    )
    is_value, is_path = (pl.col("reason").str.starts_with(mark) for mark in _OTHER_EXAMPLES)
    unreadable = by_fate["unreadable"]
    return Accounts(
        **{name: totals.get(name, 0) for name in _TOTALS},
        malformed_by_reason=by_fate["malformed"],
        repaired=by_fate["repaired"],
        unreadable=unreadable,
        unreadable_examples=_first_values(unreadable, examples.filter(is_value)),
        copies=lines.filter(pl.col("fate") == "copied")
        .select("source", pl.col("detail").alias("of"), pl.col("n").alias("bytes"))
        .sort("source", "of"),
        enveloped=by_fate["enveloped"],
        roles=by_fate["role"],
        roles_left_out=by_fate["role_left_out"],
        columns_never_seen=[
            name for name in ALIASES if name not in by_fate["column_seen"] and name != "pod"
        ],
        unused_keys=unused_keys(lines),
        other_keys=other_keys(lines),
        examples=examples.filter(~is_value, ~is_path),
        wrapped_in=examples.filter(is_path)
        .select("source", pl.col("text").alias("path"))
        .drop_nulls()
        .unique(maintain_order=True),
        sources=_sources(lines),
        gateways=gateways,
        overlap=_overlap(gateways),
    )


_TOTALS = ("bytes", "lines", "record_lines", "blank", "other", "malformed", "records",
           "untimed", "untimed_left_out", "filtered", "seen_before")  # fmt: skip
_OTHER_EXAMPLES = (UNREADABLE, WRAPPED_IN)
"""What is kept among examples of lines and is none."""


def _by_fate(lines: pl.DataFrame) -> defaultdict[str, dict[str, int]]:
    """Return how many lines, or whatever is counted, had each fate, by detail, most first."""
    counted = lines.lazy().group_by("fate", "detail").agg(pl.col("n").sum())
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for fate, detail, n in counted.sort(-pl.col("n"), "detail").collect().rows():
        found[fate][detail] = n
    return found


def _first_values(unreadable: dict[str, int], examples: pl.DataFrame) -> pl.DataFrame:
    """Return how many values of each column can't be read, with the first one."""
    first = examples.select(
        pl.col("reason").str.strip_prefix(UNREADABLE).alias("column"),
        "source",
        "line",
        pl.col("text").alias("value"),
    ).unique("column", keep="first", maintain_order=True)
    columns = {"column": pl.String(), "records": pl.Int64()}
    counted = pl.DataFrame(list(unreadable.items()), schema=columns, orient="row")
    return counted.join(first, on="column", how="left", maintain_order="left")


def _sources(lines: pl.DataFrame) -> pl.DataFrame:
    def count(fate: str) -> pl.Expr:
        return pl.col("n").filter(pl.col("fate") == fate).sum()

    window = pl.col("fate") == "window"
    return (
        lines.lazy()
        .filter(pl.col("source") != "")
        .group_by("source")
        .agg(
            count("bytes").alias("bytes"),
            count("lines").alias("lines"),
            count("blank").alias("blank"),
            count("records").alias("records"),
            pl.col("detail").filter(pl.col("fate") == "role").unique().alias("roles"),
            pl.col("first").filter(window).min(),
            pl.col("last").filter(window).max(),
            pl.col("detail").filter(pl.col("fate") == "damaged").min().alias("problem"),
        )
        .select(
            "source",
            pl.when(pl.col("roles").list.len() > 1).then(pl.lit("mixed"))
            .otherwise(pl.col("roles").list.first()).alias("role"),
            "bytes", "lines", "blank", "records", "first", "last", "problem",
        )
        .sort("source")
        .collect()
    )  # fmt: skip


def _gateways(tally: Tally) -> pl.DataFrame:
    return (
        tally.traffic.frame.lazy()
        .group_by("gateway")
        .agg(pl.col("requests").sum().alias("records"), pl.col("first").min(), pl.col("last").max())
        .sort(-pl.col("records"), "gateway", nulls_last=True)
        .collect()
    )


def _overlap(gateways: pl.DataFrame) -> tuple[int, int] | None:
    windows = [
        (first, last)
        for name, _, first, last in gateways.iter_rows()
        if name is not None and first is not None
    ]
    if len(windows) < 2:  # noqa: PLR2004  # of one there is no overlap
        return None
    start, end = max(first for first, _ in windows), min(last for _, last in windows)
    return (start, end) if start <= end else None
