"""Logs of every kind that is known, some lines each: what both fuzzers begin with."""

from __future__ import annotations

import tomllib
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from benchmarks import generator, text_writer, wrapped
from benchmarks.differential import damaged
from tests.builders import Era, connection, in_era, line, printed, record
from tests.envelopes import ENVELOPES, Who

from envoylogs.envoy.text_formats import DEFAULT_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
_PUBLIC = ROOT.parent / "shared" / "records"
"""Records that others have published, where they lie beside the checkout."""

_LINES = 6
_LONGEST = 8 * 1024
_ODD = (
    b"", b"\r", b"\xef\xbb\xbf{}", b"{", b"}", b"[]", b"{}", b"null", b"17", b'{"a":{"b":1}}',
    b'{"response_code":200}', b'{"response_code":200,"response_code":404}',
    rb'{"response_flags":"\u00e9\ud83d\ude00\ud800","path":"\\\"\/\b\f\n\r\t"}',
    b'{"response_flags":"-","path":"\xc3\xa9\xf0\x9f\x98\x80\xed\xa0\x80"}',
    b'{"response_flags" : "NR" , "duration":\t1e3 , "bytes_sent":-0 , "bytes_received":1.50}',
    b'{"response_flags":"-","start_time":"2026-02-29T24:60:60.999999Z"}',
    b'{"response_flags":"-","duration":999999999999999999,"response_code":"0200"}',
    b'{"response_flags":"-","path":"/0123456789abcdef/0123456789ABCDEF0/12/x?y=\\u00E9"}',
    b'{"response_flags":"-","path":"/' + b"a/1" * 200 + b'"}',
    b'{"level":"info","msg":"x","response_code":200}', b'{"log":"{\\"response_flags\\":1}"}',
)  # fmt: skip


def seeds(seed: int = 0) -> list[bytes]:
    """Return logs of some lines each, without the last line feed; the same for the same seed."""
    random = Random(seed)
    found = dict.fromkeys(log for log in _all(random) if len(log) <= _LONGEST)
    some = list(found)
    found |= dict.fromkeys(damaged(random.choice(some), random) for _ in range(100))
    return list(found)


def _all(random: Random) -> Iterator[bytes]:
    yield from _of_files(random)
    yield from _generated(random)
    yield from _of_cases()
    one, other = record(path="/a?b=\u00e9\U0001f600", user_agent='"quoted" \\'), connection()
    both = [found for era in Era for found in (in_era(one, era), in_era(other, era))]
    yield from (line(found) for found in both)
    yield from (printed(found) for found in both)
    yield b"\n".join(map(line, both))
    for envelope in ENVELOPES.values():
        for who in (Who(), Who(pod="b-1", container="c")):
            yield b"\n".join(b"\n".join(envelope.wrap(line(found), who)) for found in both[:3])
    yield from _ODD
    yield b"\n".join(_ODD)
    # More keys than a decoder knows at a time.
    yield from (
        b"\n".join(b'{"response_flags":"-","key%d":1}' % key for key in range(first, first + 60))
        for first in range(0, 300, 60)
    )


def _of_files(random: Random) -> Iterator[bytes]:
    paths = [*(ROOT / "sample_logs").rglob("*.log"), *_PUBLIC.glob("*.*")]
    for path in sorted(paths):
        lines = path.read_bytes().split(b"\n")
        for _ in range(8):
            start = random.randrange(max(1, len(lines) - _LINES))
            yield b"\n".join(lines[start : start + random.randint(1, _LINES)])


def _generated(random: Random) -> Iterator[bytes]:
    for era in generator.Era:
        for shuffled in (False, True):
            lines = list(generator.lines(40, era=era, seed=random.randrange(99), shuffled=shuffled))
            yield b"".join(lines[: random.randint(1, _LINES)])[:-1]
            form = random.choice(list(wrapped.FORMS.values()))
            yield b"".join(form(n, one) for n, one in enumerate(lines[:_LINES]))[:-1]
    for text in DEFAULT_FORMATS.values():
        found = list(generator.records(60, seed=random.randrange(99)))
        lines_of_text = [text_writer.text_line(one, text).encode() for one in found]
        yield b"\n".join(random.sample(lines_of_text, _LINES))
        for form in wrapped.FORMS.values():
            yield b"\n".join(form(n, one) for n, one in enumerate(lines_of_text[:_LINES]))


def _of_cases() -> Iterator[bytes]:
    for path in sorted((ROOT / "tests" / "cases").glob("*.toml")):
        text = tomllib.loads(path.read_text()).get("input")
        if isinstance(text, str):
            yield text.encode()
