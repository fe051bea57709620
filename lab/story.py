"""What a story is: a gateway's first layout, what clients do, and what changes meanwhile."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lab.client import Client
    from lab.clusters import Service
    from lab.envoy_process import RunningGateway
    from lab.listeners import Layout

__all__ = ["Lab", "Step", "Story"]

_HANDS = 64


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done at some second of a story, whatever else is still under way."""

    at_s: float
    act: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Lab:
    """What a story has at hand.

    Attributes:
        client: Sends requests and counts.
        gateways: Those that run.
        seed: Of the traffic.
        scale: 1 for the whole story; a test plays a smaller part of it.
        changes: When what was changed, in the order of time.
    """

    client: Client
    gateways: tuple[RunningGateway, ...]
    seed: int
    scale: float = 1.0
    changes: list[dict[str, str]] = field(default_factory=list)

    def chance(self) -> random.Random:
        """Return the source of chance of this story."""
        return random.Random(self.seed)

    def moments(
        self, chance: random.Random, count: int, seconds: tuple[float, float]
    ) -> list[float]:
        """Return when something happens by chance between two seconds of the whole story."""
        wanted = max(1, round(count * self.scale))
        return [self.scale * chance.uniform(*seconds) for _ in range(wanted)]

    def change(self, what: str, at_s: float, layout: Layout) -> Step:
        """Return the step that gives another layout to all gateways."""

        def act() -> None:
            self._remember(what)
            for gateway in self.gateways:
                gateway.apply(layout)

        return Step(self.scale * at_s, act)

    def overload(self, what: str) -> None:
        """Put all gateways under pressure, so that they refuse requests."""
        self._remember(what)
        for gateway in self.gateways:
            gateway.overload()

    def note(self, what: str, at_s: float) -> Step:
        """Return the step that remembers a change of the upstreams."""
        return Step(self.scale * at_s, partial(self._remember, what))

    def _remember(self, what: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.changes.append({"at": now, "what": what})

    def play(self, steps: Iterable[Step]) -> None:
        """Do each step at its time; many may be under way at once."""
        started = time.monotonic()
        with ThreadPoolExecutor(_HANDS) as hands:
            running = []
            for step in sorted(steps, key=lambda step: step.at_s):
                time.sleep(max(0.0, started + step.at_s - time.monotonic()))
                running.append(hands.submit(step.act))
        for done in running:
            done.result()


@dataclass(frozen=True, slots=True)
class Story:
    """A story.

    Attributes:
        services: What is behind the gateways.
        layout: What the gateways serve at first.
        tell: Sends the requests and makes the changes.
        gateways: How many.
    """

    services: tuple[Service, ...]
    layout: Layout
    tell: Callable[[Lab], None]
    gateways: int = 1
