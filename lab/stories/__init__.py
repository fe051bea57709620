"""All stories by name."""

from __future__ import annotations

from lab.stories.canary import CANARY
from lab.stories.every_outcome import EVERY_OUTCOME
from lab.stories.first_steps import FIRST_STEPS
from lab.stories.lost_route import LOST_ROUTE
from lab.stories.nothing_accepted import NOTHING_ACCEPTED
from lab.stories.scanners_and_tls import SCANNERS_AND_TLS
from lab.stories.turned_bad import TURNED_BAD

__all__ = ["SAMPLES", "STORIES"]

SAMPLES = {
    "first-steps": FIRST_STEPS,
    "canary": CANARY,
    "lost-route": LOST_ROUTE,
    "scanners-and-tls": SCANNERS_AND_TLS,
}
"""Those that sample logs are made of."""

STORIES = {
    "every-outcome": EVERY_OUTCOME,
    "turned-bad": TURNED_BAD,
    "nothing-accepted": NOTHING_ACCEPTED,
    **SAMPLES,
}
