"""Sources of any kind to a tally: logs, saved tallies, and records that were written as Parquet."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.counted_frames import tally_of_frame
from envoylogs.errors import TallyQuestionError
from envoylogs.frames import ORIGIN
from envoylogs.pipeline import spec_of_plan, tally_sources
from envoylogs.tally.storage import file_of, holds_records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from io import BytesIO
    from typing import Any

    from envoylogs.engines.engine import Engine
    from envoylogs.keyed.plan import Hooks, ReadPlan
    from envoylogs.sources.source import Source
    from envoylogs.tally.spec import TallySpec
    from envoylogs.tally.tally import Tally


def tally_of_any(  # noqa: PLR0913  # as of `tally_sources`
    sources: Sequence[Source],
    *,
    spec: TallySpec,
    plan: ReadPlan,
    hooks: Hooks,
    limits: Mapping[str, int],
    engine: Engine[Any] | None = None,
) -> Tally:
    """Read sources as ``tally_sources`` does, among them files of records.

    What was no record when these were written is not in them, so each record
    counts as one line.

    Raises:
        SourceError: If a source can't be opened or read.
        TallyError: As of ``tally_sources``; also if records were written of another
            selection than the rest is of.
    """
    files = [source for source in sources if holds_records(source)]
    if files and plan.selection.distinct:
        raise TallyQuestionError(
            f"{files[0].name}: holds records that were written before, and which of their requests "
            "others hold too is not looked for. Read the logs with --distinct-requests."
        )
    others = [source for source in sources if source not in files]
    tallies = [_tally_of_records(source, spec, plan) for source in files]
    if others or not files:
        tallies.insert(
            0,
            tally_sources(others, spec=spec, plan=plan, hooks=hooks, limits=limits, engine=engine),
        )
    total, *more = tallies
    return total.merge(*more) if more else total


def _tally_of_records(source: Source, spec: TallySpec, plan: ReadPlan) -> Tally:
    file = file_of(source)
    written = _origin(file)
    if written.get("anonymized") is not None:
        plan = replace(plan, anonymizer=None)
    spec = spec_of_plan(spec, plan)
    words = [words for words in (written.get("selection"), spec.selection) if words is not None]
    spec = replace(
        spec,
        selection=" ".join(words) or None,
        anonymized=written.get("anonymized") or spec.anonymized,
    )
    return tally_of_frame(pl.scan_parquet(file, hive_partitioning=False), spec, plan)


def _origin(path: str | BytesIO) -> dict[str, Any]:
    """Return what a file says of where its records are from; nothing if it says nothing."""
    try:
        found = json.loads(pl.read_parquet_metadata(path).get(ORIGIN, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
