"""How much of a log is remembered, as options and saved tallies say it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envoylogs.tally.state import TallySpec

__all__ = ["spec_to_remember"]


def spec_to_remember(
    found: TallySpec | None,
    columns: tuple[str, ...],
    max_names: int | None,
    max_latency_rows: int | None,
    *,
    show_query: bool,
) -> TallySpec:
    """Return what to remember: that of a saved tally, if there is one, and what was asked for.

    Args:
        found: What a saved tally remembers that is read or added to.
        columns: Of ``--by``; a saved tally has them or not.
        max_names: See ``TallySpec``; null if it was not asked for.
        max_latency_rows: Likewise.
        show_query: Whether paths keep the values of their queries.
    """
    from envoylogs.summary.breakdown import columns_to_ask
    from envoylogs.tally.state import TallySpec

    found = found or TallySpec(by=columns_to_ask(columns))
    return replace(
        found,
        show_query=found.show_query or show_query,
        max_names=max_names or found.max_names,
        max_latency_rows=max_latency_rows or found.max_latency_rows,
    )
