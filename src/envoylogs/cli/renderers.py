"""What writes a summary in the format that was asked for, and how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.cli.options import Format, When

if TYPE_CHECKING:
    from envoylogs.render.renderer import Renderer

__all__ = ["names_in_metrics", "renderer_of"]

_MOST_ROWS = 2**32 - 1
"""More rows than this no table can have."""


def renderer_of(
    output_format: Format, table: str | None, limit: int | None, color: When
) -> Renderer:
    """Return what writes a summary.

    Args:
        output_format: How.
        table: What alone; null for all there is.
        limit: At most so many rows a table; 0 for all, null for what is usual.
        color: When text has color.
    """
    rows = min(limit, _MOST_ROWS) if limit else None
    if output_format is Format.JSON:
        from envoylogs.render.records import JsonRenderer

        return JsonRenderer(limit=rows)
    if output_format is Format.NDJSON and table is not None:
        from envoylogs.render.records import NdjsonRenderer

        return NdjsonRenderer(table, limit=rows)
    if output_format is Format.CSV and table is not None:
        from envoylogs.render.csv_table import CsvRenderer

        return CsvRenderer(table, limit=rows)
    if output_format is Format.MARKDOWN:
        from envoylogs.render.markdown import MarkdownRenderer

        return MarkdownRenderer(table, limit=rows)
    if output_format is Format.PROMETHEUS:
        from envoylogs.render.prometheus import PrometheusRenderer

        return PrometheusRenderer()
    from envoylogs.render.terminal.screen import DEFAULT_LIMIT, TerminalRenderer

    wanted = {When.AUTO: None, When.ALWAYS: True, When.NEVER: False}[color]
    shown = DEFAULT_LIMIT if limit is None else rows
    return TerminalRenderer(limit=shown, color=wanted, table=table)


def names_in_metrics(output_format: Format, limit: int | None) -> int | None:
    """Return how many hosts and clusters metrics name at most; null for a format without them.

    Args:
        output_format: Of the summary.
        limit: As of ``renderer_of``.
    """
    from envoylogs.summary.metrics.names import DEFAULT_NAMES

    if output_format is not Format.PROMETHEUS:
        return None
    if limit is None:
        return DEFAULT_NAMES
    return min(limit or _MOST_ROWS, _MOST_ROWS)
