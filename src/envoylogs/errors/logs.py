"""Logs that hold no record, and descriptions of logs by which none can be read."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from envoylogs.errors.problem import EnvoylogsError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LogFormatError", "MappingError", "TextFormatError"]


_PACKED = (".gz", ".zst", ".bz2", ".xz")


class LogFormatError(EnvoylogsError):
    """Nothing in a source that is not empty is an access record."""

    slug = "log-format"

    @classmethod
    def no_record(
        cls,
        name: str,
        lines: int,
        first_lines: Iterable[str],
        *,
        advice: str | None = None,
        wrapped_in: str | None = None,
    ) -> LogFormatError:
        """Return the error for a source without one access record.

        Args:
            name: The source.
            lines: How many lines were read.
            first_lines: Its first lines, each with the reason why it is no record.
            advice: What to do, in sentences; null if the lines are text.
            wrapped_in: What takes records out of other objects, for ``jq``; null if they
                are in none, or that can't be told.
        """
        tip = advice or "A TEXT format of your own is read with --text-format."
        if wrapped_in is not None:
            # What is in a pipe, or packed, is no file for jq.
            is_file = not name.startswith("<") and not name.endswith(_PACKED)
            file = f" {shlex.quote(name)}" if is_file else ""
            before = "" if is_file else "... | "
            tip = (
                "Its records are inside other objects. Take them out: "
                f"{before}jq -r {shlex.quote(wrapped_in)}{file} | envoylogs"
            )
        shown = "".join(f"\n    {line}" for line in first_lines)
        return cls(
            f"{name}: no Envoy access record in {lines:,} line{'s' if lines != 1 else ''}. "
            "Tried: JSON objects, one a line or pretty-printed, and the TEXT formats of Istio. "
            f"It begins:{shown}\n  {tip}"
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
