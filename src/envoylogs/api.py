"""What a notebook or a program calls: scan and read a log, analyze it.

Everything is done by the stages behind; nothing is computed here. Words mean
what they mean on the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from os import PathLike, fspath
from typing import TYPE_CHECKING, TypedDict, TypeVar

import polars as pl

from envoylogs.analysis import Analysis
from envoylogs.counted_frames import tally_of_frame
from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.text_formats import parse_format
from envoylogs.errors import ArgumentError
from envoylogs.forking import refuse_after_fork
from envoylogs.frames import scanned_frame
from envoylogs.keyed.anonymizing_key import keyed_anonymizer
from envoylogs.keyed.moments import moment_of
from envoylogs.keyed.patterns import COLUMN_OF
from envoylogs.keyed.plan import NO_HOOKS, ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.pipeline import spec_of_saved
from envoylogs.read_back import tally_of_any
from envoylogs.sources.locate import locate
from envoylogs.summary.slices import SLICE_COLUMNS, SLICE_ROWS
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

PathOrWord = str | PathLike[str]
_Value = TypeVar("_Value")


class ReadOptions(TypedDict, total=False):
    """How sources are read; every option is one of the command line.

    ``host``, ``path``, ``code``, ``outcome``, ``subset``, ``route``,
    ``cluster``, ``client`` and ``gateway`` are a glob or several, ``role`` a
    role or several, ``where`` a condition in Polars SQL. ``since`` and
    ``until`` are times: with a time zone, or text as on the command line.
    ``distinct_requests`` counts the records of one ``request_id`` once.
    ``text_format`` is a format of TEXT lines, ``map`` has keys by column.
    ``anonymize`` replaces what may say who a client is by tokens of a keyed
    hash; the key is that of the environment, or one for this call. With
    ``hide_names`` names that operators give are replaced too.
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
    hide_names: bool


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
        ``envoylogs help columns``, then ``source`` and ``line``. Missing values are
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
        ArgumentError: If options are given with a frame or a tally, or a frame has
            other types or outcomes than that of ``scan``.

    Examples:
        >>> import envoylogs
        >>> found = envoylogs.analyze("sample_logs/lost-route").findings[0]
        >>> found.code, found.requests
        ('lost_host', 42)
    """
    refuse_after_fork()
    spec = TallySpec(joint=SLICE_COLUMNS, max_joint_rows=SLICE_ROWS)
    if isinstance(what, pl.DataFrame | pl.LazyFrame | Tally):
        if options:
            words = "filter the frame instead; options are for logs."
            raise ArgumentError(f"{', '.join(options)}: {words}")
        return Analysis(what if isinstance(what, Tally) else tally_of_frame(what, spec))
    located = locate(_words(what))
    spec = spec_of_saved(located) or spec
    plan = _plan(options)
    return Analysis(tally_of_any(located, spec=spec, plan=plan, hooks=NO_HOOKS, limits={}))


def _words(sources: PathOrWord | Iterable[PathOrWord]) -> list[str]:
    given = [sources] if isinstance(sources, str | PathLike) else sources
    if hasattr(given, "columns"):
        raise ArgumentError(
            f"a {type(given).__module__.partition('.')[0]} frame is none of Polars: analyze takes "
            "one that pl.from_pandas or pl.from_arrow made of it."
        )
    if not isinstance(given, Iterable):
        raise ArgumentError(f"{given!r} is no path, no word and none of several of these.")
    words = [fspath(word) if isinstance(word, str | PathLike) else word for word in given]
    if not words:
        raise ArgumentError("no source is given, and of no log nothing can be said.")
    wrong = [word for word in words if not isinstance(word, str)]
    if wrong:
        raise ArgumentError(f"{wrong[0]!r} is no path: a path is text or a pathlib.Path.")
    return words


def _plan(options: ReadOptions) -> ReadPlan:
    unknown = set(options) - set(ReadOptions.__annotations__)
    if unknown:
        raise ArgumentError(f"there is no option {', '.join(sorted(unknown))}.")
    texts, flags = _of_type(options, str, _TEXTS), _of_type(options, bool, _FLAGS)
    given: Mapping[str, object] = {**options}
    selection = Selection.of(
        {word: _several(word, given[word]) for word in COLUMN_OF if word in given},
        where=texts.get("where"),
        since_us=_time("since", given),
        until_us=_time("until", given),
        roles=_several("role", given["role"]) if "role" in given else (),
        distinct=flags.get("distinct_requests", False),
    )
    mapped = given.get("map", {})
    if not isinstance(mapped, Mapping):
        raise ArgumentError(f"map: {mapped!r} is no mapping of columns to keys.")
    keys_of = {column: _several("map", keys) for column, keys in mapped.items()}
    keys = FieldKeys.mapping(keys_of) if keys_of else DEFAULT_KEYS
    written = texts.get("text_format")
    text_format = None if written is None else parse_format(written, keys)
    hides_names = flags.get("hide_names", False)
    if hides_names and not flags.get("anonymize"):
        raise ArgumentError("hide_names hides more than anonymize: give both.")
    anonymizer = keyed_anonymizer(hides_names=hides_names) if flags.get("anonymize") else None
    return ReadPlan(selection=selection, text_format=text_format, keys=keys, anonymizer=anonymizer)


_TEXTS = ("where", "text_format")
_FLAGS = ("distinct_requests", "anonymize", "hide_names")


def _of_type(options: ReadOptions, wanted: type[_Value], names: Iterable[str]) -> dict[str, _Value]:
    """Return the options of some names that were given, which have one type."""
    found: dict[str, _Value] = {}
    for name, value in options.items():
        if name in names:
            if not isinstance(value, wanted):
                raise ArgumentError(f"{name}: {value!r} is no {wanted.__name__}.")
            found[name] = value
    return found


def _several(option: str, given: object) -> list[str]:
    values = [given] if isinstance(given, str | int) else given
    if isinstance(values, list | tuple | set | frozenset):
        # A flag is a number to Python.
        are_values = all(isinstance(v, str | int) and not isinstance(v, bool) for v in values)
        if values and are_values:
            return [str(value) for value in values]
    raise ArgumentError(
        f"{option}: {given!r} is no text, no number and no list of these. Leave the option out "
        "to have all."
    )


def _time(option: str, options: Mapping[str, object]) -> int | None:
    """Return a time in microseconds since 1970, null if it was not given."""
    if option not in options:
        return None
    given = options[option]
    text = given.isoformat() if isinstance(given, datetime) else given
    if not isinstance(text, str):
        raise ArgumentError(f"{option}: {given!r} is no time: give a datetime, or text.")
    found = moment_of(option, text, datetime.now(UTC))
    if not isinstance(found, int):
        raise ArgumentError(f"{option}: {given!r} is of no day. Give a datetime, or RFC 3339.")
    return found
