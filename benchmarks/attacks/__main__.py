"""Print what was tried, how often, and what came of it, as the tables of docs/reliability.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.attacks import distinct_values
from benchmarks.attacks.damaged_files import Damage, Ending, attacked_states, attacked_tallies
from benchmarks.attacks.mutated_logs import differences, mutated


def main() -> int:
    """Run all attacks, or some, and return 1 if one of them came through."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1500, help="of each damage to a file")
    parser.add_argument("--logs", type=int, default=1500, help="mutated logs")
    parser.add_argument("--values", type=int, default=distinct_values.VALUES)
    parser.add_argument("--only", choices=("files", "logs", "values"))
    asked = parser.parse_args()
    parts = {"files": _files, "logs": _logs, "values": _values}
    numbers = {"files": asked.times, "logs": asked.logs, "values": asked.values}
    failed = [part(numbers[name]) for name, part in parts.items() if asked.only in (None, name)]
    return int(any(failed))


def _files(times: int) -> bool:
    print("| file | damage | times | " + " | ".join(Ending) + " |")
    print("|---|---|---" + "|---" * len(Ending) + "|")
    bad = 0
    for attacked in (attacked_tallies(times), attacked_states(times)):
        for damage in Damage:
            found = [attacked.endings[damage, ending] for ending in Ending]
            print(
                f"| {attacked.kind} | {damage} | {times:,} | " + " | ".join(map(str, found)) + " |"
            )
            bad += found[list(Ending).index(Ending.OTHER_NUMBERS)]
            bad += found[list(Ending).index(Ending.CRASHED)]
    return bad > 0


def _logs(logs: int) -> bool:
    lines, wrong = 0, Counter[int]()
    for seed in range(logs):
        log = mutated(seed)
        lines += log.lines
        for said in differences(log):
            print(f"log {seed}: {said}", file=sys.stderr)
            wrong[seed] += 1
    print(f"\n{logs:,} mutated logs, {lines:,} lines: {len(wrong)} logs with other numbers.\n")
    return bool(wrong)


def _values(values: int) -> bool:
    print("| another value in each record | routed | s | peak MB | JSON MB | records |")
    print("|---|---|---|---|---|---|")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for key in distinct_values.KEYS:
            for routed in (True, False):
                cost = distinct_values.cost_of(key, Path(folder), values=values, routed=routed)
                failed |= cost.exit_code not in (0, 1) or cost.records != values
                print(
                    f"| {key} | {'yes' if routed else 'no'} | {cost.seconds:.0f} | "
                    f"{cost.peak_mb:.0f} | {cost.json_mb:.1f} | {cost.records:,} |",
                    flush=True,
                )
    return failed


if __name__ == "__main__":
    sys.exit(main())
