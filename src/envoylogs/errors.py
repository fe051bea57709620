"""Everything that a user can cause to go wrong, as one tree of exceptions.

::

    EnvoylogsError
    ├── SourceError      a source is missing or unreadable
    │   └── IncompleteSourceError   an archive that can't be unpacked to its end
    ├── LogFormatError   nothing in the input is an access record
    ├── UnknownKeyError  a name that does not exist; lists the known ones
    ├── TallyError       two tallies that can't be added
    └── OutputError      an output can't be written

Each class has a slug; ``docs/messages.md`` has a heading per slug. A bad line
is no exception: it is counted (``envoylogs.reading.fates``).
"""

from __future__ import annotations

import difflib
import shlex
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "EnvoylogsError",
    "IncompleteSourceError",
    "LogFormatError",
    "OutputError",
    "SourceError",
    "TallyError",
    "UnknownKeyError",
]


class EnvoylogsError(Exception):
    """A problem that a user can understand and mend; the message says how."""

    slug: ClassVar[str] = "error"


class SourceError(EnvoylogsError):
    """A source is missing or can't be read."""

    slug = "source"

    @classmethod
    def missing(cls, path: str) -> SourceError:
        """Return the error for a path that does not exist."""
        return cls(f"{path}: no such file or folder. Check the path, or give '-' to read a pipe.")

    @classmethod
    def unreadable(cls, path: str, cause: OSError) -> SourceError:
        """Return the error for a path that the system refuses to read."""
        return cls(f"{path}: can't be read: {cause.strerror or cause}.")

    @classmethod
    def empty_glob(cls, pattern: str) -> SourceError:
        """Return the error for a glob that matches no file."""
        return cls(f"{pattern}: no file matches this pattern. Quote it, or check the folder.")

    @classmethod
    def empty_folder(cls, path: str) -> SourceError:
        """Return the error for a folder without any regular file."""
        return cls(f"{path}: the folder holds no file to read. Give a folder of log files.")


class IncompleteSourceError(SourceError):
    """A source was not read to its end, because of the archive that it is."""

    slug = "incomplete-source"

    @classmethod
    def of(cls, name: str, problem: str, meaning: str, bytes_read: int) -> IncompleteSourceError:
        """Return the error for an archive that can't be unpacked to its end.

        Args:
            name: The source.
            problem: Its kind, ``_`` and a format, such as ``truncated_gzip``.
            meaning: The kind in words.
            bytes_read: How many bytes had been unpacked.
        """
        kind, _, archive = problem.partition("_")
        read = f"{bytes_read:,} unpacked bytes of it were" if bytes_read else "Nothing of it was"
        if kind in {"truncated", "damaged"}:
            remedy = "Get the file again."
        else:
            path = "-" if name == "<stdin>" else shlex.quote(name)
            remedy = f"Unpack it into a pipe: {_UNPACKING[archive]} {path} | envoylogs"
        return cls(f"{name}: {meaning} ({problem}). {read} read. {remedy}")


_UNPACKING = {
    "gzip": "gzip -dc",
    "zstd": "zstd -dc --long=31",
    "bzip2": "bzip2 -dc",
    "xz": "xz -dc",
    "tar": "tar -xOf",
    "zip": "unzip -p",
    "lz4": "lz4 -dc",
}


class LogFormatError(EnvoylogsError):
    """Nothing in a source that is not empty is an access record."""

    slug = "log-format"

    @classmethod
    def no_record(cls, name: str, lines: int, first_lines: Iterable[str]) -> LogFormatError:
        """Return the error for a source without one access record.

        Args:
            name: The source.
            lines: How many lines were read.
            first_lines: Its first lines, each with the reason why it is no record.
        """
        shown = "".join(f"\n    {line}" for line in first_lines)
        return cls(
            f"{name}: no Envoy access record in {lines:,} line{'s' if lines != 1 else ''}. "
            "Tried: one JSON object a line, and pretty-printed JSON objects. It begins:"
            f"{shown}\n  Istio writes JSON access logs with meshConfig.accessLogEncoding: JSON."
        )

    @classmethod
    def strict(cls, malformed: int, lines: int, reasons: dict[str, int]) -> LogFormatError:
        """Return the error that ``--strict`` asks for when a line was malformed."""
        by_reason = ", ".join(f"{reason} {n:,}" for reason, n in reasons.items())
        return cls(
            f"{malformed:,} of {lines:,} lines are malformed ({by_reason}), and --strict was "
            "given. Keep them with --rejects FILE, or run without --strict."
        )


class UnknownKeyError(EnvoylogsError):
    """A name that does not exist was asked for."""

    slug = "unknown-name"

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> UnknownKeyError:
        """Return the error for an unknown name, with the nearest known ones."""
        names = list(known)
        near = difflib.get_close_matches(name.lower(), [k.lower() for k in names], n=3, cutoff=0.5)
        suggestions = [k for k in names if k.lower() in near]
        hint = f" Did you mean {' or '.join(suggestions)}?" if suggestions else ""
        return cls(f"{name!r} is not a known {kind}.{hint}")


class TallyError(EnvoylogsError):
    """Two tallies can't be added."""

    slug = "tally"

    @classmethod
    def specs_differ(cls, ours: object, theirs: object) -> TallyError:
        """Return the error for two tallies of different specifications."""
        return cls(f"tallies of different specifications can't be added: {ours} and {theirs}.")


class OutputError(EnvoylogsError):
    """An output can't be written."""

    slug = "output"

    @classmethod
    def unwritable(cls, path: str, cause: OSError) -> OutputError:
        """Return the error for a file that the system refuses to write."""
        return cls(f"{path}: can't be written: {cause.strerror or cause}.")
