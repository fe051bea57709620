"""Documents of JSON, of which nothing but their extent is decoded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from envoylogs.errors import first_line
from envoylogs.mesh.errors import MeshFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANY = msgspec.json.Decoder(msgspec.Raw)
_AT = re.compile(r"JSON is malformed: (.*) \(byte (\d+)\)")
_TRAILING = "trailing characters"
_SPACE = re.compile(rb"[ \t\r\n]*")
_PIECE_BYTES = 1024 * 1024


def is_json(data: memoryview) -> bool:
    """Tell whether a text begins as a list or an object of JSON."""
    space = _SPACE.match(data)
    return space is not None and bytes(data[space.end() : space.end() + 1]) in {b"{", b"["}


def json_documents(data: memoryview, name: str) -> Iterator[msgspec.Raw]:
    """Yield the documents of a text in JSON; there may be several one after the other.

    All of a document is checked to be JSON before it is yielded.

    Args:
        data: The text in UTF-8.
        name: Of the file, for errors.

    Raises:
        MeshFileError: If it is no valid JSON, or nested too deeply.
    """
    start = 0
    while start < len(data):
        rest = data[start:]
        space = _SPACE.match(rest)
        if space is not None and space.end() == len(rest):
            return
        try:
            document, size = _first(rest)
        except msgspec.DecodeError as error:
            found = _AT.search(str(error))
            reason = found[1] if found else first_line(error)
            at = start + int(found[2]) if found else len(data)
            place = f"{name}:{_line(data, at)}"
            raise MeshFileError.syntax(place, reason, "JSON") from None
        except RecursionError:
            raise MeshFileError.beyond(
                name, "lists and objects are in each other too deeply"
            ) from None
        yield document
        start += size


def _first(data: memoryview) -> tuple[msgspec.Raw, int]:
    """Return the first document of a text, and how many bytes it takes."""
    try:
        return _ANY.decode(data), len(data)
    except msgspec.DecodeError as error:
        found = _AT.search(str(error))
        if found is None or found[1] != _TRAILING:
            raise
        # The byte that is named is the one after the first that is too many.
        size = int(found[2]) - 1
        return _ANY.decode(data[:size]), size


def _line(data: memoryview, at: int) -> int:
    """Return the number of the line of a byte, counted from 1."""
    return 1 + sum(
        bytes(data[start : min(start + _PIECE_BYTES, at)]).count(b"\n")
        for start in range(0, at, _PIECE_BYTES)
    )
