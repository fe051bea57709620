"""One line without its envelope."""

from __future__ import annotations

from typing import NamedTuple

from envoylogs.reading.payloads import NOBODY, Origin


class Unwrapped(NamedTuple):
    """What stood inside of an envelope.

    Attributes:
        kind: Of the envelope.
        payload: The line inside, or what it holds where that is known.
        origin: Who wrote it.
        stream: On which stream; matters where lines have parts.
        ends: Whether it is the last part of its line.
    """

    kind: str
    payload: bytes | dict[str, object]
    origin: Origin = NOBODY
    stream: bytes = b""
    ends: bool = True
