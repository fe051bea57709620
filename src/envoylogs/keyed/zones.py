"""Whose clock times are of: that of a named zone, that of this machine, or UTC."""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from envoylogs.errors import SelectionError, nearest

if TYPE_CHECKING:
    from datetime import tzinfo

_LOCAL = Path("/etc/localtime")
_FOLDER = "zoneinfo/"


def zone_of(name: str | None, *, local: bool) -> tzinfo:
    """Return a zone of the IANA database, that of this machine, or UTC.

    Raises:
        SelectionError: If there is no such zone.
    """
    if local:
        name = _local_name()
    if name is None or name.upper().removeprefix("ETC/") == "UTC":
        return UTC
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        known = sorted(zoneinfo.available_timezones())
        why = nearest(name, known) if known else " This machine has no list of time zones."
        raise SelectionError(f"{name!r} is not the name of a time zone.{why}") from error


def name_of(zone: tzinfo) -> str | None:
    """Return the name of a zone, null for UTC."""
    return None if zone is UTC else str(zone)


def _local_name() -> str:
    """Return what this machine's zone is called.

    Raises:
        SelectionError: If it has no name.
    """
    name = os.environ.get("TZ", "").removeprefix(":") or _of_link() or _of_file()
    if name is None:
        raise SelectionError("this machine's time zone has no name; give --timezone Europe/Berlin.")
    return name


def _of_link() -> str | None:
    _, folder, name = os.path.realpath(_LOCAL).partition(_FOLDER)
    return name if folder else None


def _of_file() -> str | None:
    try:
        return Path("/etc/timezone").read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None if _LOCAL.exists() else "UTC"
