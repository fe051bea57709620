"""Regular expressions as Envoy has them: by RE2, over the whole text, in bounded time and memory.

See ``source/common/common/regex.cc`` of Envoy: patterns are compiled with RE2's
own settings, and matched by ``RE2::FullMatch``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

_MAX_MEMORY_BYTES = 8 << 20
"""RE2's own limit, which Envoy leaves as it is: of a pattern that needs more, RE2 takes none."""

_MAX_STEPS = 100_000_000
"""How many instructions a match may take at the very worst, which are some tenths of a second.

Where RE2's automaton does not fit into its memory, it takes each character through
all instructions of the program. A request's headers have at most 60 KiB in Envoy,
so that only a path that no Envoy took, or a monstrous pattern, is over the limit."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression.

    Attributes:
        text: As it was given.
        compiled: By RE2; null if it refuses the pattern, as Envoy then does too.
    """

    text: str
    compiled: Any

    def covers(self, text: str) -> bool | None:
        """Return whether the pattern matches all of a text.

        Null if that is not known: RE2 refuses the pattern, or the two are so large
        that the match could take seconds.
        """
        encoded = text.encode(errors="replace")
        if self._is_too_much(encoded):
            return None
        return self.compiled.fullmatch(encoded) is not None

    def begins(self, text: str) -> bool:
        """Return whether the pattern is known to match the beginning of a text, or all of it."""
        encoded = text.encode(errors="replace")
        return not self._is_too_much(encoded) and self.compiled.match(encoded) is not None

    def _is_too_much(self, encoded: bytes) -> bool:
        return self.compiled is None or len(encoded) * self.compiled.programsize > _MAX_STEPS


@lru_cache(maxsize=10_000)
def pattern(text: str) -> Pattern:
    """Return a pattern, compiled once."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY_BYTES
    # Nobody asks for the groups, and RE2 is faster without them.
    options.never_capture = True
    try:
        return Pattern(text, re2.compile(text.encode(errors="replace"), options))
    except re2.error:
        return Pattern(text, None)
