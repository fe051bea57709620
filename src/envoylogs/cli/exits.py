"""What the exit codes mean."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from envoylogs.errors import (
    ConfigurationError,
    MappingError,
    QueryError,
    SelectionError,
    TallyQuestionError,
    TextFormatError,
    UnknownKeyError,
)

if TYPE_CHECKING:
    from envoylogs.errors import EnvoylogsError

__all__ = ["Exit", "exit_code_of"]


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    ERROR = 1
    USAGE = 2
    CONDITION_FAILED = 3
    NOT_ENOUGH_DATA = 4
    INTERRUPTED = 130


_USAGE = (
    ConfigurationError,
    MappingError,
    QueryError,
    SelectionError,
    TallyQuestionError,
    TextFormatError,
    UnknownKeyError,
)


def exit_code_of(error: EnvoylogsError) -> Exit:
    """Return the exit code of an error: what was asked makes no sense, or it went wrong."""
    return Exit.USAGE if isinstance(error, _USAGE) else Exit.ERROR
