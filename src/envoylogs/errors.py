"""Everything that a user can cause to go wrong, as one tree of exceptions.

All are an ``EnvoylogsError``; what is missing or was not read to its end is a ``SourceError`` too.
Each class has a slug; ``docs/messages.md`` has a heading per slug. A bad line
is no exception: it is counted (``envoylogs.reading.fates``). A message stands
where it is raised, and is a constructor here if that is in several places.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

from envoylogs.problems import PROBLEMS, remedy_of

if TYPE_CHECKING:
    from collections.abc import Iterable


def first_line(error: BaseException) -> str:
    """Return the first line of another library's error, to be repeated in a message."""
    return str(error).partition("\n")[0]


def nearest(name: str, known: Iterable[str], *, least: float = 0.5) -> str:
    """Return the nearest of the known names as a question, nothing if none is near.

    Case and what separates words count for nothing; at most three are named, the
    nearest first.

    Args:
        name: What was given.
        known: What could have been meant.
        least: How alike two names must be, from 0 to 1.
    """
    by_letters: dict[str, list[str]] = {}
    for each in dict.fromkeys(known):
        by_letters.setdefault(letters_of(each), []).append(each)
    near = difflib.get_close_matches(letters_of(str(name)), by_letters, n=3, cutoff=least)
    suggestions = [each for letters in near for each in by_letters[letters]][:3]
    return f" Did you mean {' or '.join(suggestions)}?" if suggestions else ""


def letters_of(name: str) -> str:
    """Return what is left of a name without case and without what separates its words."""
    return "".join(filter(str.isalnum, name.lower())) or name


class EnvoylogsError(Exception):
    """A problem that a user can understand and mend; the message says how."""

    slug: ClassVar[str] = "error"
    is_of_usage: ClassVar[bool] = False
    """Whether what was asked makes no sense, which has an exit code of its own."""


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


class MissingSourceError(SourceError):
    """A source is not there, or not any more."""


class IncompleteSourceError(SourceError):
    """A source was not read to its end: an archive, a log that was cut, a folder."""

    slug = "incomplete-source"

    @classmethod
    def of(cls, name: str, problem: str, bytes_read: int) -> IncompleteSourceError:
        """Return the error for a source that can't be read to its end, but so many bytes.

        The problem is as of ``PROBLEMS``, such as ``truncated_gzip``.
        """
        kind = problem.partition("_")[0]
        read = f"{bytes_read:,} unpacked bytes of it were" if bytes_read else "Nothing of it was"
        said = f"{name}: {PROBLEMS[kind]} ({problem}). {read} read."
        return cls(f"{said} {remedy_of(problem, name)}")


class ExtraError(EnvoylogsError):
    """Something is asked that a package does which is not installed."""

    slug = "extra"
    is_of_usage = True

    @classmethod
    def missing(cls, what: str, extra: str) -> ExtraError:
        """Return the error for what needs an extra of this package."""
        return cls(f"{what}: needs the extra {extra}. Install it: pip install 'envoylogs[{extra}]'")


class EngineError(EnvoylogsError):
    """What was to count logs can't: a cluster is not there, or its workers are of another kind."""

    slug = "engine"


class EngineQuestionError(EngineError):
    """Something is asked that workers can't tell, or of a cluster that is not named."""

    is_of_usage = True


class LogFormatError(EnvoylogsError):
    """Nothing in a source that is not empty is an access record."""

    slug = "log-format"


class TextFormatError(EnvoylogsError):
    """A format string by which no line can be read."""

    slug = "text-format"
    is_of_usage = True

    @classmethod
    def of(cls, text: str, why: str) -> TextFormatError:
        """Return the error for a format string, with what is wrong with it."""
        return cls(f"--text-format {text!r}: {why}.")


class UnknownKeyError(EnvoylogsError):
    """A name that does not exist was asked for."""

    slug = "unknown-name"
    is_of_usage = True

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> UnknownKeyError:
        """Return the error for an unknown name, with the nearest known ones."""
        return cls(f"{name!r} is not a known {kind}.{nearest(name, known)}")


class MappingError(EnvoylogsError):
    """Keys of a log can't be mapped to columns as it was asked."""

    slug = "mapping"
    is_of_usage = True


class ConfigurationError(EnvoylogsError):
    """A setting of a configuration file or of the environment can't be used."""

    slug = "configuration"
    is_of_usage = True

    @classmethod
    def value(cls, origin: str, key: str, why: str) -> ConfigurationError:
        """Return the error for a value that a setting can't have; the reason is a sentence."""
        return cls(f"{origin}: {key}: {why}")


class QueryError(EnvoylogsError):
    """A query in SQL can't be understood or answered."""

    slug = "query"
    is_of_usage = True


class SelectionError(EnvoylogsError):
    """A selection makes no sense."""

    slug = "selection"
    is_of_usage = True

    @classmethod
    def where(cls, condition: str, why: str) -> SelectionError:
        """Return the error for a condition that Polars SQL can't read."""
        return cls(f"--where {condition!r}: {why}")

    @classmethod
    def value(cls, option: str, value: str, known: Iterable[str]) -> SelectionError:
        """Return the error for a value that can't occur, with the nearest that can."""
        return cls(f"{option} {value!r} is not known.{nearest(value, known)}")


class EmptySelectionError(EnvoylogsError):
    """No record fits a selection."""

    slug = "empty-selection"


class TallyError(EnvoylogsError):
    """A tally can't be read or added to another."""

    slug = "tally"

    @classmethod
    def unreadable(cls, name: str, why: str) -> TallyError:
        """Return the error for a file that is no tally, or not one of this version."""
        return cls(f"{name}: {why}")


class TallyQuestionError(EnvoylogsError):
    """A saved tally is asked for what it does not have."""

    slug = "tally-question"
    is_of_usage = True

    @classmethod
    def not_counted_by(
        cls, by: Iterable[str], always: Iterable[str], asked: Iterable[str]
    ) -> TallyQuestionError:
        """Return the error for a table that a saved tally can't answer."""
        named = ",".join(asked)
        return cls(
            f"a saved tally has no counts by {','.join(by)} together. It has them by any of "
            f"{', '.join(dict.fromkeys(always))}"
            + (f", and by {named}" if named else "")
            + ". Read the logs again, or save the tally with the same --by."
        )

    @classmethod
    def connections_not_counted_by(cls, by: Iterable[str]) -> TallyQuestionError:
        """Return the error for a saved tally that counts requests alone by these columns."""
        columns = ",".join(by)
        return cls(
            f"a saved tally has no counts of connections by {columns}: it was saved, or a part of "
            "it, by a release that counted requests alone by them. Read the logs again, or save "
            f"the tally anew with --by {columns}."
        )

    @classmethod
    def not_selectable(cls, name: str, selection: str, kept: str | None) -> TallyQuestionError:
        """Return the error for a selection from a saved tally."""
        of_what = f"of the records with {kept}" if kept else "of all records"
        return cls(
            f"{name}: is a saved tally {of_what}; {selection} can't be selected from it. It has "
            "counts, not records: by authority, route_name, response_code, upstream_cluster and "
            "the other tables. Read the logs, or save a tally with that selection."
        )


class StateError(EnvoylogsError):
    """A file of ``--state`` can't be used."""

    slug = "state"

    @classmethod
    def not_a_state(cls, path: str) -> StateError:
        """Return the error for a tally that does not say which logs it has counted."""
        return cls(
            f"{path}: is a saved tally that was not made by --state, or by another release: it "
            "does not say which bytes of which logs it has counted. Name a file that is not there."
        )


class OutputError(EnvoylogsError):
    """An output can't be written."""

    slug = "output"

    @classmethod
    def unwritable(cls, path: str, cause: OSError) -> OutputError:
        """Return the error for a file that the system refuses to write."""
        return cls(f"{path}: can't be written: {cause.strerror or cause}.")


class ForkError(EnvoylogsError):
    """A process was forked from one that had used Polars."""

    slug = "fork"


class ArgumentError(EnvoylogsError, TypeError):
    """A function of the library was given what it does not take."""

    slug = "argument"
    is_of_usage = True
