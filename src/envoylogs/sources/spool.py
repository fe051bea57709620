"""A pipe that is read more than once: what came through it is kept in a file meanwhile."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.sources.source import Source

__all__ = ["rereadable"]


@contextmanager
def rereadable(sources: list[Source]) -> Iterator[list[Source]]:
    """Return sources that can be read again; what is kept is removed at the end.

    Args:
        sources: Pipes among them are read to their end.
    """
    with tempfile.TemporaryDirectory(prefix="envoylogs-") as folder:
        kept = []
        for place, source in enumerate(sources):
            if source.size is not None:
                kept.append(source)
                continue
            path = f"{folder}/{place}"
            with source.open_raw() as stream, open(path, "wb") as file:  # noqa: PTH123
                shutil.copyfileobj(stream, file)
            kept.append(replace(source, path=path))
        yield kept
