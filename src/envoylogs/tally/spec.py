"""How much a tally remembers."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from envoylogs.envoy.paths import PATH_SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NAMES = 10_000
"""How many names a column has before the rest is folded, unless told otherwise."""

_ROWS_OF_A_NAME = 20

_OPTIONS = ("by", "every_s", "timezone", "show_query", "max_names", "max_latency_rows", "joint",
            "max_joint_rows", "config")  # fmt: skip
"""What of a specification has an option of its name."""

MAX_LATENCY_ROWS = 250_000
"""How many rows of durations are kept by whole milliseconds, unless told otherwise."""

# By seven columns an hour of 500,000 lines keeps all its names in these, and not in 200,000.
MAX_JOINT_ROWS = 250_000
"""How many rows counts by time, columns and duration together have, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class TallySpec:
    """What a tally remembers; tallies of different specifications can't be added.

    Attributes:
        by: Columns that requests are counted by together besides those that
            every tally has; of ``schema.COUNTABLE``.
        every_s: How wide the buckets are that ``start_time`` of ``by`` stands for, and those of
            the timeline are at most; null for times as they were logged, and for what fits.
        timezone: By whose clock these begin, a name of the IANA database; null for UTC.
        selection: Which records were counted, as ``Selection.text`` says it;
            None for all.
        show_query: Whether paths keep the values of their queries.
        timeline_buckets: How many non-empty time buckets a timeline has at most.
        evidence_clients: How many clients are kept as examples of each failure.
        line_examples: How many examples are kept by source and reason of
            lines that are no records; at most ``reading.fates.EXAMPLES_KEPT``.
        path_segments: How many segments of a path tell path groups apart.
        max_names: How many names a column has before the rest is folded (see
            ``folding``).
        max_latency_rows: How many rows of durations a state has before they are
            kept in classes (see ``duration_classes``).
        joint: Columns of ``schema.COUNTABLE`` that requests are counted by
            together with time and duration (see ``joint``); none for no such counts.
        max_joint_rows: How many rows these have before they have less detail.
        anonymized: The fingerprint of the key that values were replaced with; null
            if they are as they were logged. Tokens of two keys can't be joined.
        turned_away: What of ``turned_away.TURNED_AWAY`` requests that the gateway answered by
            itself are counted by; none for no such counts.
    """

    by: tuple[str, ...] = ()
    every_s: int | None = None
    timezone: str | None = None
    selection: str | None = None
    show_query: bool = False
    timeline_buckets: int = 300
    evidence_clients: int = 10
    line_examples: int = 3
    path_segments: int = PATH_SEGMENTS
    max_names: int = MAX_NAMES
    max_latency_rows: int = MAX_LATENCY_ROWS
    joint: tuple[str, ...] = ()
    max_joint_rows: int = MAX_JOINT_ROWS
    anonymized: str | None = None
    turned_away: tuple[str, ...] = ()

    @property
    def max_rows(self) -> int:
        """How many rows a state of counts has before names are folded to have fewer."""
        return _ROWS_OF_A_NAME * self.max_names

    @property
    def words(self) -> str:
        """What differs from the default, as the options that make it."""
        different = [
            self._option(field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]
        return " ".join(different) or "what every tally remembers"

    def held_to(self, limits: Mapping[str, int]) -> TallySpec:
        """Return the same with limits, by their names here, that are no larger than these."""
        lower = {name: min(limit, getattr(self, name)) for name, limit in limits.items()}
        return replace(self, **lower)

    def words_unlike(self, other: TallySpec) -> list[str]:
        """Return what differs from another one, as the options that make it."""
        names = [field.name for field in fields(self)]
        return [self._option(name) for name in names if getattr(self, name) != getattr(other, name)]

    def _option(self, name: str) -> str:
        """Return what one value is made by, as an option; by its name if there is none for it."""
        value = getattr(self, name)
        if name == "selection":
            return value or "all records"
        if name == "turned_away":
            name, value = "config", bool(value) or None
        if name == "anonymized":
            return f"--anonymize (key {value})" if value else "--no-anonymize"
        if name not in _OPTIONS:
            return f"{name}={value!r}"
        option = f"--{name.removesuffix('_s').replace('_', '-')}"
        if value is True:
            return option
        if not value:
            return option.replace("--", "--no-") if value is False else f"no {option}"
        unit = "s" if name == "every_s" else ""
        return f"{option} {','.join(value) if isinstance(value, tuple) else value}{unit}"


DEFAULT_SPEC = TallySpec()
