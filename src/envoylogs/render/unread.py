"""What of the records could not be read, in words; the same in every renderer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.render.formatting import printable
from envoylogs.summary.in_words import counted

if TYPE_CHECKING:
    from envoylogs.summary.accounts import Accounts
    from envoylogs.summary.summary import Summary

__all__ = ["unread_facts", "unread_of", "untimed_left_out"]

_VALUE_SHOWN = 60


def unread_facts(accounts: Accounts) -> list[str]:
    """Return how many values can't be read, and how many records have no time, each in a few words.

    Records whose time is there and can't be read are among the values.
    """
    values = sum(accounts.unreadable.values())
    untimed = accounts.untimed - accounts.unreadable.get("start_time", 0)
    return [
        words
        for n, words in (
            (values, counted(values, "unreadable value")),
            (untimed, f"{counted(untimed, 'record')} without a time"),
        )
        if n
    ]


def unread_of(summary: Summary) -> str | None:
    """Return what could not be read, with an example of each column; null if all could."""
    accounts = summary.accounts
    parts = [
        f"{counted(row['records'], 'value')} of {row['column']}{_example(row)}"
        for row in accounts.unreadable_examples.iter_rows(named=True)
    ]
    words = [f"Can't be read: {'; '.join(parts)}."] if parts else []
    if accounts.untimed:
        has = "has" if accounts.untimed == 1 else "have"
        words.append(
            f"{counted(accounts.untimed, 'record')} {has} no time that can be read: counted, and "
            "in no window of time."
        )
    left_out = untimed_left_out(accounts.untimed_left_out)
    if left_out is not None:
        words.append(left_out)
    return " ".join(words) or None


def untimed_left_out(n: int) -> str | None:
    """Return in a sentence how many records a window left out since they have no time."""
    if not n:
        return None
    left = "was left out since it has" if n == 1 else "were left out since they have"
    return f"{counted(n, 'record')} {left} no time that can be read."


def _example(row: dict[str, object]) -> str:
    if row["value"] is None:
        return ""
    value = str(row["value"])
    shown = f"{value[:_VALUE_SHOWN]}…" if len(value) > _VALUE_SHOWN else value
    return f', such as "{printable(shown)}" ({printable(row["source"])} line {row["line"]:,})'
