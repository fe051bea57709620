"""What the library is given, as the stages take it; wrong types are refused in words."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.envoy.text_formats import parse_format
from envoylogs.errors import ArgumentError, UnknownKeyError
from envoylogs.keyed.anonymizing_key import keyed_anonymizer
from envoylogs.keyed.moments import moment_of
from envoylogs.keyed.patterns import COLUMN_OF
from envoylogs.keyed.plan import ReadPlan
from envoylogs.keyed.selection import Selection
from envoylogs.keyed.zones import name_of, zone_of
from envoylogs.schema import COUNTABLE
from envoylogs.tally.ladder import Buckets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from envoylogs.engines.engine import Engine
    from envoylogs.mesh.mesh import Mesh

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


def mesh_given(config: PathOrWord | Iterable[PathOrWord]) -> Mesh | None:
    """Return the configuration of a mesh that was given; null for none.

    Raises:
        MeshFileError: If a file can't be read as configuration.
        ArgumentError: If it is no path and none of several.
    """
    if not isinstance(config, str | PathLike) and isinstance(config, Iterable):
        config = list(config)
        if not config:
            return None
    from envoylogs.mesh.documents import read_configuration
    from envoylogs.mesh.mesh import Mesh

    return Mesh(read_configuration(source_words(config)))


def engine_given(engine: object) -> Engine[Any] | None:
    """Return what counts logs; null for threads of this process.

    Args:
        engine: An engine, ``"threads"``, ``"processes"``, or a client of Dask.

    Raises:
        ArgumentError: If it is none of these.
    """
    if engine is None or engine == "threads":
        return None
    from envoylogs.engines.engine import Engine

    if isinstance(engine, Engine):
        return engine
    if engine == "processes":
        from envoylogs.engines.processes import LocalProcesses

        return LocalProcesses()
    if "distributed" in sys.modules:
        from distributed import Client

        from envoylogs.engines.dask_cluster import DaskCluster

        if isinstance(engine, Client):
            if engine.asynchronous:
                raise ArgumentError("engine: the client is asynchronous; give one that waits.")
            return DaskCluster(engine)
    raise ArgumentError(
        f"engine: {engine!r} is none. Give 'processes', or a client of Dask: of a cluster that is "
        "cluster.get_client()."
    )


def source_words(sources: PathOrWord | Iterable[PathOrWord]) -> list[str]:
    """Return sources as words.

    Raises:
        ArgumentError: If they are none.
    """
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


def plan_of(options: ReadOptions, zone: tzinfo = UTC) -> ReadPlan:
    """Return how sources are read.

    Args:
        options: As they were given.
        zone: Whose clock times in text are of that name none.

    Raises:
        ArgumentError: If there is no such option, or it is of another type.
        SelectionError: If one can't be understood.
    """
    unknown = set(options) - set(ReadOptions.__annotations__)
    if unknown:
        raise ArgumentError(f"there is no option {', '.join(sorted(unknown))}.")
    texts, flags = _of_type(options, str, _TEXTS), _of_type(options, bool, _FLAGS)
    given: Mapping[str, object] = {**options}
    selection = Selection.of(
        {word: _several(word, given[word]) for word in COLUMN_OF if word in given},
        where=texts.get("where"),
        since_us=_time("since", given, zone),
        until_us=_time("until", given, zone),
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


def _time(option: str, options: Mapping[str, object], zone: tzinfo) -> int | None:
    """Return a time in microseconds since 1970, null if it was not given."""
    if option not in options:
        return None
    given = options[option]
    text = given.isoformat() if isinstance(given, datetime) else given
    if not isinstance(text, str):
        raise ArgumentError(f"{option}: {given!r} is no time: give a datetime, or text.")
    found = moment_of(option, text, datetime.now(UTC), zone)
    if not isinstance(found, int):
        raise ArgumentError(f"{option}: {given!r} is of no day. Give a datetime, or RFC 3339.")
    return found


def zone_given(timezone: object) -> tzinfo:
    """Return the zone of a name, UTC for null.

    Raises:
        ArgumentError: If it is no name.
        SelectionError: If there is no such zone.
    """
    if not isinstance(timezone, str | None):
        raise ArgumentError(f"timezone: {timezone!r} is no name of a time zone.")
    return zone_of(timezone, local=False)


def buckets_given(every: object, zone: tzinfo) -> Buckets | None:
    """Return the buckets of time that were asked for, null for none.

    Raises:
        ArgumentError: If it is no length of time.
        SelectionError: If it can't be understood, or is none of whole seconds.
    """
    if every is None:
        return None
    if not isinstance(every, str | timedelta):
        raise ArgumentError(f'every: {every!r} is no length of time: give "15m" or a timedelta.')
    return Buckets.of("every", every, name_of(zone))


def columns_given(by: object) -> tuple[str, ...]:
    """Return the columns to count by, each once.

    Raises:
        ArgumentError: If these are no names.
        UnknownKeyError: If one of them can't be counted by.
    """
    names = [by] if isinstance(by, str) else by
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"by: {by!r} is no name of a column and no list of these.")
    for name in names:
        if name not in COUNTABLE:
            raise UnknownKeyError.of("column to count by", name, COUNTABLE)
    return tuple(dict.fromkeys(names))
