"""What is known of one log that was counted, and where its reading goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envoylogs.sources.identity import Mark


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A whole line that was read and not counted: the rest of its record has not come yet."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class KnownLog:
    """How much of one log was counted, and what it is known again by.

    Attributes:
        name: What it was called when it was last read.
        path: Where it was then, without links.
        first: The mark of its first line.
        marks: The marks between, in their order.
        end: Where the next reading begins: behind the last whole line.
        tail: The mark behind a last line without an end that was counted too.
        lines: How many lines there are before the end.
        waiting: Lines before the end that were not counted.
        archives: Digests of archives that hold nothing behind the end.
        sidecars: Pods that were seen to be sidecars in it (see ``envoy.roles``).
        gateways: Those among them, and the waypoints, that had records of gateways too.
        waypoints: Pods that were seen to be waypoints likewise.
        run: When it was last read: a number that grows.
        unended: How many bytes of a line without an end stand behind the end.
    """

    name: str
    path: str
    first: Mark
    marks: tuple[Mark, ...]
    end: Mark
    tail: Mark | None = None
    lines: int = 0
    waiting: tuple[WaitingLine, ...] = ()
    archives: tuple[str, ...] = ()
    sidecars: tuple[str | None, ...] = ()
    gateways: tuple[str | None, ...] = ()
    waypoints: tuple[str | None, ...] = ()
    run: int = 0
    unended: int = 0

    @property
    def all_marks(self) -> tuple[Mark, ...]:
        """Those that a log must have, as far as it goes, to be this one."""
        return (self.first, *self.marks, self.end)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reading of a source begins.

    Attributes:
        number: Which of the known logs it goes on with; null for none.
        nothing_new: Whether there is nothing to read.
        start: How many bytes are passed over.
        before: The last of these; not known of archives.
        is_packed: Whether the source may be an archive.
        archive: Its digest, if it is one.
        same_bytes: How many bytes it has in common with the known log.
        problem: Why no more of it could be looked at (see ``compression``).
    """

    number: int | None = None
    nothing_new: bool = False
    start: int = 0
    before: bytes = b""
    is_packed: bool = True
    archive: str | None = None
    same_bytes: int = 0
    problem: str | None = None
