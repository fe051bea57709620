"""Lines without their envelopes, and who wrote them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

# /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log and
# /var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log
_FILE_OF_CONTAINER = re.compile(
    r"(?:^|/)(?P<pod>[-a-z0-9.]+)_(?P<namespace>[-a-z0-9]+)_(?P<container>[-a-z0-9]+)"
    r"-[0-9a-f]{64}\.log"
)
_FILE_OF_POD = re.compile(
    r"(?:^|/)(?P<namespace>[-a-z0-9]+)_(?P<pod>[-a-z0-9.]+)_[-0-9a-f]{16,36}"
    r"/(?P<container>[-a-z0-9]+)/[^/]+$"
)


class Origin(NamedTuple):
    """Who wrote a line, as its envelope says; None for what it does not say."""

    pod: str | None = None
    namespace: str | None = None
    container: str | None = None


NOBODY = Origin()
"""An envelope that says nothing."""


@dataclass(slots=True)
class Payloads:
    """Lines without their envelopes.

    Attributes:
        lines: What was inside; an empty object where it is in ``objects``.
        numbers: The number of each; of a joined line that of its first part.
        objects: What was inside where that was an object and no line, by its number.
        originals: The bytes of each line that had an envelope, by its number.
        origins: Who wrote each line that had an envelope, by its number.
        parts: Of how many lines each joined line is made, by its number.
        part_numbers: The numbers of these lines.
        are_bare: Whether all lines begin as records, blank lines and printed objects do,
            which is told at once.
    """

    lines: list[bytes]
    numbers: list[int]
    objects: dict[int, dict[str, object]] = field(default_factory=dict)
    originals: dict[int, bytes] = field(default_factory=dict)
    origins: dict[int, Origin] = field(default_factory=dict)
    parts: dict[int, int] = field(default_factory=dict)
    part_numbers: dict[int, list[int]] = field(default_factory=dict)
    are_bare: bool = False

    def height(self, number: int) -> int:
        """Return of how many lines of the source a line is made."""
        return self.parts.get(number, 1)


def origin_of_file(source: str) -> Origin:
    """Return whose log a runtime's file is, as its name says."""
    match = _FILE_OF_CONTAINER.search(source) or _FILE_OF_POD.search(source)
    if match is None:
        return NOBODY
    return Origin(match["pod"], match["namespace"], match["container"])
