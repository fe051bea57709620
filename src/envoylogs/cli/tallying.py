"""From sources to a tally, with progress shown and malformed lines kept: at once, or by and by."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from envoylogs.cli.console import is_device
from envoylogs.cli.incremental import (
    opened_state,
    save_state,
    say_what_is_left,
    say_what_is_lost,
)
from envoylogs.cli.progress import shown_progress
from envoylogs.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import BufferedWriter
    from pathlib import Path

    from envoylogs.cli.remembering import Limits
    from envoylogs.pipeline import Reading
    from envoylogs.sources.source import Source
    from envoylogs.tally.running import RunningTally
    from envoylogs.tally.spec import TallySpec
    from envoylogs.tally.tally import Tally

__all__ = ["NewLines", "Tallying"]


@dataclass(frozen=True, slots=True)
class NewLines:
    """What a run with a state has counted, which is not what it shows.

    Attributes:
        bytes: That were new.
        lines: Likewise.
        malformed_by_reason: Likewise, see ``reading.fates.REASONS``.
        leaves_some: Whether something was not counted, since its end has not come.
    """

    bytes: int
    lines: int
    malformed_by_reason: dict[str, int]
    leaves_some: bool

    @classmethod
    def between(cls, before: RunningTally, after: RunningTally) -> NewLines:
        """Return what was counted between two moments, before days are forgotten."""
        new = _fates_of(after)
        new.subtract(_fates_of(before))
        return cls(
            new["bytes", ""],
            new["lines", ""],
            {reason: n for (fate, reason), n in new.items() if fate == "malformed" and n},
            after.logs.leaves_some,
        )


@dataclass(frozen=True, slots=True)
class Tallying:
    """How sources are read.

    Attributes:
        reading: How, but for what is shown and kept meanwhile.
        rejects: Where malformed lines are kept.
    """

    reading: Reading
    rejects: Path | None

    def tally(
        self,
        sources: list[Source],
        limits: Limits,
        state: Path | None,
        outputs: Iterable[Path | None] = (),
    ) -> tuple[Tally, NewLines | None]:
        """Read sources, all of them or what is new in them.

        Args:
            sources: What to read.
            limits: How much is remembered.
            state: Where is kept what is not new.
            outputs: What the run writes besides, which is no log the next time.

        Returns:
            What is remembered, and what of it is new; null without a state.

        Raises:
            StateError: If the state can't be used.
        """
        if state is None:
            return self._at_once(sources, limits), None
        return self._since_last_time(sources, limits, state, outputs)

    def _at_once(self, sources: list[Source], limits: Limits) -> Tally:
        from envoylogs.pipeline import spec_of_saved, tally_sources

        spec = limits.spec(spec_of_saved(sources))
        with self._watched(sources) as reading:
            return tally_sources(sources, spec=spec, reading=reading, limits=limits.given)

    def _since_last_time(
        self, sources: list[Source], limits: Limits, state: Path, outputs: Iterable[Path | None]
    ) -> tuple[Tally, NewLines]:
        from envoylogs.pipeline import tally_new_lines
        from envoylogs.sources.rotated import with_rotated

        def spec_with(kept: TallySpec | None) -> TallySpec:
            return self.reading.spec(limits.spec_of_state(kept))

        with opened_state(state, spec_with, self.reading.meaning) as before:
            sources, lost = with_rotated(sources, before.logs)
            say_what_is_lost(lost)
            by_day = before.has_days or limits.keep_us is not None
            with self._watched(sources) as reading:
                running = tally_new_lines(sources, before, by_day=by_day, reading=reading)
            new = NewLines.between(before, running)
            files = [path for path in outputs if path is not None and not is_device(path)]
            written = list(map(os.path.realpath, files))
            kept = save_state(state, running.with_outputs(written), limits.keep_us)
        say_what_is_left(kept)
        return kept.total(), new

    @contextmanager
    def _watched(self, sources: list[Source]) -> Iterator[Reading]:
        """Return how sources are read, with progress shown and malformed lines kept."""
        with ExitStack() as files:
            on_malformed: Callable[[bytes], None] | None = None
            if self.rejects is not None:
                try:
                    kept = files.enter_context(self.rejects.open("wb"))
                except OSError as error:
                    raise OutputError.unwritable(str(self.rejects), error) from error
                on_malformed = partial(_write_line, kept)
            progress = files.enter_context(shown_progress([source.size for source in sources]))
            yield replace(self.reading, on_malformed=on_malformed, progress=progress)


def _write_line(file: BufferedWriter, line: bytes) -> None:
    file.write(line + b"\n")


def _fates_of(running: RunningTally) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for tally in running.days.values():
        for fate, detail, n in tally.lines.frame.select("fate", "detail", "n").iter_rows():
            found[fate, detail] += n
    return found
