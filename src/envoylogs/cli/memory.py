"""How much of a log is remembered, as options and saved tallies say it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import typer

from envoylogs.errors import TallyQuestionError

if TYPE_CHECKING:
    from pathlib import Path

    from envoylogs.tally.ladder import Buckets
    from envoylogs.tally.spec import TallySpec

TIME = "start_time"
"""The column that ``--every`` counts by."""


@dataclass(frozen=True, slots=True)
class Memory:
    """How much is remembered, as options say it; null for what was not given.

    Attributes:
        columns: Of ``--by``, with ``start_time`` for ``--every``; a saved tally has them or not.
        max_names: See ``TallySpec``.
        max_latency_rows: See ``TallySpec``.
        show_query: Whether paths keep the values of their queries; null is as before.
        keep_us: How long days of a state are kept.
        joint: Columns of ``--joint``.
        max_joint_rows: See ``TallySpec``.
        usual_joint_rows: What ``max_joint_rows`` is if neither an option nor a saved
            tally says.
        needs_joint: Whether a table of joint counts is wanted.
        buckets: Of ``--every``.
        turned_away: See ``TallySpec``; empty if nothing is to be explained.
    """

    columns: tuple[str, ...]
    max_names: int | None
    max_latency_rows: int | None
    show_query: bool | None
    keep_us: int | None = None
    joint: tuple[str, ...] = ()
    max_joint_rows: int | None = None
    usual_joint_rows: int | None = None
    needs_joint: bool = False
    buckets: Buckets | None = None
    turned_away: tuple[str, ...] = ()

    @property
    def given(self) -> dict[str, Any]:
        """The limits that were given, by their names in ``TallySpec``."""
        names = ("max_names", "max_latency_rows", "max_joint_rows")
        return {name: n for name in names if (n := getattr(self, name)) is not None}

    def spec(self, found: TallySpec | None) -> TallySpec:
        """Return what to remember: that of a saved tally, if there is one, and what was asked for.

        Its limits may become smaller, and not larger: what it gave up is gone.

        Raises:
            TallyQuestionError: If there are no joint counts, or not those that
                are wanted.
        """
        from envoylogs.summary.breakdown import columns_to_ask
        from envoylogs.tally.spec import MAX_JOINT_ROWS, TallySpec

        kept = None if found is None else found.joint
        has = self.joint if kept is None else kept
        if (self.joint and has != self.joint) or (self.needs_joint and not has):
            raise _no_joint_counts(self.joint, kept)
        if found is not None and not {*self.turned_away} <= {*found.turned_away}:
            raise _not_explained(found.turned_away)
        if found is not None:
            shown = found.show_query or bool(self.show_query)
            return replace(found.held_to(self.given), show_query=shown)
        spec = TallySpec(
            by=columns_to_ask(self.columns),
            joint=self.joint,
            max_joint_rows=self.usual_joint_rows or MAX_JOINT_ROWS,
            show_query=bool(self.show_query),
            turned_away=self.turned_away,
        )
        return replace(spec, **self._over_time, **self.given)

    @property
    def _over_time(self) -> dict[str, Any]:
        """The buckets of ``--every``, by their names in ``TallySpec``; nothing without it."""
        if self.buckets is None:
            return {}
        return {"every_s": self.buckets.width_s, "timezone": self.buckets.timezone}

    def spec_of_state(self, kept: TallySpec | None) -> TallySpec:
        """Return what a state is asked to remember: what was asked for, and else what it does.

        Raises:
            TallyQuestionError: If joint counts are wanted and there are none.
        """
        from envoylogs.summary.breakdown import columns_to_ask
        from envoylogs.tally.spec import DEFAULT_SPEC

        found, kept = kept, kept or DEFAULT_SPEC
        joint = self.joint or kept.joint
        if self.needs_joint and not joint:
            raise _no_joint_counts((), None)
        by, over_time = columns_to_ask(self.columns) or kept.by, self._over_time
        if found is not None and over_time and {*self.columns} - {*kept.by} <= {TIME}:
            # It has buckets of its own, which others are made of, or its timeline.
            by, over_time = kept.by, {}
        asked = replace(
            kept,
            by=by,
            **over_time,
            joint=joint,
            turned_away=self.turned_away or kept.turned_away,
            show_query=kept.show_query if self.show_query is None else self.show_query,
        )
        return replace(asked, **self.given)


def _no_joint_counts(asked: tuple[str, ...], kept: tuple[str, ...] | None) -> TallyQuestionError:
    """Return the error for joint counts that a tally with those of ``kept`` does not have."""
    by = f" by {','.join(asked)}" if asked else ""
    columns = ",".join(asked) or "host,path_group,outcome"
    if kept is None:
        how = f"Give the columns to count by: --joint {columns}."
        return TallyQuestionError(f"there are no joint counts{by}: none were asked for. {how}")
    has = f"has them by {','.join(kept)}" if kept else "has none"
    return TallyQuestionError(
        f"a saved tally has no joint counts{by}: it {has}. Read the logs again, or save the tally "
        f"with --joint {columns}."
    )


def _not_explained(kept: tuple[str, ...]) -> TallyQuestionError:
    """Return the error for a saved tally that lacks what is compared with a configuration."""
    has = f"counts them by {', '.join(kept)} only" if kept else "does not count them"
    return TallyQuestionError(
        "a saved tally explains requests only if it counts what the gateway answered by host, port "
        f"and path as this configuration asks: it {has}. Read the logs again, or save the tally "
        "with summarize --config FILE --save-tally."
    )


def kept_span(state: Path | None, keep_last: str | None) -> int | None:
    """Return how long days of a state are kept in microseconds, null for ever.

    Raises:
        typer.BadParameter: If there is no state.
        SelectionError: If it is no span.
    """
    from envoylogs.keyed.moments import span_of

    if keep_last is None:
        return None
    if state is None:
        raise typer.BadParameter("--keep-last forgets days of --state, which was not given")
    return span_of("--keep-last", keep_last)
