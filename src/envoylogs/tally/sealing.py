"""A checksum of every byte of a saved tally, in the file itself.

Parquet has room for metadata of one's own in its footer, so the file stays one
that any reader of Parquet opens. The checksum stands there as 64 hexadecimal
digits, and is that of the file with zeros in their place. Neither Parquet nor
Polars tells a flipped bit in a column of numbers from another number.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_KEY = "envoylogs.checksum"
_ZEROS = "0" * 64

UNSEALED = {_KEY: _ZEROS}
"""What the metadata of a file must hold for it to be sealed."""

# In Thrift's compact protocol: the key, the head of the next field, the length and the digits. A
# value that holds the key's words, such as the path of a log, is JSON and has no control bytes.
_SEAL = re.compile(re.escape(_KEY.encode()) + rb"\x18\x40([0-9a-f]{64})")


class SealError(ValueError):
    """A file has no checksum, or is not what the checksum is of."""


def write_sealed(whole: bytes, path: Path) -> None:
    """Write a file that has ``UNSEALED`` in it with its checksum, and read it back.

    Args:
        whole: The file without the checksum.
        path: Where it is written.

    Raises:
        OSError: If the file can't be read or written, or holds something else
            than what was written.
    """
    start, end = place_of_seal(whole)
    sealed = whole[:start] + _digest(whole, start, end) + whole[end:]
    path.write_bytes(sealed)
    if path.read_bytes() != sealed:
        raise OSError(f"{path} does not hold what was written to it.")


def is_sealed(whole: bytes) -> bool:
    """Tell whether bytes have a checksum, right or wrong."""
    return _SEAL.search(whole) is not None


def place_of_seal(whole: bytes) -> tuple[int, int]:
    """Return where a checksum begins and ends, right or wrong.

    Raises:
        SealError: If there is none.
    """
    found = _SEAL.search(whole)
    if found is None:
        raise SealError("it has no checksum")
    return found.span(1)


def verify(whole: bytes) -> None:
    """Hold a file against its checksum.

    Raises:
        SealError: If it has none, or any of its bytes is another one.
    """
    start, end = place_of_seal(whole)
    if whole[start:end] != _digest(whole, start, end):
        raise SealError("its content is not what its checksum is of")


def _digest(whole: bytes, start: int, end: int) -> bytes:
    counted = hashlib.sha256(whole[:start])
    counted.update(_ZEROS.encode())
    counted.update(whole[end:])
    return counted.hexdigest().encode()
