"""All stories by name."""

from __future__ import annotations

from lab.stories.every_outcome import EVERY_OUTCOME

__all__ = ["STORIES"]

STORIES = {"every-outcome": EVERY_OUTCOME}
