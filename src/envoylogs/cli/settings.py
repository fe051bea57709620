"""Which options may be set once and for all, what sets them, and ``--show-config``, which says it.

The nearer wins: the user's file, ``envoylogs.toml`` in the working directory,
environment variables, options; keys that are mapped to columns add up. An
option is a setting of a command if it names the environment variable of a
setting. Files reach the options as click's ``default_map``, the environment
as their ``envvar``.
"""

from __future__ import annotations

import os
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from envoylogs.cli.console import output_file
from envoylogs.cli.options import Format, When, variable_of
from envoylogs.errors import ConfigurationError, MappingError, UnknownKeyError, nearest
from envoylogs.render.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envoylogs.envoy.field_keys import FieldKeys

FILE_NAME = "envoylogs.toml"

KeysByColumn = dict[str, tuple[str, ...]]
"""Keys of a log by the column that they are mapped to."""

_FILES = "envoylogs.files"
"""Where the context of a command keeps the files that were read."""


SETTINGS: dict[str, type[StrEnum | str | int | bool | dict[str, object]]] = {
    "format": Format,
    "limit": int,
    "text_format": str,
    "map": dict,
    "show_query": bool,
    "anonymize": bool,
    "timezone": str,
    "color": When,
    "strict": bool,
    "max_names": int,
    "max_latency_rows": int,
    "max_joint_rows": int,
}
"""What the value of each setting is, in the order in which they are shown: a closed set of words,
``str``, ``int`` (from 0), ``bool``, or ``dict`` for keys by column.

A setting is an option that may be set in files and in the environment. Its name is that of the
long option with ``_``, and the key in files.
"""

_WANTED: dict[type, str] = {
    bool: "true or false",
    int: "a whole number from 0",
    str: "text in quotes",
    dict: 'a table of keys by column, such as authority = "vhost"',
}


class _File(NamedTuple):
    """A configuration file that was read; ``mapped`` are the keys in it by column."""

    path: str
    values: Mapping[str, object]
    mapped: KeysByColumn


def _read_settings(context: typer.Context, given: bool) -> bool:  # noqa: FBT001  # typer's
    """Read the files before the other options are, which take their defaults from them."""
    if not context.resilient_parsing:
        files = [file for path in _paths() if (file := _read_file(path)) is not None]
        context.meta[_FILES] = files
        context.default_map = {
            option.name: file.values[name]
            for file in files
            for name in file.values
            if SETTINGS[name] is not dict and (option := option_of(context, name))
        }
    return given


ShowConfigOption = Annotated[
    bool,
    typer.Option(
        "--show-config",
        callback=_read_settings,
        is_eager=True,
        help="Show each setting, and which file, variable or option sets it; read nothing.",
    ),
]


def option_of(context: typer.Context, name: str) -> Any:  # noqa: ANN401  # click's parameter
    """Return the option of a command that is a setting, None if the command has none for it."""
    variable = variable_of(name)
    options = (p for p in context.command.params if getattr(p, "envvar", None) == variable)
    return next(options, None)


def origin_of(context: typer.Context, name: str) -> str | None:
    """Return what set a setting: an option, a variable or a file; None if nothing did."""
    option = option_of(context, name)
    source = context.get_parameter_source(option.name)
    if source is not None and source.name == "COMMANDLINE":
        unset = "no-" if context.params.get(option.name) is False else ""
        return f"--{unset}{name.replace('_', '-')}"
    if source is not None and source.name == "ENVIRONMENT":
        return variable_of(name)
    files: list[_File] = context.meta.get(_FILES, [])
    return next((file.path for file in reversed(files) if name in file.values), None)


def field_keys(context: typer.Context) -> FieldKeys:
    """Return the known keys, and those that files, environment and options map to columns.

    Raises:
        UnknownKeyError: If no log holds a column that was named.
        MappingError: If a key can't be mapped.
        ConfigurationError: If it is so in a file or in the environment.
    """
    from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys

    mapped = mapped_keys(context)
    if not mapped:
        return DEFAULT_KEYS
    return FieldKeys.mapping({column: keys for column, (keys, _) in mapped.items()})


def mapped_keys(context: typer.Context) -> dict[str, tuple[tuple[str, ...], str]]:
    """Return the keys that are mapped to each column, and what maps them.

    The nearer wins: it replaces the keys of a column, and takes its own keys
    from other columns.
    """
    from envoylogs.envoy.fields import fold

    found: dict[str, tuple[tuple[str, ...], str]] = {}
    for origin, layer in _layers(context):
        taken = {fold(key) for keys in layer.values() for key in keys}
        left = {
            column: (tuple(key for key in keys if fold(key) not in taken), farther)
            for column, (keys, farther) in found.items()
        }
        found = {column: pair for column, pair in left.items() if pair[0]}
        found |= {column: (keys, origin) for column, keys in layer.items()}
    return found


def _layers(context: typer.Context) -> Iterator[tuple[str, KeysByColumn]]:
    """Yield what maps keys, the farthest first: its origin and the keys by column."""
    for file in context.meta.get(_FILES, []):
        yield file.path, file.mapped
    variable = variable_of("map")
    if text := os.environ.get(variable):
        try:
            yield variable, _by_column(_paired([text]))
        except (MappingError, UnknownKeyError) as error:
            raise ConfigurationError.value(variable, "map", str(error)) from error
    if origin_of(context, "map") == "--map":
        yield "--map", _by_column(_paired(context.params[option_of(context, "map").name]))


def _paired(words: list[str]) -> dict[str, list[str]]:
    """Return keys by column from words such as ``authority=vhost,method=verb``."""
    found: dict[str, list[str]] = {}
    for pair in (pair for word in words for pair in word.split(",") if pair.strip()):
        column, equals, key = (part.strip() for part in pair.partition("="))
        if not equals or not column:
            raise MappingError(f"{pair.strip()!r} is not COLUMN=KEY, such as authority=vhost.")
        found.setdefault(column, []).append(key)
    return found


def _by_column(keys_of: Mapping[str, list[str]]) -> KeysByColumn:
    """Return keys by the name of the column proper, once they are checked."""
    from envoylogs.envoy.field_keys import FieldKeys

    found: dict[str, list[str]] = {}
    for key, column in FieldKeys.mapping(keys_of).mapped:
        found.setdefault(column, []).append(key)
    return {column: tuple(keys) for column, keys in found.items()}


def _paths() -> Iterator[Path]:
    """Yield where configuration files may be, the farthest first."""
    folder = Path(typer.get_app_dir("envoylogs"))
    if not folder.is_absolute():
        # XDG_CONFIG_HOME must be absolute, else it does not count.
        folder = Path(os.path.expanduser("~/.config/envoylogs"))  # noqa: PTH111  # never raises
    if folder.is_absolute():
        yield folder / FILE_NAME
    with suppress(FileNotFoundError):  # the working directory was removed
        yield Path.cwd() / FILE_NAME


def _read_file(path: Path) -> _File | None:
    """Return what a file sets, None if there is no such file."""
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if isinstance(error, PermissionError) and not os.path.exists(path):  # noqa: PTH110  # as above
            # The home of somebody else, as in containers that run as any user.
            return None
        raise ConfigurationError(f"{path}: can't be read: {error.strerror or error}.") from error
    import tomllib

    try:
        # With a line end behind it, what is wrong with its last line has a number too.
        values = tomllib.loads(text.decode("utf-8-sig") + "\n")
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: is not valid TOML: {error}.") from error
    for name, value in values.items():
        if name not in SETTINGS:
            near = nearest(name, SETTINGS) or f" There are {', '.join(SETTINGS)}."
            raise ConfigurationError(f"{path}: {name!r} is no setting.{near}")
        _check(str(path), name, value)
    try:
        mapped = _by_column(_tabled(str(path), values.get("map", {})))
    except (MappingError, UnknownKeyError) as error:
        raise ConfigurationError.value(str(path), "map", str(error)) from error
    return _File(str(path), values, mapped)


def _check(path: str, setting: str, value: object) -> None:
    """Raise an error if a value is not what a setting can be."""
    kind = SETTINGS[setting]
    if issubclass(kind, StrEnum):
        words = [str(word) for word in kind]
        if value not in words:
            raise ConfigurationError.value(path, setting, f"give one of {', '.join(words)}.")
    # True is an integer to Python.
    elif type(value) is not kind or (type(value) is int and value < 0):
        raise ConfigurationError.value(path, setting, f"give {_WANTED[kind]}.")


def _tabled(path: str, table: object) -> dict[str, list[str]]:
    """Return keys by column from a table whose values are keys or lists of keys."""
    found: dict[str, list[str]] = {}
    for column, value in table.items() if isinstance(table, dict) else ():
        keys = [value] if isinstance(value, str) else value
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise ConfigurationError.value(path, f"map.{column}", "give a key, or a list of keys.")
        found[column] = keys
    return found


def print_config(context: typer.Context) -> None:
    """Print the settings of a command in TOML, which may be saved as ``envoylogs.toml``."""
    # A mapping that makes no sense is an error here too.
    field_keys(context)
    with output_file(None) as out:
        out.write("".join(f"{line}\n" for line in _lines(context)))


def _lines(context: typer.Context) -> Iterator[str]:
    scalars = [name for name, kind in SETTINGS.items() if kind is not dict]
    for name in scalars:
        option = option_of(context, name)
        if option is not None:
            value = context.params[option.name]
            origin = printable(origin_of(context, name) or "default")
            # TOML has no word for what is not set.
            shown = f"# {name} =" if value is None else f"{name} = {toml_of(value)}"
            yield f"{shown}  # {origin}"
    yield ""
    yield "[map]"
    for column, (keys, origin) in mapped_keys(context).items():
        value = toml_of(keys[0]) if len(keys) == 1 else f"[{', '.join(map(toml_of, keys))}]"
        yield f"{column} = {value}  # {printable(origin)}"


def toml_of(value: object) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else f'"{"".join(map(_escaped, str(value)))}"'


def _escaped(letter: str) -> str:
    """Return a letter as a basic string of TOML has it."""
    if letter in {'"', "\\"}:
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    # Half a pair of surrogates is no letter of TOML.
    return "\\uFFFD" if "\ud800" <= letter <= "\udfff" else f"\\U{ord(letter):08x}"
