"""``--anonymize``: the key, and what can't be anonymized."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from envoylogs.keyed.anonymize import Anonymizer

__all__ = ["anonymizer_of"]


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
    from envoylogs.keyed.anonymize import KEY_VARIABLE, keyed_anonymizer

    if not anonymize:
        return None
    if rejects is not None:
        raise typer.BadParameter(
            "--rejects keeps malformed lines as they were, which --anonymize can't: leave it out, "
            "or give --no-anonymize"
        )
    if state is not None and not os.environ.get(KEY_VARIABLE):
        raise typer.BadParameter(
            "--state adds up many runs, which must anonymize with one key: set "
            f"{KEY_VARIABLE}, to what openssl rand -hex 32 prints say, and keep it"
        )
    return keyed_anonymizer()
