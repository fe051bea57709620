"""However a log grows and rotates: all readings of it together are one of all lines."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import NO_ROUTE, line, printed, record
from tests.envelopes import ENVELOPES, Who
from tests.handmade import fewer_examples, source_of
from tests.rotating import PACKERS, RotatingLog

from envoylogs.pipeline import tally_new_lines, tally_sources
from envoylogs.sources.known_logs import KnownLogs
from envoylogs.sources.locate import locate
from envoylogs.sources.source import Source
from envoylogs.tally.running import RunningTally, load_running, save_running
from envoylogs.tally.spec import TallySpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoylogs.tally.tally import Tally

_SPEC = TallySpec(by=("method", "host"))


def _units(random: Random, n: int) -> Iterator[bytes]:
    """Yield what is written at once: lines that belong together, each with its end."""
    for number in range(n):
        time = f"2026-01-{random.randrange(1, 4):02d}T03:04:{number % 60:02d}.{number:03d}Z"
        made = record(
            start_time=time,
            request_id=f"r{number}",
            duration=random.randrange(2000),
            authority=random.choice(["shop.example.com", "api.example.com", None]),
            **random.choice([{}, {}, NO_ROUTE]),
        )
        text = line(made)
        yield (
            random.choice(
                [
                    text,
                    text,
                    text,
                    printed(made),
                    b"\n".join(_in_parts(text)),
                    text[: random.randrange(1, len(text))],
                    b'{"level":"info"}',
                    b"envoy starting",
                    b"",
                    b"{",
                    text + b" " * random.choice([0, 300_000]),
                ]
            )
            + b"\n"
        )


def _in_parts(text: bytes) -> list[bytes]:
    return ENVELOPES["CRI in parts"].wrap(text, Who())


def _end(log: RotatingLog) -> None:
    """Write a whole record, after which nothing is open: what never ends is never counted."""
    log.append(line(record(request_id=f"end-{len(log.pieces)}-{len(log.pieces[-1])}")) + b"\n")


def _read(state: Path, words: list[str]) -> RunningTally:
    before = (
        load_running(Source("state", str(state)))
        if state.exists()
        else RunningTally(_SPEC, {}, KnownLogs(resumable=True, run=1))
    )
    running = tally_new_lines(locate(words), before, by_day=False)
    save_running(running, state)
    return running


def _without_places(tally: Tally) -> dict[str, pl.DataFrame]:
    """Return what a tally says but for the names of sources and the numbers of lines."""
    found = {}
    for name in ("traffic", "latency_by_group", "latency_by_trait", "asked_traffic", "timeline",
                 "asked_latency", "known_names", "paths", "evidence", "lines"):  # fmt: skip
        frame = tally.state(name).canonical()
        if name == "lines":
            frame = frame.group_by("fate", "detail").agg(
                pl.col("n").sum(), pl.col("first").min(), pl.col("last").max()
            )
        kept = [column for column in frame.columns if column not in {"source", "line"}]
        found[name] = frame.select(kept).sort(pl.all(), nulls_last=True)
    return found


def _live(random: Random, log: RotatingLog, state: Path, units: list[bytes]) -> None:
    """Write units and read them meanwhile, in any order of events."""
    words = [str(log.folder)]
    for unit in units:
        cut = random.randrange(len(unit) + 1)
        log.append(unit[:cut])
        if random.random() < 0.15:
            _read(state, words)
        log.append(unit[cut:])
        event = random.random()
        if event < 0.08:
            _end(log)
            random.choice([log.rename, log.copy_and_truncate])()
        elif event < 0.14:
            log.pack(random.choice(list(PACKERS)), keep=random.random() < 0.5)
        elif event < 0.3:
            _read(state, words)


@pytest.mark.property
@fewer_examples(6)
@given(seed=st.integers(0, 2**32))
def test_all_readings_together_are_one_reading_of_all_lines(seed: int) -> None:
    random = Random(seed)
    units = list(_units(random, random.randrange(1, 60)))

    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        log, state = RotatingLog(Path(folder)), Path(other) / "state"
        _live(random, log, state, units)
        _end(log)
        total = _read(state, [folder]).total()
        pieces = log.pieces

    at_once = tally_sources(
        [source_of(piece, f"piece-{number}") for number, piece in enumerate(pieces)], spec=_SPEC
    )
    expected, found = _without_places(at_once), _without_places(total)
    for name, frame in expected.items():
        assert found[name].equals(frame), (name, frame, found[name])
