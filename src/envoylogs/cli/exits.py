"""What the exit codes mean."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    ERROR = 1
    USAGE = 2
    CONDITION_FAILED = 3
    NOT_ENOUGH_DATA = 4
    INTERRUPTED = 130
