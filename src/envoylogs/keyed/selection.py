"""Which records to look at: by host, path, code, outcome and so on, by condition, by time.

Several patterns (see ``patterns``) for one column are alternatives, and
different columns must all fit. Expressions read normalized columns only, so a
selection means the same for every form of log.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from envoylogs import schema
from envoylogs.envoy.outcomes import OUTCOME_NAMES
from envoylogs.envoy.roles import ROLES
from envoylogs.envoy.traffic import column_expression, columns_behind
from envoylogs.errors import SelectionError
from envoylogs.keyed.condition import columns_of, fitting
from envoylogs.keyed.moments import iso_of
from envoylogs.keyed.patterns import (
    COLUMN_OF,
    ERRORS,
    MOST_CODE,
    OUTCOME_GROUPS,
    can_be_code,
    outcomes_of,
    pattern_of,
)
from envoylogs.reading.decoded_block import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envoylogs.keyed.keyed_records import KeyedRecords

DEFAULT_ROLES = ("gateway",)
"""The proxies that are looked at unless asked otherwise."""

_ALL_ROLES = "all"
_CHOSEN = "chosen"
_FITS = "fits the condition"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are counted.

    Attributes:
        patterns: Globs by word of ``COLUMN_OF``.
        where: A condition in Polars SQL over the columns; None for none.
        since_us: Start of the window, inclusive, microseconds since 1970; None
            for open. Records without a time are in no window.
        until_us: Its end, exclusive.
        roles: Of the proxies whose records are counted. A record of another
            role is another log's, so it is not among those that were left out
            either when who is known is counted.
        distinct: Whether a request that was read before is left out, by its
            ``request_id``.
    """

    patterns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    where: str | None = None
    since_us: int | None = None
    until_us: int | None = None
    roles: tuple[str, ...] = DEFAULT_ROLES
    distinct: bool = False

    @classmethod
    def of(  # noqa: PLR0913  # one parameter an option
        cls,
        patterns: Mapping[str, Sequence[str]],
        *,
        where: str | None = None,
        since_us: int | None = None,
        until_us: int | None = None,
        roles: Sequence[str] = (),
        distinct: bool = False,
    ) -> Selection:
        """Return a checked selection.

        Raises:
            SelectionError: If the condition can't be read, an outcome or a role is
                unknown, what is given is no code, or the window ends before it begins.
        """
        for role in roles:
            if role not in {*ROLES, _ALL_ROLES}:
                raise SelectionError.value("--role", role, [*ROLES, _ALL_ROLES])
        wanted = ROLES if _ALL_ROLES in roles else tuple(r for r in ROLES if r in roles)
        for outcome in patterns.get("outcome", ()):
            if not outcomes_of(outcome):
                raise SelectionError.value("--outcome", outcome, [*OUTCOME_NAMES, *OUTCOME_GROUPS])
        for code in patterns.get("code", ()):
            if not can_be_code(code):
                raise SelectionError(
                    f"--code {code!r} is no response code: one is 0 (no response) or has three "
                    f"digits, from 100 to {MOST_CODE}. Give a code (404), a class (5xx), a pattern "
                    "of digits, * and ?, or - for a missing one."
                )
        _refuse_no_window(since_us, until_us)
        given = tuple((word, tuple(patterns[word])) for word in COLUMN_OF if patterns.get(word))
        if where is not None:
            columns_of(where)
        return cls(given, where, since_us, until_us, wanted or DEFAULT_ROLES, distinct)

    def __bool__(self) -> bool:
        return self != NOTHING_SELECTED

    @property
    def text(self) -> str:
        """The selection in words, as the options that make it."""
        words = [
            f"--{word} {shlex.quote(value)}" for word, values in self.patterns for value in values
        ]
        if self.where is not None:
            words.append(f"--where {shlex.quote(self.where)}")
        for word, time_us in (("since", self.since_us), ("until", self.until_us)):
            if time_us is not None:
                words.append(f"--{word} {iso_of(time_us)}")
        if self.roles != DEFAULT_ROLES:
            roles = (_ALL_ROLES,) if self.roles == ROLES else self.roles
            words += [f"--role {role}" for role in roles]
        if self.distinct:
            words.append("--distinct-requests")
        return " ".join(words)

    @property
    def columns(self) -> set[str]:
        """The normalized columns that are read."""
        names = {COLUMN_OF[word] for word, _ in self.patterns}
        if ("outcome", ERRORS) in ((word, v) for word, values in self.patterns for v in values):
            names.add("response_code")
        if self.where is not None:
            names |= columns_of(self.where)
        if self.since_us is not None or self.until_us is not None:
            names.add("start_time")
        if self.distinct:
            names.add("request_id")
        return columns_behind(names)

    def selected(self, records: KeyedRecords) -> KeyedRecords:
        """Return the records that fit, in their order.

        Args:
            records: With the columns of ``columns``, of the roles that are looked at.
        """
        # The roles and which requests are repeated is asked before and after.
        if not self._conditions:
            return records
        of_keys = self.columns.issubset(records.keys.columns)
        asked = records.keys if of_keys else records.frame(sorted(self.columns))
        chosen = self._chosen(asked)
        return records.filter(chosen.gather(records.rows[KEY]) if of_keys else chosen)

    def _chosen(self, records: pl.DataFrame) -> pl.Series:
        derived = [name for name in schema.DERIVED if columns_behind([name]) <= self.columns]
        asked = records.with_columns(column_expression(name) for name in derived)
        if self.where is not None:
            asked = asked.with_columns(fitting(self.where, asked).alias(_FITS))
        return asked.select(
            pl.all_horizontal(self._conditions).fill_null(value=False).alias(_CHOSEN)
        ).get_column(_CHOSEN)

    def within(self, since_us: int | None, until_us: int | None) -> Selection:
        """Return the same within a window, null for its own.

        Raises:
            SelectionError: If it ends before it begins.
        """
        since = self.since_us if since_us is None else since_us
        until = self.until_us if until_us is None else until_us
        _refuse_no_window(since, until)
        return replace(self, since_us=since, until_us=until)

    def also(self, where: str) -> Selection:
        """Return the same with one more condition in SQL, which can be read."""
        both = where if self.where is None else f"({self.where}) AND ({where})"
        return replace(self, where=both)

    def untimed(self, records: KeyedRecords) -> int:
        """Return how many records fit but for the window, which they have no time to be in.

        Args:
            records: As of ``selected``.
        """
        if self.since_us is None and self.until_us is None:
            return 0
        without = records.filter(records.rows["start_time"].is_null())
        if not without.height:
            return 0
        return replace(self, since_us=None, until_us=None).selected(without).height

    @property
    def _conditions(self) -> list[pl.Expr]:
        found = [
            pl.any_horizontal(pattern_of(word, value) for value in values)
            for word, values in self.patterns
        ]
        if self.where is not None:
            found.append(pl.col(_FITS))
        start = pl.col("start_time").dt.epoch("us")
        if self.since_us is not None:
            found.append(start >= self.since_us)
        if self.until_us is not None:
            found.append(start < self.until_us)
        return found


def _refuse_no_window(since_us: int | None, until_us: int | None) -> None:
    if since_us is not None and until_us is not None and since_us > until_us:
        raise SelectionError(
            f"--since {iso_of(since_us)} is after --until {iso_of(until_us)}, so no record can be "
            "between."
        )


NOTHING_SELECTED = Selection()
"""All records of gateways."""
