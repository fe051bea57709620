"""What was asked for and does not exist, makes no sense, or fits nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.errors.problem import EnvoylogsError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ConfigurationError",
    "EmptySelectionError",
    "QueryError",
    "SelectionError",
    "UnknownKeyError",
]


_SHOWN = 40
"""How many characters of a number are repeated in a message."""


class UnknownKeyError(EnvoylogsError):
    """A name that does not exist was asked for."""

    slug = "unknown-name"

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> UnknownKeyError:
        """Return the error for an unknown name, with the nearest known ones."""
        return cls(f"{name!r} is not a known {kind}.{nearest(name, known)}")

    @classmethod
    def missing_column(cls, name: str, columns: Iterable[str]) -> UnknownKeyError:
        """Return the error for a frame that lacks a column which can't be made anew."""
        return cls(
            f"the frame has no column {name!r}, without which records can't be counted: it has "
            f"{', '.join(columns) or 'none'}. Take it from envoylogs.scan(), with all its columns."
        )


class QueryError(EnvoylogsError):
    """A query in SQL can't be understood or answered."""

    slug = "query"

    @classmethod
    def column(cls, name: str, columns: Iterable[str]) -> QueryError:
        """Return the error for a column that there is not, with those that there are."""
        names = list(columns)
        return cls(
            f"there is no column {name!r}.{nearest(name, names)} The columns are "
            f"{', '.join(names)}."
        )

    @classmethod
    def table(cls, name: str) -> QueryError:
        """Return the error for a table that there is not."""
        return cls(f"there is no table {name!r}: the records are in the table logs.")

    @classmethod
    def of(cls, why: str) -> QueryError:
        """Return the error for what Polars refuses."""
        return cls(f"the query can't be answered: {why}.")


class ConfigurationError(EnvoylogsError):
    """A setting of a configuration file or of the environment can't be used."""

    slug = "configuration"

    @classmethod
    def unreadable(cls, path: str, cause: OSError) -> ConfigurationError:
        """Return the error for a file that the system refuses to read."""
        return cls(f"{path}: can't be read: {cause.strerror or cause}.")

    @classmethod
    def invalid(cls, path: str, why: str) -> ConfigurationError:
        """Return the error for a file that is no TOML."""
        return cls(f"{path}: is not valid TOML: {why}.")

    @classmethod
    def unknown(cls, path: str, key: str, known: Iterable[str]) -> ConfigurationError:
        """Return the error for a setting that does not exist."""
        names = list(known)
        near = nearest(key, names) or f" There are {', '.join(names)}."
        return cls(f"{path}: {key!r} is no setting.{near}")

    @classmethod
    def value(cls, origin: str, key: str, why: str) -> ConfigurationError:
        """Return the error for a value that a setting can't have.

        Args:
            origin: The file, or the environment variable.
            key: The setting.
            why: What is wrong with it, as a sentence.
        """
        return cls(f"{origin}: {key}: {why}")


class SelectionError(EnvoylogsError):
    """A selection makes no sense."""

    slug = "selection"

    @classmethod
    def time(cls, option: str, text: str) -> SelectionError:
        """Return the error for a time that can't be read."""
        return cls(
            f"{option} {text!r} is no time. Give RFC 3339 (2026-11-01T14:05:00Z), a time of day "
            "(14:05, its latest occurrence) or how long ago (-15m; s, m, h, d)."
        )

    @classmethod
    def span(cls, option: str, text: str) -> SelectionError:
        """Return the error for a length of time that can't be read."""
        return cls(f"{option} {text!r} is no length of time. Give a number and s, m, h or d: 15m.")

    @classmethod
    def long_span(cls, option: str, text: str) -> SelectionError:
        """Return the error for a length of time that no calendar has."""
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        return cls(f"{option} {shown!r} is longer than can be counted. Give 999999999d or less.")

    @classmethod
    def where(cls, condition: str, why: str) -> SelectionError:
        """Return the error for a condition that Polars SQL can't read."""
        return cls(f"--where {condition!r}: {why}")

    @classmethod
    def value(cls, option: str, value: str, known: Iterable[str]) -> SelectionError:
        """Return the error for a value that can't occur, with the nearest that can."""
        return cls(f"{option} {value!r} is not known.{nearest(value, known)}")

    @classmethod
    def no_finding(cls, number: int, titles: list[str]) -> SelectionError:
        """Return the error for a finding that there is not."""
        listed = "".join(f"\n    {place}. {title}" for place, title in enumerate(titles, 1))
        return cls(f"--finding {number}: there is none with this number.{listed}")

    @classmethod
    def finding_of_the_log(cls, number: int, title: str) -> SelectionError:
        """Return the error for a finding that is not about records."""
        return cls(
            f"--finding {number}: {title}. That is about the log itself and has no records; "
            "malformed lines are kept by summarize --rejects FILE."
        )


class EmptySelectionError(EnvoylogsError):
    """No record fits a selection."""

    slug = "empty-selection"

    @classmethod
    def of(
        cls, selection: str, records: int, window: str | None, untimed: int = 0
    ) -> EmptySelectionError:
        """Return the error, with the window of the log.

        Args:
            selection: In words.
            records: All that were read.
            window: Of the log; null without times.
            untimed: How many records fit but for the window, and have no time.
        """
        covers = "No record has a time." if window is None else f"The log covers {window}."
        without = (
            f" {untimed:,} that fit otherwise {'has' if untimed == 1 else 'have'} no time that can "
            "be read."
            if untimed and window is not None
            else ""
        )
        return cls(f"none of {records:,} records fits {selection}. {covers}{without}")

    @classmethod
    def other_roles(cls, records: int, roles: Mapping[str, int]) -> EmptySelectionError:
        """Return the error for records that are all of proxies of other roles.

        Args:
            records: All that were read.
            roles: How many of them, by role.
        """
        found = ", ".join(f"{n:,} of role {role}" for role, n in roles.items())
        return cls(
            f"none of {records:,} records is a gateway's: {found}. "
            f"Count them with --role {next(iter(roles))}, or with --role all."
        )

    @classmethod
    def no_line(cls, selection: str) -> EmptySelectionError:
        """Return the error for lines of which there is none."""
        return cls(f"no record fits {selection}.")
