"""The benchmark log as Kubernetes hands it out, and with damaged lines, for measurements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["FORMS", "write"]

_DURATION = re.compile(rb'"duration":\d+')
_AGENT = b'"user_agent":"'


def _time(place: int) -> bytes:
    return b"2026-01-02T03:%02d:%02d.%09dZ" % (
        place // 60_000 % 60, place // 1000 % 60, place * 7_919 % 10**9,
    )  # fmt: skip


def _kubectl(place: int, line: bytes) -> bytes:
    return b"[pod/istio-ingressgateway-7d9c5d6f8-%05d/istio-proxy] " % (place % 3) + line


def _kubectl_with_times(place: int, line: bytes) -> bytes:
    return _kubectl(place, _time(place) + b" " + line)


def _cri(place: int, line: bytes) -> bytes:
    return _time(place) + b" stdout F " + line


def _damaged(place: int, line: bytes) -> bytes:
    """Return a line of which one in a hundred is cut, has a bare dash or octal escapes."""
    if place % 100:
        return line
    damage = place // 100 % 3
    if damage == 0:
        return line[: len(line) // 2] + b"\n"
    if damage == 1:
        return _DURATION.sub(b'"duration":-', line)
    return line.replace(_AGENT, _AGENT + rb"\303\251", 1)


FORMS: dict[str, Callable[[int, bytes], bytes]] = {
    "kubectl --prefix": _kubectl,
    "kubectl --prefix --timestamps": _kubectl_with_times,
    "CRI": _cri,
    "1 % of lines damaged": _damaged,
}
"""What becomes of each line, by what does it."""


def write(path: Path, log: Path, form: str) -> None:
    """Write a log in another form.

    Args:
        path: To write.
        log: Of JSON, a record a line.
        form: One of ``FORMS``.
    """
    change = FORMS[form]
    with log.open("rb") as lines, path.open("wb") as out:
        out.writelines(change(place, line) for place, line in enumerate(lines))
