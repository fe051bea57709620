"""Each setting of a command with its value and where that comes from, as a file of settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.cli.console import output_file
from envoylogs.cli.settings import SETTINGS, field_keys, mapped_keys, option_of, origin_of
from envoylogs.render.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer


def print_config(context: typer.Context) -> None:
    """Print the settings of a command in TOML, which may be saved as ``envoylogs.toml``."""
    # A mapping that makes no sense is an error here too.
    field_keys(context)
    with output_file(None) as out:
        out.write("".join(f"{line}\n" for line in _lines(context)))


def _lines(context: typer.Context) -> Iterator[str]:
    scalars = [name for name, setting in SETTINGS.items() if setting.kind is not dict]
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
