"""Fuzz the compiled decoder without Python: `python -m tests.fuzzing --seconds 600 --jobs 2`.

It is built with AddressSanitizer and UndefinedBehaviorSanitizer by clang, which must be there. What
has been found to be interesting is kept in ``--corpus``, if that is given, and begun with the next
time; inputs on which something is wrong are kept in ``--findings``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.fuzzing.configuration import KEYS, header
from tests.fuzzing.seeds import ROOT, seeds

from envoylogs.envoy.text_formats import DEFAULT_FORMATS, parse_format
from envoylogs.reading.envelopes.kubernetes import WRAPPING_OBJECTS

_HERE = Path(__file__).parent
_SOURCES = ROOT / "src" / "envoylogs" / "reading" / "decoders" / "_compiled"
_FLAGS = (
    "-g", "-O2", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fno-omit-frame-pointer",
    "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all",
    "-Wl,--wrap=realloc", "-Wl,--wrap=calloc",
)  # fmt: skip
_HEADS = (b"\0\0\0\0\0", b"\1\1\1\2\0", b"\2\0\2\0\0", b"\3\1\3\3\0", b"\4\0\0\0\7", b"\5\2\1\1\0")
"""How inputs begin: how what follows is read. See ``LLVMFuzzerTestOneInput``."""

_VALUES = (
    b"null", b"true", b"false", b'"-"', b'""', b"0", b"-1", b"1.0", b"1e3", b"\\u00e9", b"\\ud83d",
    b"\\ude00", b"\\n", b"\\\\", b'\\"', b"\r", b"\n", b"\t", b"\xc3\xa9", b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80", b"\xef\xbb\xbf", b"2026-11-28T12:30:05.123Z",
    b"2026-11-28T12:30:05.123456Z", b"[pod/a-1/istio-proxy] ", b"2026-01-02T03:04:05.123456789Z ",
    b"+02:00 ", b"stdout F ", b"stderr P ", b"},", b'":"', b'","', b'"NR"', b"999999999999999999",
    b"9007199254740993", b"/a/0123456789abcdef/5?b", b"/5b1c7d7e-1f0a-4a55-9a35-0f8f3f6c1a01",
)  # fmt: skip
_INTERRUPTED = 72
"""How libFuzzer ends if it is asked to."""

_EXECUTIONS = re.compile(r"stat::number_of_executed_units: +(\d+)")
_COVERAGE = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")


class Run(NamedTuple):
    """What came of one process.

    Attributes:
        executions: How many inputs were tried.
        edges: How many edges between blocks of code were met.
        features: As libFuzzer counts them: how often each edge was met, too.
        inputs: How many are in the corpus.
        is_clean: Whether nothing was found.
    """

    executions: int
    edges: int
    features: int
    inputs: int
    is_clean: bool


def build(folder: Path) -> Path:
    """Build the target in a folder, and return its path."""
    (folder / "decoder_configurations.h").write_text(header())
    target = folder / "decoder_fuzzer"
    sources = [
        path for path in sorted(_SOURCES.glob("*.c")) if "bindings.h" not in path.read_text()
    ]
    subprocess.run(
        ["clang", *_FLAGS, f"-I{_SOURCES}", f"-I{folder}", "-o", target,
         _HERE / "decoder_fuzzer.c", *sources],
        check=True,
    )  # fmt: skip
    return target


def write_corpus(folder: Path) -> int:
    """Write the seeds, each to be read in one of several ways; returns how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, log in enumerate(seeds()):
        (folder / f"seed-{number:04}").write_bytes(_HEADS[number % len(_HEADS)] + log)
    return number + 1


def dictionary() -> str:
    """Return words that logs are made of, in libFuzzer's notation."""
    words = {b'"' + key.encode() + b'":' for key in KEYS} | {*_VALUES, *WRAPPING_OBJECTS}
    for text in DEFAULT_FORMATS.values():
        words |= {literal.encode() for literal in parse_format(text).literals if literal}
    return "".join(f'"{"".join(map(_escaped, word))}"\n' for word in sorted(words))


def _escaped(byte: int) -> str:
    is_plain = 0x20 <= byte < 0x7F and chr(byte) not in '"\\'
    return chr(byte) if is_plain else f"\\x{byte:02x}"


def main() -> int:
    """Build, fuzz, and tell what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1, help="how many processes, side by side")
    parser.add_argument("--corpus", type=Path, help="where inputs are kept; nowhere without")
    parser.add_argument("--findings", type=Path, default=Path("fuzzing-findings"))
    given = parser.parse_args()
    if shutil.which("clang") is None:
        print("needs clang: apt-get install clang libclang-rt-dev", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        corpus = given.corpus or folder / "corpus"
        print(f"{write_corpus(corpus)} seeds", flush=True)
        (folder / "words").write_text(dictionary())
        given.findings.mkdir(parents=True, exist_ok=True)
        command = [
            build(folder), f"-max_total_time={given.seconds}", f"-dict={folder / 'words'}",
            f"-artifact_prefix={given.findings}/", "-max_len=8000", "-timeout=20",
            "-print_final_stats=1", "-reload=30", corpus,
        ]  # fmt: skip
        runs = _run(command, folder, given.jobs)
    for run in runs:
        print(
            f"{run.executions:,} executions, {run.edges:,} edges, {run.features:,} features, "
            f"{run.inputs:,} inputs: {'nothing found' if run.is_clean else 'SOMETHING FOUND'}"
        )
    is_clean = all(run.is_clean for run in runs)
    if not is_clean:
        print(f"inputs on which something is wrong are in {given.findings}")
    elif not any(given.findings.iterdir()):
        given.findings.rmdir()
    return 0 if is_clean else 1


def _run(command: list[str | Path], folder: Path, jobs: int) -> list[Run]:
    logs = [folder / f"job-{job}.log" for job in range(jobs)]
    environment = {
        **os.environ,
        "UBSAN_OPTIONS": "print_stacktrace=1",
        # Where a block was allocated is seldom asked, and to note it is a part of the time.
        "ASAN_OPTIONS": "malloc_context_size=3:quarantine_size_mb=32",
    }
    processes = []
    for log in logs:
        with log.open("wb") as out:
            processes.append(
                subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT, env=environment)
            )
    codes = [process.wait() for process in processes]
    return [_told(log, code) for log, code in zip(logs, codes, strict=True)]


def _told(log: Path, code: int) -> Run:
    text = log.read_text("utf-8", "replace")
    if code not in {0, _INTERRUPTED}:
        print(text[-8000:])
    executions = _EXECUTIONS.search(text)
    # The last line has the most.
    edges, features, inputs = _COVERAGE.findall(text)[-1] if _COVERAGE.search(text) else (0, 0, 0)
    return Run(
        int(executions[1]) if executions else 0,
        int(edges),
        int(features),
        int(inputs),
        code in {0, _INTERRUPTED},
    )


if __name__ == "__main__":
    raise SystemExit(main())
