"""Everything remembered of a set of log lines, and how two such memories add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from envoylogs.errors import TallyError
from envoylogs.tally.accounts import LineCounts, LineExamples
from envoylogs.tally.by_columns import AskedLatency, AskedTraffic
from envoylogs.tally.counting import counts_of
from envoylogs.tally.evidence import FailureEvidence
from envoylogs.tally.failures import FailureDurations
from envoylogs.tally.folding.folded_names import FoldedNames
from envoylogs.tally.folding.limits import (
    STATES_OF_NAMES,
    held_alone,
    too_many_names,
    within_limits,
)
from envoylogs.tally.folding.names_apart import kept_apart
from envoylogs.tally.joint import JointCounts
from envoylogs.tally.known_names import KnownNames
from envoylogs.tally.latency import LatencyByGroup, LatencyByTrait
from envoylogs.tally.paths import PathCounts
from envoylogs.tally.slowness import SlownessCounts
from envoylogs.tally.spec import DEFAULT_SPEC, TallySpec
from envoylogs.tally.timeline import TimelineCounts
from envoylogs.tally.traffic import TrafficCounts
from envoylogs.tally.turned_away import TurnedAway

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from envoylogs.keyed.batches import Batch
    from envoylogs.tally.counting import Counted
    from envoylogs.tally.folding.fold import Fold
    from envoylogs.tally.state import State

NAMES_WAITING = 2
"""One with more names than this many times their limit does not wait: most of them are folded when
it is added. With a host or a cluster of its own in each record it has up to 460,000 rows."""


class HasStates(Protocol):
    """What has all states of a tally."""

    @property
    def spec(self) -> TallySpec:
        """How much is remembered."""

    def state(self, name: str) -> State:
        """Return a state by its name in ``STATES``."""


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
    asked_traffic: AskedTraffic
    asked_latency: AskedLatency
    joint: JointCounts
    known_names: KnownNames
    timeline: TimelineCounts
    slowness: SlownessCounts
    paths: PathCounts
    evidence: FailureEvidence
    failure_durations: FailureDurations
    turned_away: TurnedAway
    lines: LineCounts
    examples: LineExamples
    folded_names: FoldedNames

    @classmethod
    def made(cls, spec: TallySpec, make: Callable[[str, type[State]], State]) -> Tally:
        """Return a tally of states that are made one by one, by name and type."""
        states: dict[str, Any] = {name: make(name, state) for name, state in STATES.items()}
        return cls(spec, **states)

    @classmethod
    def empty(cls, spec: TallySpec = DEFAULT_SPEC) -> Tally:
        """Return the tally of nothing."""
        return cls.made(spec, lambda _, state: state.empty(spec))

    @classmethod
    def of(cls, batch: Batch, spec: TallySpec = DEFAULT_SPEC) -> Tally:
        """Return the tally of one batch; its limits come to bear when it is added to others."""
        asked = asked_of(batch, spec)
        counts = iter(counts_of([one for of_state in asked.values() for one in of_state]))

        def state_of(name: str, state: type[State]) -> State:
            counted = state.of_counts(spec, list(islice(counts, len(asked[name]))))
            beside = state.beside(batch, spec)
            return counted if beside is None else counted.merge(beside)

        return cls.made(spec, state_of)

    def state(self, name: str) -> State:
        """Return a state by its name in ``STATES``."""
        found: State = getattr(self, name)
        return found

    @property
    def has_many_names(self) -> bool:
        """Whether so many names are to be folded that it takes more memory to wait than to add."""
        most = NAMES_WAITING * self.spec.max_names
        # Nearly every record is a row of joint counts, whatever its names.
        states = (self.state(name) for name in STATES_OF_NAMES if name != "joint")
        return any(state.frame.height > most for state in states)

    def merge(self, *others: HasStates) -> Tally:
        """Return the tally of everything that these tallies are of; none is changed.

        Names that are too many are folded, also without others: see ``folding.limits``.

        Raises:
            TallyError: If their specifications differ.
        """
        return sum_of_tallies(self, *others)

    def with_lines_of_parts(self, before: Sequence[int]) -> Tally:
        """Return the tally of a log that was read in parts with the numbers that its lines have.

        Args:
            before: How many lines of the log are before each part.
        """
        return self.made(self.spec, lambda name, _: self.state(name).with_lines_of_parts(before))

    def held_to(self, limits: Mapping[str, int]) -> Tally:
        """Return what is left of this tally within limits, if any of them is smaller than its own.

        Args:
            limits: By their names in ``TallySpec``.
        """
        spec = self.spec.held_to(limits)
        if spec == self.spec:
            return self
        held = self.made(spec, lambda name, state: state(self.state(name).frame, spec).merge())
        return held.merge()


def sum_of_tallies(first: HasStates, *others: HasStates, at_once: int | None = None) -> Tally:
    """Return the tally of everything that tallies are of, as ``Tally.merge`` does.

    Args:
        first: Each state of a tally is asked for when it is added, and not kept.
        others: Likewise.
        at_once: How many are added at a time: fewer take longer, and less memory. Null for all.

    Raises:
        TallyError: If their specifications differ.
    """
    spec = _spec_of(first, *others)
    states: dict[str, State] = {}

    def merged(name: str, fold: Fold | None = None) -> State:
        waiting = [first.state(name)]
        if fold and not others:
            return waiting[0].merge(fold=fold)
        for left, other in zip(reversed(range(len(others))), others, strict=True):
            waiting.append(other.state(name))
            # Nearly every request may be a row of joint counts, so they wait in no great numbers.
            rows = sum(state.frame.height for state in waiting) if name == "joint" else 0
            if not left or len(waiting) - 1 == at_once or rows > spec.max_joint_rows:
                state = waiting[0].merge(*waiting[1:], fold=fold)
                if name == "joint":
                    state = held_alone(name, {**states, name: state}, spec)
                waiting = [state]
        return waiting[0]

    for name in STATES_OF_NAMES:
        states[name] = merged(name)
    fold = too_many_names(states, spec)
    for name in STATES:
        # What is folded while it is added up never takes the memory of all its names.
        if name not in states:
            states[name] = merged(name, fold)
        elif fold:
            states[name] = states[name].merge(fold=fold)
    states = within_limits(states, fold, spec)
    return Tally.made(spec, lambda name, _: states[name])


def _spec_of(first: HasStates, *others: HasStates) -> TallySpec:
    """Return the specification of tallies that are to be added.

    Raises:
        TallyError: If their specifications differ.
    """
    spec = first.spec
    for other in others:
        if other.spec != spec:
            raise TallyError(
                "tallies that remember different things can't be added: "
                f"{spec.words} and {other.spec.words}. Make both with the same options."
            )
    return spec


STATES: Mapping[str, type[State]] = {
    "traffic": TrafficCounts,
    "latency_by_group": LatencyByGroup,
    "latency_by_trait": LatencyByTrait,
    "asked_traffic": AskedTraffic,
    "asked_latency": AskedLatency,
    "joint": JointCounts,
    "known_names": KnownNames,
    "timeline": TimelineCounts,
    "slowness": SlownessCounts,
    "paths": PathCounts,
    "evidence": FailureEvidence,
    "failure_durations": FailureDurations,
    "turned_away": TurnedAway,
    "lines": LineCounts,
    "examples": LineExamples,
    "folded_names": FoldedNames,
}
"""The states of a tally by name."""


def asked_of(batch: Batch, spec: TallySpec) -> dict[str, Sequence[Counted]]:
    """Return what is counted of a batch, by state."""
    apart = _apart(batch)
    return {name: state.asked(apart, spec) for name, state in STATES.items()}


def _apart(batch: Batch) -> Batch:
    """Return a batch with names apart from what marks folded ones, but for those of keys."""
    selected, unselected = (
        None if records is None else replace(records, rows=kept_apart(records.rows))
        for records in (batch.selected, batch.unselected)
    )
    return replace(batch, selected=selected, unselected=unselected)
