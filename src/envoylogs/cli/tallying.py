"""From sources to a tally, with progress shown and malformed lines kept: at once, or by and by."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from envoylogs.cli.incremental import opened_state, save_state, say_what_is_left
from envoylogs.cli.progress import shown_progress
from envoylogs.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedWriter
    from pathlib import Path

    from envoylogs.cli.remembering import Limits
    from envoylogs.envoy.field_keys import FieldKeys
    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.reading.progress import Progress
    from envoylogs.reading.selection import Selection
    from envoylogs.sources.source import Source
    from envoylogs.sources.stop import Stop
    from envoylogs.tally.tally import Tally

__all__ = ["Tallying"]


@dataclass(frozen=True, slots=True)
class Tallying:
    """How sources are read.

    Attributes:
        selection: Which records are counted.
        text_format: The user's own format of TEXT lines.
        keys: Which keys hold which columns.
        rejects: Where malformed lines are kept.
        stop: Ends the reading early.
    """

    selection: Selection
    text_format: TextFormat | None
    keys: FieldKeys
    rejects: Path | None
    stop: Stop

    def tally(
        self, sources: list[Source], limits: Limits, state: Path | None
    ) -> tuple[Tally, int | None]:
        """Read sources, all of them or what is new in them.

        Args:
            sources: What to read.
            limits: How much is remembered.
            state: Where is kept what is not new.

        Returns:
            What is remembered, and how many bytes were new; null without a state.

        Raises:
            StateError: If the state can't be used.
        """
        if state is None:
            return self._at_once(sources, limits), None
        return self._since_last_time(sources, limits, state)

    def _at_once(self, sources: list[Source], limits: Limits) -> Tally:
        from envoylogs.pipeline import spec_of_saved, tally_sources

        spec = limits.spec(spec_of_saved(sources))
        with self._outputs(sources) as (on_malformed, progress):
            return tally_sources(
                sources,
                spec=spec,
                selection=self.selection,
                text_format=self.text_format,
                keys=self.keys,
                on_malformed=on_malformed,
                stop=self.stop,
                progress=progress,
            )

    def _since_last_time(
        self, sources: list[Source], limits: Limits, state: Path
    ) -> tuple[Tally, int]:
        from envoylogs.cli.console import say
        from envoylogs.pipeline import tally_new_lines
        from envoylogs.sources.rotated import with_rotated
        from envoylogs.summary.breakdown import columns_to_ask

        columns = columns_to_ask(limits.columns)
        with opened_state(state, limits.spec, columns, self.selection) as before:
            sources, lost = with_rotated(sources, before.logs)
            for name in lost:
                say(
                    f"envoylogs: {name}: is not the log that was read last time, and that one is "
                    "not beside it. What was written to it since is not counted."
                )
            by_day = before.has_days or limits.keep_us is not None
            with self._outputs(sources) as (on_malformed, progress):
                running = tally_new_lines(
                    sources,
                    before,
                    by_day=by_day,
                    selection=self.selection,
                    text_format=self.text_format,
                    keys=self.keys,
                    on_malformed=on_malformed,
                    stop=self.stop,
                    progress=progress,
                )
            new = sum(map(_bytes_of, running.days.values())) - sum(
                map(_bytes_of, before.days.values())
            )
            kept = save_state(state, running, limits.keep_us)
        say_what_is_left(kept)
        return kept.total(), new

    @contextmanager
    def _outputs(
        self, sources: list[Source]
    ) -> Iterator[tuple[Callable[[bytes], None] | None, Progress | None]]:
        with ExitStack() as files:
            on_malformed: Callable[[bytes], None] | None = None
            if self.rejects is not None:
                try:
                    kept = files.enter_context(self.rejects.open("wb"))
                except OSError as error:
                    raise OutputError.unwritable(str(self.rejects), error) from error
                on_malformed = partial(_write_line, kept)
            progress = files.enter_context(shown_progress([source.size for source in sources]))
            yield on_malformed, progress


def _write_line(file: BufferedWriter, line: bytes) -> None:
    file.write(line + b"\n")


def _bytes_of(tally: Tally) -> int:
    lines = tally.lines.frame
    return int(lines.filter(lines["fate"] == "bytes")["n"].sum())
