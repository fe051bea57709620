"""Everything remembered of a set of log lines, and how two such memories add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envoylogs.errors import TallyError
from envoylogs.tally.accounts import LineCounts, LineExamples
from envoylogs.tally.evidence import FailureEvidence
from envoylogs.tally.latency import LatencyByGroup, LatencyByTrait
from envoylogs.tally.paths import PathCounts
from envoylogs.tally.state import DEFAULT_SPEC, TallySpec
from envoylogs.tally.timeline import TimelineCounts
from envoylogs.tally.traffic import TrafficCounts

if TYPE_CHECKING:
    from envoylogs.reading.batches import Batch

__all__ = ["Tally", "TallySum"]

# So many batches wait before they are added to what is there: adding costs time in proportion to
# what is there, waiting costs memory.
_WAITING = 8


@dataclass(frozen=True, slots=True)
class Tally:
    """The states of a set of log lines.

    Every table is a pure function of a tally, so tables can't disagree.

    Attributes:
        spec: How much is remembered; the same for every state.
    """

    spec: TallySpec
    traffic: TrafficCounts
    latency_by_group: LatencyByGroup
    latency_by_trait: LatencyByTrait
    timeline: TimelineCounts
    paths: PathCounts
    evidence: FailureEvidence
    lines: LineCounts
    examples: LineExamples

    @classmethod
    def empty(cls, spec: TallySpec = DEFAULT_SPEC) -> Tally:
        """Return the tally of nothing."""
        return cls(
            spec,
            TrafficCounts.empty(spec),
            LatencyByGroup.empty(spec),
            LatencyByTrait.empty(spec),
            TimelineCounts.empty(spec),
            PathCounts.empty(spec),
            FailureEvidence.empty(spec),
            LineCounts.empty(spec),
            LineExamples.empty(spec),
        )

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec = DEFAULT_SPEC) -> Tally:
        """Return the tally of one batch."""
        return cls(
            spec,
            TrafficCounts.of(batch, spec),
            LatencyByGroup.of(batch, spec),
            LatencyByTrait.of(batch, spec),
            TimelineCounts.of(batch, spec),
            PathCounts.of(batch, spec),
            FailureEvidence.of(batch, spec),
            LineCounts.of(batch, spec),
            LineExamples.of(batch, spec),
        )

    def merge(self, *others: Tally) -> Tally:
        """Return the tally of everything that these tallies are of; none is changed.

        Raises:
            TallyError: If their specifications differ.
        """
        for other in others:
            if other.spec != self.spec:
                raise TallyError.specs_differ(self.spec, other.spec)
        return Tally(
            self.spec,
            self.traffic.merge(*(other.traffic for other in others)),
            self.latency_by_group.merge(*(other.latency_by_group for other in others)),
            self.latency_by_trait.merge(*(other.latency_by_trait for other in others)),
            self.timeline.merge(*(other.timeline for other in others)),
            self.paths.merge(*(other.paths for other in others)),
            self.evidence.merge(*(other.evidence for other in others)),
            self.lines.merge(*(other.lines for other in others)),
            self.examples.merge(*(other.examples for other in others)),
        )


class TallySum:
    """Adds up the tallies of batches as they come.

    Args:
        spec: Of all tallies to come.
    """

    def __init__(self, spec: TallySpec = DEFAULT_SPEC) -> None:
        self._spec = spec
        self._tallies: list[Tally] = []

    def add(self, batch: Batch) -> None:
        """Observe one more batch."""
        self._tallies.append(Tally.of(batch, self._spec))
        if len(self._tallies) > _WAITING:
            self._tallies = [self.total()]

    def total(self) -> Tally:
        """Return the tally of all batches so far."""
        if not self._tallies:
            return Tally.empty(self._spec)
        first, *others = self._tallies
        return first.merge(*others) if others else first
