"""``--anonymize``: the key, and what can't be anonymized."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import typer

from envoylogs.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from envoylogs.reading.anonymize import Anonymizer

__all__ = ["KEY_VARIABLE", "anonymizer_of"]

KEY_VARIABLE = "ENVOYLOGS_ANONYMIZE_KEY"
"""No option and no setting: those are seen in lists of processes and in files that are shared."""

_BYTES_OF_A_KEY = 32

# Whoever has tokens can try keys: a short one is found, and with it every address.
_SHORTEST_KEY = 16


def anonymizer_of(
    anonymize: bool,  # noqa: FBT001  # as the option
    *,
    state: Path | None = None,
    rejects: Path | None = None,
) -> Anonymizer | None:
    """Return what replaces values, with the key of the environment or one for this run only.

    Args:
        anonymize: Whether anything is to be replaced.
        state: Counts of several runs.
        rejects: Where malformed lines are kept as they were.

    Raises:
        ConfigurationError: If the key is too short.
        typer.BadParameter: If several runs would have a key each, or if lines
            are to be kept as they were.
    """
    from envoylogs.reading.anonymize import Anonymizer

    if not anonymize:
        return None
    if rejects is not None:
        raise typer.BadParameter(
            "--rejects keeps malformed lines as they were, which --anonymize can't: leave it out, "
            "or give --no-anonymize"
        )
    key = os.environ.get(KEY_VARIABLE, "")
    if key:
        if len(key) < _SHORTEST_KEY:
            why = f"give {_SHORTEST_KEY} characters at least: openssl rand -hex 32 makes a good one"
            raise ConfigurationError.value("the environment", KEY_VARIABLE, f"{why}.")
        return Anonymizer(os.fsencode(key))
    if state is not None:
        raise typer.BadParameter(
            "--state adds up many runs, which must anonymize with one key: set "
            f"{KEY_VARIABLE}, to what openssl rand -hex 32 prints say, and keep it"
        )
    return Anonymizer(secrets.token_bytes(_BYTES_OF_A_KEY))
