"""A plain file as it was found, so that it is seen if it does not hold that any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from envoylogs.errors import MissingSourceError
from envoylogs.sources.probe import MarkedFile, identity_of, was_cut

if TYPE_CHECKING:
    from envoylogs.sources.source import Source


class FoundFile(NamedTuple):
    """A plain file before it is read.

    Attributes:
        source: Which.
        marks: Of all of it.
        identity: What tells it from another one of its name.
    """

    source: Source
    marks: MarkedFile
    identity: tuple[object, ...]

    @property
    def was_cut(self) -> bool:
        """Whether it does not hold any more what was there; a log that was renamed still does."""
        try:
            with self.source.open_raw() as raw:
                is_there = identity_of(raw) == self.identity
                return is_there and was_cut(raw, self.marks.offset, self.marks, is_packed=False)
        except MissingSourceError:
            return False


def found_file(source: Source, raw: BinaryIO) -> FoundFile:
    """Return a source, which is open, as it is now.

    Raises:
        OSError: If it can't be read.
    """
    return FoundFile(source, MarkedFile(raw), identity_of(raw))
