"""Time envoylogs and its peers at the same work, in turn, and print a Markdown table.

Each makes the tables of ``summarize LOG --format json`` with exact percentiles, in
a process of its own that starts with the log. Before anything is timed, the
answer of each is compared with that of envoylogs, number by number.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import generator
from benchmarks.peers.catalog import PEERS, Peer
from benchmarks.peers.contest import Contest, table, timed
from benchmarks.run import generated, machine

_MOST_SHOWN = 10
"""How many differences of a peer are printed; the rest is counted."""


def _checked(contest: Contest, peers: list[Peer]) -> tuple[dict[str, list[str]], bool]:
    """Return the commands to time, by name, and whether all answers are equal."""
    ours, width_s = contest.answered()
    commands, equal = {"envoylogs": contest.envoylogs()}, True
    for peer in peers:
        version = peer.version(contest.python)
        if version is None:
            print(f"{peer.name} is not installed: {peer.install}")
            continue
        found = contest.differences(peer, ours, width_s)
        equal = equal and not found
        verdict = f"{len(found)} differences" if found else "equal"
        print(f"{peer.name} {version}: {verdict}")
        for difference in found[:_MOST_SHOWN]:
            print(f"  {difference}")
        if not found:
            commands[peer.name] = peer.started(contest.python, contest.log, width_s)
    return commands, equal


def _install(peers: list[Peer], python: str) -> None:
    """Install what is on PyPI and missing; packages of Debian need another user."""
    missing = [peer.package for peer in peers if peer.on_pypi and peer.version(python) is None]
    if missing:
        subprocess.run([python, "-m", "pip", "install", *missing], check=True)


def main() -> int:
    """Compare and measure; return 1 if an answer differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--lines", type=int, default=500_000, help="lines of the generated log")
    parser.add_argument("--runs", type=int, default=5, help="runs of each program")
    parser.add_argument("--peers", default=",".join(PEERS), help="default: %(default)s")
    parser.add_argument("--log", type=Path, help="a log of Istio 1.28 instead of a generated one")
    parser.add_argument("--python", default=sys.executable, help="what has the peers of PyPI")
    parser.add_argument("--install", action="store_true", help="install missing ones of PyPI")
    parser.add_argument("--check", action="store_true", help="compare answers and time nothing")
    arguments = parser.parse_args()
    names = [name.strip() for name in arguments.peers.split(",")]
    if unknown := [name for name in names if name not in PEERS]:
        parser.error(f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    peers = [PEERS[name] for name in names]
    if arguments.install:
        _install(peers, arguments.python)
    log = arguments.log or generated(arguments.lines, generator.Era.V1_28, shuffled=False)
    with tempfile.TemporaryDirectory() as folder:
        commands, equal = _checked(Contest(log, arguments.python, Path(folder)), peers)
    if not arguments.check:
        found = timed(commands, arguments.runs)
        makes = {"envoylogs": "all, and what no peer makes"} | {p.name: p.does for p in peers}
        size_mb = log.stat().st_size / 1e6
        print(f"\n{machine()}; {size_mb:.0f} MB; medians of {arguments.runs} runs in turn.\n")
        print(table(found, makes))
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
