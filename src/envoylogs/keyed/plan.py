"""What is read of logs and how, as a value; and, apart from it, who is told meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envoylogs import schema
from envoylogs.envoy.field_keys import DEFAULT_KEYS, FieldKeys
from envoylogs.keyed.selection import NOTHING_SELECTED, Selection
from envoylogs.reading.block_reader import BlockReader
from envoylogs.reading.decoders.choice import decoder_choice
from envoylogs.reading.decoders.columns import RecordColumns, wanted_with
from envoylogs.reading.decoders.compiled import CompiledDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from envoylogs.envoy.text_formats import TextFormat
    from envoylogs.keyed.anonymize import Anonymizer
    from envoylogs.reading.source_reader import Progress
    from envoylogs.sources.stop import Stop


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """What is read of logs, and how: a value, which may be sent to another process.

    Attributes:
        columns: Normalized columns; others are not made.
        selection: Which records.
        text: Whether the bytes of each record are wanted too, as ``text``.
        text_format: The user's own format of TEXT lines, tried before the defaults.
        keys: Which keys hold which columns.
        unknown: Whether what no column holds is wanted too, as ``unknown_keys``.
        anonymizer: Replaces what may say who somebody is, once the records are
            selected; null leaves it.
        seldom: Which of the columns will be asked of few records.
        coded: Which may be handed over as numbers of their values: ``upstream_host``, and
            ``path_shape``, where paths are seldom asked and what is alike in them will do.
    """

    columns: Collection[str] = tuple(schema.NORMALIZED)
    selection: Selection = NOTHING_SELECTED
    text: bool = False
    text_format: TextFormat | None = None
    keys: FieldKeys = DEFAULT_KEYS
    unknown: bool = False
    anonymizer: Anonymizer | None = None
    seldom: Collection[str] = ()
    coded: Collection[str] = ()

    @property
    def selection_text(self) -> str | None:
        """The selection as a tally keeps it, anonymized where values are; null for none."""
        if not self.selection:
            return None
        anonymizer = self.anonymizer
        return self.selection.text if anonymizer is None else anonymizer.text_of(self.selection)

    @property
    def meaning(self) -> dict[str, str]:
        """The options that say what lines mean, each with its value; none for the usual meaning."""
        # Which key of a column is read first is in their order; no other order matters.
        pairs = sorted(self.keys.mapped, key=lambda pair: pair[1])
        mapped = ",".join(f"{column}={key}" for key, column in pairs)
        text_format = "" if self.text_format is None else self.text_format.text
        options = {"--map": mapped, "--text-format": text_format}
        return {name: value for name, value in options.items() if value}

    @property
    def all_columns(self) -> set[str]:
        """The columns that are wanted, and those that the selection reads."""
        return {*self.columns, *self.selection.columns}

    def decoder(self) -> CompiledDecoder | None:
        """Return a compiled decoder; null where there is none, or none is wanted."""
        if not decoder_choice().is_compiled:
            return None
        return CompiledDecoder(
            wanted_with(self.all_columns),
            self.keys,
            coded=self.coded,
            seldom=self._seldom_asked,
            keep_text=self.text,
            unknown=self.unknown,
        )

    def collector(self, decoder: CompiledDecoder | None = None) -> RecordColumns:
        """Return what collects the records of one batch.

        Args:
            decoder: Whose records are among them.
        """
        return RecordColumns(
            self.all_columns,
            self.keys,
            unknown=self.unknown,
            seldom=self._seldom_asked,
            decoder=decoder,
        )

    @property
    def _seldom_asked(self) -> list[str]:
        """The columns that are seldom asked whatever the records are selected by."""
        asked = self.selection.columns
        return [name for name in self.seldom if self.anonymizer is None and name not in asked]

    def reader_at(
        self, source: str, line: int, decoder: CompiledDecoder | None = None
    ) -> BlockReader:
        """Return a reader of a source, by its name, that begins at a line.

        Args:
            source: Its name.
            line: The number of its next line.
            decoder: What takes records before the reader does.
        """
        return BlockReader(
            source,
            keep_text=self.text,
            text_format=self.text_format,
            keys=self.keys,
            next_line=line,
            decoder=decoder,
        )


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is told of a reading while it goes on, and may end it.

    Attributes:
        on_malformed: Called with malformed lines as they were, one or more that follow
            one another, separated by line feeds.
        stop: Ends the reading early, as if the sources ended there.
        progress: Is told of every read.
    """

    on_malformed: Callable[[bytes], None] | None = None
    stop: Stop | None = None
    progress: Progress | None = None


NO_HOOKS = Hooks()
