"""Changes of logs: of bytes, of lines, and of the keys and values of those that are objects."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.envelopes import ENVELOPES, Who
from tests.fuzzing.configuration import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_STRING = re.compile(rb'"[^"\\]*"')
_WORD = re.compile(rb'[^\s",:{}\[\]]+')
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 200, 0.0, 200.0, 1.5, 1e30, 2**53, 2**53 + 1, 10**18, -(10**20),
    "-", "", " ", "0", "00", "200", "-1", "4.0", "1e3", "GET / HTTP/1.1", "a b", "a\\b", 'a"b',
    "a\nb", "\x00", "\x1f", "\x7f", "\u00e9", "\u2028", "\ufeff", "\U0001f600", "\ud800",
    "\udc00\ud800", "2026-01-02T03:04:05Z", "2026-02-30T03:04:05.678Z",
    "2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:60.678Z", "1767225600",
    "1969-12-31T23:59:59.999Z", "9999-01-01T00:00:00.000Z", "192.0.2.1:80", "[::1]:80", "NR",
    "UF,URX", "via_upstream", "outbound|80|v1|a.b.svc.cluster.local", [], {}, [1], {"a": 1},
    {"response_code": 404}, "x" * 300, "/a/1/b?c=d#e",
)  # fmt: skip
_SPELLED = (
    b"1e3", b"1.0e0", b"-0", b"-0.0", b"01", b"+1", b".5", b"1.", b"1.000", b"0.10", b"NaN",
    b"Infinity", b"nul", b"tru", b"True", b"'a'", b'"\\u00e9"', b'"\\uD83D\\uDE00"', b'"\\ud83d"',
    b'"\\u000a"', b'"\\/"', b'"\\x41"', b'"\t"', b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"',
    b'"\xf4\x90\x80\x80"', b"", b"-", b'"a" "b"', b"999999999999999999", b"9999999999999999999",
    b"9007199254740992.0",
)  # fmt: skip
_ENDS = (
    b"\r", b" ", b"\t\r", b",", b"\x00", b"}", b"\xc2\xa0", b"\x0b", b"\x0c", b"\r\r",
)  # fmt: skip
_BEGINNINGS = (
    b"\xef\xbb\xbf", b" ", b"\t", b"[", b"{", b"\r", b"stdout F ", b"\x00", b'"', b"\x1b[0m",
)  # fmt: skip


def mutated(log: bytes, random: Random) -> bytes:
    """Return a log that has been changed once or a few times."""
    for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 5, 8))):
        lines = log.split(b"\n")
        place = random.randrange(len(lines))
        random.choices((_of_line, _of_object, _of_log), (4, 4, 2))[0](lines, place, random)
        log = b"\n".join(lines)
    return log


def cut(log: bytes, random: Random) -> list[bytes]:
    """Return a log as blocks of whole lines."""
    share = random.choice((0, 0, 0.02, 0.1, 0.3))
    blocks: list[list[bytes]] = [[]]
    for line in log.split(b"\n"):
        if blocks[-1] and random.random() < share:
            blocks.append([])
        blocks[-1].append(line)
    return [b"\n".join(block) for block in blocks]


def _of_line(lines: list[bytes], place: int, random: Random) -> None:
    lines[place] = random.choice(_LINE)(lines[place], random)


def _of_object(lines: list[bytes], place: int, random: Random) -> None:
    """Change the keys and values of an object, and write it in one of many ways."""
    line = lines[place]
    start = max(0, line.find(b"{"))
    try:
        found = json.loads(line[start:])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        _of_line(lines, place, random)
        return
    pairs = [(json.dumps(key), json.dumps(value)) for key, value in found.items()]
    for _ in range(random.randint(1, 3)):
        random.choice(_PAIRS)(pairs, random)
    colon, comma = random.choice(((":", ","), (":", ","), (": ", ", "), (" :\t", " ,\r")))
    text = "{" + comma.join(key + colon + value for key, value in pairs) + "}"
    lines[place] = line[:start] + text.encode("latin-1", "replace")


def _of_log(lines: list[bytes], place: int, random: Random) -> None:
    other = random.randrange(len(lines))
    match random.randrange(6):
        case 0:
            lines[place], lines[other] = lines[other], lines[place]
        case 1:
            lines[place:place] = [lines[other]] * random.choice((1, 2, 40))
        case 2 if len(lines) > 1:
            del lines[place]
        case 3:
            size = random.randint(0, len(lines[place]))
            lines[place : place + 1] = [lines[place][:size], lines[place][size:]]
        case 4:
            lines[:] = [line + b"\r" for line in lines]
        case _:
            wrap = random.choice(list(ENVELOPES.values())).wrap
            if _is_utf8(lines[place]):
                who = random.choice((Who(), Who("b-1", "c", "d")))
                lines[place : place + 1] = wrap(lines[place], who)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _flipped(line: bytes, random: Random) -> bytes:
    if not line:
        return line
    place = random.randrange(len(line))
    byte = random.choice((line[place] ^ 1 << random.randrange(8), random.choice(b'"\\{}[],: -\r')))
    return line[:place] + bytes([byte]).replace(b"\n", b"\r") + line[place + 1 :]


def _with_bytes(line: bytes, random: Random) -> bytes:
    place = random.randint(0, len(line))
    some = random.choice((random.randbytes(random.randint(1, 3)), *_SPELLED, *_ENDS))
    return line[:place] + some.replace(b"\n", b"") + line[place:]


def _without_bytes(line: bytes, random: Random) -> bytes:
    place = random.randint(0, len(line))
    return line[:place] + line[place + random.choice((1, 1, 2, 10, 1000)) :]


def _with_other_word(line: bytes, random: Random) -> bytes:
    """Replace a string, a number or a word."""
    found = list(random.choice((_STRING, _WORD)).finditer(line))
    if not found:
        return line
    one, other = random.choice(found), random.choice(found)[0]
    value = json.dumps(random.choice(_VALUES), ensure_ascii=random.random() < 0.5)
    written = value.encode("utf-8", "surrogatepass")
    some = random.choice((other, random.choice(_SPELLED), written, written.strip(b'"')))
    return line[: one.start()] + some.replace(b"\n", b"") + line[one.end() :]


_LINE: tuple[Callable[[bytes, Random], bytes], ...] = (
    _flipped,
    _with_bytes,
    _without_bytes,
    _with_other_word,
    _with_other_word,
    lambda line, random: line + random.choice(_ENDS),
    lambda line, random: random.choice(_BEGINNINGS) + line,
)

Pairs = list[tuple[str, str]]


def _shuffle(pairs: Pairs, random: Random) -> None:
    random.shuffle(pairs)


def _double(pairs: Pairs, random: Random) -> None:
    if pairs:
        pairs.insert(random.randint(0, len(pairs)), random.choice(pairs))


def _rename(pairs: Pairs, random: Random) -> None:
    if pairs:
        place = random.randrange(len(pairs))
        key = json.loads(pairs[place][0])
        names = (
            key.upper(), key.title(), key.replace("_", "-"), key.replace("_", ""), f"{key} ", "",
            f"http.{key}", f"request_{key}", key + "\x1f", random.choice(KEYS),
        )  # fmt: skip
        pairs[place] = (json.dumps(random.choice(names)), pairs[place][1])


def _escape(pairs: Pairs, random: Random) -> None:
    """Write a character of a key or a value by its number."""
    if pairs:
        place = random.randrange(len(pairs))
        parts = list(pairs[place])
        which = random.randrange(2)
        text = parts[which]
        spot = random.randrange(max(len(text), 1))
        if text.startswith('"') and 0 < spot < len(text) - 1 and "\\" not in text:
            parts[which] = f"{text[:spot]}\\u{ord(text[spot]):04x}{text[spot + 1 :]}"
        pairs[place] = (parts[0], parts[1])


def _replace(pairs: Pairs, random: Random) -> None:
    if pairs:
        place = random.randrange(len(pairs))
        spelled = random.choice(
            (json.dumps(random.choice(_VALUES)), random.choice(_SPELLED).decode("latin-1"))
        )
        pairs[place] = (pairs[place][0], spelled)


def _retype(pairs: Pairs, random: Random) -> None:
    """Make text of a number, or a number of text."""
    if pairs:
        place = random.randrange(len(pairs))
        key, value = pairs[place]
        pairs[place] = (key, value.strip('"') if value.startswith('"') else f'"{value}"')


def _add(pairs: Pairs, random: Random) -> None:
    key, value = random.choice((*KEYS, "new key", "level", "msg", "log")), random.choice(_VALUES)
    pairs.insert(random.randint(0, len(pairs)), (json.dumps(key), json.dumps(value)))


def _drop(pairs: Pairs, random: Random) -> None:
    if pairs:
        pairs.pop(random.randrange(len(pairs)))


_PAIRS: tuple[Callable[[Pairs, Random], None], ...] = (
    _shuffle, _double, _rename, _escape, _replace, _replace, _retype, _add, _drop,
)  # fmt: skip
