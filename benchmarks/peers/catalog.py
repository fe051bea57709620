"""Which programs are timed beside envoylogs, how each is started, and what it leaves out."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.answers import answer_of_goaccess, answer_of_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peers.answers import Answer

__all__ = ["PEERS", "Peer"]

_VERSION = re.compile(r"\d+(?:\.\d+)*")
_FOLDER = Path(__file__).parent
_UPSTREAM_TIMES = ("times upstream_time_ms", "times gateway_ms")
_ALL_BUT_LINES = ("overview", "times", "authority", "route_name", "response_code",
                  "upstream_cluster", "response_flags", "response_code_details", "gateway",
                  "upstream_host", "groups", "splits", "timeline", "turned_away")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Peer:
    """A program that does the work of ``summarize``, or a part of it.

    Attributes:
        name: As people call it.
        program: What is asked for its version, if the package is not one of PyPI.
        command: What starts it; ``{python}``, ``{folder}``, ``{log}`` and
            ``{width_s}`` stand for what is known when it is run.
        package: Its name on PyPI, or in Debian.
        on_pypi: Whether the package is one of PyPI.
        does: What it makes, in a few words.
        left_out: What it does not make, as ``answers.differences`` takes it.
        read: Reads what it prints.
    """

    name: str
    program: str
    command: tuple[str, ...]
    package: str
    on_pypi: bool
    does: str = "all"
    left_out: tuple[str, ...] = ("lines",)
    read: Callable[[str], Answer] = answer_of_rows

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"{'pip' if self.on_pypi else 'apt-get'} install {self.package}"

    def started(self, python: str, log: Path, width_s: int) -> list[str]:
        """Return the command for a log, with time buckets of so many seconds."""
        known = {"python": python, "folder": _FOLDER, "log": log, "width_s": width_s}
        return [word.format(**known) for word in self.command]

    def version(self, python: str) -> str | None:
        """Return its version; null if it is not installed."""
        ask = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
        command = [python, "-c", ask, self.package]
        if not self.on_pypi:
            command = [self.program, "--version"]
        try:
            found = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        said = _VERSION.search(found.stdout)
        return said and said[0]


def _in_python(name: str, package: str) -> Peer:
    script = f"{{folder}}/in_{package}.py"
    command = ("{python}", script, "{log}", "{width_s}")
    return Peer(name, "{python}", command, package, on_pypi=True)


PEERS = {
    "duckdb": _in_python("DuckDB", "duckdb"),
    "polars": _in_python("Polars", "polars"),
    "chdb": _in_python("ClickHouse (chdb)", "chdb"),
    "jq": Peer(
        "jq",
        "jq",
        ("jq", "-n", "-c", "--argjson", "width_s", "{width_s}", "-f", "{folder}/in_jq.jq", "{log}"),
        "jq",
        on_pypi=False,
        does="all but times of the upstream",
        left_out=("lines", *_UPSTREAM_TIMES),
    ),
    "miller": Peer(
        "Miller",
        "mlr",
        ("sh", "{folder}/in_miller.sh", "{log}", "{width_s}"),
        "miller",
        on_pypi=False,
        does="all but times of the upstream",
        left_out=("lines", *_UPSTREAM_TIMES),
    ),
    "goaccess": Peer(
        "GoAccess",
        "goaccess",
        ("goaccess", "{log}", "--config-file={folder}/in_goaccess.conf", "--no-global-config",
         "--no-parsing-spinner", "-o", "json"),
        "goaccess",
        on_pypi=False,
        does="hosts, paths, codes and clients with averages; no percentiles, routes or clusters",
        left_out=_ALL_BUT_LINES,
        read=answer_of_goaccess,
    ),
}  # fmt: skip
"""By the name on the command line."""
