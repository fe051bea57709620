"""Saved tallies and states of which something was changed: none may give another number."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from benchmarks import generator
from envoylogs.errors import EnvoylogsError
from envoylogs.pipeline import tally_new_lines, tally_sources
from envoylogs.sources.known_logs import KnownLogs
from envoylogs.sources.locate import locate
from envoylogs.sources.source import Source
from envoylogs.tally.running import RunningTally, load_running, save_running
from envoylogs.tally.spec import TallySpec
from envoylogs.tally.storage import load_tally, save_tally

if TYPE_CHECKING:
    from collections.abc import Callable


class Damage(StrEnum):
    """What is done to a file."""

    FLIPPED_BIT = "one bit flipped"
    ZEROED = "up to 64 bytes zeroed"
    CUT = "cut at any byte"
    TAKEN_OUT = "up to 64 bytes taken out"
    SWAPPED = "two stretches of up to 64 bytes swapped"


class Ending(StrEnum):
    """What came of it."""

    REFUSED = "refused in words"
    SAME = "the file was the same"
    OTHER_NUMBERS = "other numbers accepted"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Attacked:
    """How often each damage to a kind of file ended how."""

    kind: str
    endings: Counter[tuple[Damage, Ending]]


def attacked_tallies(times: int, *, seed: int = 1) -> Attacked:
    """Return what came of damaging a saved tally, each way so many times."""
    with tempfile.TemporaryDirectory() as folder:
        log, path = Path(folder, "a.log"), Path(folder, "a.tally")
        log.write_bytes(b"".join(generator.lines(2000, seed=seed)))
        spec = TallySpec(by=("method", "client"), joint=("host", "outcome"))
        save_tally(tally_sources(locate([str(log)]), spec=spec), path)
        return Attacked("saved tally", _attacked(path, load_tally, times, seed))


def attacked_states(times: int, *, seed: int = 1) -> Attacked:
    """Return what came of damaging a state, each way so many times."""
    with tempfile.TemporaryDirectory() as folder:
        log, path = Path(folder, "a.log"), Path(folder, "a.state")
        log.write_bytes(b"".join(generator.lines(2000, seed=seed)))
        sources = locate([str(log)])
        before = RunningTally(TallySpec(), {}, KnownLogs(resumable=True, run=1))
        save_running(tally_new_lines(sources, before, by_day=True), path)
        return Attacked("state", _attacked(path, load_running, times, seed))


def _attacked(
    path: Path, load: Callable[[Source], object], times: int, seed: int
) -> Counter[tuple[Damage, Ending]]:
    whole, random = path.read_bytes(), Random(seed)
    endings: Counter[tuple[Damage, Ending]] = Counter()
    for damage in Damage:
        for _ in range(times):
            damaged = _damaged(whole, damage, random)
            path.write_bytes(damaged)
            endings[damage, _ending(path, load, same=damaged == whole)] += 1
    return endings


def _ending(path: Path, load: Callable[[Source], object], *, same: bool) -> Ending:
    try:
        load(Source(path.name, str(path)))
    except EnvoylogsError:
        return Ending.REFUSED
    except BaseException:  # noqa: BLE001  # a panic of Polars is no Exception
        return Ending.CRASHED
    return Ending.SAME if same else Ending.OTHER_NUMBERS


def _damaged(whole: bytes, damage: Damage, random: Random) -> bytes:
    start = random.randrange(len(whole))
    end = start + random.randrange(1, 65)
    if damage is Damage.FLIPPED_BIT:
        flipped = bytearray(whole)
        flipped[start] ^= 1 << random.randrange(8)
        return bytes(flipped)
    if damage is Damage.ZEROED:
        return whole[:start] + bytes(len(whole[start:end])) + whole[end:]
    if damage is Damage.CUT:
        return whole[:start]
    if damage is Damage.TAKEN_OUT:
        return whole[:start] + whole[end:]
    width = min(end - start, (len(whole) - start) // 2)
    middle = start + width
    swapped = whole[middle : middle + width] + whole[start:middle]
    return whole[:start] + swapped + whole[middle + width :]
