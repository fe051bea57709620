"""The key that values are replaced with: of the environment, or one that nobody keeps."""

from __future__ import annotations

import os
import secrets

from envoylogs.errors import ConfigurationError
from envoylogs.keyed.anonymize import Anonymizer

KEY_VARIABLE = "ENVOYLOGS_ANONYMIZE_KEY"
"""No option and no setting: those are seen in lists of processes and in files that are shared."""

_BYTES_OF_A_KEY = 32

# Whoever has tokens can try keys: a short one is found, and with it every address.
_SHORTEST_KEY = 16


def keyed_anonymizer(*, hides_names: bool = False) -> Anonymizer:
    """Return what replaces values, with the key of the environment or one that nobody keeps.

    Args:
        hides_names: Whether names that operators give are replaced too.

    Raises:
        ConfigurationError: If the key is too short.
    """
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        return Anonymizer(secrets.token_bytes(_BYTES_OF_A_KEY), hides_names=hides_names)
    if len(key) < _SHORTEST_KEY:
        why = f"give {_SHORTEST_KEY} characters at least: openssl rand -hex 32 makes a good one"
        raise ConfigurationError.value("the environment", KEY_VARIABLE, f"{why}.")
    return Anonymizer(os.fsencode(key), hides_names=hides_names)
