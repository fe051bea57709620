"""What a notebook or a program calls: scan and read a log, analyze it.

Everything is done by the stages behind; nothing is computed here. Words mean
what they mean on the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from envoylogs.analysis import Analysis
from envoylogs.arguments import (
    buckets_given,
    columns_given,
    engine_given,
    mesh_given,
    plan_of,
    source_words,
    zone_given,
)
from envoylogs.counted_frames import tally_of_frame
from envoylogs.errors import ArgumentError, TallyQuestionError
from envoylogs.forking import refuse_after_fork
from envoylogs.frames import scanned_frame
from envoylogs.keyed.plan import NO_HOOKS
from envoylogs.pipeline import spec_of_saved
from envoylogs.read_back import tally_of_any
from envoylogs.sources.locate import locate
from envoylogs.summary.breakdown import columns_to_ask
from envoylogs.summary.slices import SLICE_COLUMNS, SLICE_ROWS
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta
    from typing import Any, Unpack

    from distributed import Client

    from envoylogs.arguments import PathOrWord, ReadOptions
    from envoylogs.engines.engine import Engine

_TIME = "start_time"


def scan(
    sources: PathOrWord | Iterable[PathOrWord],
    /,
    *,
    unknown_keys: bool = False,
    **options: Unpack[ReadOptions],
) -> pl.LazyFrame:
    """Return the records of logs as a lazy frame, which reads only what a query needs.

    Args:
        sources: Files, folders, globs or ``-``, or several of them; plain or
            compressed, in any format and envelope that the command reads.
        unknown_keys: Whether there is a column ``unknown_keys``: what of a JSON
            record no other column holds, as a JSON object in text.
        options: See ``ReadOptions``.

    Returns:
        A row for each record, in the order of the sources; columns as in
        ``envoylogs help columns.md``, then ``source`` and ``line``. Missing values are
        null, times are UTC. Each ``collect`` reads the sources again.

    Raises:
        SourceError: If a source does not exist; when it is collected, if one
            can't be read.
        SelectionError: If an option can't be understood.
        ArgumentError: If there is no such option, or it is of another type.
        ForkError: In a process that was forked after Polars was used.
        TallyQuestionError: If a source is a saved tally, which has no records.

    Examples:
        >>> import envoylogs, polars as pl
        >>> frame = envoylogs.scan("sample_logs/canary")
        >>> frame.group_by("upstream_subset").len().sort("len").collect().rows()
        [(None, 45), ('v2', 68), ('v1', 167)]
    """
    if not isinstance(unknown_keys, bool):
        raise ArgumentError(f"unknown_keys: {unknown_keys!r} is no bool.")
    if unknown_keys and options.get("anonymize"):
        raise ArgumentError("unknown_keys may hold anything, which anonymize can't replace.")
    refuse_after_fork()
    return scanned_frame(locate(source_words(sources)), plan_of(options), unknown_keys=unknown_keys)


def read(
    sources: PathOrWord | Iterable[PathOrWord],
    /,
    *,
    unknown_keys: bool = False,
    **options: Unpack[ReadOptions],
) -> pl.DataFrame:
    """Return the records of logs as a frame: ``scan(...).collect()``.

    Examples:
        >>> import envoylogs
        >>> envoylogs.read("sample_logs/canary", outcome="upstream_5xx").height
        33
    """
    return scan(sources, unknown_keys=unknown_keys, **options).collect()


def analyze(  # noqa: PLR0913  # what may be asked of a log
    what: PathOrWord | Iterable[PathOrWord] | pl.DataFrame | pl.LazyFrame | Tally,
    /,
    *,
    by: str | Sequence[str] = (),
    every: str | timedelta | None = None,
    timezone: str | None = None,
    config: PathOrWord | Iterable[PathOrWord] = (),
    suppress: str | Sequence[str] = (),
    engine: Engine[Any] | Client | str | None = None,
    **options: Unpack[ReadOptions],
) -> Analysis:
    """Return what the log says: findings, every table, every figure.

    Args:
        what: Sources as of ``scan``, among them saved tallies, and Parquet that logs
            were converted to; or a frame from ``scan`` or ``read``, with records left
            out as you like; or a tally.
        by: A column or several, which the table ``by`` counts by together.
        every: Stretches of time, such as ``"15m"``: the table ``by`` is by these and then by
            the columns, and ``timeline`` and ``splits_over_time`` are as wide. A tally may
            hold only wider ones.
        timezone: Whose clock these begin by, such as ``"Europe/Berlin"``, and times in
            text are of; UTC without it. Times of tables are UTC in any case.
        config: The mesh's configuration, as ``--config`` takes it: files, folders or globs of
            dumps and objects. Findings then have proof and change, and ``explanations`` say why
            each request was turned away.
        suppress: A code of a cause or finding that is left out, or several, each with
            ``:HOST`` for hosts of a glob.
        engine: What counts sources: ``"processes"`` of this machine, or the client of a Dask
            cluster, which reads them by itself; threads of this process without it.
        options: See ``ReadOptions``; only with sources.

    Raises:
        SourceError: If a source can't be read.
        EngineError: If workers can't count, or not what is asked.
        MeshFileError: If a file can't be read as configuration.
        TallyError: If saved tallies don't add up, have no such selection, or no counts
            by these columns. By ``every`` alone they have their timeline.
        SelectionError: If ``every`` is no length of time, or there is no such zone.
        UnknownKeyError: If a frame has no ``outcome`` or ``kind``, or there is no such column.
        ArgumentError: If options are given with a frame or a tally, or a frame has
            other types or outcomes than that of ``scan``.

    Examples:
        >>> import envoylogs
        >>> found = envoylogs.analyze("sample_logs/lost-route").findings[0]
        >>> found.code, found.requests
        ('lost_host', 42)
    """
    refuse_after_fork()
    zone = zone_given(timezone)
    columns, buckets = columns_given(by), buckets_given(every, zone)
    if buckets is not None:
        columns = tuple(dict.fromkeys((_TIME, *columns)))
    mesh = mesh_given(config)
    spec = TallySpec(
        by=columns_to_ask(columns),
        every_s=buckets and buckets.width_s,
        timezone=buckets and buckets.timezone,
        joint=SLICE_COLUMNS,
        max_joint_rows=SLICE_ROWS,
        turned_away=() if mesh is None else mesh.turned_away,
    )
    if isinstance(what, pl.DataFrame | pl.LazyFrame | Tally):
        if options:
            words = "filter the frame instead; options are for logs."
            raise ArgumentError(f"{', '.join(options)}: {words}")
        if engine is not None:
            raise ArgumentError("engine: is for logs; a frame or a tally is counted already.")
        tally = what if isinstance(what, Tally) else tally_of_frame(what, spec)
    else:
        by_engine = engine_given(engine)
        located = locate(source_words(what))
        spec = spec_of_saved(located) or spec
        plan = plan_of(options, zone)
        tally = tally_of_any(
            located, spec=spec, plan=plan, hooks=NO_HOOKS, limits={}, engine=by_engine
        )
    if columns == (_TIME,) and _TIME not in tally.spec.by:
        # A tally whose timeline is what it has over time.
        columns = ()
    if mesh is not None and not {*mesh.turned_away} <= {*tally.spec.turned_away}:
        raise TallyQuestionError(
            "this tally does not count what the gateway answered by host, port and path as the "
            "configuration asks. Analyze the logs, or save the tally from an analysis with config."
        )
    return Analysis(
        tally,
        by=columns,
        buckets=buckets,
        mesh=mesh,
        suppress=[suppress] if isinstance(suppress, str) else suppress,
    )
