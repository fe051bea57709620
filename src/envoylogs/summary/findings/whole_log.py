"""The whole log, as findings ask it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from envoylogs.summary.findings.durations import durations_by_subject
from envoylogs.summary.findings.subjects import believed_hosts
from envoylogs.summary.findings.timelines import Timelines
from envoylogs.summary.judged import Judged, Parts
from envoylogs.summary.paths import path_states
from envoylogs.summary.splits import splits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from envoylogs.summary.findings.durations import Durations


class WholeLog(Judged):
    """A log with what several findings rest on; each part is made when it is asked for, once."""

    @cached_property
    def path_states(self) -> pl.DataFrame:
        """What became of each path, see ``paths.path_states``."""
        return path_states(self)

    @cached_property
    def failed_paths(self) -> Parts:
        """How many requests of hosts were ``routed``, and how many ``failed``, by path group."""
        paths = self.paths.lazy().group_by("host", "path_group")
        return Parts(paths.agg(pl.col("routed", "failed").sum()).collect())

    @cached_property
    def splits(self) -> pl.DataFrame:
        """How routes were split, see ``splits.splits``."""
        return splits(self)

    @cached_property
    def believed(self) -> list[str | None]:
        """The hosts that failures are told of by name, see ``subjects.believed_hosts``."""
        return believed_hosts(self)

    @cached_property
    def timelines(self) -> Timelines:
        """When something failed."""
        return Timelines(self, self.believed)

    @cached_property
    def durations(self) -> Mapping[tuple[Any, ...], Durations]:
        """How long failures took, see ``durations.durations_by_subject``."""
        return durations_by_subject(self, self.believed)
