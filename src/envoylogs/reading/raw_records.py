"""The records of one block, as they were found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envoylogs.reading.decoders.text_lines import TextRun
    from envoylogs.reading.payloads import Origin


@dataclass(slots=True)
class RawRecords:
    """The records of one block.

    Attributes:
        objects: The records of JSON, as they were logged.
        lines: The number of the first line of each.
        texts: The bytes of each as they stand in the source, without the last
            line feed; empty unless wanted.
        runs: The records of TEXT.
        run_texts: The bytes of each record of a run, by its line; empty unless wanted.
        origins: Who wrote a record, by its line; empty without envelopes.
        keys: The keys that each of ``objects`` has; null if that is not known.
    """

    objects: list[dict[str, object]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    runs: list[TextRun] = field(default_factory=list)
    run_texts: dict[int, bytes] = field(default_factory=dict)
    origins: dict[int, Origin] = field(default_factory=dict)
    keys: frozenset[str] | None = None

    def __len__(self) -> int:
        return len(self.objects) + sum(len(run.numbers) for run in self.runs)

    @property
    def numbers(self) -> list[int]:
        """The number of the line of each record, first of JSON, then of TEXT."""
        return [*self.lines, *(number for run in self.runs for number in run.numbers)]
