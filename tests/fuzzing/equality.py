"""Compare both decoders on changed logs: `python -m tests.fuzzing.equality --seconds 600`.

Each difference is printed with the fewest lines that show it, and once for the same keys.
"""

from __future__ import annotations

import argparse
import sys
import time
from random import Random
from typing import TYPE_CHECKING

from tests.both_decoders import unlike
from tests.fuzzing.mutations import cut, mutated
from tests.fuzzing.seeds import seeds

from envoylogs import schema
from envoylogs.envoy.field_keys import FieldKeys
from envoylogs.keyed.plan import ReadPlan
from envoylogs.pipeline import plan_of_tally
from envoylogs.reading.decoded_block import PATH_SHAPE
from envoylogs.tally.spec import DEFAULT_SPEC

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ALL = tuple(schema.NORMALIZED)
_PLANS = (
    ReadPlan(_ALL),
    ReadPlan(_ALL, text=True),
    ReadPlan(_ALL, unknown=True),
    ReadPlan(tuple(schema.TALLIED)),
    ReadPlan(_ALL, coded=("upstream_host", PATH_SHAPE)),
    plan_of_tally(ReadPlan(), DEFAULT_SPEC),
    ReadPlan(("authority", "response_code", "path")),
    ReadPlan(_ALL, keys=FieldKeys.mapping({"authority": ["edge"], "path": ["authority"]})),
)
_NAMES = ("a.log", f"/var/log/containers/gateway-1_istio-system_istio-proxy-{'0' * 64}.log")


def difference(blocks: Sequence[bytes], plan: ReadPlan, name: str) -> str | None:
    """Return what differs; an error of one decoder that the other has not is a difference too."""
    try:
        return unlike(blocks, plan, name)
    except Exception as error:  # noqa: BLE001  # whatever it is, no log may raise it
        return f"{type(error).__name__}: {error}"


def fewest(blocks: list[bytes], is_unlike: Callable[[list[bytes]], bool]) -> list[bytes]:
    """Return blocks with as few lines, and lines with as few bytes, as show the difference."""
    together = [b"\n".join(blocks)]
    blocks = together if is_unlike(together) else blocks
    places = [(n, line) for n, block in enumerate(blocks) for line in block.split(b"\n")]
    size = len(places)
    while size:
        start = 0
        while start < len(places):
            shorter = places[:start] + places[start + size :]
            if shorter and is_unlike(_blocks(shorter)):
                places = shorter
            else:
                start += size
        size //= 2
    for n, (block, line) in enumerate(places):
        size = len(line) // 2
        while size:
            start = 0
            while start < len(line):
                shorter_line = line[:start] + line[start + size :]
                places[n] = (block, shorter_line)
                if is_unlike(_blocks(places)):
                    line = shorter_line  # noqa: PLW2901  # the shortest so far
                else:
                    start += size
            size //= 2
        places[n] = (block, line)
    return _blocks(places)


def _blocks(places: list[tuple[int, bytes]]) -> list[bytes]:
    found: dict[int, list[bytes]] = {}
    for block, line in places:
        found.setdefault(block, []).append(line)
    return [b"\n".join(lines) for lines in found.values()]


def main() -> int:
    """Change logs, compare, and print what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random, logs = Random(given.seed), seeds(given.seed)
    until = time.monotonic() + given.seconds
    n = n_unlike = n_lines = 0
    while time.monotonic() < until:
        # Much of the time is spent for a log, however long it is.
        parts = [random.choice(logs) for _ in range(random.choice((1, 4, 8, 12, 20)))]
        log = b"\n".join(mutated(part, random) for part in parts)
        blocks, plan, name = cut(log, random), random.choice(_PLANS), random.choice(_NAMES)
        n += 1
        n_lines += log.count(b"\n") + 1
        if difference(blocks, plan, name) is None:
            continue
        n_unlike += 1

        def is_unlike(some: list[bytes], plan: ReadPlan = plan, name: str = name) -> bool:
            return difference(some, plan, name) is not None

        found = fewest(blocks, is_unlike)
        number = _PLANS.index(plan)
        print(f"log {n}, plan {number}, {name}:", *found, difference(found, plan, name), sep="\n  ")
        sys.stdout.flush()
    print(f"{n:,} logs of {n_lines:,} lines (seed {given.seed}): {n_unlike} differ")
    return 1 if n_unlike else 0


if __name__ == "__main__":
    raise SystemExit(main())
