"""Reading ahead: while something is worked on, a thread reads and unpacks what comes next."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_Item = TypeVar("_Item")

_WAITING = 4
"""How many items are read ahead: enough that neither side waits for the other."""

_PATIENCE_S = 0.2
"""How long it is waited for a thread that may be waiting for a pipe."""


class _End:
    """What comes last: why nothing follows, null at the end."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def read_ahead(items: Iterable[_Item], *, can_block: bool) -> Iterator[_Item]:
    """Yield the same items, which are made in a thread of their own.

    Args:
        items: Nobody else goes over them.
        can_block: Whether making one may take for ever, as reading a pipe does. Then whoever
            wants no more does not wait for it.

    Raises:
        BaseException: What making an item has raised, in its place.
    """
    ready: SimpleQueue[_Item | _End] = SimpleQueue()
    room = Semaphore(_WAITING)
    is_dropped = False

    def read() -> None:
        error = None
        try:
            for item in items:
                ready.put(item)
                room.acquire()
                if is_dropped:
                    break
        except BaseException as found:  # noqa: BLE001  # raised where the items are worked on
            error = found
        ready.put(_End(error))

    thread = Thread(target=read, name="reading ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(found := ready.get(), _End):
            yield found
            room.release()
        if found.error is not None:
            raise found.error
    finally:
        is_dropped = True
        room.release()
        # It ends at once, unless it waits for a pipe.
        thread.join(_PATIENCE_S if can_block else None)
