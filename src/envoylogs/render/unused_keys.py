"""What is said of keys that nothing used and that look like columns which the log lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoylogs.summary.unused_keys import keys_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envoylogs.summary.accounts import Accounts

__all__ = ["map_option", "unused_keys_of"]


def unused_keys_of(accounts: Accounts) -> tuple[str, str] | None:
    """Return a sentence and the option that reads these keys; null without such keys."""
    keys = keys_for(accounts.columns_never_seen, accounts.unused_keys)
    if not keys:
        return None
    which = (
        "Keys that are not read look like columns that the log lacks. If they are, give"
        if len(keys) > 1
        else "A key that is not read looks like a column that the log lacks. If it is one, give"
    )
    return which, map_option(keys)


def map_option(keys: Mapping[str, str]) -> str:
    """Return the option that maps keys to columns, fit to paste.

    Args:
        keys: By column.
    """
    return f"--map {','.join(f'{column}={key}' for column, key in keys.items())}"
