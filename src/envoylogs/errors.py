"""Everything that a user can cause to go wrong, as one tree of exceptions.

::

    EnvoylogsError
    ├── SourceError          a source is missing or unreadable
    │   ├── MissingSourceError      it is not there
    │   └── IncompleteSourceError   an archive that can't be unpacked to its end
    ├── LogFormatError       nothing in the input is an access record
    ├── TextFormatError      a format string by which no line can be read
    ├── UnknownKeyError      a name that does not exist; lists the known ones
    ├── MappingError         keys that can't be mapped to columns
    ├── ConfigurationError   a setting that can't be used
    ├── SelectionError       a selection that makes no sense
    ├── EmptySelectionError  a selection that no record fits
    ├── TallyError           a tally that can't be read or added
    ├── TallyQuestionError   a saved tally that is asked for what it does not have
    ├── StateError           a file of counts that go on and can't be used
    └── OutputError          an output can't be written

Each class has a slug; ``docs/messages.md`` has a heading per slug. A bad line
is no exception: it is counted (``envoylogs.reading.fates``).
"""

from __future__ import annotations

import difflib
import shlex
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ConfigurationError",
    "EmptySelectionError",
    "EnvoylogsError",
    "IncompleteSourceError",
    "LogFormatError",
    "MappingError",
    "MissingSourceError",
    "OutputError",
    "SelectionError",
    "SourceError",
    "StateError",
    "TallyError",
    "TallyQuestionError",
    "TextFormatError",
    "UnknownKeyError",
    "first_line",
]


_SHOWN = 40
"""How many characters of a number are repeated in a message."""


def first_line(error: BaseException) -> str:
    """Return the first line of another library's error, to be repeated in a message."""
    return str(error).partition("\n")[0]


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return the nearest of the known names as a question, nothing if none is near."""
    names = list(known)
    near = difflib.get_close_matches(name.lower(), [k.lower() for k in names], n=3, cutoff=0.5)
    suggestions = [k for k in names if k.lower() in near]
    return f" Did you mean {' or '.join(suggestions)}?" if suggestions else ""


class EnvoylogsError(Exception):
    """A problem that a user can understand and mend; the message says how."""

    slug: ClassVar[str] = "error"


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
            "Tried: JSON objects, one a line or pretty-printed, and the TEXT formats of Istio. "
            f"It begins:{shown}\n  A TEXT format of your own is read with --text-format."
        )

    @classmethod
    def strict(
        cls, malformed: int, lines: int, reasons: dict[str, int], *, new: bool = False
    ) -> LogFormatError:
        """Return the error that ``--strict`` asks for when a line was malformed.

        Args:
            malformed: How many were.
            lines: Of how many.
            reasons: How many of them, by reason.
            new: Whether these are those that were new to a state.
        """
        by_reason = ", ".join(f"{reason} {n:,}" for reason, n in reasons.items())
        of_what = f"{lines:,} new lines" if new else f"{lines:,} lines"
        return cls(
            f"{malformed:,} of {of_what} are malformed ({by_reason}), and --strict was "
            "given. Keep them with --rejects FILE, or run without --strict."
        )


class TextFormatError(EnvoylogsError):
    """A format string by which no line can be read."""

    slug = "text-format"

    @classmethod
    def of(cls, text: str, why: str) -> TextFormatError:
        """Return the error for a format string, with what is wrong with it."""
        return cls(f"--text-format {text!r}: {why}.")

    def given_by(self, origin: str | None) -> TextFormatError:
        """Return the error with the file or the variable that set the format."""
        of_option = origin is None or origin.startswith("--")
        return self if of_option else TextFormatError(f"{origin}: {self}")


class UnknownKeyError(EnvoylogsError):
    """A name that does not exist was asked for."""

    slug = "unknown-name"

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str]) -> UnknownKeyError:
        """Return the error for an unknown name, with the nearest known ones."""
        return cls(f"{name!r} is not a known {kind}.{_nearest(name, known)}")


class MappingError(EnvoylogsError):
    """Keys of a log can't be mapped to columns as it was asked."""

    slug = "mapping"

    @classmethod
    def no_pair(cls, text: str) -> MappingError:
        """Return the error for what is not a column and a key."""
        return cls(f"{text!r} is not COLUMN=KEY, such as authority=vhost.")

    @classmethod
    def no_key(cls, column: str) -> MappingError:
        """Return the error for a column without a key."""
        return cls(f"no key is given for {column}. Give one: {column}=KEY.")

    @classmethod
    def two_columns(cls, key: str, one: str, other: str) -> MappingError:
        """Return the error for a key that is mapped to two columns."""
        return cls(f"{key!r} is mapped to {one} and to {other}; a key holds one column.")


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
        near = _nearest(key, names) or f" There are {', '.join(names)}."
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


class TallyError(EnvoylogsError):
    """A tally can't be read or added to another."""

    slug = "tally"

    @classmethod
    def specs_differ(cls, ours: object, theirs: object) -> TallyError:
        """Return the error for two tallies of different specifications."""
        return cls(
            "tallies that remember different things can't be added: "
            f"{ours} and {theirs}. Make both with the same options."
        )

    @classmethod
    def unreadable(cls, name: str, why: str) -> TallyError:
        """Return the error for a file that is no tally, or not one of this version."""
        return cls(f"{name}: {why}")

    @classmethod
    def not_a_tally(cls, name: str) -> TallyError:
        """Return the error for a source that is no tally where only tallies are added."""
        how = f"envoylogs summarize {name} --save-tally FILE"
        return cls(f"{name}: is no saved tally. Make one: {how}")


class TallyQuestionError(EnvoylogsError):
    """A saved tally is asked for what it does not have."""

    slug = "tally-question"

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
    def not_joint(cls, asked: Iterable[str], kept: Iterable[str] | None) -> TallyQuestionError:
        """Return the error for joint counts that there are not.

        Args:
            asked: The columns that they were asked for by; none for any.
            kept: The columns of a saved tally; null without one.
        """
        by = f" by {','.join(asked)}" if asked else ""
        columns = ",".join(asked) or "host,path_group,outcome"
        if kept is None:
            how = f"Give the columns to count by: --joint {columns}."
            return cls(f"there are no joint counts{by}: none were asked for. {how}")
        has = f"has them by {','.join(kept)}" if kept else "has none"
        return cls(
            f"a saved tally has no joint counts{by}: it {has}. Read the logs again, or save the "
            f"tally with --joint {columns}."
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

    @classmethod
    def no_lines(cls, name: str) -> TallyQuestionError:
        """Return the error for lines that are asked of a saved tally."""
        return cls(f"{name}: is a saved tally: it has counts and no lines. Give the logs.")


class StateError(EnvoylogsError):
    """A file of ``--state`` can't be used."""

    slug = "state"

    @classmethod
    def locked(cls, path: str) -> StateError:
        """Return the error for a file that another run is adding to."""
        return cls(
            f"{path}: another run is adding to it. Nothing was counted; the next run counts what "
            "is new by then."
        )

    @classmethod
    def unlockable(cls, path: str, cause: OSError) -> StateError:
        """Return the error for a file that can't be locked."""
        return cls(f"{path}: can't be locked: {cause.strerror or cause}.")

    @classmethod
    def not_a_state(cls, path: str) -> StateError:
        """Return the error for a tally that does not say which logs it has counted."""
        return cls(
            f"{path}: is a saved tally that was not made by --state, or by another release: it "
            "does not say which bytes of which logs it has counted. Name a file that is not there."
        )

    @classmethod
    def not_a_file(cls, path: str) -> StateError:
        """Return the error for a folder, a device or a pipe, which keeps nothing."""
        return cls(f"{path}: is no file, and a state is kept in one. Name a file.")

    @classmethod
    def damaged(cls, why: str) -> StateError:
        """Return the error for a file that holds no counts, or not any more.

        Args:
            why: The file and what is wrong with it, as a sentence.
        """
        return cls(
            f"{why.removesuffix('.')}. If it was a state, what it had counted is lost: delete "
            "it, and the next run counts anew all that the logs still hold. If it was something "
            "else, name another file."
        )

    @classmethod
    def differs(cls, path: str, kept: str, asked: str) -> StateError:
        """Return the error for a run that would do something else than those before it.

        Args:
            path: The file.
            kept: How it was made, where the two differ.
            asked: What the run was asked for instead.
        """
        return cls(
            f"{path}: was made with {kept}, and this run was asked for {asked}. Give the same "
            "options, or name another file."
        )


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
        return cls(f"{option} {value!r} is not known.{_nearest(value, known)}")

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
    def of(cls, selection: str, records: int, window: str) -> EmptySelectionError:
        """Return the error, with the window of the log."""
        return cls(f"none of {records:,} records fits {selection}. The log covers {window}.")

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
