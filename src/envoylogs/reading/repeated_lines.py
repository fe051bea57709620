"""Where a block repeats one short line, so that it need not be read line by line."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

LEAST_LINES = 64
"""From how many lines on a repetition is told apart."""

_SHORT = 24
"""How many bytes lines are long, at most, where repetitions within a block are looked for: no
record is nearly as short."""
_LOOKED_AT = 16_384
"""Every how many bytes it is asked whether lines are short: to count the lines of a block takes as
long as reading ten records, since they are long."""
_FEW = 3
"""How many short lines in a row tell that."""


class Piece(NamedTuple):
    """Some lines of a block.

    Attributes:
        data: Lines, separated by line feeds; one that is repeated stands there once.
        times: How often it is there.
    """

    data: bytes
    times: int = 1


def pieces_of(data: bytes) -> list[Piece]:
    """Return a block as its repetitions and what is between them, in order.

    Args:
        data: Whole lines, without the last line feed.
    """
    end = data.find(b"\n") + 1
    if not end:
        return [Piece(data)]
    if data.startswith(data[:end], end):
        # Compared as a whole, at the speed of memory.
        n, left = divmod(len(data) + 1, end)
        if not left and n >= LEAST_LINES and data[:end] * (n - 1) == data[: len(data) + 1 - end]:
            line = data[: end - 1]
            if data.endswith(line):
                return [Piece(line, n)]
    are_short = any(
        data.count(b"\n", place, place + _FEW * _SHORT) >= _FEW
        for place in range(0, len(data), _LOOKED_AT)
    )
    return _pieces_of_lines(data.split(b"\n")) if are_short else [Piece(data)]


def _pieces_of_lines(lines: list[bytes]) -> list[Piece]:
    found: list[Piece] = []
    between: list[bytes] = []
    for line, alike in groupby(lines):
        same = list(alike)
        if len(same) < LEAST_LINES:
            between += same
            continue
        if between:
            found.append(Piece(b"\n".join(between)))
            between = []
        found.append(Piece(line, len(same)))
    if between:
        found.append(Piece(b"\n".join(between)))
    return found
