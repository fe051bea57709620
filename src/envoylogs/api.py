"""What a notebook or a program calls: scan and read a log, analyze it.

Everything is done by the stages behind; nothing is computed here. Words mean
what they mean on the command line.
"""

from __future__ import annotations

from datetime import UTC, datetime
from os import PathLike, fspath
from typing import TYPE_CHECKING, TypedDict

import polars as pl

from envoylogs.analysis import Analysis
from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.text_formats import parse_format
from envoylogs.frames import scanned_frame, tally_of_frame
from envoylogs.keyed.anonymizing_key import keyed_anonymizer
from envoylogs.keyed.moments import time_of
from envoylogs.keyed.plan import NO_HOOKS, ReadPlan
from envoylogs.keyed.selection import COLUMN_OF, Selection
from envoylogs.pipeline import spec_of_saved
from envoylogs.read_back import tally_of_any
from envoylogs.sources.locate import locate
from envoylogs.summary.slices import SLICE_COLUMNS, SLICE_ROWS
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Unpack

PathOrWord = str | PathLike[str]


class ReadOptions(TypedDict, total=False):
    """How sources are read; every option is one of the command line.

    ``host``, ``path``, ``code``, ``outcome``, ``subset``, ``route``,
    ``cluster``, ``client`` and ``gateway`` are a glob or several, ``role`` a
    role or several, ``where`` a condition in Polars SQL. ``since`` and
    ``until`` are times: with a time zone, or text as on the command line.
    ``distinct_requests`` counts the records of one ``request_id`` once.
    ``text_format`` is a format of TEXT lines, ``map`` has keys by column.
    ``anonymize`` replaces what may say who a client is by tokens of a keyed
    hash; the key is that of the environment, or one for this call.
    """

    host: str | Sequence[str]
    path: str | Sequence[str]
    code: str | int | Sequence[str | int]
    outcome: str | Sequence[str]
    subset: str | Sequence[str]
    route: str | Sequence[str]
    cluster: str | Sequence[str]
    client: str | Sequence[str]
    gateway: str | Sequence[str]
    role: str | Sequence[str]
    where: str
    since: str | datetime
    until: str | datetime
    distinct_requests: bool
    text_format: str
    map: Mapping[str, str | Sequence[str]]
    anonymize: bool


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
        ``docs/columns.md``, then ``source`` and ``line``. Missing values are
        null, times are UTC. Each ``collect`` reads the sources again.

    Raises:
        SourceError: If a source does not exist; when it is collected, if one
            can't be read.
        SelectionError: If an option can't be understood.
        TallyQuestionError: If a source is a saved tally, which has no records.

    Examples:
        >>> import envoylogs, polars as pl
        >>> frame = envoylogs.scan("sample_logs/canary")
        >>> frame.group_by("upstream_subset").len().sort("len").collect().rows()
        [(None, 45), ('v2', 68), ('v1', 167)]
    """
    if unknown_keys and options.get("anonymize"):
        raise TypeError("unknown_keys may hold anything, which anonymize can't replace")
    return scanned_frame(locate(_words(sources)), _plan(options), unknown_keys=unknown_keys)


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


def analyze(
    what: PathOrWord | Iterable[PathOrWord] | pl.DataFrame | pl.LazyFrame | Tally,
    /,
    **options: Unpack[ReadOptions],
) -> Analysis:
    """Return what the log says: findings, every table, every figure.

    Args:
        what: Sources as of ``scan``, among them saved tallies, and Parquet that logs
            were converted to; or a frame from ``scan`` or ``read``, with records left
            out as you like; or a tally.
        options: See ``ReadOptions``; only with sources.

    Raises:
        SourceError: If a source can't be read.
        TallyError: If saved tallies don't add up, or have no such selection.
        UnknownKeyError: If a frame has no ``outcome`` or ``kind``.
        TypeError: If options are given with a frame or a tally.

    Examples:
        >>> import envoylogs
        >>> found = envoylogs.analyze("sample_logs/lost-route").findings[0]
        >>> found.code, found.requests
        ('lost_host', 42)
    """
    spec = TallySpec(joint=SLICE_COLUMNS, max_joint_rows=SLICE_ROWS)
    if isinstance(what, pl.DataFrame | pl.LazyFrame | Tally):
        if options:
            raise TypeError(f"{', '.join(options)}: filter the frame instead; options are for logs")
        return Analysis(what if isinstance(what, Tally) else tally_of_frame(what, spec))
    located = locate(_words(what))
    spec = spec_of_saved(located) or spec
    plan = _plan(options)
    return Analysis(tally_of_any(located, spec=spec, plan=plan, hooks=NO_HOOKS, limits={}))


def _words(sources: PathOrWord | Iterable[PathOrWord]) -> list[str]:
    given = [sources] if isinstance(sources, str | PathLike) else sources
    return [fspath(word) for word in given]


def _plan(options: ReadOptions) -> ReadPlan:
    unknown = set(options) - set(ReadOptions.__annotations__)
    if unknown:
        raise TypeError(f"there is no option {', '.join(sorted(unknown))}")
    patterns = {word: _several(options.get(word, ())) for word in COLUMN_OF}
    selection = Selection.of(
        patterns,
        where=options.get("where"),
        since_us=_time("since", options.get("since")),
        until_us=_time("until", options.get("until")),
        roles=_several(options.get("role", ())),
        distinct=options.get("distinct_requests", False),
    )
    mapped = {column: _several(keys) for column, keys in options.get("map", {}).items()}
    keys = FieldKeys.mapping(mapped) if mapped else DEFAULT_KEYS
    given = options.get("text_format")
    text_format = None if given is None else parse_format(given, keys)
    anonymizer = keyed_anonymizer() if options.get("anonymize") else None
    return ReadPlan(selection=selection, text_format=text_format, keys=keys, anonymizer=anonymizer)


def _several(given: object) -> list[str]:
    if isinstance(given, str | int):
        return [str(given)]
    assert isinstance(given, list | tuple | set | frozenset), given  # noqa: S101
    return [str(value) for value in given]


def _time(option: str, given: str | datetime | None) -> int | None:
    """Return a time in microseconds since 1970."""
    if given is None:
        return None
    text = given.isoformat() if isinstance(given, datetime) else given
    return time_of(option, text, datetime.now(UTC))
