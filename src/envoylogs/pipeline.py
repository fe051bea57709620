"""Sources to a tally: the one place that joins the stages."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from envoylogs import schema
from envoylogs.reading.batches import Decoded, decode
from envoylogs.tally.state import DEFAULT_SPEC, TallySpec
from envoylogs.tally.tally import Tally, TallySum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from envoylogs.sources.source import Source

__all__ = ["tally_sources"]

# One thread decodes, which holds the interpreter; another normalizes and observes, which is Polars
# and does not. So many batches may wait between the two.
_AHEAD = 1


def tally_sources(
    sources: Iterable[Source],
    *,
    spec: TallySpec = DEFAULT_SPEC,
    on_malformed: Callable[[bytes], None] | None = None,
) -> Tally:
    """Read sources and return what is remembered of all their lines.

    Args:
        sources: What to read, in order.
        spec: How much to remember.
        on_malformed: Called with each malformed line as it was.

    Raises:
        SourceError: If a source can't be opened or read.
    """
    adding = TallySum(spec)

    def observe(decoded: Decoded) -> None:
        adding.add(decoded.normalized())

    running: deque[Future[None]] = deque()
    with ThreadPoolExecutor(max_workers=1) as observer:
        for decoded in decode(sources, columns=schema.TALLIED, on_malformed=on_malformed):
            running.append(observer.submit(observe, decoded))
            if len(running) > _AHEAD:
                running.popleft().result()
        for future in running:
            future.result()
    return adding.total()
