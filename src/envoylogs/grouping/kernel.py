"""The compiled part, where it was built and nobody wants to do without it."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from envoylogs.reading.decoders.choice import REFERENCE, VARIABLE

if TYPE_CHECKING:
    from types import ModuleType

_SEED_BYTES = 16


@cache
def kernel() -> ModuleType | None:
    """Return the compiled module; null where Polars is to do its work, with the same results."""
    if os.environ.get(VARIABLE) == REFERENCE:
        return None
    try:
        from envoylogs.grouping import _compiled_grouping
    except ImportError:
        return None
    return _compiled_grouping


def new_seed() -> bytes:
    """Return what makes the places of values in a table unforeseeable."""
    return os.urandom(_SEED_BYTES)
