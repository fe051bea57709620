"""Sources that are missing, or can't be read to their end."""

from __future__ import annotations

import shlex

from envoylogs.errors.problem import EnvoylogsError

__all__ = ["IncompleteSourceError", "MissingSourceError", "SourceError"]


class SourceError(EnvoylogsError):
    """A source is missing or can't be read."""

    slug = "source"

    @classmethod
    def missing(cls, path: str) -> MissingSourceError:
        """Return the error for a path that does not exist."""
        return MissingSourceError(
            f"{path}: no such file or folder. Check the path, or give '-' to read a pipe."
        )

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


class MissingSourceError(SourceError):
    """A source is not there, or not any more."""


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
