"""Two checkouts side by side: the same command on the same logs must give the same bytes.

`python -m benchmarks.differential --before ../before/src --cases 500` makes logs of every era, in
every envelope, as TEXT, damaged, mixed and cut, asks for them with random options in both
checkouts, and prints each case whose exit code, output or messages differ. A case is told by its
number: `--only 17` runs it alone and keeps its log. `--before src --before-decoder reference`
compares the two decoders of one checkout.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import generator, text_writer, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TAKEN = re.compile(rb" in \d+(?:\.\d+)? s\b|\d+(?:\.\d+)? MB/s")
_SRC = Path(__file__).parent.parent / "src"
_BY = ("host", "path_group", "upstream_host", "upstream_subset", "user_agent", "client", "gateway",
       "response_code,upstream_cluster", "protocol", "failure", "start_time", "path")  # fmt: skip
_WHERE = ("response_code >= 500", "duration_ms > 100 AND host LIKE '%example%'", "path IS NULL",
          "upstream_host IS NOT NULL", "client LIKE '203.%'", "bytes_sent = 0")  # fmt: skip


class Case(NamedTuple):
    """A log, and what is asked of it."""

    data: bytes
    arguments: list[str]


def case_of(number: int) -> Case:
    """Return a case; the same number gives the same case."""
    random = Random(number)
    data = b"".join(_parts(random))
    if random.random() < 0.3:  # noqa: PLR2004
        data = damaged(data, random)
    return Case(data, list(_arguments(random)))


def _parts(random: Random) -> Iterator[bytes]:
    """Yield logs that stand one behind the other."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        count, seed = random.choice([1, 20, 200, 1500]), random.randrange(10**6)
        era = random.choice(list(generator.Era))
        if random.random() < 0.2:  # noqa: PLR2004
            yield b"".join(
                text_writer.text_line(record).encode() + b"\n"
                for record in generator.records(count, seed=seed)
            )
            continue
        lines = generator.lines(
            count, era=era, seed=seed, shuffled=random.random() < 0.5,  # noqa: PLR2004
            rate_per_second=random.choice([0.05, 1.0, 100.0]),
        )  # fmt: skip
        form = random.choice([None, None, None, *wrapped.FORMS.values()])
        for place, line in enumerate(lines):
            yield line if form is None else form(place, line)


def damaged(data: bytes, random: Random) -> bytes:
    """Return a log with some bytes changed, values of other types, lines cut or left out."""
    lines = data.split(b"\n")
    for _ in range(random.randrange(1, 12)):
        place = random.randrange(len(lines))
        line = lines[place]
        where = random.randrange(len(line) + 1)
        lines[place] = random.choice(_DAMAGE)(line, where, random.randrange(256))
    return b"\n".join(lines)


_DAMAGE: list[Callable[[bytes, int, int], bytes]] = [
    lambda line, where, _: line[:where],
    lambda line, where, byte: line[:where] + bytes([byte]) + line[where + 1 :],
    lambda line, _, __: line + b" " + line,
    lambda _, __, ___: b"not a record",
    lambda line, _, __: re.sub(rb'"response_code":\s*"?\d+"?', b'"response_code":true', line),
    lambda line, _, __: re.sub(rb'"response_code":\s*"?(\d+)"?', rb'"response_code":\1.0', line),
    lambda line, _, __: re.sub(rb'"duration":\s*"?(\d+)"?', rb'"duration":"x\1"', line),
    lambda line, _, __: re.sub(rb'"authority":\s*"[^"]*"', b'"authority":["a",{"b":1}]', line),
    lambda line, _, __: re.sub(rb'"route_name":\s*[^,}]*', b'"route_name":5', line),
    lambda line, _, __: re.sub(rb'"start_time":\s*"[^"]*"', b'"start_time":1767225600', line),
    lambda line, _, __: re.sub(rb'"method":\s*"[^"]*"', b'"method":"GET /line HTTP/1.1"', line),
    lambda line, _, __: line.replace(b'"path":', b'"extra":{"a":1},"path":', 1),
]


def _arguments(random: Random) -> Iterator[str]:
    """Yield the options of one command."""
    yield "summarize"
    yield from ("--format", random.choice(["json"] * 6 + ["markdown", "csv", "prometheus"]))
    choices = [
        ("--host", "*.example.com"), ("--code", "4xx"), ("--code", "5xx"), ("--outcome", "error"),
        ("--outcome", "unrouted"), ("--path", "/widgets*"), ("--role", "all"),
        ("--since", "2026-11-01T12:00:05Z"), ("--until", "2026-11-01T12:01:00Z"),
        ("--distinct-requests",), ("--anonymize",), ("--show-query",), ("--max-names", "3"),
        ("--max-latency-rows", "40"), ("--joint", "host,response_code"),
        ("--map", "path=authority"), ("--by", random.choice(_BY)), ("--by", random.choice(_BY)),
        ("--where", random.choice(_WHERE)),
    ]  # fmt: skip
    for words in random.sample(choices, random.choice([0, 0, 1, 1, 2, 3])):
        yield from words


def main() -> None:
    """Compare, and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--before", type=Path, help="the src folder to compare with")
    parser.add_argument("--before-decoder", help="the decoder that it uses; its own without")
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        _work()
        return
    numbers = (
        [given.only] if given.only is not None else range(given.first, given.first + given.cases)
    )
    folder = Path(tempfile.mkdtemp())
    log = folder / "gateway.log"
    workers = [_worker(given.before, folder, given.before_decoder), _worker(_SRC, folder)]
    unlike = 0
    for number in numbers:
        case = case_of(number)
        log.write_bytes(case.data)
        arguments = [*case.arguments, log.name]
        before, after = [_asked(worker, arguments) for worker in workers]
        if before != after:
            unlike += 1
            print(
                f"case {number}: {' '.join(arguments)}", *_first_unlike(before, after), sep="\n  "
            )
            if given.only is not None:
                (folder / "before").write_text(before[1])
                (folder / "after").write_text(after[1])
                print(f"  kept in {folder}")
    print(f"{unlike} of {len(numbers)} cases differ")
    raise SystemExit(unlike > 0)


def _first_unlike(before: list[str], after: list[str]) -> Iterator[str]:
    for name, one, other in zip(("exit", "output", "messages"), before, after, strict=True):
        if one != other:
            pairs = zip(one.split("\n"), other.split("\n"), strict=False)
            was, now = next(((a, b) for a, b in pairs if a != b), (one[-300:], other[-300:]))
            yield f"  {name}: {was[:300]!r}\n      now: {now[:300]!r}"


def _worker(src: Path, folder: Path, decoder: str | None = None) -> subprocess.Popen[str]:
    root = str(_SRC.parent)
    environment = {
        **os.environ, "PYTHONPATH": f"{src.resolve()}{os.pathsep}{root}", "COLUMNS": "120",
        "ENVOYLOGS_ANONYMIZE_KEY": "a key for comparisons",
    }  # fmt: skip
    if decoder is not None:
        environment["ENVOYLOGS_DECODER"] = decoder
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.differential", "--worker"],
        cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def _asked(worker: subprocess.Popen[str], arguments: list[str]) -> list[str]:
    if worker.stdin is None or worker.stdout is None:
        raise ValueError
    print(json.dumps(arguments), file=worker.stdin, flush=True)
    found: list[str] = json.loads(worker.stdout.readline())
    return found


class _Kept(io.BytesIO):
    """Is not closed by those who write to it."""

    def close(self) -> None:
        """Keep what was written."""


def _work() -> None:
    """Answer commands, one a line, in the process of one checkout."""
    from envoylogs.cli.app import main as run  # of the checkout that is asked

    answers = sys.stdout
    for asked in sys.stdin:
        kept = [_Kept(), _Kept()]
        streams = [io.TextIOWrapper(one, write_through=True) for one in kept]
        code = 0
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            try:
                sys.argv[1:] = json.loads(asked)
                run()
            except SystemExit as ended:
                code = int(ended.code or 0)
            except Exception as error:  # noqa: BLE001  # a crash is an answer to compare
                print(f"crashed: {type(error).__name__}: {error}", file=sys.stderr)
        texts = [_TAKEN.sub(b"", found.getvalue()).decode("utf-8", "replace") for found in kept]
        print(json.dumps([str(code), *texts]), file=answers, flush=True)


if __name__ == "__main__":
    main()
