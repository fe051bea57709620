"""Measure every stage and the whole command; print a Markdown table.

Each figure is the median of several runs in fresh processes, so that memory
is that of one run; a ratio compares two commands that ran in turn, because a
shared machine drifts. Needs psutil for the memory of a process tree.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import generator, months, pages, strangers, text_writer, wrapped

_DATA = Path(__file__).parent / "data"
_STAGES = ("blocks", "decoded", "normalized", "tally")


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds by the clock and of processors, and peak memory of the processes in MB."""

    seconds: float
    processor_seconds: float
    peak_mb: float


def run(command: list[str], *, one_core: bool = False, output: Path = Path(os.devnull)) -> Run:
    """Run a command to its end, with its output in a file, and watch its process tree.

    The peak is the larger of what the system says of the largest of its processes, and of what all
    of them together had at any look. Whoever looks often takes a part of a core for it.
    """
    environment = dict(os.environ)
    # Polars sets it for those that are started from here, whatever they would set themselves.
    environment.pop("_RJEM_MALLOC_CONF", None)
    if one_core:
        environment["POLARS_MAX_THREADS"] = "1"
        command = ["taskset", "-c", "0", *command]
    started = time.perf_counter()
    with (
        output.open("wb") as out,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
            env=environment,
        ) as process,
    ):  # fmt: skip
        looking = threading.Thread(target=_look_at, args=(process.pid, found := [0]), daemon=True)
        looking.start()
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        looking.join()
    if process.returncode:
        raise SystemExit(f"failed: {' '.join(command)}")
    # In kilobytes, but for macOS.
    peak = max(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024), *found)
    return Run(seconds, used.ru_utime + used.ru_stime, peak / 1e6)


_LOOK_S = 0.05


def _look_at(process: int, found: list[int]) -> None:
    """Note how much memory a process and those that it has started have together, at most."""
    try:
        watched = psutil.Process(process)
        while watched.is_running() and watched.status() != psutil.STATUS_ZOMBIE:
            tree = [watched, *watched.children(recursive=True)]
            found[0] = max(found[0], sum(part.memory_info().rss for part in tree))
            time.sleep(_LOOK_S)
    except psutil.Error:
        return


def median_run(command: list[str], runs: int, *, one_core: bool = False) -> Run:
    """Return the median time and the largest peak of several runs."""
    return median_of([run(command, one_core=one_core) for _ in range(runs)])


def median_of(found: list[Run]) -> Run:
    """Return the median times and the largest peak of runs."""
    return Run(
        statistics.median(r.seconds for r in found),
        statistics.median(r.processor_seconds for r in found),
        max(r.peak_mb for r in found),
    )


def measured_stage(stage: str, log: Path) -> None:
    """Run one stage over a log, to the end of that stage; for ``--stage``."""
    from envoylogs import schema
    from envoylogs.keyed.decoding import batches, decode
    from envoylogs.keyed.plan import ReadPlan
    from envoylogs.pipeline import tally_sources
    from envoylogs.sources.blocks import blocks
    from envoylogs.sources.locate import locate

    sources = locate([str(log)])
    if stage == "blocks":
        for source in sources:
            with source.open_raw() as raw:
                for _ in blocks(source.unpacked(raw)):
                    pass
    elif stage == "decoded":
        for _ in decode(sources, ReadPlan(tuple(schema.NORMALIZED))):
            pass
    elif stage == "normalized":
        for _ in batches(sources):
            pass
    else:
        tally_sources(sources)


def stage_seconds(stage: str, log: Path, runs: int, *, one_core: bool) -> float:
    """Return the median seconds of a stage, without the start of the interpreter."""
    command = [sys.executable, "-m", "benchmarks.run", "--stage", stage, str(log)]
    idle = [sys.executable, "-m", "benchmarks.run", "--stage", stage, os.devnull]
    whole = median_run(command, runs, one_core=one_core).seconds
    return whole - median_run(idle, runs, one_core=one_core).seconds


def generated(lines: int, era: generator.Era, *, shuffled: bool) -> Path:
    """Return a generated log, made on first use."""
    order = "shuffled" if shuffled else "sorted"
    path = _DATA / f"{era.value}-{order}-{lines}.jsonl"
    if not path.exists():
        _DATA.mkdir(exist_ok=True)
        generator.write(path, lines, era=era, shuffled=shuffled)
    return path


def generated_text(lines: int) -> Path:
    """Return a generated log of TEXT, made on first use."""
    path = _DATA / f"text-{lines}.log"
    if not path.exists():
        _DATA.mkdir(exist_ok=True)
        text_writer.write(path, lines)
    return path


def generated_form(log: Path, form: str) -> Path:
    """Return a log as something else writes it, made on first use."""
    path = log.with_name(f"{re.sub('[^a-z0-9]+', '-', form.lower())}-{log.name}")
    if not path.exists():
        wrapped.write(path, log, form)
    return path


def report_forms(log: Path, runs: int) -> None:
    """Measure what envelopes and damaged lines cost, each beside the bare log."""
    for form in wrapped.FORMS:
        path = generated_form(log, form)
        bare = stage_seconds("normalized", log, runs, one_core=True)
        seconds = stage_seconds("normalized", path, runs, one_core=True)
        print(f"| reader to normalized, {form}, one core | {seconds:.2f} | "
              f"{_speed(path, seconds)}, {bare / seconds:.2f} of bare |")  # fmt: skip


def _speed(path: Path, seconds: float) -> str:
    return f"{path.stat().st_size / seconds / 1e6:.0f} MB/s"


def machine() -> str:
    """Return what figures were measured on."""
    return f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores"


def report(lines: int, runs: int) -> None:
    """Measure everything and print it."""
    log = generated(lines, generator.Era.V1_28, shuffled=False)
    size_mb = log.stat().st_size / 1e6
    print(f"{machine()}; {lines:,} lines, {size_mb:.0f} MB; median of {runs} runs.\n")
    print("| what | seconds | speed |\n|---|---|---|")
    for stage in _STAGES[:3]:
        seconds = stage_seconds(stage, log, runs, one_core=True)
        print(f"| reader to {stage}, one core | {seconds:.2f} | {_speed(log, seconds)} |")
    seconds = stage_seconds("tally", log, runs, one_core=False)
    print(f"| reader to tally, all cores | {seconds:.2f} | {_speed(log, seconds)} |")
    report_forms(log, runs)
    text = generated_text(lines)
    seconds = stage_seconds("normalized", text, runs, one_core=True)
    print(f"| reader to normalized, TEXT, one core | {seconds:.2f} | {_speed(text, seconds)} |")
    command = [sys.executable, "-m", "envoylogs", "summarize"]
    found = median_run([*command, str(text)], runs)
    print(f"| summarize, TEXT | {found.seconds:.2f} | "
          f"{_speed(text, found.seconds)}, peak {found.peak_mb:.0f} MB |")  # fmt: skip
    for era in generator.Era:
        for shuffled in (False, True):
            path = generated(lines, era, shuffled=shuffled)
            found = median_run([*command, str(path)], runs)
            order = "shuffled" if shuffled else "sorted"
            print(f"| summarize, Istio {era.value}, {order} keys | {found.seconds:.2f} | "
                  f"{_speed(path, found.seconds)}, peak {found.peak_mb:.0f} MB |")  # fmt: skip
    tenfold = generated(lines * 10, generator.Era.V1_28, shuffled=False)
    once, ten = median_run([*command, str(log)], runs), run([*command, str(tenfold)])
    print(f"| summarize, ten times the lines | {ten.seconds:.2f} | {_speed(tenfold, ten.seconds)}, "
          f"peak {ten.peak_mb:.0f} MB, {ten.peak_mb / once.peak_mb:.2f} of once |")  # fmt: skip
    for by in ((), ("--by", "user_agent")):
        _report_strangers(4 * lines, by)
    report_growing(log, runs)
    report_months(lines)
    report_pages(log, runs)
    _report_packed(log, runs)
    _report_start(runs)


def report_growing(log: Path, runs: int) -> None:
    """Measure a run with a state on a log that grew by a hundredth since the last one."""
    command = [sys.executable, "-m", "envoylogs", "summarize"]
    lines = log.read_bytes().splitlines(keepends=True)
    grown, state = log.with_name("grown.jsonl"), log.with_name("grown.state")
    seconds = []
    for _ in range(runs):
        state.unlink(missing_ok=True)
        grown.write_bytes(b"".join(lines[: -len(lines) // 100]))
        first = run([*command, str(grown), "--state", str(state)])
        grown.write_bytes(b"".join(lines))
        seconds.append(run([*command, str(grown), "--state", str(state)]).seconds)
    whole = median_run([*command, str(log)], runs)
    print(f"| the first run with --state | {first.seconds:.2f} | "
          f"{first.seconds / whole.seconds:.2f} of a run without it |")  # fmt: skip
    print(f"| a run with --state, 1 % new | {statistics.median(seconds):.2f} | "
          f"{statistics.median(seconds) / whole.seconds:.2f} of reading all |")  # fmt: skip


def report_months(lines: int) -> None:
    """Measure the sum of 365 daily tallies of so many lines each."""
    folder = _DATA / f"days-{lines}"
    if not folder.exists():
        months.write(folder, 365, lines)
    total = _DATA / "year.tally"
    command = [sys.executable, "-m", "envoylogs"]
    merged = run([*command, "merge", str(folder), "-o", str(total)])
    shown = run([*command, "summarize", str(total)])
    daily_mb = sum(path.stat().st_size for path in folder.iterdir()) / 365e6
    print(f"| merge 365 daily tallies of {lines:,} lines | {merged.seconds:.2f} | "
          f"{daily_mb:.2f} MB each, sum {total.stat().st_size / 1e6:.2f} MB, "
          f"peak {merged.peak_mb:.0f} MB |")  # fmt: skip
    print(f"| summarize their sum | {shown.seconds:.2f} | peak {shown.peak_mb:.0f} MB |")


def report_pages(log: Path, runs: int) -> None:
    """Measure the page of a log: writing, size, opening, and a change of a filter."""
    command = [sys.executable, "-m", "envoylogs"]
    for rows in (500_000, 250_000):
        path = log.with_name(f"page-{rows}.html")
        made = [*command, "report", str(log), "-o", str(path), "--max-joint-rows", str(rows)]
        pairs = [(run(made), run([*command, "summarize", str(log)])) for _ in range(runs)]
        written = median_of([ours for ours, _ in pairs])
        ratio = statistics.median(ours.seconds / plain.seconds for ours, plain in pairs)
        found = pages.opened(path, runs)
        print(f"| report, {rows:,} rows | {written.seconds:.2f} | {ratio:.2f} of summarize, "
              f"peak {written.peak_mb:.0f} MB, page {path.stat().st_size / 1e6:.1f} MB, "
              f"first paint {found.first_paint_ms:.0f} ms, drawn {found.drawn_ms:.0f} ms, "
              f"a change {found.change_ms:.0f} ms, the slowest {found.slowest_change_ms:.0f} ms, "
              f"what is out of sight {found.rest_ms:.0f} ms |"
        )  # fmt: skip


def _report_strangers(lines: int, by: tuple[str, ...]) -> None:
    """Measure a log in which strangers choose all names, and check what it says."""
    path = _DATA / f"strangers-{lines}.jsonl"
    if not path.exists():
        _DATA.mkdir(exist_ok=True)
        strangers.write(path, lines)
    answer = path.with_suffix(".json")
    command = [sys.executable, "-m", "envoylogs", "summarize", str(path)]
    found = run([*command, "--format", "json", "--output", str(answer), *by])
    said = json.loads(answer.read_text())
    kept = {row["authority"] for row in said["by"]["authority"]}
    if not (
        said["overview"]["requests"] == lines
        and said["overview"]["noise"]["requests"] == lines // 2
        and kept.issuperset(strangers.KNOWN_HOSTS)
        and said["folded"]["columns"]["authority"]["names_at_least"] > lines // 3
    ):
        raise SystemExit(f"wrong: {answer}")
    option = f", {' '.join(by)}" if by else ""
    names = f"{lines // 2:,} hosts and clusters of strangers"
    print(f"| summarize{option}, {names} | {found.seconds:.2f} | "
          f"{_speed(path, found.seconds)}, peak {found.peak_mb:.0f} MB |")  # fmt: skip


def _report_packed(log: Path, runs: int) -> None:
    """Compare the whole command on compressed input with the same log plain, run in turn."""
    command = [sys.executable, "-m", "envoylogs", "summarize"]
    for packer, suffix in (("gzip", "gz"), ("zstd", "zst")):
        packed = log.with_suffix(f".jsonl.{suffix}")
        if not packed.exists():
            with packed.open("wb") as out:
                subprocess.run([packer, "-c", str(log)], stdout=out, check=True)
        pairs = [(run([*command, str(packed)]), run([*command, str(log)])) for _ in range(runs)]
        seconds = statistics.median(ours.seconds for ours, _ in pairs)
        ratio = statistics.median(ours.seconds / plain.seconds for ours, plain in pairs)
        peak = max(ours.peak_mb for ours, _ in pairs)
        print(f"| summarize, {packer} | {seconds:.2f} | {ratio:.2f} of plain, "
              f"peak {peak:.0f} MB |")  # fmt: skip


def _report_start(runs: int) -> None:
    few = generated(10, generator.Era.V1_28, shuffled=False)
    imports = [sys.executable, "-c", "import polars, typer"]
    commands = {
        "`--help`": [sys.executable, "-m", "envoylogs", "--help"],
        "ten lines as text": [sys.executable, "-m", "envoylogs", str(few)],
        "ten lines as JSON": [sys.executable, "-m", "envoylogs", str(few), "--format", "json"],
    }
    for name, command in commands.items():
        pairs = [(run(command).seconds, run(imports).seconds) for _ in range(4 * runs)]
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        seconds = statistics.median(ours for ours, _ in pairs)
        print(f"| {name} | {seconds:.3f} | {ratio:.2f} of importing polars and typer |")


def main() -> None:
    """Measure; with ``--stage`` run that one stage only."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--stage", nargs=2, metavar=("STAGE", "LOG"))
    arguments = parser.parse_args()
    if arguments.stage:
        stage, log = arguments.stage
        measured_stage(stage, Path(log))
    else:
        report(arguments.lines, arguments.runs)


if __name__ == "__main__":
    main()
