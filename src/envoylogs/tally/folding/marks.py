"""The values that stand for folded names, which no log can hold (see ``names_apart``).

They are apart from what keeps them out of logs, since what shows them to
people does so before Polars is loaded.
"""

from __future__ import annotations

# The colon keeps them apart from hosts and clients, which are made by taking a port off: what is
# left then has no colon, or stands in brackets.
FOLDED = "\x00:folded"
"""All other names."""

FOLDED_KNOWN = "\x00:folded+"
"""All other names that are known: hosts that were routed, paths that were."""

FOLDED_NUMBER = -(2**63)
"""All other numbers or times of a column that was asked for."""

FOLDED_MARKS = (FOLDED, FOLDED_KNOWN)
"""The texts that stand for folded names."""
