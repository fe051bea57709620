"""A log that envoylogs and its peers are asked about: first for equal answers, then for time."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.answers import Answer, answer_of_envoylogs, differences
from benchmarks.run import Run, median_of, run

if TYPE_CHECKING:
    from benchmarks.peers.catalog import Peer

__all__ = ["Contest", "table", "timed"]


@dataclass(frozen=True, slots=True)
class Contest:
    """A log, what envoylogs says of it, and how a peer is asked the same.

    Attributes:
        log: What is read.
        python: The interpreter that has the peers of PyPI.
        folder: Where answers are written.
    """

    log: Path
    python: str
    folder: Path

    def envoylogs(self) -> list[str]:
        """Return the command that all others are compared with."""
        return [sys.executable, "-m", "envoylogs", "summarize", str(self.log), "--format", "json"]

    def answered(self) -> tuple[Answer, int]:
        """Return the answer of envoylogs, and the width of its time buckets in seconds.

        Peers are told the width, which envoylogs finds by itself.
        """
        printed = self.folder / "envoylogs"
        run(self.envoylogs(), output=printed)
        said = json.loads(printed.read_text(encoding="utf-8"))
        return answer_of_envoylogs(said), said["timeline"]["bucket_seconds"] or 1

    def differences(self, peer: Peer, ours: Answer, width_s: int) -> list[str]:
        """Return where a peer answers differently."""
        printed = self.folder / peer.package
        try:
            run(peer.started(self.python, self.log, width_s), output=printed)
        except SystemExit as failed:
            return [str(failed)]
        theirs = peer.read(printed.read_text(encoding="utf-8"))
        return differences(ours, theirs, peer.left_out)


def timed(commands: dict[str, list[str]], runs: int) -> dict[str, Run]:
    """Return the medians of commands that are run in turn, since a shared machine drifts.

    Every run is told on standard error: all of them may take half an hour.
    """
    found: dict[str, list[Run]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(1, runs + 1):
            for name, command in commands.items():
                one = run(command, output=Path(folder) / "answer")
                found[name].append(one)
                print(f"{turn} of {runs}: {name} {one}", file=sys.stderr)
    return {name: median_of(of_one) for name, of_one in found.items()}


def table(found: dict[str, Run], makes: dict[str, str]) -> str:
    """Return a Markdown table; the first row is what ratios are of."""
    ours = next(iter(found.values()))
    rows = [
        f"| {name} | {one.seconds:.2f} s | {one.seconds / ours.seconds:.2f} | "
        f"{one.processor_seconds:.2f} s | {one.processor_seconds / ours.processor_seconds:.2f} | "
        f"{one.peak_mb:.0f} MB | {makes[name]} |"
        for name, one in found.items()
    ]
    head = "| program | time | ratio | processor time | ratio | peak | makes |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *rows])
