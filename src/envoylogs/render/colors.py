"""Colors with one meaning each, for light and for dark; told apart by colorblind people too.

An outcome has the color of who must act on it. The hues are those of Okabe and
Ito's palette, which was made for all kinds of color vision; on dark they are
lighter, so that the contrast stays.
"""

from __future__ import annotations

from typing import NamedTuple

from envoylogs.envoy.harm import Actor


class Shade(NamedTuple):
    """One color on a light ground and on a dark one."""

    light: str
    dark: str


ACTOR_COLORS = {
    Actor.NOBODY: Shade("#a9b4c0", "#5f6c7b"),
    Actor.CLIENT: Shade("#56b4e9", "#7cc8f2"),
    Actor.POLICY: Shade("#cc79a7", "#e39ac3"),
    Actor.OPERATOR: Shade("#e69f00", "#f2b632"),
    Actor.UPSTREAM: Shade("#d55e00", "#f07b3f"),
    Actor.CONFIGURATION: Shade("#0072b2", "#4da3e0"),
    Actor.UNKNOWN: Shade("#7a6a53", "#b09a78"),
}
"""By who must act."""

STACKED = (Actor.NOBODY, Actor.CLIENT, Actor.POLICY, Actor.OPERATOR, Actor.UNKNOWN,
           Actor.UPSTREAM, Actor.CONFIGURATION)  # fmt: skip
"""From the bottom of a stack to its top: what is nobody's problem first."""

NOISE_COLOR = Shade("#dde2e8", "#39434f")
"""Requests of strangers for hosts that were never routed."""

INK = {
    "ground": Shade("#ffffff", "#14181d"),
    "text": Shade("#1f2933", "#e4e9ef"),
    "quiet": Shade("#5a6775", "#9aa7b5"),
    "line": Shade("#e3e8ee", "#2b343e"),
    "accent": Shade("#0b5cad", "#6cb2f7"),
}
"""What is neither an outcome nor noise."""
