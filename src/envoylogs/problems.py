"""Why a source was not read to its end, in words, and what to do about it."""

from __future__ import annotations

import shlex

UNLISTED_FOLDER = "unlisted_folder"
"""The problem of a folder of which nobody knows what it holds."""

CUT_LOG = "cut_log"
"""The problem of a log that became shorter while it was read, or was written anew."""

GONE_LOG = "gone_log"
"""The problem of a source that was there when it was found, and not when a worker came to it."""

MISSED_LOG = "missed_log"
"""The problem of a source that the worker could not read which was to count it."""

LOST_LOG = "lost_log"
"""The problem of a source whose worker has died each time that it counted it."""

PROBLEMS: dict[str, str] = {
    "truncated": "the archive ends too early",
    "damaged": "the archive holds bytes that its format does not allow, or fails its checksum",
    "bomb": "it unpacks to over 256 MiB and to over 250 times its size, which no log does",
    "oversized": "it needs over 128 MiB (zstd) or 256 MiB (xz) of memory to unpack",
    "nested": "an archive is inside the archive",
    "unread": "an archive of a kind that is not read: tar, zip or lz4",
    "cut": "the log was truncated or written anew while it was read",
    "gone": "the worker that was to count it found no such file",
    "missed": "the system refuses it to the worker that was to count it",
    "lost": "each worker that counted it has died",
    "unlisted": "the system refuses to list the folder",
    "vanished": "the object was removed after it was listed",
    "changed": "the object was written anew while it was read",
    "refused": "the store refuses to hand the object out",
    "failed": "the store did not answer, however often it was asked",
}
"""What can be wrong, in words. A problem is one of these keys, ``_`` and the name of a format, or
``log``, ``folder`` or ``object``."""

_UNPACKING = {
    "gzip": "gzip -dc",
    "zstd": "zstd -dc --long=31",
    "bzip2": "bzip2 -dc",
    "xz": "xz -dc",
    "tar": "tar -xOf",
    "zip": "unzip -p",
    "lz4": "lz4 -dc",
}


_REMEDIES = {
    UNLISTED_FOLDER: "Give this user the right to read it, or name other sources.",
    CUT_LOG: "Read it again, with what was moved out of it.",
    GONE_LOG: "Read it where it is now; workers on other machines need the same files.",
    MISSED_LOG: "Give workers the right to read it, or read it here, without --engine.",
    LOST_LOG: "Give each worker more memory, or read it here, without --engine.",
}


def remedy_of(problem: str, name: str) -> str:
    """Return what to do about the problem of a source, such as ``truncated_gzip``."""
    kind, _, archive = problem.partition("_")
    if problem in _REMEDIES:
        return _REMEDIES[problem]
    if archive == "object":
        return "Read it again; of one that is gone there is nothing more to read."
    if kind in {"truncated", "damaged"}:
        return "Get the file again."
    path = "-" if name == "<stdin>" else shlex.quote(name)
    return f"Unpack it into a pipe: {_UNPACKING[archive]} {path} | envoylogs"
