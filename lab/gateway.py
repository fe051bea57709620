"""One gateway: where it listens and where it writes.

All paths are relative to its folder, so that no configuration names a machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Gateway"]


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway.

    Attributes:
        name: As in its file names.
        address: A loopback address of its own, so that logs tell gateways apart.
        folder: Where it runs and writes.
    """

    name: str
    address: str
    folder: Path

    @property
    def json_log(self) -> Path:
        """The JSON access log."""
        return self.folder / f"{self.name}.json.log"

    @property
    def text_log(self) -> Path:
        """The TEXT access log."""
        return self.folder / f"{self.name}.text.log"

    @property
    def envoy_log(self) -> Path:
        """What Envoy says of itself."""
        return self.folder / f"{self.name}.envoy.log"

    @property
    def admin_address(self) -> Path:
        """Where Envoy says on which port its admin page is."""
        return self.folder / f"{self.name}.admin"

    @property
    def pressure(self) -> Path:
        """What Envoy takes for its memory in use: a number from 0 to 1."""
        return self.folder / f"{self.name}.pressure"

    def discovery(self, name: str) -> str:
        """Return the file of the listeners or of a route table, relative to the folder."""
        # Envoy watches no path without a slash.
        return f"./{self.name}.{name}.json"
