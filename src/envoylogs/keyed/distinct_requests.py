"""Which requests were read before, by their ``request_id``.

The same request stands in a log several times where several proxies wrote it,
or where copies of a log overlap. Envoy makes the id anew for each request from
outside unless it is told to keep that of the client.
"""

from __future__ import annotations

import polars as pl


class RequestsSeen:
    """Remembers eight bytes of each request; with 100 million the chance of a mix-up is 1 in 3,700.

    Batches are asked in their order: the first record of a request counts.
    """

    def __init__(self) -> None:
        # Sorted, each longer than the next: adding costs a merge now and then, as in a log that
        # is merged by size, and asking costs a search in a few of them.
        self._hashes: list[pl.Series] = []

    def are_new(self, ids: pl.Series) -> pl.Series:
        """Tell which records are of requests that were not seen before.

        Args:
            ids: The ``request_id`` of each; those without one are always new.
        """
        hashes = ids.hash(seed=1)
        seen = pl.repeat(False, ids.len(), dtype=pl.Boolean, eager=True)  # noqa: FBT003
        for known in self._hashes:
            places = known.search_sorted(hashes).clip(0, known.len() - 1)
            seen |= known.gather(places) == hashes
        is_new = ids.is_null() | (~seen & hashes.is_first_distinct())
        self._add(hashes.filter(is_new & ids.is_not_null()))
        return is_new

    def _add(self, hashes: pl.Series) -> None:
        added = hashes.sort()
        while self._hashes and self._hashes[-1].len() <= 2 * added.len():
            added = pl.concat([self._hashes.pop(), added]).sort()
        if added.len():
            self._hashes.append(added)
