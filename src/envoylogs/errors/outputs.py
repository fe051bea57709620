"""Outputs that can't be written."""

from __future__ import annotations

from envoylogs.errors.problem import EnvoylogsError

__all__ = ["OutputError"]


class OutputError(EnvoylogsError):
    """An output can't be written."""

    slug = "output"

    @classmethod
    def is_source(cls, path: str) -> OutputError:
        """Return the error for a log that would be overwritten before it is read."""
        return cls(f"{path}: is one of the logs to read. Write to another file.")

    @classmethod
    def written_twice(cls, path: str) -> OutputError:
        """Return the error for two outputs in one file."""
        return cls(f"{path}: is named for two outputs. Write each to a file of its own.")

    @classmethod
    def is_state(cls, path: str) -> OutputError:
        """Return the error for a state that would lose what it knows of the logs it counted."""
        return cls(
            f"{path}: is a file of --state, which knows what it has counted. Write to another file."
        )

    @classmethod
    def unwritable(cls, path: str, cause: OSError) -> OutputError:
        """Return the error for a file that the system refuses to write."""
        return cls(f"{path}: can't be written: {cause.strerror or cause}.")

    @classmethod
    def not_empty(cls, path: str) -> OutputError:
        """Return the error for a folder whose files would stand beside the new ones."""
        return cls(f"{path}: is a folder with files in it. Name one that is new or empty.")
