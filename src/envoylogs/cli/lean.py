"""Commands that start sooner: their values are left alone where there is nothing to check."""

from __future__ import annotations

from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from envoylogs.cli.options import PANELS

if TYPE_CHECKING:
    from collections.abc import Callable

_OTHERS = "Options"
"""Where options stand that are about none of ``PANELS``."""

_WHOLE = 10_000
"""As many characters as a first sentence may have, which is shown whole."""

_NAMES_WIDTH = 22
"""How wide the column of names is; what a longer one means stands in the line below."""


class LeanCommand(TyperCommand):
    """A command of Typer that loads pydantic only for values that must be checked.

    Typer has it look at each value, at defaults and nulls too, and loading it
    takes a tenth of a short run. Texts, paths and the right words of a set are
    let through here; numbers and what is wrong are not.
    """

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401  # as Typer's
        """Return the parameters."""
        return list(map(_sparing, super().get_params(ctx)))

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002  # as Typer's
        """Return the first sentence of the help, which is wrapped and not cut."""
        return super().get_short_help_str(_WHOLE)

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  # as Typer's
        """Write what the arguments and options are, by what they are about."""
        sections: dict[str, list[Any]] = {name: [] for name in (*PANELS, _OTHERS)}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                # Of an argument the type is named too, which is that of a Python program.
                name = record[0].partition(" <")[0].ljust(_NAMES_WIDTH)
                sections[parameter.rich_help_panel or _OTHERS].append((name, record[1]))
        for name, records in sections.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records, col_max=_NAMES_WIDTH)


class LeanGroup(TyperGroup):
    """Commands of Typer, likewise."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401  # as Typer's
        """Return the parameters."""
        return list(map(_sparing, super().get_params(ctx)))


def _sparing(parameter: Any) -> Any:  # noqa: ANN401  # of Typer
    if not isinstance(parameter.get_runtime_param, _Sparing):
        parameter.get_runtime_param = _Sparing(parameter.get_runtime_param)
    return parameter


class _Sparing:
    """Stands in for what makes the check of a parameter, and is that check."""

    def __init__(self, check_of: Callable[[], Any]) -> None:
        self._check_of = check_of

    def __call__(self) -> _Sparing:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401  # as Typer's
        """Return a value as a command takes it."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        kind = param.type_descriptor.annotation
        if several and kind == list[str] and not isinstance(value, str):
            return list(value)
        if kind is type(value) and (kind is str or issubclass(kind, Enum)):
            return value
        if isinstance(kind, type) and issubclass(kind, StrEnum) and value in set(kind):
            return kind(value)
        if kind is Path and isinstance(value, str):
            return Path(value)
        return self._check_of().coerce(value, param=param, ctx=ctx)
