"""Records of the generator as lines of a TEXT format; the same arguments give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import generator
from envoylogs.envoy.text_formats import DEFAULT_FORMATS, parse_format

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

__all__ = ["text_line", "write"]

MODERN = next(iter(DEFAULT_FORMATS.values()))
"""The format of Istio 1.9 and later."""

_KEY_OF_COLUMN = {
    "duration_ms": "duration",
    "upstream_service_time_ms": "upstream_service_time",
}


def text_line(record: Mapping[str, object], form: str = MODERN) -> str:
    """Return a record as Envoy writes it, without the line end; quotes are not escaped.

    Args:
        record: With the keys of Istio's JSON.
        form: A format string.
    """
    taken = parse_format(form)
    written = ""
    for literal, operator in zip(taken.literals, taken.operators, strict=False):
        column = operator.column or ""
        value = record.get(_KEY_OF_COLUMN.get(column, column))
        written += literal + ("-" if value is None else str(value))
    return written + taken.literals[-1]


def write(path: str | PathLike[str], count: int, form: str = MODERN) -> int:
    """Write the log that ``generator.write`` writes, as TEXT.

    Args:
        path: The file, replaced when it exists.
        count: How many lines.
        form: A format string.

    Returns:
        The size of the file in bytes.
    """
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(text_line(found, form) + "\n" for found in generator.records(count))
        return file.tell()
