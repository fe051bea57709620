"""``--suppress``: causes and findings that are left out, as ``CODE`` or ``CODE:HOST``."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from envoylogs.errors import SelectionError, UnknownKeyError
from envoylogs.mesh.causes import CAUSE_BY_CODE
from envoylogs.summary.findings.catalog import KIND_BY_CODE

if TYPE_CHECKING:
    from collections.abc import Iterable

CODES = tuple(dict.fromkeys([*KIND_BY_CODE, *CAUSE_BY_CODE]))
"""What may be suppressed."""


class Suppressed:
    """What is left out.

    Args:
        rules: Each ``CODE``, or ``CODE:HOST`` with a glob.

    Raises:
        UnknownKeyError: If there is no such code.
        SelectionError: If there is nothing after the colon.
    """

    def __init__(self, rules: Iterable[str] = ()) -> None:
        self._rules: list[tuple[str, str]] = []
        for rule in rules:
            code, colon, host = rule.partition(":")
            if colon and not host:
                raise SelectionError(f"--suppress {rule}: names no host after the colon.")
            if code not in CODES:
                raise UnknownKeyError.of("cause or finding", code, CODES)
            self._rules.append((code, host.lower()))

    def __call__(self, code: str, host: str | None) -> bool:
        """Tell whether a cause or finding about a host, which may be missing, is left out."""
        return any(
            code == of_rule and (not glob or fnmatchcase((host or "-").lower(), glob))
            for of_rule, glob in self._rules
        )
